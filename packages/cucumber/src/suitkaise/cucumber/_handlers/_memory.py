"""Memory: a memoryview arrives as one of a copy of its memory, writable if it was.

Its memory is offered out of band. One with gaps arrives without them.
"""

import pickle
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer

Arguments = tuple[pickle.PickleBuffer, str, tuple[int, ...]]


def reduce_view(view: memoryview) -> Arguments:
    """Send memory, format and shape."""
    try:
        shape = tuple(view.shape or ())
    except ValueError as error:
        raise RefusalError("it was released, its memory is not its own any more") from error
    if view.format.lstrip("@") not in _FORMATS or 0 in shape:
        if view.nbytes:
            raise RefusalError(
                f"its elements have the format {view.format!r}, which a memoryview cannot be "
                "given; send the object that it is a view of"
            )
        return pickle.PickleBuffer(b"" if view.readonly else bytearray()), "B", (0,)
    if view.c_contiguous:
        return pickle.PickleBuffer(view), view.format, shape
    copy = view.tobytes()
    return pickle.PickleBuffer(copy if view.readonly else bytearray(copy)), view.format, shape


def rebuild_view(memory: Any, format_: str, shape: tuple[int, ...]) -> memoryview:
    """Make a view of what has arrived."""
    view = memoryview(memory)
    if view.format == format_ and view.shape == shape:
        return view
    return view.cast("B").cast(format_, shape)  # type: ignore[call-overload, no-any-return]


# What `memoryview.cast` takes.
_FORMATS = frozenset("cbB?hHiIlLqQnNfdP")

REDUCERS: dict[type, Reducer] = {memoryview: reducer(reduce_view, rebuild_view)}
