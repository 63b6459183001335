"""The store of a Share over plain memory: readers, writers, writers that die, too little memory."""

from __future__ import annotations

import errno
import mmap
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from suitkaise.processing._share._blocks import (
    _LARGEST,
    MOVING,
    SMALLEST,
    TOP,
    Blocks,
    StoreFullError,
)
from suitkaise.processing._share._store import (
    ABSENT,
    BLOCK,
    END,
    FIRST_SLOT,
    HEAP,
    LEFT,
    SLOT_WORDS,
    TAKEN,
    Store,
)

MIB = 1 << 20
BUSY_BYTES = 1 << 14  # the least block of a slot whose records have filled one before
Value = bytes | None


def new_store(size: int = 64 * MIB, **arguments: Any) -> tuple[mmap.mmap, Store]:
    memory = mmap.mmap(-1, HEAP + size)
    store = Store(memory, nullcontext(), **arguments)
    store.format()
    return memory, store


# What the records of these tests say: a state is the value, an effect is appended to it.


def state(value: Value) -> bytes:
    return ABSENT if value is None else b"S" + value


def effect(data: bytes) -> bytes:
    return b"E" + data


def replay(value: Value, bodies: list[bytes]) -> Value:
    for body in bodies:
        if body == ABSENT:
            value = None
        elif body[:1] == b"S":
            value = body[1:]
        else:
            assert value is not None
            value += body[1:]
    return value


class Reader:
    """What one process knows of a slot."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.position = -1
        self.value: Value = b"knows nothing"

    def read(self, store: Store, until: int | None = None) -> Value:
        """Answer as an attribute does: nothing is read if the end is where it was."""
        if until is None and self.position == word_of(store, self.slot, END):
            return self.value
        looked = store.look(self.slot, self.position)
        bodies, position = store.read(self.slot, self.position, until)
        if until is None and looked is not None:
            assert looked == (bodies, position)
        assert position >= self.position
        self.value, self.position = replay(self.value, bodies), position
        return self.value


def word_of(store: Store, slot: int, word: int) -> int:
    return store.words[FIRST_SLOT + slot * SLOT_WORDS + word]


def write_effect(store: Store, slot: int, data: bytes, value: Value, *, may_fold: bool) -> int:
    body = effect(data)
    if end := store.append(slot, body):
        return end
    if may_fold:
        store.fold(slot, state(value), len(body))
    else:
        store.grow(slot, len(body))
    return store.append(slot, body)


def write_state(store: Store, slot: int, value: Value, *, is_frozen: bool = False) -> int:
    body = state(value)
    if end := store.append(slot, body, is_state=True):
        return end
    if is_frozen and store.end(slot):
        store.grow(slot, len(body))
        return store.append(slot, body, is_state=True, is_kept=True)
    return store.replace(slot, body)


def check_memory(store: Store, slots: range, *, is_tidy: bool = True) -> int:
    """Every block is one slot's, or free, or noted; returns how many bytes are the slots'."""
    words = store.words
    owners: dict[int, tuple[int, object]] = {}

    def own(block: int, order: int, owner: object) -> None:
        assert block not in owners, (owners[block], owner)
        owners[block] = (1 << order, owner)

    used = 0
    for slot in slots:
        block = word_of(store, slot, BLOCK)
        if block:
            own(block, words[block >> 3], slot)
            used += 1 << words[block >> 3]
    for order in range(SMALLEST, _LARGEST + 1):
        for block in store._blocks.free(order):
            own(block, order, "free")
    for slot in slots:
        for note in (TAKEN, LEFT):
            block, order = Blocks.noted(word_of(store, slot, note))
            assert not (is_tidy and block)
            if block and block not in owners and block < words[TOP]:
                own(block, order, (slot, note))
    assert not (is_tidy and words[MOVING])
    place = HEAP
    for block, (size, _) in sorted(owners.items()):
        assert block == place, owners
        place += size
    assert place == words[TOP]
    return used


SLOTS = range(1, 4)
slots = st.sampled_from(SLOTS)
contents = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda letter, size: letter * size, st.sampled_from([b"x", b"y"]), st.integers(0, 6000)
    ),
    st.builds(
        lambda letter, size: letter * size, st.sampled_from([b"x", b"y"]), st.integers(0, 400_000)
    ),
)


class Histories(RuleBasedStateMachine):
    """Slots against plain values, and readers who look now and then."""

    @initialize()
    def begin(self) -> None:
        self.memory, self.store = new_store()
        self.values: dict[int, Value] = dict.fromkeys(SLOTS)
        self.ends = dict.fromkeys(SLOTS, 0)
        self.frozen: dict[int, tuple[int, Value]] = {}
        self.readers = [Reader(slot) for slot in SLOTS for _ in range(3)]

    @rule(slot=slots, data=contents, may_fold=st.booleans())
    def append(self, slot: int, data: bytes, may_fold: bool) -> None:
        value = self.values[slot]
        if value is None:
            return
        may_fold = may_fold and slot not in self.frozen
        self._advance(
            slot, write_effect(self.store, slot, data, value, may_fold=may_fold), value + data
        )

    @rule(slot=slots, value=st.one_of(st.none(), contents))
    def assign(self, slot: int, value: Value) -> None:
        self._advance(
            slot, write_state(self.store, slot, value, is_frozen=slot in self.frozen), value
        )

    @rule(slot=slots, value=st.one_of(st.none(), contents))
    def replace(self, slot: int, value: Value) -> None:
        if slot not in self.frozen:
            self._advance(slot, self.store.replace(slot, state(value)), value)

    @rule(slot=slots, room=st.integers(0, 100_000))
    def fold(self, slot: int, room: int) -> None:
        if slot not in self.frozen:
            self.store.fold(slot, state(self.values[slot]), room)
            _, records, size = self.store.sizes(slot)
            assert not records
            assert size >= room

    @rule(slot=slots, room=st.integers(0, 100_000))
    def grow(self, slot: int, room: int) -> None:
        if self.store.end(slot):
            self.store.grow(slot, room)
            _, records, size = self.store.sizes(slot)
            assert size >= records + room

    @rule(slot=slots)
    def freeze(self, slot: int) -> None:
        self.frozen.setdefault(slot, (self.store.end(slot), self.values[slot]))

    @precondition(lambda self: self.frozen)
    @rule()
    def thaw(self) -> None:
        self.frozen.clear()

    @rule(number=st.integers(0, 8))
    def read(self, number: int) -> None:
        reader = self.readers[number]
        if reader.slot in self.frozen:
            until, value = self.frozen[reader.slot]
            if reader.position <= until:
                assert reader.read(self.store, until) == value
            else:
                assert self.store.read(reader.slot, reader.position, until) == ([], reader.position)
        else:
            assert reader.read(self.store) == self.values[reader.slot]

    @invariant()
    def memory_is_in_order(self) -> None:
        check_memory(self.store, SLOTS)

    def _advance(self, slot: int, end: int, value: Value) -> None:
        assert end > self.ends[slot]
        assert end == self.store.end(slot)
        self.ends[slot], self.values[slot] = end, value


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_readers_and_writers_agree_on_every_history = Histories.TestCase


# Looking without the lock


class Interrupted:
    """The memory of a store, where something happens right after a part of it has been copied."""

    def __init__(self, store: Store, happen: Callable[[], object]) -> None:
        self._bytes = store.bytes
        self._happen: Callable[[], object] | None = happen

    def __getitem__(self, part: slice) -> memoryview:
        data = memoryview(bytes(self._bytes[part]))
        happen, self._happen = self._happen, None
        if happen is not None:
            happen()
        return data

    def __setitem__(self, part: slice, data: bytes) -> None:
        self._bytes[part] = data


@pytest.mark.parametrize("times", [1, 2, 3, 10])
def test_who_looks_sees_that_the_records_were_moved_meanwhile(times: int) -> None:
    _, store = new_store()
    write_state(store, 1, b"v")
    position = write_effect(store, 1, b"w", b"v", may_fold=True)
    write_effect(store, 1, b"x", b"vw", may_fold=True)

    def fold() -> None:  # to another block, and back, and so on
        for _ in range(times):
            store.fold(1, state(b"vwx"))

    assert store.look(1, position) == ([effect(b"x")], store.end(1))
    store.bytes = Interrupted(store, fold)  # type: ignore[assignment]

    assert store.look(1, position) is None


def test_who_looks_sees_what_was_written_meanwhile_or_not_but_no_half_of_it() -> None:
    _, store = new_store()
    write_state(store, 1, b"v")
    position = end = write_effect(store, 1, b"w", b"v", may_fold=True)
    store.bytes = Interrupted(  # type: ignore[assignment]
        store, lambda: write_effect(store, 1, b"x", b"vw", may_fold=True)
    )

    assert store.look(1, position) == ([], end)
    assert store.look(1, position) == ([effect(b"x")], store.end(1))


@pytest.mark.parametrize("position", [-1, 0])
def test_who_knows_nothing_has_to_read(position: int) -> None:
    _, store = new_store()
    assert store.look(1, position) is None
    write_state(store, 1, b"v")

    assert store.look(1, position) is None


# Memory


def churn(store: Store, appends: int) -> None:
    value = b"v" * 100
    write_state(store, 1, value)
    for _ in range(appends):
        write_effect(store, 1, b"0123456789", value, may_fold=True)


@pytest.mark.parametrize("appends", [20_000, pytest.param(1_000_000, marks=pytest.mark.endurance)])
def test_appends_and_folds_use_the_same_few_blocks_again(appends: int) -> None:
    _, store = new_store(MIB)

    churn(store, appends)

    # The block of its first value, and two for what it becomes once it is known to be busy.
    assert store.words[TOP] - HEAP == (1 << SMALLEST) + 2 * BUSY_BYTES
    check_memory(store, range(1, 2))


def test_blocks_are_proportional_to_what_they_hold() -> None:
    _, store = new_store()
    for slot in range(1, 40):
        value = b"v" * slot**3
        write_state(store, slot, value)
        for _ in range(200):
            write_effect(store, slot, b"0123456789", value, may_fold=True)

        assert store.sizes(slot)[2] <= max(BUSY_BYTES, 4 * (len(value) + 40))


def test_what_has_shrunk_gives_its_block_back() -> None:
    _, store = new_store()
    for slot in SLOTS:
        write_state(store, slot, b"v" * MIB)

    for slot in SLOTS:
        write_state(store, slot, None)

    assert check_memory(store, SLOTS) == len(SLOTS) << SMALLEST


def test_however_many_blocks_are_given_back_all_are_used_again() -> None:
    _, store = new_store()
    many = range(1, 151)
    for slot in many:
        write_state(store, slot, b"v" * 100_000)
    top = store.words[TOP]

    for _ in range(3):
        for slot in many:
            write_state(store, slot, None)
        for slot in many:
            write_state(store, slot, b"v" * 100_000)

    assert store.words[TOP] - top <= len(many) << SMALLEST
    check_memory(store, many)


class Pages:
    """Which pages of a memory are there; the write of one that is not would be a SIGBUS."""

    def __init__(self) -> None:
        self.present: set[int] = set()
        self.most = 1 << 60

    def reserve(self, offset: int, size: int) -> None:
        wanted = set(range(offset >> 12, (offset + size) >> 12))
        if len(self.present | wanted) > self.most:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.present |= wanted

    def discard(self, offset: int, size: int) -> None:
        self.present -= set(range(offset >> 12, (offset + size) >> 12))


def test_blocks_in_use_have_their_memory_and_large_free_ones_have_not() -> None:
    pages = Pages()
    _, store = new_store(reserve=pages.reserve, discard=pages.discard)
    many = range(1, 60)

    for size in (100, 100_000, 10, 5_000, 200_000, 50):
        for slot in many:
            store.replace(slot, state(b"v" * size))
            block = word_of(store, slot, BLOCK)
            whole = range(block >> 12, (block + (1 << store.words[block >> 3])) >> 12)
            assert pages.present.issuperset(whole)

    free = [(order, block) for order in range(17, 30) for block in store._blocks.free(order)]
    assert free
    for order, block in free:
        assert pages.present.isdisjoint(range((block >> 12) + 1, (block + (1 << order)) >> 12))


def test_memory_that_cannot_be_given_back_stays() -> None:
    def refuse(_offset: int, _size: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    _, store = new_store(discard=refuse)
    write_state(store, 1, b"v" * MIB)

    write_state(store, 1, b"small")

    assert Reader(1).read(store) == b"small"
    check_memory(store, SLOTS)


def fill(store: Store, slot: int, value: Value) -> bytes:
    """Write to a slot until there is no room."""
    while True:
        assert value is not None
        data = b"d" * 5_000
        try:
            write_effect(store, slot, data, value, may_fold=len(value) % 2 == 0)
        except StoreFullError:
            return value
        value += data


@pytest.mark.parametrize("is_machine", [False, True])
def test_a_full_store_is_as_it_was_and_usable(is_machine: bool) -> None:
    pages = Pages()
    pages.most = 300 if is_machine else pages.most
    _, store = new_store(
        64 * MIB if is_machine else MIB, reserve=pages.reserve, discard=pages.discard
    )
    write_state(store, 1, b"one")
    write_state(store, 2, b"two")
    message = "No space left" if is_machine else "the Share is full"

    value = fill(store, 1, b"one")
    words = bytes(store.words[: FIRST_SLOT + 8 * SLOT_WORDS])
    for change in (
        lambda: store.replace(1, state(b"v" * 2 * MIB)),
        lambda: store.replace(3, state(b"v" * 2 * MIB)),
        lambda: store.fold(1, state(value), 2 * MIB),
        lambda: store.grow(1, 2 * MIB),
    ):
        with pytest.raises(StoreFullError, match=message):
            change()

    assert bytes(store.words[: FIRST_SLOT + 8 * SLOT_WORDS]) == words
    check_memory(store, SLOTS)
    assert Reader(1).read(store) == value
    assert store.append(2, effect(b" more"))
    assert Reader(2).read(store) == b"two more"
    write_state(store, 1, None)
    write_state(store, 1, b"v" * 100_000)
    assert Reader(1).read(store) == b"v" * 100_000
    check_memory(store, SLOTS)


def test_a_large_value_can_be_removed_when_there_is_no_room_for_another_block() -> None:
    _, store = new_store(512 * 1024)
    write_state(store, 1, b"v" * 150_000)
    with pytest.raises(StoreFullError):
        store.replace(2, state(b""))

    write_state(store, 1, None)

    assert Reader(1).read(store) is None


# Writers that are killed


class Killed(BaseException):
    """SIGKILL."""


class Doom:
    """Counts the writes to memory, and kills the writer at one of them."""

    def __init__(self, number: int) -> None:
        self._left = number

    def strikes(self) -> bool:
        self._left -= 1
        return self._left == 0


class Dying:
    """Memory whose writer is killed: before a word is written, and while bytes are."""

    def __init__(self, memory: memoryview, doom: Doom) -> None:
        self._memory = memory
        self._doom = doom

    def __len__(self) -> int:
        return len(self._memory)

    def __getitem__(self, place: Any) -> Any:
        return self._memory[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        if self._doom.strikes():
            if isinstance(place, slice):
                half = len(value) // 2
                self._memory[place.start : place.start + half] = value[:half]
            raise Killed
        self._memory[place] = value


def survives(memory: mmap.mmap, change: Callable[[Store], object], number: int) -> bool:
    """Have a new process carry out a change, killed at the n-th write; tell whether it was not."""
    store = Store(memory, nullcontext())
    doom = Doom(number)
    store.bytes = Dying(store.bytes, doom)  # type: ignore[assignment]
    store.words = store._blocks._words = Dying(store.words, doom)  # type: ignore[assignment]
    try:
        change(store)
    except Killed:
        return False
    return True


OLD = b"old"
CHANGES: dict[str, tuple[Callable[[Store], object], Value]] = {
    "append": (lambda store: store.append(1, effect(b"+")), OLD + b"+"),
    "state": (lambda store: store.append(1, state(b"new"), is_state=True, is_kept=True), b"new"),
    "replace": (lambda store: store.replace(1, state(b"new")), b"new"),
    "replace by much": (lambda store: store.replace(1, state(b"n" * 100_000)), b"n" * 100_000),
    "remove": (lambda store: store.replace(1, ABSENT), None),
    "fold": (lambda store: store.fold(1, state(OLD)), OLD),
    "grow": (lambda store: store.grow(1, 10_000), OLD),
    "grow much": (lambda store: store.grow(1, 100_000), OLD),
}
HISTORIES = {
    "a snapshot": lambda store: store.replace(1, state(OLD)),
    "records": lambda store: (
        store.replace(1, state(b"o")),
        store.append(1, effect(b"l")),
        store.append(1, effect(b"d")),
    ),
    "a state among records": lambda store: (
        store.replace(1, state(b"before")),
        store.append(1, effect(b"...")),
        store.append(1, state(b"ol"), is_state=True),
        store.append(1, effect(b"d")),
    ),
    "a large block": lambda store: (
        store.replace(1, state(b"v" * 100_000)),
        store.append(1, state(OLD), is_state=True, is_kept=True),
    ),
    "nothing": lambda store: None,
}


def prepared(history: str, *, has_free: bool) -> tuple[mmap.mmap, Store, Value]:
    memory, store = new_store(8 * MIB)
    if has_free:
        for size in (100, 10_000, 100_000, 0):
            store.replace(2, state(b"v" * size))
    store.replace(2, state(b"neighbour"))
    HISTORIES[history](store)
    return memory, store, None if history == "nothing" else OLD


def move_neighbours(store: Store) -> None:
    """Take and give blocks of all sizes that the changes use."""
    for size in (10, 5_000, 10_000, 50_000, 100_000):
        for slot in (2, 3):
            store.replace(slot, state(b"w" * size))
    for slot in (2, 3):
        store.replace(slot, state(b"neighbour"))


def scenes() -> Iterator[tuple[str, str]]:
    for history in HISTORIES:
        for change in CHANGES:
            if history != "nothing" or change in ("replace", "replace by much"):
                yield history, change


@pytest.mark.parametrize("has_free", [False, True])
@pytest.mark.parametrize(("history", "change"), list(scenes()))
def test_a_writer_that_is_killed_has_written_all_or_nothing(
    history: str, change: str, has_free: bool
) -> None:
    carry_out, after = CHANGES[change]
    number, is_done = 0, False
    while not is_done:
        number += 1
        for is_neighbour_first in (False, True):
            memory, store, before = prepared(history, has_free=has_free)
            watching = [Reader(1) for _ in range(2)]
            assert [reader.read(store) for reader in watching] == [before, before]
            if history == "records":  # one that has seen a part only
                watching[1].value, watching[1].position = b"o", 1

            is_done = survives(memory, carry_out, number)
            if is_neighbour_first:
                move_neighbours(store)
            check_memory(store, SLOTS, is_tidy=False)
            watching[0].read(
                store
            )  # sees the old value if END says so: until another has seen more
            seen = Reader(1).read(store)

            assert seen in ((after,) if is_done else (before, after))
            for reader in (*watching, Reader(1)):
                assert reader.read(store) == seen
            if seen is not None:
                assert write_effect(store, 1, b"!", seen, may_fold=number % 2 == 0)
                seen += b"!"
                for reader in (*watching, Reader(1)):
                    assert reader.read(store) == seen
            store.replace(1, state(b"in the end"))
            for reader in (*watching, Reader(1)):
                assert reader.read(store) == b"in the end"
            check_memory(store, SLOTS)
    assert number > 2


@pytest.mark.parametrize("has_free", [False, True])
@pytest.mark.parametrize("change", ["replace", "replace by much", "fold", "grow much"])
def test_who_tidies_up_after_the_killed_may_be_killed_as_well(change: str, has_free: bool) -> None:
    carry_out, after = CHANGES[change]
    first, is_first_done = 0, False
    while not is_first_done:
        first += 1
        second, is_second_done = 0, False
        while not is_second_done:
            second += 1
            memory, store, before = prepared("records", has_free=has_free)
            is_first_done = survives(memory, carry_out, first)
            if second % 2:
                move_neighbours(store)
            seen = Reader(1).read(store)

            is_second_done = survives(memory, lambda store: store.replace(1, state(b"2")), second)
            if second % 3:
                move_neighbours(store)
            check_memory(store, SLOTS, is_tidy=False)

            assert seen in (before, after)
            assert Reader(1).read(store) in (seen, b"2")
            store.replace(1, state(b"in the end"))
            assert Reader(1).read(store) == b"in the end"
            check_memory(store, SLOTS)
            assert Reader(2).read(store) == b"neighbour"


def test_a_block_whose_memory_was_found_for_a_killed_writer_gives_it_back() -> None:
    pages = Pages()
    _, store = new_store(reserve=pages.reserve, discard=pages.discard)
    store.replace(1, state(b"v" * 10 * MIB))
    store.replace(1, state(b"small"))
    present = len(pages.present)

    def reserve_and_die(offset: int, size: int) -> None:
        pages.reserve(offset, size)
        raise Killed

    store._blocks._reserve = reserve_and_die
    with pytest.raises(Killed):
        store.replace(1, state(b"v" * 10 * MIB))
    store._blocks._reserve = pages.reserve
    store.replace(1, state(b"as small"))

    assert len(pages.present) <= present + 1
    check_memory(store, SLOTS)
