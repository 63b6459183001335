"""re.Match: the same match of the same pattern, found again at the receiver.

Nothing but matching makes one. So the sender looks for how to find it again, and refuses the rare
match that cannot be (by a scanner, in the middle of another).
"""

import re
from collections.abc import Iterator
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer


def reduce_match(match: "re.Match[Any]") -> tuple[Any, ...]:
    """Send the pattern, the text, where it looked, and which of the ways finds it."""
    place = match.string, match.pos, match.endpos
    for number, found in enumerate(_ways(match.re, *place)):
        if found is not None and _is_same(found, match):
            return match.re, *place, number
        if number > 2 and found is not None and found.start() > match.start():
            break
    raise RefusalError(
        "it cannot be found again by its pattern; send what of it is needed (groupdict(), span())"
    )


def rebuild_match(
    pattern: "re.Pattern[Any]", string: Any, pos: int, endpos: int, number: int
) -> "re.Match[Any]":
    """Find it again."""
    for each, found in enumerate(_ways(pattern, string, pos, endpos)):
        if each == number and found is not None:
            return found
    raise RefusalError(f"{pattern!r} does not match here what it matched at the sender")


def _ways(
    pattern: "re.Pattern[Any]", string: Any, pos: int, endpos: int
) -> "Iterator[re.Match[Any] | None]":
    """Match in all ways: the quick ones first, then one match after the other."""
    yield pattern.match(string, pos, endpos)
    yield pattern.fullmatch(string, pos, endpos)
    yield pattern.search(string, pos, endpos)
    yield from pattern.finditer(string, pos, endpos)


def _is_same(one: Any, other: Any) -> bool:
    return bool(one.regs == other.regs and one.lastindex == other.lastindex)


REDUCERS: dict[str, Reducer] = {"re.Match": reducer(reduce_match, rebuild_match)}
