"""What the other wheels of suitkaise use of this one beside its public names, and nothing else.

The rest of the private modules may change at will; what is named here changes together with who
uses it, and with the version that their wheels require.
"""

from suitkaise.cucumber._handlers._context_variables import find_variable, places_of
from suitkaise.cucumber._payload import (
    TooDeepError,
    Writable,
    serialize_flat,
    serialize_once,
    serialize_plain,
)
from suitkaise.cucumber._prologue import Series
from suitkaise.cucumber._reconnection import Resources
from suitkaise.cucumber._type_keys import check_auth
from suitkaise.cucumber._walk import walk

__all__ = [
    "Resources",
    "Series",
    "TooDeepError",
    "Writable",
    "check_auth",
    "find_variable",
    "places_of",
    "serialize_flat",
    "serialize_once",
    "serialize_plain",
    "walk",
]
