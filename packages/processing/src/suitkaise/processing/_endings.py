"""What one can wait for of a process: its end, its result, the next thing that it tells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ._awaiting import Awaited, Limit, Opener, Outcome, deliver
from ._parcels import Payload, unpack

if TYPE_CHECKING:
    from ._parent_end import ParentEnd


class _OfTheEnd(Awaited[Any]):
    """What there is once the process has ended."""

    method = ""
    consequence = "; the process goes on"

    def __init__(self, end: ParentEnd, timeout: float | None = None) -> None:
        super().__init__(f"{end.name}.{self.method}", end.news, timeout)
        self._end = end

    def is_ready(self) -> bool:
        return not self._end.is_alive


class Ending(_OfTheEnd):
    """That it has ended."""

    method = "wait"

    def claim(self) -> Opener | None:
        return lambda: (True, None)

    def give_up(self) -> Outcome:
        return False, None


class Result(_OfTheEnd):
    """What `__result__` returned."""

    method = "result"

    def claim(self) -> Opener | None:
        return self._end.open_ending


class RunResult(Result):
    """The same, for who has started the process only for that."""

    method = "run"
    consequence = "; the process was killed"

    def abandon(self) -> None:
        if self._end.is_alive:
            self._end.kill()


class NextMessage(Awaited[Any]):
    """The next thing that it tells."""

    def __init__(self, end: ParentEnd, timeout: float | None) -> None:
        super().__init__(f"{end.name}.listen", end.news, timeout)
        self._talk = end.conversation

    def is_ready(self) -> bool:
        return self._talk.has_news()

    def claim(self) -> Opener | None:
        is_over = self._talk.is_over  # asked first: nothing comes after the end
        payload = self._talk.read_told(is_readable=False)
        if payload is None:
            return self._nothing_more if is_over else None
        return opener_of(payload)

    def wait(self, timeout: float | None) -> Any:
        limit = Limit(self, timeout)
        payload = self._talk.next_payload(limit.moment)
        if payload is not None:
            return unpack(payload)
        return deliver(limit.over() or self._nothing_more())

    def give_up(self) -> Outcome:
        return None, None

    def _nothing_more(self) -> Outcome:
        if self.gives_up_at is not None:
            return None, None
        return None, self._talk.nothing_more()


def opener_of(payload: Payload) -> Callable[[], Outcome]:
    """Return what opens a message."""
    return partial(_open, payload)


def _open(payload: Payload) -> Outcome:
    return unpack(payload), None
