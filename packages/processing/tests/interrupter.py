"""Ctrl-C at a chosen instruction of a module under test."""

from __future__ import annotations

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

    Attributes:
        has_struck: Whether there were so many.
    """

    def __init__(self, module: str, number: int) -> None:
        self.has_struck = False
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
        if event == "opcode":
            self._left -= 1
            if self._left == 0:
                self.has_struck = True
                sys.settrace(None)
                raise Interrupt
        return self._trace
