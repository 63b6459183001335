"""What numbers of users must be: each check names what was given, and what it must be."""

from __future__ import annotations

import math
from typing import Any

_SECONDS = (int, float)


def require_count(given: str, value: Any, least: int = 1) -> None:
    """Refuse what is no whole number from `least` on; `given` is how the error begins.

    Raises:
        ValueError: If so.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{given}: it must be a whole number from {least} on")


def require_seconds(given: str, value: Any) -> None:
    """Refuse what is neither a number of seconds above 0 nor None.

    Raises:
        ValueError: If so.
    """
    if value is None:
        return
    if not isinstance(value, _SECONDS) or isinstance(value, bool) or not 0 < value <= math.inf:
        raise ValueError(f"{given}: it must be a number of seconds above 0, or None")
