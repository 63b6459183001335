"""Whether who asks for an attribute goes on to call a method of it: `share.items.append(1)`.

A method looks by itself for what is new. So what is asked for only to call one need not be brought
up to date first; that would be a read for each append, of all that others have appended. Whatever
else is done with it might read its memory and call nothing (`set(share.s)`, libraries in C).
"""

from __future__ import annotations

import dis
from types import FrameType


def _learn() -> tuple[int, int, int, bool]:
    """Find out how this version of the interpreter spells it."""
    instructions = dis.get_instructions(compile("share.items.append()", "", "eval"))
    asks, calls = (each for each in instructions if each.argval in ("items", "append"))
    is_flagged = asks.opcode == calls.opcode  # then the lowest bit of its argument tells
    return asks.opcode, calls.offset - asks.offset, calls.opcode, is_flagged


_ASKS, _DISTANCE, _CALLS, _IS_FLAGGED = _learn()


def calls_a_method(frame: FrameType) -> bool:
    """Tell whether a frame, which asks for an attribute, calls a method of what it gets."""
    code, at = frame.f_code.co_code, frame.f_lasti
    following = at + _DISTANCE
    if code[at] != _ASKS or following >= len(code) or code[following] != _CALLS:
        return False
    return not _IS_FLAGGED or bool(code[following + 1] & 1)
