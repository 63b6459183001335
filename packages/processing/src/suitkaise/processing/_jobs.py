"""A job, seen by the thread that called a map: it packs items, and unpacks results.

Users' code runs in the caller's thread only: the input iterable, the pickling of items, the
unpickling of results. The I/O thread hands over what arrives, unopened, through `arrivals`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from suitkaise.cucumber import DeserializationError, SerializationError
from suitkaise.cucumber._siblings import serialize_flat

from . import _caller_context
from ._arrivals import (
    Arrival,
    Arrivals,
    Broken,
    Delivered,
    Died,
    GivenBack,
    Unpackable,
    Unreadable,
    open_error,
)
from ._errors import (
    ProcessDiedError,
    ProcessError,
    ResultTimeoutError,
    describe_exit,
    in_short,
)
from ._parcels import Parcel, Payload, pack, pack_named, set_out, unpack
from ._progress import Meter, Progress
from ._recurring import Recurring

if TYPE_CHECKING:
    from ._dispatcher import Dispatcher

CHUNK_BYTES = 1 << 20  # a chunk is no larger, unless one item is
_WINDOW = 2  # chunks per worker whose results may wait for an earlier one


class Cargo(NamedTuple):
    """A chunk's items, packed; the items themselves are kept in case they must be packed anew."""

    items: list[Any]
    payload: Payload


class Batch(NamedTuple):
    """What became of consecutive items.

    Attributes:
        first: The index of the first.
        values: Their results, None where there is an error.
        errors: By index, what the items raised.
    """

    first: int
    values: list[Any]
    errors: dict[int, BaseException]


class Job:
    """One call of a map.

    Args:
        dispatcher: Runs the chunks.
        items: The input; pulled as it is needed.
        function: What to call, packed.
        secrets: Those of decorated classes in it, see _autoreconnect.
        name: What to call it in error messages.
        callee: What tells the function from others, see _paces; None: nothing is known of it.
        star: Whether tuples are unpacked into arguments.
        is_lazy: Whether the caller takes results one by one, so that those waiting are bounded.
        item_timeout: Seconds that each item may run; None: as long as it likes.
        window: How many items may be pulled whose results the caller has not taken; None: a few
            chunks per worker if it is lazy, else as many as the workers can do with.
        progress: Who is told how far it is, see _progress.

    Attributes:
        in_advance: Whether a chunk of it may wait in a worker behind one that runs.
        has_input: Whether its items are those of an input, which errors name by their index.
    """

    in_advance = True
    has_input = True

    def __init__(
        self,
        dispatcher: Dispatcher,
        items: Iterable[Any],
        *,
        function: Payload,
        secrets: bytes,
        name: str,
        callee: Hashable = None,
        star: bool,
        is_lazy: bool,
        item_timeout: float | None = None,
        window: int | None = None,
        progress: Progress = None,
    ) -> None:
        self.item_timeout = item_timeout
        self._window = window
        self._progress = progress
        self._meter: Meter | None = None  # once it has begun
        self.function = function
        self.secrets = secrets
        self.name = name
        self.callee = callee
        self.star = star
        self.context = _caller_context.capture()  # of the thread that calls the map
        self.arrivals = Arrivals()
        self._dispatcher = dispatcher
        self._items = iter(items)
        # An iterator's own code may change between two items what both refer to.
        self._recurring = Recurring() if type(items) in (list, tuple) else None
        self._is_input_over = False
        self.consumed = 0  # items that the caller has taken
        self.is_lazy = is_lazy
        self._cut = 0  # items cut into chunks so far
        self._given_back: deque[tuple[int, list[Any]]] = deque()  # (index of the first, items)
        self._last_size = 1
        self._most_items = 1  # by their size in bytes, as measured on the last chunk
        self._pending = 0  # items cut whose batch has not come
        self._rejected: deque[Batch] = deque()  # items that could not be packed
        self._input_error: Exception | None = None  # what the input itself raised
        self.number = 0  # the dispatcher gives it one
        try:
            self._size: int | None = len(items)  # type: ignore[arg-type]
        except TypeError:
            self._size = None

    def begin(self) -> None:
        """Have the dispatcher take it. If this raises, `end` it."""
        self._dispatcher.begin(self, self._size)
        if self._progress is not None:
            self._meter = Meter.of(self._progress, self.name, self._size)

    def batches(self) -> Iterator[Batch | None]:
        """Run the job, and yield what became of its items in the order in which that is known.

        Yields None when nothing more has come yet: wait for `arrivals`, then go on.
        """
        while True:
            self._cut_chunks()
            if self._rejected:
                batch: Batch | None = self._rejected.popleft()
            elif self._pending or not self._is_input_over:
                if not self.arrivals.is_ready():
                    yield None
                    continue
                batch = self._open(self.arrivals.take())
            elif self._input_error is not None:
                raise self._input_error
            else:
                return
            if batch is not None:
                if batch.errors and not self.is_lazy:  # a list ends with its first error
                    self._is_input_over = True
                self._pending -= len(batch.values)
                if self._meter is not None:
                    self._meter.update(len(batch.values))
                yield batch

    def end(self, *, kill: bool = False) -> None:
        """Cancel what is left of the job; with `kill`, also what is running."""
        self._is_input_over = True
        self._dispatcher.end(self, kill=kill)
        self._recurring = None
        if self._meter is not None:
            self._meter.close()
        self.arrivals.put(Broken(ProcessError("the map was closed")))  # wakes who still waits

    def abandon(self) -> None:
        """As `end`, when the garbage collector has found that nobody will take the results."""
        self._dispatcher.end_later(self)

    def _cut_chunks(self) -> None:
        scheduler = self._dispatcher.scheduler
        while scheduler.wants_chunk(self.number):
            wanted = scheduler.chunk_size(self.number)
            if self._window is not None:
                wanted = max(1, min(wanted, self._window - self._cut + self.consumed))
            size = min(wanted, self._most_items)
            if self._given_back:
                first, items = self._given_back.popleft()
                if len(items) > size:
                    self._given_back.appendleft((first + size, items[size:]))
                    del items[size:]
            elif not self._is_input_over and self._has_room():
                first, items = self._cut, []
                try:
                    items.extend(islice(self._items, size))
                    if not self._cut and items and size < wanted and self.item_timeout is None:
                        items.extend(islice(self._items, min(wanted, _how_many(items[0])) - 1))
                except Exception as error:
                    if not self.is_lazy:
                        raise
                    # Raised once the caller has taken what came before.
                    self._input_error = error
                if len(items) < size:
                    self._is_input_over = True
                self._cut += len(items)
                self._pending += len(items)
            else:
                return
            if items:
                self._last_size = len(items)
                self._pack(items, first)

    def _has_room(self) -> bool:
        """Whether few enough results are waiting for the caller to take more input.

        What workers still have does not count: of that the scheduler wants no more than they need,
        and the item that a worker is stuck with must not keep the others from new input.
        """
        not_taken = self._cut - self.consumed
        if self._window is not None:
            return not_taken < self._window
        if not self.is_lazy:
            return True
        waiting = not_taken - self._dispatcher.scheduler.unfinished(self.number)
        return waiting < _WINDOW * self._dispatcher.workers * self._last_size

    def _pack(self, items: list[Any], first: int) -> None:
        try:
            payload = pack(items, self._recurring)
        except Exception:
            for index, item in enumerate(items, first):
                self._pack_alone(item, index)
        else:
            if len(items) > 1 and isinstance(payload, Parcel) and payload.handles:
                for index, item in enumerate(items, first):  # what moves cannot be given back
                    self._pack_alone(item, index)
                return
            if self.item_timeout is None:  # else a chunk stays one item: what is killed is it alone
                self._most_items = max(1, CHUNK_BYTES * len(items) // len(payload))
            self._dispatcher.submit(self, first, Cargo(items, payload))
            set_out(payload)

    def _pack_alone(self, item: Any, index: int) -> None:
        try:
            payload = pack([item], self._recurring)
        except Exception as error:
            error = self._named(error, item, index)
            self._rejected.append(Batch(index, [None], {index: error}))
        else:
            self._dispatcher.submit(self, index, Cargo([item], payload))
            set_out(payload)

    def _named(self, error: Exception, item: Any, index: int) -> Exception:
        """Return the error of an item that cannot be packed, with the item's name and the path."""
        what = f"item {index} for {self.name}"
        try:
            pack_named(what, item)
        except SerializationError as named:
            return named
        except Exception as another:
            error = another
        unpacked = SerializationError(f"{what} cannot be packed: {in_short(error)}")
        unpacked.__cause__ = error
        return unpacked

    def _open(self, arrival: Arrival) -> Batch | None:
        if isinstance(arrival, Delivered):
            return self._open_delivered(arrival)
        if isinstance(arrival, Died):
            return self._open_death(arrival)
        if isinstance(arrival, Unreadable):
            return self._open_unreadable(arrival)
        if isinstance(arrival, Unpackable):
            chunk = arrival.chunk
            for position in range(chunk.start, chunk.stop):
                self._pack_alone(chunk.cargo.items[position], chunk.first + position)
            return None
        if isinstance(arrival, GivenBack):
            chunk, start, stop = arrival
            self._given_back.append((chunk.first + start, chunk.cargo.items[start:stop]))
            return None
        raise open_error(arrival.error)

    def _open_unreadable(self, arrival: Unreadable) -> Batch:
        index = arrival.chunk.first + arrival.chunk.start
        reason = open_error(arrival.error)
        error = DeserializationError(
            f"item {index} for {self.name} arrived in a worker but cannot be rebuilt there: "
            f"{in_short(reason)}",
            type_name=getattr(reason, "type_name", None),
        )
        error.__cause__ = reason
        return Batch(index, [None], {index: error})

    def _open_death(self, arrival: Died) -> Batch:
        chunk, position, pid, exitcode, receive_error, is_overdue = arrival
        index = chunk.first + position
        if is_overdue:
            assert self.item_timeout is not None
            overdue = ResultTimeoutError(
                f"{self.name} for item {index} took longer than its timeout of "
                f"{self.item_timeout:g} s and was killed; the item was "
                f"{_short(chunk.cargo.items[position])}",
                timeout=self.item_timeout,
            )
            return Batch(index, [None], {index: overdue})
        if receive_error is not None:
            unreceived = ProcessError(
                f"the result of {self.name} for item {index} could not be received here: "
                f"{in_short(receive_error)}",
                original_error=receive_error,
            )
            unreceived.__cause__ = receive_error
            return Batch(index, [None], {index: unreceived})
        tried = f", as did {chunk.tries} before it" if chunk.tries else ""
        error = ProcessDiedError(
            f"the worker that ran {self.name} for item {index} (process {pid}) "
            f"{describe_exit(exitcode)}{tried}; the item was "
            f"{_short(chunk.cargo.items[position])}",
            exitcode=exitcode,
        )
        return Batch(index, [None], {index: error})

    def _open_delivered(self, arrival: Delivered) -> Batch:
        origin, start, _, counts, payloads, failures, known = arrival
        first = origin + start - known
        errors = {origin + at: open_error(error) for at, error in failures.items() if at >= start}
        values: list[Any] = []
        for count, payload in zip(counts, payloads, strict=True):
            index = first + len(values)
            value, error = self._open_value(payload, index)
            if error is None:
                values += value if count else [value]
            else:
                values += [None] * (count or 1)
                errors.update(dict.fromkeys(range(index, index + (count or 1)), error))
        if known:
            first += known
            del values[:known]
            errors = {index: error for index, error in errors.items() if index >= first}
        return Batch(first, values, errors)

    def _open_value(self, payload: Payload, index: int) -> tuple[Any, BaseException | None]:
        try:
            return unpack(payload), None
        except (Exception, SystemExit) as reason:
            error = ProcessError(
                f"the result of {self.name} for item {index} arrived but cannot be rebuilt here: "
                f"{in_short(reason)}",
                original_error=reason,
            )
            error.__cause__ = reason
            return None, error


def _how_many(item: object) -> int:
    """Return how many items like this one a chunk may have; one, unless it is plain and small."""
    flat = serialize_flat(item)
    return 1 if flat is None else max(1, CHUNK_BYTES // len(flat))


def _short(item: object) -> str:
    """Return the item as text for a message, cut short; its own `repr` may fail."""
    try:
        text = repr(item)
    except Exception as error:
        text = f"<{type(item).__name__} whose repr failed: {error!r}>"
    return text if len(text) <= 100 else text[:97] + "..."
