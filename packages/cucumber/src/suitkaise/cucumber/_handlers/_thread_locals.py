"""threading.local: with the attributes of the thread that serialises, for the thread that receives.

Other threads of the receiver begin with none, or with what the subclass's `__init__` gives each
thread. That is called without arguments: those it was made with are not to be had.
"""

import threading
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer_with_state


def reduce_local(local: threading.local) -> tuple[tuple[type], dict[str, Any]]:
    """Send this thread's attributes."""
    kind = type(local)
    if kind.__init__ is not object.__init__ and _takes_arguments(kind):
        raise RefusalError(
            f"each thread would call {kind.__qualname__}.__init__ with arguments that nobody "
            "knows any more; give them defaults, or leave it out (__getstate__)"
        )
    return (kind,), dict(vars(local))


def _takes_arguments(kind: type) -> bool:
    from inspect import Parameter, signature

    _, *parameters = signature(kind.__init__).parameters.values()  # type: ignore[misc]
    return any(
        each.default is Parameter.empty
        and each.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        for each in parameters
    )


def rebuild_local(kind: type[threading.local]) -> threading.local:
    """Make one without attributes."""
    return kind.__new__(kind)


def restore_local(local: threading.local, attributes: dict[str, Any]) -> None:
    """Give this thread the attributes."""
    vars(local).update(attributes)


REDUCERS: dict[str, Reducer] = {
    "_thread._local": reducer_with_state(reduce_local, rebuild_local, restore_local)
}
