"""What several processes saw of one Share, judged: is there an order that explains it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packages.processing.tests.linearisability import Operation, check
from packages.processing.tests.sharers import (
    DEADLINE,
    GO,
    MODELS,
    READY,
    UNDER_WAY,
    Deeds,
    Journal,
    Sharer,
    fill,
)

from suitkaise.processing import Share

MEMBERS = 4
COUNT = 300
SEEDS = range(3)


class Scene:
    """A Share, its members, and what they noted."""

    def __init__(self, share: Any, folder: Path, seed: int) -> None:
        fill(share)
        self._share = share
        self._folder = folder
        self._seed = seed
        self._paths: list[Path] = []
        self._sharers: list[Any] = []

    def enter(self, count: int | None) -> Any:
        """Start a member and wait until it is ready."""
        name = str(len(self._paths) + 1)
        sharer = Sharer(self._share, self._path(name), name, self._seed, count)
        sharer.start()
        self._sharers.append(sharer)
        assert sharer.listen(timeout=DEADLINE) == READY
        return sharer

    def work(self, count: int) -> None:
        """Do so many things from this process, and a look at everything at the end of it."""
        name = str(len(self._paths) + 1)
        journal = Journal(self._path(name), name)
        deeds = Deeds(self._share, name, self._seed)
        for _ in range(count):
            journal.do(deeds.draw())
        for deed in deeds.final():
            journal.do(deed)
        journal.close()

    def history(self) -> list[Operation]:
        return [operation for path in self._paths for operation in Journal.read(path)]

    def leave(self) -> None:
        for sharer in self._sharers:
            sharer.kill()

    def _path(self, name: str) -> str:
        self._paths.append(self._folder / name)
        return str(self._paths[-1])


@pytest.fixture(params=SEEDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with Share() as share:
        scene = Scene(share, tmp_path, request.param)
        yield scene
        scene.leave()


def test_what_processes_see_of_a_share_has_one_order(scene: Scene) -> None:
    sharers = [scene.enter(COUNT) for _ in range(MEMBERS)]

    for sharer in sharers:
        sharer.tell(GO)
    scene.work(COUNT)
    for sharer in sharers:
        assert sharer.wait(timeout=DEADLINE)
        sharer.result()
    scene.work(0)

    history = scene.history()
    assert len(history) > (MEMBERS + 1) * COUNT
    check(history, MODELS)


def test_it_has_one_order_when_members_are_killed_in_the_middle_and_others_join(
    scene: Scene,
) -> None:
    staying = [scene.enter(COUNT) for _ in range(MEMBERS - 2)]
    victims = [scene.enter(None) for _ in range(3)]

    for sharer in staying + victims:
        sharer.tell(GO)
    for victim in victims:
        assert victim.listen(timeout=DEADLINE) == UNDER_WAY
        victim.kill()
        assert victim.wait(timeout=DEADLINE)
        scene.work(20)
    late = scene.enter(COUNT)
    late.tell(GO)
    for sharer in [*staying, late]:
        assert sharer.wait(timeout=DEADLINE)
        sharer.result()
    scene.work(0)

    check(scene.history(), MODELS)
