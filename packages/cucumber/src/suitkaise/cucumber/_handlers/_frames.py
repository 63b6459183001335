"""Frames and tracebacks."""

from suitkaise.cucumber._reducer import Reducer

REDUCERS: dict[type, Reducer] = {}
