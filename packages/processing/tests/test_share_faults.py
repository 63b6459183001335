"""Whatever is killed or stopped, nobody else waits for it, and no write that returned is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.processing.tests.share_programs import (
    DEADLINE,
    Program,
    coordinator,
    is_gone,
    kill,
    replaced,
    until,
)

from suitkaise.processing import ProcessError, Share
from suitkaise.processing._engine import Engine
from suitkaise.processing._share._guardian import MOST_DEATHS

pytestmark = pytest.mark.timeout(110)

# What a victim does again and again, noting how often in a place of its own.
WORK = """
class Account:
    def __init__(self):
        self.balance, self.entries = 0, []
    def pay(self, amount):
        self.balance += amount
        self.entries.append(amount)
        if len(self.entries) > 50:
            del self.entries[:25]
        return self.balance
    def total(self):
        return self.balance

def count(share, me):
    share.n += 1
    share.per[me] += 1

def append(share, me):
    share.items.append(me)
    share.per[me] += 1

def nested(share, me):
    share.deep["a"]["b"][me][1] += 1
    share.per[me] += 1

def fold(share, me):
    share.large.append(bytes(3000))
    share.per[me] += 1
    if len(share.large) > 40:
        del share.large[:20]

def assign(share, me):
    share.mine[me] = {"data": bytes(random.randrange(20_000)), "n": share.per[me] + 1}
    share.per[me] += 1

def method(share, me):
    share.account.pay(1)
    share.per[me] += 1

def locked(share, me):
    with share.lock():
        one = share.one + 0
        share.one = int(one) + 1
        share.other = int(one) + 1
    share.per[me] += 1

def create(share, me):
    setattr(share, f"own{me}", [me] * random.randrange(3000))
    share.per[me] += 1
    delattr(share, f"own{me}")

WORKS = [count, append, nested, fold, assign, method, locked, create]
"""

# Forks victims: a process with one thread, so that it may.
NURSERY = (
    "import random\n"
    + WORK
    + """
share.account = Account()
say("ready")
while line := hear():
    me, path = line.split()
    me = int(me)
    pid = os.fork()
    if not pid:
        done = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        work = WORKS[me % len(WORKS)]
        while True:
            work(share, me)
            os.write(done, b".")
    say(pid)
    hear()  # it has been killed
    os.waitpid(pid, 0)
    say("buried")
"""
)

BYSTANDER = (
    "import random\n"
    + WORK
    + """
me, longest, done = -int(sys.argv[1]), 0.0, 0
share.per[me] = 0
share.deep["a"]["b"][me] = [0, 0]
say("ready")
is_over = threading.Event()
threading.Thread(target=lambda: (hear(), is_over.set()), daemon=True).start()
while not is_over.is_set():
    for work in WORKS:
        began = time.monotonic()
        work(share, me)
        longest = max(longest, time.monotonic() - began)
    done += 1
say(done, longest)
"""
)


@pytest.fixture
def share() -> Iterator[Share]:
    share = Share()
    share.n = share.one = share.other = 0
    share.items, share.large = [], []
    share.per, share.mine, share.deep = {}, {}, {"a": {"b": {}}}
    yield share
    del share


def test_a_member_that_is_killed_blocks_nobody_and_loses_nothing(
    share: Share, tmp_path: Path
) -> None:
    rounds = 48
    lot = random.Random(11)
    with Program(NURSERY, share) as nursery:
        assert nursery.hear() == "ready"
        bystanders = [Program(BYSTANDER, share, str(number)) for number in (1, 2)]
        for bystander in bystanders:
            assert bystander.hear() == "ready"
        done = []
        for me in range(rounds):
            share.per[me] = 0
            share.deep["a"]["b"][me] = [0, 0]
            path = tmp_path / str(me)
            victim = int(nursery.ask(f"{me} {path}"))
            until(lambda path=path: path.exists() and path.stat().st_size)  # type: ignore[misc]
            time.sleep(lot.random() * 0.03)
            kill(victim)
            assert nursery.ask("dead") == "buried"
            done.append(path.stat().st_size)
            with share.lock():  # that of a dead holder is free
                pass
        reports = []
        for bystander in bystanders:
            bystander.say("enough")
            count, longest = bystander.hear().split()
            reports.append(int(count))
            assert float(longest) < 10
            bystander.end()

    assert all(reports)
    for me, count in enumerate(done):
        assert count <= share.per[me] <= count + 1, me
    everybody = sum(reports)

    def by(kind: int) -> int:
        return everybody + sum(count for me, count in enumerate(done) if me % 8 == kind)

    most = rounds // 8  # each victim may have done one thing more
    assert by(0) <= share.n <= by(0) + most
    assert by(1) <= len(share.items) <= by(1) + most
    inner = share.deep["a"]["b"]
    assert by(2) <= sum(inner[me][1] for me in inner) <= by(2) + most
    assert by(5) <= share.account.balance <= by(5) + most
    assert by(6) <= share.one <= by(6) + most
    assert 0 <= share.one - share.other <= most
    for me in share.mine:
        assert 0 <= share.mine[me]["n"] - share.per[me] <= 1 or me < 0


def test_a_coordinator_that_is_killed_under_load_is_replaced_and_nothing_is_lost(
    share: Share,
) -> None:
    joiner = """
while True:
    share = pickle.loads(bytes.fromhex(hear()))
    share.joined += 1
    say("joined")
    del share
    import gc; gc.collect()
"""
    share.joined = 0
    with Program(NURSERY, share) as nursery, Program(joiner) as joining:
        assert nursery.hear() == "ready"
        import pickle

        ticket = pickle.dumps(share).hex()
        bystanders = [Program(BYSTANDER, share, str(number)) for number in (1, 2, 3)]
        for bystander in bystanders:
            assert bystander.hear() == "ready"
        last = coordinator(share)
        slowest = 0.0
        for _ in range(MOST_DEATHS - 1):
            began = time.monotonic()
            kill(last)
            assert joining.ask(ticket) == "joined"
            last = replaced(share, last)
            slowest = max(slowest, time.monotonic() - began)
        reports = []
        for bystander in bystanders:
            bystander.say("enough")
            count, longest = bystander.hear().split()
            reports.append(int(count))
            assert float(longest) < 10
            bystander.end()

    assert not share.has_error
    assert slowest < 10
    assert share.joined == MOST_DEATHS - 1
    assert all(reports)
    assert share.n == len(share.items) == share.one == share.other == sum(reports)
    assert share.account.balance == share.account.total() == sum(reports)
    assert sum(place[1] for place in share.deep["a"]["b"].values()) == sum(reports)
    assert [share.per[-number] for number in (1, 2, 3)] == [8 * count for count in reports]


def test_a_coordinator_and_a_member_that_are_killed_together(share: Share, tmp_path: Path) -> None:
    with Program(NURSERY, share) as nursery:
        assert nursery.hear() == "ready"
        for me in range(3):
            share.per[me] = 0
            share.deep["a"]["b"][me] = [0, 0]
            path = tmp_path / str(me)
            victim = int(nursery.ask(f"{me} {path}"))
            until(lambda path=path: path.exists() and path.stat().st_size)  # type: ignore[misc]
            last = coordinator(share)
            kill(last)
            kill(victim)
            assert nursery.ask("dead") == "buried"
            replaced(share, last)
            count = path.stat().st_size
            assert count <= share.per[me] <= count + 1


def test_the_lock_of_a_holder_that_is_killed_is_free_for_the_next(share: Share) -> None:
    body = """
with share.lock():
    with share.lock():
        share.n += 1
        say("held")
        hear()
"""
    with Program(body, share) as holder:
        assert holder.hear() == "held"
        with Program("say('waits')\nwith share.lock(): say(share.n)\n", share) as waiter:
            assert waiter.hear() == "waits"

            holder.kill()

            assert waiter.hear() == "1"
            with share.lock():
                assert share.n == 1


def test_a_member_that_is_stopped_in_a_write_holds_up_that_attribute_alone(share: Share) -> None:
    writer = """
share.slow = 0
say("ready")
while True:
    share.slow += 1
"""
    # Another process asks: this one has the only descriptor that it may have. Stopped in one of the
    # few instructions with the lock of the memory, it would hold up whoever needs a block as well.
    asker = """
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
locks = share._member.locks
log = locks.log_byte(share._member.find("slow").slot)
def is_held(byte):
    try:
        lockf(locks.descriptor, LOCK_EX | LOCK_NB, 1, byte)
        lockf(locks.descriptor, LOCK_UN, 1, byte)
    except OSError:
        return True
    return False
while hear():
    say("held" if is_held(log) and not is_held(locks.heap.byte) else "free")
"""
    waiter = """
say("waits")
share.slow += 1000000
say("written", share.slow)
"""
    with Program(writer, share) as stopped:
        assert stopped.hear() == "ready"
        asking = Program(asker, share)
        deadline = time.monotonic() + DEADLINE
        stopped.signal(signal.SIGSTOP)
        while asking.ask("is it?") == "free":
            assert time.monotonic() < deadline
            stopped.signal(signal.SIGCONT)
            time.sleep(random.random() * 0.002)
            stopped.signal(signal.SIGSTOP)
        with Program(waiter, share) as waiting:
            assert waiting.hear() == "waits"

            for _ in range(1000):
                share.n += 1
                share.items.append(1)
            share.created_meanwhile = [1]

            assert share.n == 1000
            stopped.signal(signal.SIGCONT)
            stopped.kill()
            word, value = waiting.hear().split()
            assert word == "written"
            assert int(value) >= 1_000_000
        asking.kill()
    share.slow += 1


def test_a_method_that_is_killed_changes_nothing_and_blocks_nobody(share: Share) -> None:
    body = """
class Job:
    def __init__(self):
        self.steps, self.names = 0, []
    def work(self):
        self.steps = 99
        self.names.append("half")
        say("in it")
        hear()
    def step(self):
        self.steps += 1
        return self.steps
share.job = Job()
share.job.work()
"""
    with Program(body, share) as victim:
        assert victim.hear() == "in it"
        assert share.job.steps == 0
        share.n += 1

        victim.kill()

        assert share.job.step() == 1
        assert share.job.names == []


def test_a_share_whose_coordinator_cannot_be_replaced_raises_until_it_is_started(
    share: Share,
) -> None:
    class Thing:
        def __init__(self) -> None:
            self.value = 1

        def get(self) -> int:
            return self.value

        def put(self, value: int) -> None:
            self.value = value

    share.n, share.items, share.table, share.thing = 5, [1, 2], {"a": [1]}, Thing()
    items, table, inner, thing = share.items, share.table, share.table["a"], share.thing
    number = share.n
    assert (number, len(items), thing.get(), inner[0]) == (5, 2, 1, 1)
    member = """
items = share.items
say(share.n, len(items))
hear()
for call in (lambda: share.n, lambda: items[0], lambda: items.append(1)):
    try:
        call()
    except ProcessError as error:
        assert "has failed" in str(error)
    else:
        say("no error")
say("told")
hear()
say(share.n, len(items))
"""
    with Program(member, share) as joined:
        assert joined.hear() == "5 2"
        last = coordinator(share)
        for _ in range(MOST_DEATHS):
            kill(last)
            until(lambda last=last: share.coordinator_pid != last)  # type: ignore[misc]
            if not share.has_error:
                last = coordinator(share)
        until(lambda: share.has_error)

        def assign() -> None:
            share.n = 1

        def increment() -> None:
            share.n = number + 1

        def create() -> None:
            share.another = 1

        def delete() -> None:
            del share.n

        for call in (
            lambda: share.n,
            lambda: share.absent,
            assign,
            increment,
            create,
            delete,
            lambda: share.items,
            lambda: len(items),
            lambda: items[0],
            lambda: list(items),
            lambda: items.append(1),
            lambda: items.pop(),
            lambda: inner[0],
            lambda: inner.append(1),
            lambda: table["a"],
            lambda: thing.get(),
            lambda: thing.put(2),
            lambda: thing.value,
            lambda: setattr(thing, "value", 3),
            share.names,
            share.clear,
            share.lock,
            share.reconnect_all,
            lambda: "n" in share,
        ):
            with pytest.raises(ProcessError, match="has failed"):
                call()
        assert joined.ask("go") == "told"
        with Program("say(share.has_error)", share) as late:
            assert late.end() == "True"
        assert "failed" in repr(share)
        assert not share.is_running
        assert share.coordinator_pid is None

        share.start()

        assert (share.n, items, inner, thing.get()) == (5, [1, 2], [1], 1)
        assert not share.has_error
        share.n += 1
        assert joined.ask("go") == "6 2"
        coordinator(share)


def test_a_launch_that_fails_is_an_error_and_a_later_start_mends_it(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(24, "Too many open files")

    share.n = 1
    last = coordinator(share)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "launch", fail)
        os.kill(last, signal.SIGKILL)
        until(lambda: share.has_error)
        with pytest.raises(OSError, match="Too many open files"):
            share.start()
        assert share.has_error
        with pytest.raises(ProcessError):
            _ = share.n

    share.start()

    assert share.n == 1
    pid = coordinator(share)
    assert pid != last
    assert share.stop()
    assert is_gone(pid)
