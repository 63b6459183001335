"""Serialising what is to cross a process boundary, with errors that name it."""

from __future__ import annotations

from typing import Any

from suitkaise import cucumber
from suitkaise.cucumber import SerializationError

MOST_BYTES = 2**31 - 2**16  # of a payload: `marshal`, which frames it, takes less than 2 GiB


def serialize(thing: Any) -> bytes:
    """Serialise a thing for a message.

    Raises:
        SerializationError: If it cannot travel, or is too large for a message.
    """
    payload = cucumber.serialize(thing)
    if len(payload) > MOST_BYTES:
        raise SerializationError(
            f"a {type(thing).__name__} of {len(payload):,} bytes is too large for a message, which "
            f"takes {MOST_BYTES:,}: send it in parts, or by way of a file"
        )
    return payload
