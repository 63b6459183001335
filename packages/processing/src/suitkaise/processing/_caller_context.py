"""The context of the thread that starts a child or calls a map: its context variables.

    caller   capture() -> bytes, empty if there is nothing to carry
    child    restore(bytes), in its main thread or, in a worker, in a Context of the job

A variable travels if its value can. Not carried are: a value that pickle refuses, or that would be
used up (an iterator); a value that cannot be rebuilt in the child; what says where the caller
itself is running (`sniffio`). A value whose variable belongs to a module is set once the child has
imported that module, and the child imports nothing for it.

Two things are not what their variables hold. The decimal context belongs to the thread. And in the
context of OpenTelemetry are spans, which belong to their process, under keys that are other ones in
every process: the trace context and the baggage travel in their W3C forms.
"""

from __future__ import annotations

import contextlib
import marshal
import sys
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any

from suitkaise.cucumber import deserialize
from suitkaise.cucumber._siblings import find_variable, places_of

from ._harmless import require_harmless
from ._late_imports import forget, when_imported
from ._serializing import serialize

_OF_THE_CALLER_ALONE = frozenset({("sniffio._impl", "current_async_library_cvar")})
_TELEMETRY = ("opentelemetry.trace", "opentelemetry.baggage")  # whose users want the context
# As `decimal` sets it up: precision, rounding, exponents, capitals, clamp, traps.
_USUAL_DECIMAL = (
    (28, "ROUND_HALF_EVEN", -999999, 999999, 1, 0),
    {"InvalidOperation", "DivisionByZero", "Overflow"},
)

# The same as text, which is much faster to ask for; with flags, or of a Python that writes it in
# another way, it is another text, and the parts are compared.
_USUAL_DECIMAL_TEXT = (
    "Context(prec=28, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, capitals=1, clamp=0, "
    "flags=[], traps=[InvalidOperation, DivisionByZero, Overflow])"
)


def capture() -> bytes:
    """Return what can travel of the caller's context, in the caller's thread; runs no import."""
    numbers = _capture_decimal() if "decimal" in sys.modules else None
    context = copy_context()
    if not context and numbers is None:
        return b""
    placed: list[tuple[list[tuple[str, ...]], bytes]] = []
    others: list[bytes] = []
    telemetry: dict[str, str] = {}
    for variable, value in context.items():
        if variable.name == "decimal_context":
            continue
        if _is_of_telemetry(value):
            telemetry = _capture_telemetry(value)
            continue
        try:
            require_harmless(value)
            places = places_of(variable)
            if not places:
                others.append(serialize((variable, value)))
            elif _OF_THE_CALLER_ALONE.isdisjoint(places):
                placed.append((places, serialize(value)))
        except Exception:
            continue
    if numbers is None and not (placed or others or telemetry):
        return b""
    return marshal.dumps((numbers, telemetry, placed, others))


def restore(captured: bytes) -> None:
    """Set the captured variables in the current context."""
    _restore(captured, None)


def make_context(captured: bytes) -> Context:
    """Return a context with the captured variables; see `drop_context`."""
    context = Context()
    context.run(_restore, captured, context)
    return context


def drop_context(context: Context) -> None:
    """Let go of a context that was made: what still waited for an import waits no longer."""
    forget(context)


def _restore(captured: bytes, context: Context | None) -> None:
    """Set the variables in the context, which is the current one; None: in the main thread's."""
    numbers, telemetry, placed, others = marshal.loads(captured)
    for payload in others:
        with contextlib.suppress(Exception):  # it cannot be rebuilt here
            variable, value = deserialize(payload)
            variable.set(value)
    late: list[tuple[str, Callable[[], object]]] = []
    if numbers is not None:
        late.append(("decimal", partial(_restore_decimal, numbers)))
    for places, payload in placed:
        once = _Once(payload)
        late += [(place[0], partial(once.set, place)) for place in places]
    if telemetry:
        late += [(module, partial(_restore_telemetry, telemetry)) for module in _TELEMETRY]
    for module, call in late:
        when_imported(module, partial(_run_in, context, call), owner=context)


def _run_in(context: Context | None, call: Callable[[], object]) -> None:
    if context is None:
        call()
        return
    try:
        context.run(call)
    except RuntimeError:  # it is entered already: whoever imports is running in it
        call()


class _Once:
    """A value for a variable that may be found in several places."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._is_set = False

    def set(self, place: tuple[str, ...]) -> None:
        if not self._is_set:
            variable: ContextVar[Any] = find_variable(*place)
            variable.set(deserialize(self._payload))
            self._is_set = True


# -- the decimal context


def _capture_decimal() -> tuple[Any, ...] | None:
    import decimal

    context = decimal.getcontext()
    if repr(context) == _USUAL_DECIMAL_TEXT:
        return None
    numbers = (
        context.prec,
        context.rounding,
        context.Emin,
        context.Emax,
        context.capitals,
        context.clamp,
    )
    traps = {signal.__name__ for signal, is_set in context.traps.items() if is_set}
    return None if (numbers, traps) == _USUAL_DECIMAL else (*numbers, sorted(traps))


def _restore_decimal(numbers: tuple[Any, ...]) -> None:
    import decimal

    *arguments, names = numbers
    traps = [getattr(decimal, name) for name in names]
    precision, rounding, least, most, capitals, clamp = arguments
    decimal.setcontext(
        decimal.Context(precision, rounding, least, most, capitals, clamp, traps=traps)
    )


# -- OpenTelemetry


def _is_of_telemetry(value: Any) -> bool:
    module = sys.modules.get("opentelemetry.context")
    return module is not None and type(value) is getattr(module, "Context", None)


def _telemetry_propagators() -> tuple[Any, ...]:
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator(), W3CBaggagePropagator()


def _capture_telemetry(context: Any) -> dict[str, str]:
    carrier: dict[str, str] = {}
    for propagator in _telemetry_propagators():
        propagator.inject(carrier, context)
    return carrier


def _restore_telemetry(carrier: dict[str, str]) -> None:
    from opentelemetry import context as telemetry

    context = telemetry.get_current()
    for propagator in _telemetry_propagators():
        context = propagator.extract(carrier, context)
    telemetry.attach(context)
