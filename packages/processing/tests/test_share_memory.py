"""What a Share takes of memory and descriptors, what it gives back, and what if there is none."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.processing.tests.share_programs import (
    Program,
    coordinator,
    descriptors,
    is_gone,
    until,
)

from suitkaise.processing import Share
from suitkaise.processing._share import _share
from suitkaise.processing._share._member import create_memory

pytestmark = pytest.mark.timeout(110)

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def share() -> Iterator[Share]:
    share = Share()
    yield share
    del share


def memory(share: Share) -> int:
    """Return the bytes that are allocated for it, whoever holds them."""
    return os.fstat(share._member._data).st_blocks * 512


def with_capacity(capacity: int, monkeypatch: pytest.MonkeyPatch) -> Share:
    monkeypatch.setattr(_share, "create_memory", lambda: create_memory(capacity))
    return Share()


def test_many_increments_take_no_memory(share: Share) -> None:
    share.n = 0
    for _ in range(30_000):
        share.n += 1

    assert share.n == 30_000
    assert memory(share) < 64 * KIB


@pytest.mark.endurance
def test_a_million_increments_take_no_memory(share: Share) -> None:
    share.n = 0
    body = "for _ in range(500_000): share.n += 1\nsay('done')\n"
    with Program(body, share) as one, Program(body, share) as other:
        assert [one.hear(), other.hear()] == ["done", "done"]

    assert share.n == 1_000_000
    assert memory(share) < 64 * KIB


@pytest.mark.endurance
def test_many_appends_take_memory_in_proportion_to_the_list(share: Share) -> None:
    share.items = []
    for number in range(200_000):
        share.items.append(number)
    assert memory(share) < 4 * MIB  # pickled, the list is 0.85 MiB

    share.items.clear()
    assert memory(share) < 512 * KIB


@pytest.mark.parametrize("end", ["clear", "del", "reassign", "list.clear", "another process"])
def test_memory_comes_back(share: Share, end: str) -> None:
    share.items = [bytes(KIB) for _ in range(20_000)]
    share.table = {number: bytes(KIB) for number in range(10_000)}
    before = memory(share)
    assert before > 30 * MIB
    if end == "clear":
        share.clear()
    elif end == "del":
        del share.items, share.table
    elif end == "reassign":
        share.items, share.table = 1, [2]
    elif end == "list.clear":
        share.items.clear()
        share.table.clear()
    else:
        with Program("share.items, share.table = (), None\nsay('done')\n", share) as member:
            assert member.hear() == "done"

    assert memory(share) < MIB


def test_what_is_taken_out_piece_by_piece_comes_back_in_time(share: Share) -> None:
    share.items = [bytes(KIB) for _ in range(2000)]
    for _ in range(2000):
        share.items.pop()
    for number in range(40):  # the log is folded once it has as many bytes as the list had
        share.items.append(bytes(100 * KIB))
        share.items.pop()
        assert number >= 0

    assert memory(share) < 2 * MIB


def test_large_values_take_little_more_than_themselves_and_come_back(share: Share) -> None:
    size = 100 * MIB
    for _ in range(3):
        share.big = bytes(size)
        assert memory(share) < 1.4 * size
    assert len(share.big) == size
    share.big = b""
    assert memory(share) < MIB

    share.list = [bytes(10 * MIB) for _ in range(3)]
    share.list.clear()
    assert memory(share) < MIB

    class Holder:
        def __init__(self) -> None:
            self.data = bytes(20 * MIB)

        def change(self) -> None:
            self.data = bytes(20 * MIB)

    share.holder = Holder()
    for _ in range(5):
        share.holder.change()
    assert memory(share) < 200 * MIB
    share.holder = None
    assert memory(share) < MIB


def test_a_member_gives_back_what_it_had_read(share: Share) -> None:
    share.big, share.items = bytes(100 * MIB), [bytes(MIB) for _ in range(50)]
    body = """
import gc, psutil
def used():
    gc.collect()
    memory = psutil.Process().memory_info()
    return (memory.rss - memory.shared) >> 20
before = used()
assert len(share.big) == 100 << 20 and len(share.items) == 50
between = used()
say("read")
hear()
share.big, len(share.items)
say(before, between, used())
"""
    with Program(body, share) as member:
        assert member.hear() == "read"
        share.big = b""
        share.items = []
        before, between, after = map(int, member.ask("go").split())

    assert between - before > 140
    assert after - before < 30


def test_replacing_again_and_again_takes_no_more(share: Share) -> None:
    share.table = {}
    share.value = None
    for number in range(300):
        share.table[number % 7] = bytes(50 * KIB)
        share.value = {"data": bytes(30 * KIB), "number": number}
        setattr(share, f"name{number % 5}", [number] * 1000)

    assert memory(share) < 8 * MIB


# Nothing left


@pytest.mark.endurance
def test_a_hundred_made_and_dropped_leave_nothing() -> None:
    body = """
import gc, psutil
from pathlib import Path
def state():
    gc.collect()
    return (len(os.listdir("/proc/self/fd")), threading.active_count(),
            sum("memfd:suitkaise" in line for line in open("/proc/self/maps")))
def one(number):
    share = Share(auto_start=number % 3 != 0)
    share.n = number
    share.items = [1] * 1000
    if number % 3 == 1:
        share.stop()
import warnings; warnings.simplefilter("ignore")
before_files = set(os.listdir("/dev/shm")), set(os.listdir("/tmp"))
one(0); one(1); one(2)
until(lambda: threading.active_count() == 2)
before = state()
most = 0
for number in range(100):
    one(number)
    most = max(most, len(os.listdir("/proc/self/fd")))
until(lambda: threading.active_count() == 2)
until(lambda: state() <= before)
server, = psutil.Process().children()
until(lambda: len(server.children()) <= 1)
assert most < before[0] + 150, (most, before)
say("done")
"""
    with Program(body) as program:
        assert program.hear() == "done"
        program.end()


def test_fifty_at_once_work() -> None:
    shares = [Share() for _ in range(50)]
    for number, share in enumerate(shares):
        share.n = number
        share.items = [number]
    body = """
shares = [pickle.loads(bytes.fromhex(hear())) for _ in range(50)]
for share in shares:
    share.n += 1
    share.items.append(share.n)
say("done")
"""
    import pickle

    with Program(body) as member:
        for share in shares:
            member.say(pickle.dumps(share).hex())
        assert member.hear() == "done"

    for number, share in enumerate(shares):
        assert share.n == number + 1
        assert share.items == [number, number + 1]
    pids = [coordinator(share) for share in shares]
    assert len(set(pids)) == 50
    shares.clear()
    del share
    gc.collect()
    for pid in pids:
        until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]


@pytest.mark.endurance
def test_an_end_of_any_kind_leaves_no_file(tmp_path: Path) -> None:
    ends = ("sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)", "del share", "share.stop()")
    shm = Path("/dev/shm")
    before = set(shm.iterdir()) if shm.exists() else set()
    for end in ends:
        body = f"""
import tempfile; tempfile.tempdir = {str(tmp_path)!r}
share = Share(); share.items = list(range(1000))
until(lambda: share.coordinator_pid)
say(share.coordinator_pid)
{end}
"""
        with Program(body) as program:
            pid = int(program.hear())
            program._popen.wait(60)
            until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]

    assert list(tmp_path.iterdir()) == []
    left = (set(shm.iterdir()) if shm.exists() else set()) - before
    assert not [path for path in left if "suitkaise" in path.name]


# Nothing to be had


def test_a_share_that_is_full_says_so_and_stays_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    share = with_capacity(16 * MIB, monkeypatch)

    class Holder:
        def __init__(self) -> None:
            self.data = b""

        def fill(self, size: int) -> None:
            self.data = bytes(size)

    share.n, share.items, share.table, share.text = 0, [1], {"a": [1]}, "old"
    share.holder = Holder()
    share.holder.fill(10)

    def assign() -> None:
        share.text = "x" * (20 * MIB)

    def create() -> None:
        share.new = bytes(20 * MIB)

    calls = [
        assign,
        create,
        lambda: share.items.append(bytes(20 * MIB)),
        lambda: share.items.extend([bytes(10 * MIB), bytes(10 * MIB)]),
        lambda: share.table.update(b=bytes(20 * MIB)),
        lambda: share.table["a"].append(bytes(20 * MIB)),
        lambda: share.holder.fill(20 * MIB),
    ]
    for _ in range(3):
        for call in calls:
            with pytest.raises(MemoryError, match="the Share is full: no room for"):
                call()
    assert (share.items, share.table, share.text) == ([1], {"a": [1]}, "old")
    assert len(share.holder.data) == 10
    assert "new" not in share

    count = 0
    with pytest.raises(MemoryError):  # noqa: PT012
        while True:
            share.items.append(bytes(KIB))
            count += 1
    assert len(share.items) == count + 1
    share.n += 1  # others have their room
    share.table["a"].append(2)
    assert (share.n, share.table) == (1, {"a": [1, 2]})
    with Program("say(len(share.items), share.n)\nshare.n += 1\n", share) as member:
        assert member.end() == f"{count + 1} 1"

    del share.items
    share.after = bytes(2 * MIB)
    assert (share.n, len(share.after)) == (2, 2 * MIB)
    assert not share.has_error


@pytest.mark.endurance
def test_without_descriptors_it_cannot_be_made_and_nothing_is_left() -> None:
    body = """
import errno, gc, resource, psutil
first = Share(); first.n = 1
until(lambda: first.coordinator_pid)
before = len(os.listdir("/proc/self/fd"))
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
for left in range(0, 12, 2):
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + left - 1, most))
    try:
        share = Share()
    except OSError as error:
        assert error.errno == errno.EMFILE, error
    else:
        share.n = 1
        del share
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    first.n += 1
    gc.collect()
    until(lambda: gc.collect() * 0 + len(os.listdir("/proc/self/fd")) <= before)
assert first.n == 7
share = Share(); share.n = 1
say(share.n)
"""
    with Program(body) as program:
        assert program.hear() == "1"
        program.end()


def test_a_joiner_without_descriptors_is_told_and_can_try_again(share: Share) -> None:
    body = """
import errno, gc, resource
text = hear()
before = len(os.listdir("/proc/self/fd"))
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
failures = 0
for left in range(0, 6):
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + left - 1, most))
    try:
        share = pickle.loads(bytes.fromhex(text))
    except OSError as error:
        assert error.errno == errno.EMFILE, error
        failures += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
share = pickle.loads(bytes.fromhex(text))
share.n += failures
say("done")
"""
    import pickle

    share.n = 0
    with Program(body) as member:
        member.say(pickle.dumps(share).hex())
        assert member.hear() == "done"
    assert share.n >= 2


def test_it_makes_do_with_few_addresses() -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
share = Share()
share.items = list(range(100_000))
others = [Share() for _ in range(3)]
say(len(share.items))
"""
    with Program(body) as program:
        assert program.hear() == "100000"
        program.end()


def test_it_makes_do_with_small_files() -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
share = Share()
share.items = list(range(100_000))
say(len(share.items))
"""
    with Program(body) as program:
        assert program.hear() == "100000"
        program.end()


# What cannot be shared


class WritesOnly:
    """Can be pickled, and not unpickled."""

    def __reduce__(self) -> object:
        return _fail, ()


def _fail() -> None:
    raise ValueError("cannot be rebuilt")


def test_what_cannot_be_serialised_leaves_all_as_it_was(share: Share) -> None:
    share.items, share.table, share.n = [1], {"a": [1]}, 1

    class Bad:
        def __reduce__(self) -> object:
            raise ValueError("no")

    for bad in (Bad(), [Bad()], {"x": Bad()}):
        calls = [
            lambda bad=bad: setattr(share, "n", bad),
            lambda bad=bad: setattr(share, "new", bad),
            lambda bad=bad: share.items.append(bad),
            lambda bad=bad: share.items.extend([1, bad]),
            lambda bad=bad: share.table.update(b=bad),
            lambda bad=bad: share.table["a"].append(bad),
            lambda bad=bad: share.table.__setitem__("a", bad),
        ]
        for call in calls:
            with pytest.raises((TypeError, ValueError)):
                call()
    assert (share.items, share.table, share.n) == ([1], {"a": [1]}, 1)
    assert share.names() == ["items", "table", "n"]


def test_an_argument_that_could_not_be_read_again_is_refused(share: Share) -> None:
    share.items, share.table = [1], {"a": [1]}

    for call in (
        lambda: share.items.append(WritesOnly()),
        lambda: share.items.insert(0, WritesOnly()),
        lambda: share.table.update(b=WritesOnly()),
        lambda: share.table["a"].append(WritesOnly()),
    ):
        with pytest.raises(TypeError, match="cannot share"):
            call()

    assert (share.items, share.table) == ([1], {"a": [1]})
    share.items.append(2)
    with Program("say(share.items, share.table)\n", share) as member:
        assert member.end() == "[1, 2] {'a': [1]}"


def test_a_class_that_one_member_cannot_rebuild_hurts_its_reads_of_that_attribute_alone(
    share: Share, tmp_path: Path
) -> None:
    (tmp_path / "only_here.py").write_text("class Thing:\n    value = 1\n")
    with_module = f"sys.path.insert(0, {str(tmp_path)!r})\nfrom only_here import Thing\n"
    writer = (
        with_module
        + """
share.items.append(Thing())
share.thing = Thing()
say("written")
hear()
say(len(share.items), share.items[1].value, share.thing.value)
"""
    )
    share.items, share.n, share.big = [0], 0, []
    share.thing = None
    blind = """
items = share.items
say(len(items), share.n)
hear()
failures = 0
for read in (lambda: len(items), lambda: share.thing):
    try:
        read()
    except Exception as error:
        assert "only_here" in str(error), error
        failures += 1
for number in range(3000):
    share.n += 1
    share.big.append(number)
appended = 0
for number in range(20_000):
    items.append(number)
    appended += 1
share.other = {"a": 1}
say(failures, share.n, len(share.big), share.other, appended)
"""
    with Program(blind, share) as without:
        assert without.hear() == "1 0"
        having = Program(writer, share)
        assert having.hear() == "written"

        assert without.ask("go") == "2 3000 3000 {'a': 1} 20000"
        assert having.ask("go") == "20002 1 1"
        having.end()
    share.thing = 5
    with Program("say(share.thing)\n", share) as member:
        assert member.end() == "5"


@pytest.mark.endurance
def test_descriptors_are_as_before_once_shares_are_collected() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
        Share()
        until(lambda: gc.collect() >= 0 and threading.active_count() > 0)
        before = descriptors()
        for _ in range(30):
            share = Share()
            share.items = [1]
            del share
        until(lambda: gc.collect() >= 0 and descriptors() <= before + 4)
