"""The hooks of an Skprocess: finding them, and giving each its timer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._lifecycle import Section

if TYPE_CHECKING:
    from suitkaise.timing import Sktimer

    from ._skprocess import Skprocess

SECTIONS = tuple(section for section in Section if section not in (Section.RECONNECT, Section.END))
HOOK_NAMES = {section.value: section for section in SECTIONS}


class Hook:
    """Stands in a class in place of a hook's function, so that `process.__run__.timer` works."""

    def __init__(self, function: Callable[..., Any], section: Section) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # __call__ when bound
        self.function = function
        self.section = section

    def __get__(self, process: Skprocess | None, owner: type | None = None) -> Any:
        if process is None:
            return self.function
        return BoundHook(self, process)


class BoundHook:
    """A hook of one process: callable, and with the timer of its section.

    Attributes:
        timer: The hook's times, or None before they have reached this process.
    """

    def __init__(self, hook: Hook, process: Skprocess) -> None:
        functools.update_wrapper(self, hook.function)
        self.__self__ = process
        self.__func__ = hook.function
        self._section = hook.section

    @property
    def timer(self) -> Sktimer | None:
        """Return the hook's timer."""
        timers = self.__self__.timers
        return None if timers is None else timers.of(self._section)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<hook {self.__func__.__qualname__} of {self.__self__!r}>"


def wrap_hooks(cls: type) -> None:
    """Replace the hooks that a class defines, or takes from a mixin, by `Hook`s."""
    for name, section in HOOK_NAMES.items():
        for owner in cls.__mro__:
            found = vars(owner).get(name)
            if found is not None:
                if callable(found) and not isinstance(found, Hook):
                    setattr(cls, name, Hook(found, section))
                break


def hook_function(process: Skprocess, section: Section) -> Callable[[], Any]:
    """Return the hook bound to the process, without the cost of `BoundHook`."""
    bound = getattr(process, section.value)
    if isinstance(bound, BoundHook):
        function: Callable[[], Any] = bound.__func__.__get__(process)
        return function
    return bound  # type: ignore[no-any-return]


def defined_sections(cls: type[Skprocess]) -> list[Section]:
    """Return the sections whose hooks the class defines itself or inherits from a user's class.

    `__error__` always counts: it has a default.
    """
    from ._skprocess import Skprocess

    return [
        section
        for section in SECTIONS
        if section is Section.ERROR
        or getattr(cls, section.value) is not getattr(Skprocess, section.value)
    ]
