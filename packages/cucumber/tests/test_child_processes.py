import pathlib
import subprocess
import sys
import time

import pytest

from suitkaise.cucumber import (
    ReconnectError,
    Reconnector,
    deserialize,
    reconnect_all,
    serialize,
)

WAITING = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def child():
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


@pytest.mark.comes_back(
    "subprocess.Popen, running",
    how="Reconnector: attaches to the same process, to ask, wait and end it; without its pipes "
    "and the secrets of its arguments",
)
def test_a_running_process_can_be_asked_and_ended_from_another(child, load_elsewhere):
    payload = serialize({"child": child})

    attached = reconnect_all(deserialize(payload))["child"]
    assert attached.is_running()
    assert (attached.pid, attached.args) == (child.pid, WAITING)
    with pytest.raises(subprocess.TimeoutExpired):
        attached.wait(timeout=0.01)
    lines = (
        "from suitkaise.cucumber import reconnect_all\n"
        "there = reconnect_all(value)['child']\n"
        "there.terminate(); there.wait(30); print(there.is_running())"
    )
    assert load_elsewhere(payload, lines) == "False"

    child.wait(30)
    assert child.returncode == -15
    assert repr(attached).startswith(f"<AttachedProcess {child.pid}, ended")


def test_a_process_that_has_ended_meanwhile_is_an_error_that_names_it(child):
    copy = deserialize(serialize(child))
    child.kill()
    child.wait(30)

    assert isinstance(copy, Reconnector)
    with pytest.raises(ReconnectError, match=f"process {child.pid}.*has ended"):
        copy.reconnect()
    with pytest.raises(ReconnectError, match="takes no secret"):
        copy.reconnect("hunter2")


@pytest.mark.comes_back(
    "subprocess.Popen, ended", how="with its exit code, arguments and pid; without its pipes"
)
def test_a_process_that_has_ended_keeps_its_exit_code():
    with subprocess.Popen([sys.executable, "-c", "exit(3)"], stdout=subprocess.PIPE) as child:
        child.wait(60)

    copy = deserialize(serialize(child))

    assert type(copy) is subprocess.Popen
    assert (copy.poll(), copy.wait(), copy.returncode, copy.args) == (3, 3, 3, child.args)
    assert copy.stdout is None
    copy.kill()  # nothing happens


def test_an_attached_process_can_be_sent_on(child):
    attached = reconnect_all(deserialize(serialize(child)))

    again = reconnect_all(deserialize(serialize([attached])))[0]

    assert (again.pid, again.args, again.is_running()) == (child.pid, WAITING, True)
    child.kill()
    child.wait(30)
    with pytest.raises(ReconnectError, match="has ended"):
        deserialize(serialize(attached)).reconnect()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["db", "--password", "hunter2", "base"], ["db", "--password", "", "base"]),
        (["db", "--password=hunter2", "-h", "there"], ["db", "--password=", "-h", "there"]),
        (["db", "--no-password", "base"], ["db", "--no-password", "base"]),
        (["db", "--password", "--host", "there"], ["db", "--password", "--host", "there"]),
        (("curl", "-H", "Authorization: Basic hunter2"), ("curl", "-H", "")),
        (["psql", "postgresql://me:hunter2@there/base"], ["psql", "postgresql://me@there/base"]),
        ([b"db", b"--api-key", b"hunter2"], [b"db", b"--api-key", b""]),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD="),  # may have spaces, so to the end
        ("db --token 'hunter2 x' --port 5", "db --token  --port 5"),
        ([pathlib.Path("/bin/db"), "--retries", "3"], [pathlib.Path("/bin/db"), "--retries", "3"]),
    ],
)
def test_no_secret_of_a_command_is_in_the_bytes(command, told):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(60)
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as running:
        ended.args = running.args = command
        payload = serialize([ended, running])
        running.kill()

    assert b"hunter2" not in payload
    ended_copy, running_copy = deserialize(payload)
    assert ended_copy.args == running_copy._description["args"] == told


@pytest.mark.comes_back(
    "subprocess.CompletedProcess",
    "subprocess.CalledProcessError",
    "subprocess.TimeoutExpired",
    how="as they were",
)
def test_outcomes_travel():
    done = subprocess.run([sys.executable, "-c", "print(5)"], capture_output=True, check=True)
    failed = subprocess.CalledProcessError(3, ["x"], output=b"out", stderr=b"err")

    done_copy, failed_copy, late = deserialize(
        serialize([done, failed, subprocess.TimeoutExpired(["y"], 2.5)])
    )

    assert (done_copy.stdout.strip(), done_copy.returncode) == (b"5", 0)
    assert (failed_copy.returncode, failed_copy.stderr) == (3, b"err")
    assert (late.timeout, time.monotonic() > 0) == (2.5, True)
