"""What the worker processes of every contender run; it imports nothing but the clock."""

from __future__ import annotations

import time
from typing import Any

ANSWER = 42


def answer() -> int:
    return ANSWER


def send_answer(connection: Any) -> None:
    connection.send(ANSWER)


def square(number: int) -> int:
    return number * number


def add_up(array: Any) -> float:
    return float(array.sum())


def double(array: Any) -> Any:
    return array * 2


def look_up(table: Any, number: int) -> float:
    return float(table[number]) + number


def work(milliseconds: int) -> int:
    """Keep a CPU busy; what other processes take from it does not count."""
    end = time.thread_time() + milliseconds / 1000
    while time.thread_time() < end:
        pass
    return milliseconds


def echo_queues(inbox: Any, outbox: Any) -> None:
    while (data := inbox.get()) is not None:
        outbox.put(data)


def echo_connection(connection: Any) -> None:
    while (data := connection.recv()) is not None:
        connection.send(data)


class Account:
    """An object of a user's class, to be shared."""

    def __init__(self) -> None:
        self.balance = 0

    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance

    def empty(self) -> None:
        self.balance = 0
