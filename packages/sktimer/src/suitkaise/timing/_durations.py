"""Durations as people read them: with a unit that suits each."""

from __future__ import annotations

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def in_unit(seconds: float) -> tuple[str, str]:
    """Write a duration as a number with two decimals, and its unit: ns, µs, ms or s.

    Example:
        >>> in_unit(0.00123), in_unit(4500.0), in_unit(2e-10)
        (('1.23', 'ms'), ('4,500.00', 's'), ('0.20', 'ns'))
    """
    size, unit = _fitting(float(f"{seconds:.4e}"))
    return f"{seconds / size:,.2f}", unit


def short(seconds: float, digits: int = 3) -> str:
    """Write a duration with so many digits at most, for a line of text or an axis.

    Example:
        >>> short(0.00123), short(1.5), short(0.0), short(2e-7)
        ('1.23 ms', '1.5 s', '0 s', '200 ns')
    """
    rounded = float(f"{seconds:.{digits - 1}e}")
    size, unit = _fitting(rounded)
    number = f"{seconds:,.0f}" if rounded >= 1000.0 else f"{rounded / size:.{digits}g}"
    return f"{number} {unit}"


def _fitting(rounded: float) -> tuple[float, str]:
    """Choose a unit for what is rounded already: 999.999 ms would be shown as 1000 ms."""
    if rounded == 0.0:
        return _UNITS[0]
    return next((fits for fits in _UNITS if abs(rounded) >= fits[0]), _UNITS[-1])
