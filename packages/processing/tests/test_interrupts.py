"""Ctrl-C at any moment: it may end what one is doing, and spoils nothing that comes after."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.endurance

DEADLINE = 100.0

# Each round does something until a signal raises KeyboardInterrupt in the middle of it. The timer
# is the kernel's, the moments are random.
STORM = """
import os, random, signal, time
from concurrent import futures
from suitkaise.processing import Pool, ProcessError, Skprocess
import psutil

signal.signal(signal.SIGALRM, signal.default_int_handler)
random.seed({seed})
most = {seconds}

class Echo(Skprocess):
    def __run__(self):
        data = self.listen()
        if data is not None:
            self.tell(data)

class Quick(Skprocess):
    def __init__(self):
        self.process_config.runs = 1
    def __run__(self):
        pass
    def __result__(self):
        return 5

def set_alarm():
    signal.setitimer(signal.ITIMER_REAL, random.uniform(most / 50, most))

def interrupted(action):
    try:
        try:
            set_alarm()
            action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    except RuntimeError as error:  # the interrupt has hit the standard library's own Condition
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        return True
    return False

def forever(action):
    def loop():
        while True:
            action()
    return loop

def open_and_close():
    pool = Pool(1)
    pool.map(abs, [1])
    pool.close()

def in_background():
    asked = [echo.listen.background()(0.0005), echo.wait.background()(0.0005)]
    asked[0].add_done_callback(str)
    futures.wait(asked, 1)
    asked.append(echo.listen.background()(0.01))
    asked[2].cancel()
    list(futures.as_completed(asked, 20))
    return [future.result() for future in asked[:2]]

echo = Echo()
echo.start()
result = echo.result.background()()
called = []
result.add_done_callback(called.append)
pool = Pool(2)
pool.map(abs, range(4))
actions = {{
    "wait": forever(lambda: (echo.is_alive, echo.wait(0.0001), echo.listen(0.0001))),
    "background": forever(in_background),
    "run in the background": lambda: [Quick().run.background()() for _ in range(3)][0].result(),
    "tell": forever(lambda: echo.tell("x" * 5000)),
    "start": lambda: Quick().run(),
    "map": lambda: pool.map(str, range(100_000)),
    "map in the background": lambda: pool.map.background()(str, range(3000)).result(),
    "imap with a timeout": lambda: list(pool.imap.timeout(20)(str, range(1000))),
    "imap": lambda: list(pool.imap(str, range(100_000))),
    "close": open_and_close,
}}
end = time.monotonic() + 4
hits = 0
while time.monotonic() < end:
    hits += interrupted(actions[{action!r}])
    assert pool.map(abs, range(-3, 3)) == [3, 2, 1, 0, 1, 2]
assert hits > 10, hits
assert Quick().run() == 5
echo.tell("the end")
while echo.listen() != "the end":
    pass
echo.stop()
assert futures.wait([result, echo.wait.background()()], 20).not_done == set()
assert result.result() is None
pool.close()
deadline = time.monotonic() + 20
while not called:
    assert time.monotonic() < deadline
    time.sleep(0.02)
while len(left := psutil.Process().children(recursive=True)) > 2:  # the server and its spare
    assert time.monotonic() < deadline, left
    time.sleep(0.02)
print("survived")
"""


@pytest.mark.parametrize(
    ("action", "seconds"),
    [
        ("wait", 0.002),
        ("background", 0.005),
        ("run in the background", 0.01),
        ("tell", 0.002),
        ("start", 0.01),
        ("map", 0.02),
        ("imap", 0.02),
        ("imap with a timeout", 0.02),
        ("map in the background", 0.02),
        ("close", 0.02),
    ],
)
def test_ctrl_c_at_any_moment_spoils_nothing(action: str, seconds: float) -> None:
    script = STORM.format(action=action, seconds=seconds, seed=1)
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    # Python itself tells of interrupts that hit a finalizer; of the I/O thread there is no word.
    assert ended.stdout == "survived\n", ended.stderr
    assert "suitkaise-io" not in ended.stderr
