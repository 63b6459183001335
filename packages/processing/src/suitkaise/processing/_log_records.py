"""Log records made in a child: how they get to its parent, whose handlers they are for.

    logger.info(...) --> handlers that the child's own code has added
                     --> the forwarder, above the root logger --> a frame on the channel

The forwarder is not one of the root logger's handlers: `logging.basicConfig` does nothing once
there is one, and a child may want to call it. A record arrives in the parent's logger of its name,
and if the parent is a child itself, its forwarder sends it on.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber import deserialize

from ._harmless import PLAIN, require_harmless
from ._messages import Logged
from ._serializing import serialize

if TYPE_CHECKING:
    from ._channel import ChildChannel

_OF_A_FORMATTER = frozenset({"message", "asctime"})  # made anew where the record is handled
_original_basic_config = logging.basicConfig
_traceback_formatter = logging.Formatter()


class _Forwarder(logging.Handler):
    """Sends records to the parent."""

    def __init__(self, channel: ChildChannel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # What a process logs while it cleans up after its parent's end reaches nobody.
            self._channel.send(pack(record), ends_without_parent=False)
        except Exception:
            self.handleError(record)


def forward(channel: ChildChannel, name: str) -> None:
    """Send all records of this child to its parent, from now on."""
    above = logging.Logger("suitkaise")
    above.handlers.append(_Forwarder(channel))
    logging.root.parent = above
    logging.basicConfig = _basic_config
    set_process_name(name)


def set_process_name(name: str) -> None:
    """Have the records of this child bear its name."""

    def make_record(*arguments: Any, **keywords: Any) -> logging.LogRecord:
        record = logging.LogRecord(*arguments, **keywords)
        if record.processName == "MainProcess":
            record.processName = name
        return record

    logging.setLogRecordFactory(make_record)


def keep() -> None:
    """Forward no more records."""
    logging.root.parent = None
    logging.basicConfig = _original_basic_config


def _basic_config(**keywords: Any) -> None:
    """Do as `logging.basicConfig`, but add no handler for standard error unasked.

    `logging.info` and its like call it without arguments where the root logger has no handler.
    """
    if keywords:
        _original_basic_config(**keywords)


# The channel of a process is not for its forks: frames of two writers would mix.
os.register_at_fork(after_in_child=keep)


@contextlib.contextmanager
def without_new_handlers() -> Iterator[None]:
    """Take back the handlers that modules install while they are imported in this context.

    The parent has imported these modules too: what it has as well would emit each record twice. For
    a child that forwards nothing, this does nothing.
    """
    if logging.root.parent is None:
        yield
        return
    before = {id(handler) for _, handler in _handlers()}
    try:
        yield
    finally:
        for logger, handler in _handlers():
            if id(handler) not in before:
                logger.removeHandler(handler)
                logger.propagate = True  # the parent's logger of this name decides


def _handlers() -> list[tuple[logging.Logger, logging.Handler]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.copy().values()]
    return [
        (logger, handler)
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if not isinstance(handler, logging.NullHandler)
    ]


def pack(record: logging.LogRecord) -> Logged:
    """Return a record as a message, whatever is in it.

    A traceback goes as text. Arguments and extra attributes that cannot travel do so too, the
    arguments as part of the message.
    """
    plain: dict[str, Any] = {}
    rich: dict[str, Any] = {}
    for key, value in record.__dict__.items():
        if type(value) in PLAIN:
            plain[key] = value
        elif key == "exc_info":
            plain[key] = None
        elif key not in ("msg", "args"):
            plain[key] = _text(value)
            rich[key] = value
    for key in _OF_A_FORMATTER:
        plain.pop(key, None)
    if record.exc_info and not record.exc_text:
        plain["exc_text"] = _traceback_formatter.formatException(record.exc_info)
    if "msg" in plain and _is_plain(record.args):
        plain["args"] = record.args
    else:
        rich["msg"], rich["args"] = record.msg, record.args
        plain["msg"], plain["args"] = _message(record), None
    if not rich:
        return Logged(plain, b"")
    for key, value in list(rich.items()):
        if not _can_travel(value):
            # A template makes no sense without its arguments, nor they without it.
            for lost in ("msg", "args") if key in ("msg", "args") else (key,):
                rich.pop(lost, None)
    return Logged(plain, serialize(rich) if rich else b"")


def unpack(logged: Logged) -> logging.LogRecord:
    """Return a record as if it had been made here."""
    fields = logged.fields
    if logged.rich:
        with contextlib.suppress(Exception):  # the text will do
            fields.update(deserialize(logged.rich))
    record = logging.makeLogRecord({})
    began = record.created - record.relativeCreated / 1000
    record.__dict__.update(fields)
    record.relativeCreated = (record.created - began) * 1000
    if record.levelname == f"Level {record.levelno}":  # a level that is named here alone
        record.levelname = logging.getLevelName(record.levelno)
    return record


def _is_plain(arguments: Any) -> bool:
    if type(arguments) is tuple:
        return PLAIN.issuperset(map(type, arguments))
    if type(arguments) is dict:
        return all(type(key) is str and type(arguments[key]) in PLAIN for key in arguments)
    return arguments is None


def _can_travel(value: Any) -> bool:
    try:
        require_harmless(value)
        serialize(value)
    except Exception:
        return False
    return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # here as there, a record is no reason to fail
        return f"{_text(record.msg)} (cannot be formatted: {error!r})"


def _text(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr failed: {type(error).__name__}>"
