"""Ctrl-C at a chosen instruction of a module under test."""

from __future__ import annotations

import dis
import sys
from types import FrameType
from typing import Any


class Interrupt(BaseException):
    """What Ctrl-C or an alarm raises."""


class Interrupter:
    """Raises before the n-th instruction that is carried out in one module, for a `with`.

    Args:
        module: The end of its file's path.
        number: Counted from 1.
        where_it_looks: Whether only instructions count before which the interpreter itself looks
            for signals: where a call has returned, a function begins, a loop goes back.

    Attributes:
        has_struck: Whether there were so many.
    """

    def __init__(self, module: str, number: int, *, where_it_looks: bool = False) -> None:
        self.has_struck = False
        self._where_it_looks = where_it_looks
        self._last: dict[FrameType, str] = {}  # what each frame has carried out
        self._module = module
        self._left = number

    def __enter__(self) -> None:
        sys._getframe().f_trace_opcodes = True  # Python 3.12 asks for it when tracing begins
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> bool:
        sys.settrace(None)
        return _[0] is Interrupt

    def _trace(self, stack: FrameType, event: str, _argument: Any) -> Any:
        if not stack.f_code.co_filename.endswith(self._module):
            return None
        stack.f_trace_opcodes = True
        if event == "opcode" and self._counts(stack):
            self._left -= 1
            if self._left == 0:
                self.has_struck = True
                sys.settrace(None)
                raise Interrupt
        return self._trace

    def _counts(self, stack: FrameType) -> bool:
        if not self._where_it_looks:
            return True
        last = self._last.get(stack, "")
        self._last[stack] = dis.opname[stack.f_code.co_code[stack.f_lasti]]
        return last.startswith("CALL") or last in ("RESUME", "JUMP_BACKWARD")
