"""Coroutines, tasks, futures."""

from suitkaise.cucumber._reducer import Reducer

REDUCERS: dict[type, Reducer] = {}
