"""Calls in threads that can be interrupted."""

import contextvars
import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from suitkaise.sk._expired import Expired
from suitkaise.sk._threads import ThreadCall

PATIENCE = 30.0
name = contextvars.ContextVar("name", default="nobody")


class GaveUpError(Exception):
    pass


def spin():
    """Loop, in a function of its own: CPython 3.13 does not count the jump back to a `try`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        sum(range(10))


def start(call):
    thread_call = ThreadCall(call)
    thread_call.start()
    return thread_call


def test_the_outcome_is_in_the_future():
    assert start(lambda: 5).future.result(PATIENCE) == 5
    with pytest.raises(ZeroDivisionError):
        start(lambda: 1 / 0).future.result(PATIENCE)


def test_context_variables_are_the_callers_and_do_not_come_back():
    token = name.set("caller")
    try:

        def call():
            seen = name.get()
            name.set("call")
            return seen

        assert start(call).future.result(PATIENCE) == "caller"
        assert name.get() == "caller"
    finally:
        name.reset(token)


def test_a_thread_is_used_again():
    threads = set()
    for _ in range(20):
        threads.add(start(threading.get_ident).future.result(PATIENCE))
        time.sleep(0.005)  # for the thread to come back

    assert len(threads) < 10


def test_an_interrupted_call_ends_at_its_next_instruction():
    began, ended = threading.Event(), threading.Event()

    def loop():
        try:
            began.set()
            spin()
        except Expired:
            ended.set()
            raise

    call = start(loop)
    assert began.wait(PATIENCE)

    assert call.interrupt(GaveUpError())

    assert isinstance(call.future.exception(PATIENCE), GaveUpError)
    assert ended.wait(PATIENCE / 2)


def test_a_call_that_has_ended_is_not_interrupted():
    call = start(lambda: 5)
    call.future.result(PATIENCE)

    assert not call.interrupt(GaveUpError())
    assert call.future.result() == 5


def test_interrupts_at_any_moment_leave_no_thread_and_no_noise(capfd):
    before = threading.active_count()
    outcomes = []
    for n in range(300):
        call = start(lambda: sum(range(2000)))
        if n % 3:
            time.sleep(0.00002 * (n % 10))
        call.interrupt(GaveUpError())
        outcomes.append(call.future.exception(PATIENCE))

    assert all(error is None or isinstance(error, GaveUpError) for error in outcomes)
    deadline = time.monotonic() + PATIENCE
    while threading.active_count() > before + 4:  # a few stay for the next calls
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert capfd.readouterr().err == ""


def test_a_kept_thread_keeps_nothing_of_a_call_alive():
    class Thing:
        pass

    thing = Thing()
    watcher = weakref.ref(thing)
    start(lambda thing=thing: None).future.result(PATIENCE)

    del thing

    deadline = time.monotonic() + PATIENCE
    while watcher() is not None:
        gc.collect()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run_program(text):
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_the_interpreter_waits_for_what_was_begun():
    ended = run_program(
        "import time\n"
        "from suitkaise.sk import sk\n"
        "def work():\n"
        "    time.sleep(0.3)\n"
        "    print('done')\n"
        "sk(work).background()()\n"
    )

    assert (ended.stdout, ended.stderr) == ("done\n", "")


def test_the_interpreter_does_not_wait_for_what_was_given_up():
    ended = run_program(
        "import threading, time\n"
        "from suitkaise.sk import FunctionTimeoutError, sk\n"
        "def ask():\n"
        "    try:\n"
        "        sk(time.sleep).timeout(0.05)(1000)\n"
        "    except FunctionTimeoutError:\n"
        "        print('gave up')\n"
        "thread = threading.Thread(target=ask)\n"
        "thread.start()\n"
        "thread.join()\n"
    )

    assert (ended.stdout, ended.stderr) == ("gave up\n", "")


def test_a_forked_process_has_threads_of_its_own():
    ended = run_program(
        "import os, warnings\n"
        "from suitkaise.sk import sk\n"
        "assert sk(abs).background()(-1).result() == 1\n"
        "warnings.simplefilter('ignore')  # of forking a program with threads\n"
        "if os.fork() == 0:\n"
        "    assert sk(abs).background()(-2).result(20) == 2\n"
        "    print('in the fork', flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )

    assert (ended.stdout, ended.stderr) == ("in the fork\n", "")
