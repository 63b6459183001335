"""A signal handler, or a finaliser, that uses an attribute in the middle of another use of it."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from suitkaise.processing import Share


class Handler:
    """Calls something where the interpreter looks for signals for the n-th time in a Share."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.has_struck = False
        self._left = number
        self._act = act
        self._last: dict[FrameType, str] = {}

    def __enter__(self) -> None:
        sys._getframe().f_trace_opcodes = True  # Python 3.12 asks for it when tracing begins
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, stack: FrameType, event: str, _argument: Any) -> Any:
        if "/_share/" not in stack.f_code.co_filename:
            return None
        stack.f_trace_opcodes = True
        if event == "opcode":
            last = self._last.get(stack, "")
            self._last[stack] = dis.opname[stack.f_code.co_code[stack.f_lasti]]
            if last.startswith("CALL") or last in ("RESUME", "JUMP_BACKWARD"):
                self._left -= 1
                if self._left == 0:
                    sys.settrace(None)
                    self.has_struck = True
                    self._act()
        return self._trace


def increment(share: Share) -> None:
    share.count += 1


def append(share: Share) -> None:
    share.items.append(1)


def put(share: Share) -> None:
    share.table["k"] = 1


def look(share: Share) -> None:
    assert share.count >= 0
    assert len(share.items) > 0
    assert share.table.get("k", 1) == 1


@pytest.mark.parametrize("inner", [increment, append, look])
@pytest.mark.parametrize("outer", [increment, append, put, look])
def test_nothing_is_lost_at_whichever_instruction_a_handler_comes(
    outer: Callable[[Share], None], inner: Callable[[Share], None]
) -> None:
    share = Share()
    share.items = [()]
    share.table = {"t": ()}
    share.count = 0
    number, has_struck = 0, True

    while has_struck:
        number += 1
        share.count = 0
        share.items = [()]
        share.table = {"t": ()}
        handler = Handler(number, lambda: inner(share))
        with handler:
            outer(share)
        has_struck = handler.has_struck
        doers = [outer, inner] if has_struck else [outer]

        assert share.count == doers.count(increment)
        assert len(share.items) == 1 + doers.count(append)

    assert number > 20
