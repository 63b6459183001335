"""What is asked of a Share only to call a method of it need not be brought up to date first."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import pytest

from suitkaise.processing._share._lookahead import calls_a_method


class Asked:
    """Answers like a Share, and notes whether who asked calls a method of the answer."""

    def __getattr__(self, name: str) -> Any:
        self.__dict__["is_method_called"] = calls_a_method(sys._getframe(1))
        return [0, 1]


def asks(ask: Callable[[Asked], object], times: int) -> set[bool]:
    """Ask again and again: the interpreter rewrites its instructions for what it meets often."""
    asked, answers = Asked(), set()
    for _ in range(times):
        ask(asked)
        answers.add(asked.__dict__["is_method_called"])
    return answers


@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize(
    "ask",
    [
        lambda share: share.items.append(1),
        lambda share: share.items.count(share),
        lambda share: [share.items.sort(key=None) for _ in range(3)],
        lambda share: print(share.items.index(0), end=""),
    ],
)
def test_a_method_is_called(ask: Callable[[Asked], object], times: int) -> None:
    assert asks(ask, times) == {True}


@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize(
    "ask",
    [
        lambda share: share.items,
        lambda share: share.items[0],
        lambda share: share.items.__class__,
        lambda share: set(share.items),
        lambda share: [].__add__(share.items),
        lambda share: " ".join(map(str, share.items)).strip(),
        lambda share: [*share.items],
        lambda share: (share.items, share.count)[0].append(1),
        lambda share: share.items == [0, 1],
        lambda share: share.items + [2],
        lambda share: len(share.items),
        lambda share: getattr(share, "items"),  # noqa: B009
        lambda share: getattr(share, "items").append(1),  # noqa: B009
        operator.attrgetter("items"),
    ],
)
def test_no_method_is_called_at_once(ask: Callable[[Asked], object], times: int) -> None:
    assert asks(ask, times) == {False}
