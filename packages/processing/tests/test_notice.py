from __future__ import annotations

import threading
import time

from suitkaise.processing._notice import Notice

DEADLINE = 30.0


def test_what_is_so_is_not_waited_for() -> None:
    assert Notice().wait_for(lambda: True, 0)


def test_a_wait_ends_when_its_time_is_over() -> None:
    began = time.monotonic()

    assert not Notice().wait_for(lambda: False, 0.05)

    assert time.monotonic() - began >= 0.05


def test_everybody_who_waits_is_woken() -> None:
    notice, things, woken = Notice(), [], []
    threads = [
        threading.Thread(target=lambda: woken.append(notice.wait_for(lambda: things, DEADLINE)))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()

    things.append(1)
    notice.notify()

    for thread in threads:
        thread.join(DEADLINE)
    assert woken == [True] * 10


def test_a_notice_of_something_else_wakes_nobody_for_good() -> None:
    notice = Notice()
    answers = iter([False, False, False, True])
    thread = threading.Thread(target=lambda: notice.wait_for(lambda: next(answers), DEADLINE))
    thread.start()
    deadline = time.monotonic() + DEADLINE

    while thread.is_alive():
        assert time.monotonic() < deadline
        notice.notify()
        time.sleep(0.001)

    assert next(answers, None) is None
