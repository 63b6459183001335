"""Serialising what a user handed in, with errors that name it."""

from __future__ import annotations

from typing import Any

from suitkaise.cucumber import SerializationError, serialize


def serialize_named(name: str, thing: Any) -> bytes:
    """Serialise a thing, and let the error say which thing it was.

    Raises:
        SerializationError: If it cannot travel; the message begins with its name.
    """
    try:
        return serialize(thing)
    except SerializationError as error:
        raise SerializationError(
            f"{name}: {error}", type_name=error.type_name, path=error.path
        ) from error.__cause__
