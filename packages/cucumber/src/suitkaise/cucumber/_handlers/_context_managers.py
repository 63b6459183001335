"""Context managers made by `contextlib.contextmanager`: to be entered at the receiver.

One that has not been entered travels as the function and its arguments. One that has is in the
middle of its function, and is refused.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer


def reduce_manager(manager: Any) -> tuple[Any, ...]:
    """Send the function and its arguments, which it forgets when it is entered."""
    if not hasattr(manager, "args"):
        raise RefusalError(
            f"{manager.gen.__qualname__}() has been entered, and where it stands in its code "
            "cannot travel; enter it at the receiver"
        )
    own = ("gen", "func", "args", "kwds", "__doc__")
    added = {name: value for name, value in vars(manager).items() if name not in own}
    return type(manager), manager.func, manager.args, manager.kwds, added


def rebuild_manager(kind: Any, function: Any, args: Any, kwargs: Any, added: dict[str, Any]) -> Any:
    """Make it anew."""
    manager = kind(function, args, kwargs)
    vars(manager).update(added)
    return manager


_manager = reducer(reduce_manager, rebuild_manager)

REDUCERS: dict[str, Reducer] = {
    "contextlib._GeneratorContextManager": _manager,
    "contextlib._AsyncGeneratorContextManager": _manager,
}
