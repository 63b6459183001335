"""From its first line to the end of its owner: start and stop, joining, leaving, forking."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from packages.processing.tests.share_programs import (
    DEADLINE,
    PRELUDE,
    Program,
    coordinator,
    is_gone,
    until,
)

from suitkaise.processing import Pool, ProcessError, Share, Skprocess

pytestmark = pytest.mark.timeout(110)

STOPPED = "Share is stopped"

READER = """
while line := hear():
    try:
        say(eval(line))
    except Exception as error:
        say(type(error).__name__, error)
"""


@pytest.fixture
def share() -> Iterator[Share]:
    share = Share()
    yield share
    del share


class Thing:
    def __init__(self) -> None:
        self.value, self.names = 0, ["first"]

    def put(self, value: int) -> int:
        self.value = value
        self.names.append(str(value))
        return len(self.names)

    def get(self) -> int:
        return self.value


# Start and stop


def test_what_was_written_stays_readable_when_it_is_stopped_and_after_a_start(
    share: Share,
) -> None:
    share.n, share.items, share.thing = 1, [1], Thing()
    with Program(READER, share) as member:
        assert member.ask("share.items.append(2)") == "None"
        pid = coordinator(share)

        assert share.stop()

        assert is_gone(pid)
        assert not share.is_running
        assert not share.has_error
        assert share.coordinator_pid is None
        assert (share.n, share.items, share.thing.get()) == (1, [1, 2], 0)
        assert share.names() == ["n", "items", "thing"]
        assert member.ask("(share.n, share.items, share.is_running)") == "(1, [1, 2], False)"
        assert share.stop()  # once more
        assert share.exit()

        share.start()
        share.start()

        assert share.is_running
        assert (share.n, share.items) == (1, [1, 2])
        assert member.ask("(share.n, share.items, share.is_running)") == "(1, [1, 2], True)"
        assert coordinator(share) != pid


def test_changes_while_it_is_stopped_warn_and_wait(share: Share) -> None:
    share.n, share.items, share.table, share.thing = 1, [1, 2, 3], {"a": {"b": [0]}}, Thing()
    share.gone, share.text, share.changed = 1, "a", 5
    items = share.items
    share.stop()

    with pytest.warns(RuntimeWarning, match=STOPPED) as noted:  # noqa: PT031
        share.n += 1
        share.n += 1
        share.n = share.n + 10
        items.append(4)
        assert items.pop() == 4
        assert items.pop(0) == 1
        share.items += [5]
        share.table["a"]["b"].append(1)
        share.table["a"]["b"][0] += 7
        assert share.thing.put(9) == 2
        assert share.thing.put(10) == 3
        share.thing.value += 1
        share.new_name = [1]
        del share.gone
        share.changed = {"now": "a dict"}
        share.text += "b"

    assert {Path(warning.filename).name for warning in noted} == {Path(__file__).name}
    assert len({warning.lineno for warning in noted}) >= 14
    assert (share.n, share.items, share.table) == (1, [1, 2, 3], {"a": {"b": [0]}})
    assert (share.thing.get(), share.thing.names, share.gone) == (0, ["first"], 1)
    assert (share.changed, share.text) == (5, "a")
    assert "new_name" not in share
    with pytest.raises(AttributeError, match="no attribute 'new_name'"):
        _ = share.new_name

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        share.start()
        assert share.n == 13
        assert share.items == items == [2, 3, 5]
        assert share.table == {"a": {"b": [7, 1]}}
        assert (share.thing.value, share.thing.names) == (11, ["first", "9", "10"])
        assert share.new_name == [1]
        assert "gone" not in share
        assert share.changed == {"now": "a dict"}
        assert share.text == "ab"
        share.new_name.append(2)
        share.n += 1
    assert share.n == 14


def test_changes_of_another_process_while_it_is_stopped_warn_there_and_wait(share: Share) -> None:
    share.n, share.items = 0, list(range(5000))
    body = """
import warnings
say("ready")
hear()
with warnings.catch_warnings(record=True) as noted:
    warnings.simplefilter("always")
    for number in range(2000):
        share.n += 1
        share.items.append(number)
    share.made_here = 1
say({warning.filename for warning in noted}, len(noted), share.n, len(share.items))
hear()
say(share.n, len(share.items), share.made_here)
"""
    with Program(body, share) as member:
        assert member.hear() == "ready"
        share.stop()

        assert member.ask("go") == "{'<string>'} 4001 0 5000"
        assert (share.n, len(share.items)) == (0, 5000)
        assert "made_here" not in share
        share.start()

        assert (share.n, len(share.items), share.made_here) == (2000, 7000, 1)
        assert member.ask("go") == "2000 7000 1"
        share.made_here += 1
        assert share.made_here == 2


def test_a_warning_that_is_an_error_stops_the_change(share: Share) -> None:
    share.n = 1
    share.stop()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match=STOPPED):
            share.n += 1

    share.start()
    assert share.n == 1


def test_what_is_cleared_while_it_is_stopped_is_there_until_the_start(share: Share) -> None:
    share.n, share.items = 1, [1]
    share.stop()

    with pytest.warns(RuntimeWarning, match=STOPPED):  # noqa: PT031
        share.clear()
        share.after = 1
    assert share.names() == ["n", "items"]

    share.start()
    assert share.names() == ["after"]


def test_names_made_while_it_starts_are_seen(share: Share) -> None:
    body = """
import warnings
warnings.simplefilter("ignore")
say("ready")
for number in range(1500):
    setattr(share, f"name{number}", number)
say("done")
"""
    with Program(body, share) as member:
        assert member.hear() == "ready"
        done: list[str] = []
        waiting = threading.Thread(target=lambda: done.append(member.hear()))
        waiting.start()
        while not done:
            share.stop()
            share.start()
        waiting.join(DEADLINE)

    assert len(share) == 1500
    assert all(getattr(share, f"name{number}") == number for number in range(1500))


def test_every_write_that_returned_before_a_stop_is_seen_by_all_while_it_is_stopped(
    share: Share,
) -> None:
    share.n = 0
    body = """
import warnings
warnings.simplefilter("error")
count = 0
say("ready")
while True:
    try:
        share.n += 1
    except RuntimeWarning:
        break
    count += 1
say(count, share.n)
"""
    with Program(body, share) as one, Program(body, share) as other:
        assert [one.hear(), other.hear()] == ["ready", "ready"]
        until(lambda: share.n > 100)
        share.stop()
        counts, seen = zip(
            *(map(int, member.hear().split()) for member in (one, other)), strict=True
        )
        assert share.n == sum(counts)
        assert set(seen) == {sum(counts)}


def test_only_its_owner_starts_and_stops_it(share: Share) -> None:
    with Program(READER, share) as member:
        for call in ("share.stop()", "share.exit()", "share.start()"):
            assert "started and stopped in the process that made it" in member.ask(call)
        assert share.is_running


def test_a_with_block_stops_it_at_its_end() -> None:
    with Share() as share:
        assert share.is_running
        share.n = 1
    assert not share.is_running
    assert share.n == 1

    with share as again:
        assert again is share
        assert share.is_running
        share.n += 1
    assert share.n == 2
    assert not share.is_running


def test_one_that_is_not_started_keeps_changes_until_it_is() -> None:
    share = Share(auto_start=False)
    assert not share.is_running
    assert share.coordinator_pid is None
    with pytest.warns(RuntimeWarning, match=STOPPED):  # noqa: PT031
        share.n = 1
        share.n = 2
        share.items = [1]
    assert share.names() == []
    with pytest.raises(AttributeError, match="it is stopped: what is assigned meanwhile is there"):
        share.n += 1
    assert share.stop()

    share.start()

    assert share.is_running
    assert (share.n, share.items) == (2, [1])
    assert coordinator(share)


def test_a_coordinator_that_does_not_end_in_time_is_killed(share: Share) -> None:
    pid = coordinator(share)
    os.kill(pid, signal.SIGSTOP)

    assert not share.stop(timeout=0.1)

    assert is_gone(pid)
    assert share.coordinator_pid is None
    share.start()
    assert coordinator(share)


def test_it_starts_and_stops_many_times(share: Share) -> None:
    share.n = 0
    for number in range(20):
        share.n += 1
        assert share.stop()
        assert share.n == number + 1
        share.start()
    assert not share.has_error


# Joining


class Adder(Skprocess):
    def __init__(self, share: Share) -> None:
        self.share = share
        self.process_config.runs = 3

    def __run__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.share.n += 1

    def __result__(self) -> tuple[int, bool]:
        return int(self.share.n), self.share.is_running


def test_one_that_is_stopped_is_joined_and_changed_when_it_starts(share: Share) -> None:
    def add(_: int) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            share.n += 1
        return int(share.n)

    share.n = 5
    share.stop()
    with Pool(workers=2) as pool:
        assert pool.map(add, range(6)) == [5] * 6
        assert Adder(share).run() == (5, False)
        assert share.coordinator_pid is None

        share.start()
        assert share.n == 14
        assert pool.map(add, range(1)) == [15]
        assert Adder(share).run() == (18, True)


def test_one_that_was_never_started_can_be_joined() -> None:
    share = Share(auto_start=False)
    with Program(READER, share) as member:
        assert member.ask("(share.names(), share.is_running)") == "([], False)"
        share.start()
        share.n = 1
        assert member.ask("share.n") == "1"


@pytest.mark.endurance
def test_joins_in_the_moment_of_a_start_or_a_stop_succeed(share: Share) -> None:
    body = """
import gc
from suitkaise.processing._share._admission import join
ticket = hear()
address, secret = pickle.loads(bytes.fromhex(ticket))
say("ready")
for _ in range(300):
    for number in join(address, secret, 60):
        os.close(number)
say("done")
"""
    with Program(body) as member:
        member.say(pickle.dumps(share._ticket).hex())
        assert member.hear() == "ready"
        done: list[str] = []
        waiting = threading.Thread(target=lambda: done.append(member.hear()))
        waiting.start()
        while not done:
            share.stop()
            share.start()
        waiting.join(DEADLINE)
        assert done == ["done"]


@pytest.mark.endurance
def test_a_late_member_and_an_idle_one_see_all(share: Share) -> None:
    share.n, share.items, share.table = 0, [], {}
    share.old = "as it was"
    with Program(READER, share) as idle:
        assert idle.ask("(share.n, share.items, share.table, share.old)") == (
            "(0, [], {}, 'as it was')"
        )
        for number in range(100_000):
            share.n += 1
            if number % 4 == 0:
                share.items.append(number)
                share.table[number % 100] = number
                if number % 40_000 == 0:
                    share.items.clear()
        expected = (
            f"({share.n}, {sum(share.items)}, {len(share.items)}, {sum(share.table.values())}, "
            "'as it was')"
        )
        question = (
            "(share.n, sum(share.items), len(share.items), sum(share.table.values()), share.old)"
        )
        assert idle.ask(question) == expected
        with Program(READER, share) as late:
            assert late.ask(question) == expected
            assert late.ask("share.items.append(-1)") == "None"
        assert share.items[-1] == -1
        assert idle.ask("share.items[-1]") == "-1"


def test_a_reference_that_arrives_again_is_the_same_share(share: Share) -> None:
    share.items = []
    assert pickle.loads(pickle.dumps(share)) is share
    body = """
import gc
text = hear()
for number in range(200):
    share = pickle.loads(bytes.fromhex(text))
    assert pickle.loads(bytes.fromhex(text)) is share
    items = share.items
    del share
    items.append(number)
    if number % 50 == 0:
        gc.collect()
    count = sum("suitkaise" in os.readlink(f"/proc/self/fd/{name}")
                for name in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{name}"))
    assert count <= 3, count  # the memory, its mapping and the locks
say("done")
"""
    with Program(body) as member:
        member.say(pickle.dumps(share).hex())
        assert member.hear() == "done"
        member.end()
    assert share.items == list(range(200))


@pytest.mark.endurance
def test_one_member_of_a_process_never_lets_go_of_the_locks_of_another(share: Share) -> None:
    share.n = 0
    body = """
import gc
text = hear()
def count():
    for _ in range(3000):
        share = pickle.loads(bytes.fromhex(text))
        share.n += 1
        del share
def collect():
    while not is_over:
        gc.collect()
is_over = False
threads = [threading.Thread(target=count) for _ in range(3)]
collector = threading.Thread(target=collect)
collector.start()
for thread in threads: thread.start()
for thread in threads: thread.join()
is_over = True
collector.join()
say("done")
"""
    text = pickle.dumps(share).hex()
    with Program(body) as one, Program(body) as other:
        for member in (one, other):
            member.say(text)
        assert [one.hear(), other.hear()] == ["done", "done"]
    assert share.n == 18_000


# Threads and forks


def test_threads_and_processes_change_all_kinds_of_attributes_at_once(share: Share) -> None:
    body = """
class Account:
    def __init__(self):
        self.balance, self.entries = 0, []
    def pay(self, amount):
        self.balance += amount
        self.entries.append(amount)

if share.role == "maker":
    share.account = Account()
say("ready")
hear()

def work():
    for number in range(60):
        share.n += 1
        share.real += 0.5
        share.text += "x"
        share.items.append(number)
        share.table["n"] += 1
        share.deep["a"]["b"].append(number)
        share.account.pay(1)
        share.account.balance += 1
        with share.lock():
            share.one = int(share.one) + 1
        setattr(share, f"mine_{os.getpid()}_{threading.get_ident()}", number)

threads = [threading.Thread(target=work) for _ in range(int(sys.argv[1]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
say("done")
"""
    share.n = share.one = 0
    share.real, share.text = 0.0, ""
    share.items, share.table, share.deep = [], {"n": 0}, {"a": {"b": []}}
    share.role = "maker"
    members = [Program(body, share, "8")]
    assert members[0].hear() == "ready"
    share.role = "joiner"
    members += [Program(body, share, "2") for _ in range(3)]
    for member in members[1:]:
        assert member.hear() == "ready"
    for member in members:
        member.say("go")
    for member in members:
        assert member.hear() == "done"
        member.end()

    count = 14 * 60
    assert share.n == share.one == share.table["n"] == len(share.text) == count
    assert share.real == count / 2
    assert len(share.items) == len(share.deep["a"]["b"]) == len(share.account.entries) == count
    assert share.account.balance == 2 * count


FORKS = """
import warnings
share.n = 0
share.items, share.table = [], {"n": 0}
is_over = threading.Event()
def busy():
    while not is_over.is_set():
        share.other += 1
        share.lists.append(1)
        if len(share.lists) > 3000:
            share.lists.clear()
        with share.lock():
            share.under += 1
        pickle.loads(pickle.dumps(share))
share.other, share.lists, share.under = 0, [], 0
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads: thread.start()
children = []
for _ in range(20):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            for number in range(50):
                share.n += 1
                share.items.append(number)
                share.table["n"] += 1
                share.other += 1
                share.lists.append(2)
                with share.lock():
                    share.under += 1
            assert pickle.loads(pickle.dumps(share)) is share
            try:
                share.stop()
            except ProcessError:
                status = 0
        finally:
            os._exit(status)
    children.append(pid)
    share.n += 1
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
is_over.set()
for thread in threads: thread.join()
say(share.n, len(share.items), share.table["n"])
"""


@pytest.mark.parametrize("who", ["owner", "member"])
def test_a_fork_and_its_parent_both_go_on_whatever_other_threads_hold(
    share: Share, who: str
) -> None:
    program = Program(FORKS, share) if who == "member" else Program("share = Share()\n" + FORKS)
    with program:
        assert program.hear() == "1020 1000 1000"
        program.end()


def test_a_fork_can_share_a_new_type_whatever_other_threads_were_about(share: Share) -> None:
    body = """
from suitkaise.cucumber import _registry
class Thing:
    value = 7
has_begun = threading.Event()
def hold():
    with _registry._lock:
        has_begun.set()
        hear()
threading.Thread(target=hold, daemon=True).start()
has_begun.wait()
pid = os.fork()
if not pid:
    share.thing = Thing()
    say(share.thing.value)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    with Program(body, share) as member:
        assert member.hear() == "7"


def test_a_fork_inside_a_lock_leaves_the_lock_to_the_parent(share: Share) -> None:
    body = """
share.n = 0
pid = -1
with share.lock():
    pid = os.fork()
    if pid:
        share.n += 1
if not pid:
    with share.lock():
        share.n += 1
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
say(share.n)
"""
    with Program(body, share) as member:
        assert member.hear() == "2"
        member.end()


# The end of the owner

OWNER = """
share = Share()
share.n, share.items, share.table = 1, [1], {"a": [1]}
class Thing:
    def __init__(self): self.value = 1
    def put(self, value): self.value = value
    def get(self): return self.value
share.thing = Thing()
say(pickle.dumps(share).hex())
"""
MEMBER = """
share = pickle.loads(bytes.fromhex(hear()))
items, inner, thing = share.items, share.table["a"], share.thing
say(share.n, len(items), inner[0], thing.get())
hear()
def until_ended():
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            share.n
        except ProcessError as error:
            return str(error)
        time.sleep(0.002)
say(until_ended())
calls = [
    lambda: share.n, lambda: setattr(share, "n", 2), lambda: setattr(share, "new", 2),
    lambda: items[0], lambda: items.append(1), lambda: inner.append(1), lambda: len(inner),
    lambda: thing.get(), lambda: thing.put(1), lambda: thing.value, share.names, share.lock,
    lambda: delattr(share, "n"), share.clear,
]
for call in calls:
    try:
        call()
    except ProcessError as error:
        assert "has ended with the process that made it" in str(error), error
    else:
        say("no error")
say(repr(share), share.is_running, share.has_error)
"""
ENDED = "this Share has ended with the process that made it"


@pytest.mark.parametrize("state", ["running", "stopped"])
@pytest.mark.parametrize("end", ["SIGKILL", "os._exit", "exit", "drop", "SIGTERM"])
def test_members_are_told_that_the_owner_has_ended(end: str, state: str) -> None:
    last_words = {
        "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
        "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
        "os._exit": "os._exit(0)",
        "exit": "sys.exit()",
        "drop": "del share; say('dropped'); hear()",
    }[end]
    stop = "share.stop()\n" if state == "stopped" else ""
    with Program(OWNER + f"hear()\n{stop}{last_words}\n") as owner, Program(MEMBER) as member:
        ticket = owner.hear()
        assert member.ask(ticket) == "1 1 1 1"
        owner.say("end")

        assert member.ask("go").startswith(ENDED)
        assert member.hear() == "<Share: ended> False False"
        member.end()

        if end == "drop":
            assert owner.hear() == "dropped"
        with Program("say('ready')\n" + READER) as late:
            assert late.hear() == "ready"
            answer = late.ask(f"pickle.loads(bytes.fromhex({ticket!r})).n")
            assert "ProcessError the Share's owner has ended" in answer


def test_a_fork_of_the_owner_is_told_of_its_end() -> None:
    serves = "share.ready = False\nuntil(lambda: share.coordinator_pid)\n"
    member = MEMBER.split("\n", 2)[2].replace("\nhear()\n", "\nshare.ready = True\nhear()\n")
    fork = f"if not os.fork():\n    exec({member!r})\n    os._exit(0)\n"
    end = "until(lambda: share.ready)\nos._exit(0)\n"
    with Program(OWNER + serves + fork + end) as owner:
        assert owner.hear()
        assert owner.hear() == "1 1 1 1"
        owner.say("go")
        assert owner.hear().startswith(ENDED)
        assert owner.hear() == "<Share: ended> False False"


def test_a_coordinator_that_gets_a_sigterm_is_replaced(share: Share) -> None:
    share.n = 1
    pid = coordinator(share)

    os.kill(pid, signal.SIGTERM)

    until(lambda: share.coordinator_pid not in (None, pid))
    assert share.n == 1
    with Program(READER, share) as member:
        assert member.ask("share.n") == "1"


def test_an_owner_that_exits_while_its_children_work_leaves_nothing_and_is_silent() -> None:
    body = """
class Worker(Skprocess):
    def __init__(self, share):
        self.share = share
    def __run__(self):
        self.share.n += 1
        self.share.items.append(1)
share = Share()
share.n, share.items = 0, []
workers = [Worker(share) for _ in range(2)]
for worker in workers:
    worker.start()
pool = Pool(workers=1)
def work(_):
    while True:
        share.n += 1
future = pool.map.background()(work, range(1))
until(lambda: share.n > 300)
import psutil
say(*[child.pid for child in psutil.Process().children(recursive=True)])
"""
    prelude = PRELUDE + "from suitkaise.processing import Pool, Skprocess\n"
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", prelude + body],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
    pids = list(map(int, done.stdout.split()))
    assert len(pids) >= 4
    for pid in pids:
        until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]


def test_with_its_last_reference_the_coordinator_ends() -> None:
    share = Share()
    pid = coordinator(share)
    items: list[int] = []
    share.items = items
    held = share.items

    del share
    gc.collect()

    until(lambda: is_gone(pid))
    with pytest.raises(ProcessError, match=ENDED):
        held.append(1)
    with pytest.raises(ProcessError, match=ENDED):
        len(held)


def test_one_dropped_while_stopped_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    share = Share(auto_start=False)
    (reception,) = set(threading.enumerate()) - before
    assert reception.name == "suitkaise-reception"

    del share

    until(lambda: not reception.is_alive())


# Security


def test_its_secret_is_in_no_argument_environment_or_text(share: Share) -> None:
    secret: bytes = share._ticket[1]
    forms = [secret, secret.hex().encode(), repr(secret).encode()]
    share.n = 1
    with Program(READER, share) as member:
        assert member.ask("share.n") == "1"
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        assert coordinator(share) in [process.pid for process in family]
        for process in family:
            for kind in ("cmdline", "environ"):
                try:
                    text = Path(f"/proc/{process.pid}/{kind}").read_bytes()
                except OSError:
                    continue
                assert not any(form in text for form in forms)
        shown = [member.ask(f"{how}(share)") for how in ("repr", "str", "dir", "vars")]
    shown += [repr(share), str(share), share._repr_html_(), repr(share._guardian)]
    shown.append(repr(share._member))
    mentions: list[Callable[[], object]] = [
        lambda: share.absent,
        lambda: setattr(share, "stop", 1),
        lambda: setattr(share, "lock_", threading.Condition()),
    ]
    for mention in mentions:
        try:
            mention()
        except Exception as error:
            shown.append(repr(error))
    assert not any(form in text.encode() for form in forms for text in shown)


def test_a_program_that_a_member_runs_has_none_of_its_descriptors(share: Share) -> None:
    body = """
import subprocess
share.n = 1
script = (
    "import os\\n"
    "names = [os.readlink(f'/proc/self/fd/{name}') for name in os.listdir('/proc/self/fd')"
    " if os.path.islink(f'/proc/self/fd/{name}')]\\n"
    "print([name for name in names if 'suitkaise' in name or 'socket' in name])"
)
done = subprocess.run([sys.executable, "-c", script], close_fds=False, capture_output=True)
say(done.stdout.decode().strip())
"""
    with Program(body, share) as member, Program("share = Share()\n" + body) as owner:
        assert member.hear() == "[]"
        assert owner.hear() == "[]"
