"""Processes that work on one Share and keep a record of what they did and saw, for its tests.

A module of its own: a child need not import pytest with it.
"""

from __future__ import annotations

import os
import pickle
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from packages.processing.tests.linearisability import (
    UNSEEN,
    Model,
    Operation,
    Raised,
    counter,
    freeze,
    mapping,
    register,
    sequence,
)

from suitkaise.processing import Skprocess

DEADLINE = 20.0
READY, UNDER_WAY, GO = "ready", "under way", "go"

# The objects of the Share, by the names that a history gives them. Those in `share.nest` are never
# replaced there, and nobody looks at `share.nest` as a whole: each is an object of its own.
MODELS: dict[str, Model] = {
    "share.word": register("first"),
    "share.n": counter(),
    "share.items": sequence(),
    "share.d": mapping({"a": 0, "b": 0}),
    "share.tree": mapping({"a": {"x": 0, "y": 0}}),
    "share.nest['items']": sequence(),
    "share.nest['deep']['n']": counter(),
}


def fill(share: Any) -> None:
    """Assign what `MODELS` begin with."""
    share.word = "first"
    share.n = 0
    share.items = []
    share.d = {"a": 0, "b": 0}
    share.tree = {"a": {"x": 0, "y": 0}}
    share.nest = {"items": [], "deep": {"n": 0}}


# An object, an action, its arguments, and the statement that does it and says what it saw.
Deed = tuple[str, str, tuple[Any, ...], Callable[[], Any]]


class Deeds:
    """What can be done to the Share, drawn at random; every value written is a new one.

    `list(share.items)` and `dict(share.d)` count as one read each: a copy of what there was at one
    moment, as it would be in one process.
    """

    def __init__(self, share: Any, name: str, seed: int) -> None:
        self._share = share
        self._name = name
        self._random = random.Random(f"{seed} {name}")
        self._number = 0

    def draw(self) -> Deed:
        self._number += 1
        target = self._random.choice(list(MODELS))
        deeds = {
            "share.word": self._word,
            "share.n": self._n,
            "share.items": lambda: self._items(target, lambda: self._share.items),
            "share.d": self._d,
            "share.tree": self._tree,
            "share.nest['items']": lambda: self._items(target, lambda: self._share.nest["items"]),
            "share.nest['deep']['n']": self._deep_n,
        }[target]()
        return self._random.choice(deeds)

    def final(self) -> list[Deed]:
        """Return a read of each object."""
        share = self._share
        return [
            ("share.word", "read", (), lambda: share.word),
            ("share.n", "read", (), lambda: share.n),
            ("share.items", "read", (), lambda: list(share.items)),
            ("share.items", "len", (), lambda: len(share.items)),
            ("share.d", "read", (), lambda: dict(share.d)),
            ("share.tree", "get", (("a",),), lambda: dict(share.tree["a"])),
            ("share.nest['items']", "read", (), lambda: list(share.nest["items"])),
            ("share.nest['deep']['n']", "read", (), lambda: share.nest["deep"]["n"]),
        ]

    def _word(self) -> list[Deed]:
        share = self._share
        new = self._random.choice([self._unique(), f"{self._name} {self._number}", None, 1.5])
        return [
            ("share.word", "read", (), lambda: share.word),
            ("share.word", "write", (new,), lambda: setattr(share, "word", new)),
        ]

    def _n(self) -> list[Deed]:
        share = self._share
        new, by = self._unique(), self._random.randint(1, 9)

        def increment() -> Any:
            share.n += by
            return UNSEEN

        def increment_at_length() -> Any:
            share.n = share.n + by
            return UNSEEN

        return [
            ("share.n", "read", (), lambda: share.n),
            ("share.n", "increment", (by,), increment),
            ("share.n", "increment", (by,), increment),
            ("share.n", "increment", (by,), increment_at_length),
            ("share.n", "write", (new,), lambda: setattr(share, "n", new)),
        ]

    def _deep_n(self) -> list[Deed]:
        share, by = self._share, self._random.randint(1, 9)

        def increment() -> Any:
            share.nest["deep"]["n"] += by
            return UNSEEN

        return [
            ("share.nest['deep']['n']", "read", (), lambda: share.nest["deep"]["n"]),
            ("share.nest['deep']['n']", "increment", (by,), increment),
            ("share.nest['deep']['n']", "increment", (by,), increment),
        ]

    def _items(self, target: str, items: Callable[[], Any]) -> list[Deed]:
        new = self._unique()
        deeds: list[Deed] = [
            (target, "append", (new,), lambda: items().append(new)),
            (target, "append", (new,), lambda: items().append(new)),
            (target, "pop", (), lambda: items().pop()),
            (target, "len", (), lambda: len(items())),
            (target, "read", (), lambda: list(items())),
        ]
        if target == "share.items" and self._random.random() < 0.3:
            deeds.append((target, "write", ([new],), lambda: setattr(self._share, "items", [new])))
        return deeds

    def _d(self) -> list[Deed]:
        share, new = self._share, self._unique()
        key = self._random.choice("abc")

        def assign() -> None:
            share.d[key] = new

        def increment() -> Any:
            share.d[key] += 1
            return UNSEEN

        def delete() -> None:
            del share.d[key]

        return [
            ("share.d", "set", ((key,), new), assign),
            ("share.d", "increment", ((key,), 1), increment),
            ("share.d", "increment", ((key,), 1), increment),
            ("share.d", "delete", ((key,),), delete),
            ("share.d", "get", ((key,),), lambda: share.d[key]),
            ("share.d", "len", (), lambda: len(share.d)),
            ("share.d", "read", (), lambda: dict(share.d)),
        ]

    def _tree(self) -> list[Deed]:
        share, new = self._share, self._unique()
        key = self._random.choice("xy")

        def replace() -> None:
            share.tree["a"] = {"x": new, "y": 0}

        def assign() -> None:
            share.tree["a"][key] = new

        def increment() -> Any:
            share.tree["a"][key] += 1
            return UNSEEN

        return [
            ("share.tree", "set", (("a",), {"x": new, "y": 0}), replace),
            ("share.tree", "set", (("a", key), new), assign),
            ("share.tree", "increment", (("a", key), 1), increment),
            ("share.tree", "increment", (("a", key), 1), increment),
            ("share.tree", "get", (("a", key),), lambda: share.tree["a"][key]),
            ("share.tree", "get", (("a",),), lambda: dict(share.tree["a"])),
        ]

    def _unique(self) -> int:
        """Return a number that nobody else writes, far from what increments reach."""
        return int(self._name) * 10_000_000 + self._number * 1_000


class Journal:
    """A file of what a process does, before and after, which outlives one that is killed."""

    def __init__(self, path: str, name: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._name = name

    def do(self, deed: Deed) -> None:
        """Do it, and note it."""
        target, action, arguments, statement = deed
        operation = Operation(
            self._name, time.monotonic_ns(), None, target, action, arguments, UNSEEN
        )
        self._note(operation)
        result: Any
        begin = time.monotonic_ns()
        try:
            result = statement()
        except (KeyError, IndexError) as error:
            result = Raised(type(error).__name__)
        end = time.monotonic_ns()
        self._note(operation._replace(begin=begin, end=end, result=freeze(_plain(result))))

    def close(self) -> None:
        os.close(self._file)

    def _note(self, operation: Operation) -> None:
        os.write(self._file, pickle.dumps(operation))

    @staticmethod
    def read(path: Path) -> list[Operation]:
        """Return what a journal tells: only the last operation can be without an end."""
        noted = list(_loaded(path))
        ended = [operation for operation in noted if operation.end is not None]
        return ended if noted[-1].end is not None else [*ended, noted[-1]]


def _loaded(path: Path) -> Iterator[Operation]:
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except (EOFError, pickle.UnpicklingError):  # its writer was killed while it wrote
                return


def _plain(value: Any) -> Any:
    """Turn what a Share hands out into what the models speak of, and what remembers no Share."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


class Sharer(Skprocess):
    """Waits for the word, and does so many things to the Share, or goes on until it is killed."""

    def __init__(self, share: Any, path: str, name: str, seed: int, count: int | None) -> None:
        self.share = share
        self.path = path
        self.name = name
        self.seed = seed
        self.count = count
        self.process_config.runs = 1

    def __run__(self) -> None:
        deeds = Deeds(self.share, self.name, self.seed)
        journal = Journal(self.path, self.name)
        self.tell(READY)
        assert self.listen(timeout=DEADLINE) == GO
        for _ in range(self.count or 50):
            journal.do(deeds.draw())
        if self.count is None:
            self.tell(UNDER_WAY)
            deadline = time.monotonic() + DEADLINE
            while time.monotonic() < deadline:
                journal.do(deeds.draw())
        journal.close()
