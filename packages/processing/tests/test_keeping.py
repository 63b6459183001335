from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.processing import _backlog
from suitkaise.processing._backlog import cost
from suitkaise.processing._keeping import Kept

MOST = 5 * cost(1000)


@pytest.fixture(autouse=True, scope="module")
def a_small_limit() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_backlog, "MOST_BYTES", MOST)
        yield


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 3000)),
        st.tuples(st.just("listen"), st.integers(1, 3)),
        st.tuples(st.just("boundary"), st.just(0)),
        st.tuples(st.just("death"), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_the_next_life_is_told_all_that_it_needs_and_the_rest_is_bounded(
    steps: list[tuple[str, int]],
) -> None:
    kept = Kept()
    waiting: deque[bytes] = deque()  # told and not listened to
    since: deque[bytes] = deque()  # told, and not dealt with at the last boundary
    heard = at_boundary = 0  # messages of this life
    has_lost = False
    for step, size in steps:
        if step == "tell":
            message = bytes([len(since)]) * size
            waiting.append(message)
            since.append(message)
            is_all_kept = kept.add(message, sum(cost(len(told)) for told in waiting))
            has_lost = has_lost or not is_all_kept
        elif step == "listen":
            for _ in range(min(size, len(waiting))):
                waiting.popleft()
                heard += 1
        elif step == "boundary":
            for _ in range(heard - at_boundary):
                since.popleft()
            at_boundary = heard
            kept.let_go_of(heard)
        else:
            told = list(kept.begin_life())
            waiting, since = deque(told), deque(told)
            heard = at_boundary = 0

        present = [told.payload for told in kept._told]
        assert present == list(since)[len(since) - len(present) :]
        assert len(present) >= len(waiting)
        assert has_lost or present == list(since)
        size_kept = sum(cost(len(told)) for told in present)
        if step == "tell":  # then it is looked at; what is listened to afterwards may be let go
            assert len(present) == len(waiting) or size_kept <= MOST
        if step == "death":
            has_lost = False


def test_what_was_listened_to_is_let_go_when_there_is_too_much() -> None:
    kept = Kept()

    kept_all = [kept.add(bytes(1000), waiting=cost(1000)) for _ in range(8)]

    assert kept_all == [True] * 5 + [False] * 3
    assert len(kept) == 5


def test_what_waits_to_be_listened_to_is_kept_however_much_it_is() -> None:
    kept = Kept()

    assert all(kept.add(bytes(1000), waiting=number * cost(1000)) for number in range(1, 20))

    assert len(kept) == 19
