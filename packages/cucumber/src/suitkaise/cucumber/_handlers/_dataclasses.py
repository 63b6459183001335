"""The marks of `dataclasses`, which are told by identity: the receiver's own, by their names.

The fields of every dataclass have `MISSING` in them, and its constructor another mark where a
field's default is made by a factory.
"""

from suitkaise.cucumber._reducer import Reducer, ReduceValue


def reduce_missing(pickler: object, mark: object) -> ReduceValue:
    """Send the name."""
    return "MISSING"


def reduce_keywords_only(pickler: object, mark: object) -> ReduceValue:
    """Send the name."""
    return "KW_ONLY"


def reduce_has_factory(pickler: object, mark: object) -> ReduceValue:
    """Send the name."""
    return "_HAS_DEFAULT_FACTORY"


REDUCERS: dict[str, Reducer] = {
    "dataclasses._MISSING_TYPE": reduce_missing,
    "dataclasses._KW_ONLY_TYPE": reduce_keywords_only,
    "dataclasses._HAS_DEFAULT_FACTORY_CLASS": reduce_has_factory,
}
