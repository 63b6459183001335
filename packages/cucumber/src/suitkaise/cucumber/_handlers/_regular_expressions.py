"""re.Match: the same match of the same pattern, found again at the receiver.

Nothing but matching makes one. So the sender looks for how to find it again, and refuses the rare
match that cannot be (by a scanner, in the middle of another). All matches of a pattern in a text
are found in one search.
"""

import re
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_MATCH, _FULL_MATCH = -1, -2


class Search:
    """The matches of a pattern in a text, one after the other, found as far as they are needed."""

    def __init__(self, pattern: "re.Pattern[Any]", text: Any, pos: int, endpos: int) -> None:
        self._arguments = pattern, text, pos, endpos
        self._coming = pattern.finditer(text, pos, endpos)
        self._found: list[re.Match[Any]] = []
        self._numbers: dict[Any, int] = {}

    def __reduce__(self) -> ReduceValue:
        return Search, self._arguments

    def number_of(self, match: "re.Match[Any]") -> int | None:
        """Tell which of the matches this is; None: none of them."""
        sought = _facts_of(match)
        while sought not in self._numbers:
            last = self._next()
            if last is None or last.start() > match.start():
                break
        return self._numbers.get(sought)

    def match_number(self, number: int) -> "re.Match[Any] | None":
        """Return a match by its number."""
        while len(self._found) <= number and self._next() is not None:
            pass
        return self._found[number] if number < len(self._found) else None

    def match_in_another_way(self, number: int) -> "re.Match[Any] | None":
        """Match at the first position, or all that there is."""
        pattern, *place = self._arguments
        return pattern.match(*place) if number == _MATCH else pattern.fullmatch(*place)

    def _next(self) -> "re.Match[Any] | None":
        found = next(self._coming, None)
        if found is not None:
            self._numbers.setdefault(_facts_of(found), len(self._found))
            self._found.append(found)
        return found


def _facts_of(match: "re.Match[Any]") -> tuple[Any, ...]:
    """Return what tells a match from the others of its search."""
    return match.regs, match.lastindex


def reduce_match(pickler: "Pickler", match: "re.Match[Any]") -> ReduceValue:
    """Send the search and which of its matches it is."""
    place = match.re, match.string, match.pos, match.endpos
    key = id(match.re), id(match.string), match.pos, match.endpos
    search: Search = pickler.searches.get(key) or pickler.searches.setdefault(key, Search(*place))
    number = search.number_of(match)
    if number is not None:
        return rebuild_match, (search, number)
    for way in (_MATCH, _FULL_MATCH):
        found = search.match_in_another_way(way)
        if found is not None and _facts_of(found) == _facts_of(match):
            return rebuild_match, (search, way)
    raise RefusalError(
        "it cannot be found again by its pattern; send what of it is needed (groupdict(), span())"
    )


def rebuild_match(search: Search, number: int) -> "re.Match[Any]":
    """Find it again."""
    find = search.match_number if number >= 0 else search.match_in_another_way
    found = find(number)
    if found is None:
        raise RefusalError("a pattern does not match here what it matched at the sender")
    return found


def reduce_scanner(scanner: Any) -> tuple[type, Any, int]:
    """Send what it was made with."""
    return type(scanner), scanner.lexicon, scanner.scanner.flags


def rebuild_scanner(kind: Any, lexicon: Any, flags: int) -> Any:
    """Make such a scanner."""
    return kind(lexicon, flags)


REDUCERS: dict[str, Reducer] = {
    "re.Match": reduce_match,
    "re.Scanner": reducer(reduce_scanner, rebuild_scanner),
}
