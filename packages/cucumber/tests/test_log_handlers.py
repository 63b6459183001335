import logging
import logging.handlers
import queue
import socket
import sys

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


class Keeping(logging.Handler):
    """A user's own."""

    def __init__(self, limit):
        super().__init__(level=logging.WARNING)
        self.limit = limit
        self.kept = []

    def emit(self, record):
        self.kept.append(self.format(record))


class Only:
    def __init__(self, name):
        self.name = name

    def filter(self, record):
        return record.name == self.name


@pytest.fixture
def travel():
    """Send handlers through bytes; all are closed in the end."""
    handlers = []

    def send(handler):
        copy = deserialize(serialize(handler))
        handlers.extend((handler, copy))
        return copy

    yield send
    for handler in handlers:
        handler.close()


def record(text, name="job", **more):
    return logging.LogRecord(name, logging.ERROR, __file__, 1, text, (), None, **more)


@pytest.mark.comes_back(
    "logging.Handler",
    "your own handlers",
    how="with level, formatter, filters and attributes, and a lock of its own",
)
def test_a_handler_keeps_level_formatter_filters_and_attributes(travel):
    handler = Keeping(limit=3)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    handler.addFilter(Only("job"))

    copy = travel(handler)

    for name in ("job", "other"):
        copy.handle(record("done", name))
    assert (copy.kept, copy.limit, copy.level) == (["ERROR: done"], 3, logging.WARNING)
    assert handler.kept == []
    assert copy.lock is not handler.lock


@pytest.mark.comes_back(
    "logging.FileHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    how="appends to the same file; never begins it anew",
)
@pytest.mark.parametrize(
    "make",
    [
        lambda path: logging.FileHandler(path, "w"),
        lambda path: logging.FileHandler(path, delay=True),
        lambda path: logging.handlers.RotatingFileHandler(path, maxBytes=10_000, backupCount=2),
        lambda path: logging.handlers.TimedRotatingFileHandler(path, when="D"),
    ],
)
def test_a_handler_of_a_file_appends_to_it(travel, tmp_path, make):
    path = tmp_path / "log"
    handler = make(path)
    handler.handle(record("first"))

    copy = travel(handler)
    copy.handle(record("second"))

    assert path.read_text() == "first\nsecond\n"


@pytest.mark.comes_back("logging.StreamHandler", how="writes to the receiver's own stream")
def test_a_handler_of_a_stream_writes_to_the_receivers(travel, load_elsewhere):
    handler = logging.StreamHandler(sys.stdout)

    assert travel(handler).stream is sys.stdout
    lines = "import logging\nvalue.handle(logging.makeLogRecord({'msg': 'here'}))"
    assert load_elsewhere(serialize(handler), lines) == "here"


def test_a_handler_that_reports_to_a_socket_connects_anew(travel):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        handler = logging.handlers.SocketHandler(*server.getsockname())
        handler.handle(record("first"))
        server.accept()[0].close()

        copy = travel(handler)
        copy.handle(record("second"))

        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            assert b"second" in connection.recv(10_000)


def test_handlers_around_handlers_and_queues_travel(travel):
    target = Keeping(limit=1)
    memory = logging.handlers.MemoryHandler(10, target=target)
    memory.handle(record("waiting"))

    copy = travel(memory)
    copy.flush()

    assert copy.target.kept == ["waiting"]
    assert travel(logging.handlers.QueueHandler(queue.Queue())).queue.qsize() == 0
    assert type(travel(logging.NullHandler())) is logging.NullHandler


@pytest.mark.comes_back(
    "logging.handlers.SMTPHandler with a password",
    "logging.handlers.HTTPHandler with credentials",
    how="refused: the password would be in the bytes",
)
@pytest.mark.parametrize(
    "make",
    [
        lambda: logging.handlers.SMTPHandler("host", "a@b", ["c@d"], "x", ("user", "hunter2")),
        lambda: logging.handlers.HTTPHandler("host", "/", credentials=("u", "hunter2")),
    ],
)
def test_a_handler_with_a_password_is_refused(make):
    handler = make()

    with pytest.raises(SerializationError, match="would be in the bytes") as caught:
        serialize(handler)

    assert "hunter2" not in str(caught.value)
    handler.close()


def test_a_handler_without_a_password_travels(travel):
    handler = logging.handlers.SMTPHandler(("host", 25), "a@b", ["c@d"], "subject")

    assert travel(handler).mailhost == "host"


@pytest.mark.comes_back("logging.LogRecord", how="whole; the traceback of its exception as text")
def test_a_record_keeps_its_traceback_as_text():
    try:
        raise ValueError("no")
    except ValueError:
        sent = record("failed")
        sent.exc_info = sys.exc_info()

    copy = deserialize(serialize(sent))

    text = logging.Formatter().format(copy)
    assert "Traceback" in text
    assert "ValueError: no" in text
    assert copy.exc_info[1].args == ("no",)


@pytest.mark.comes_back("logging.Formatter", "logging.Filter", how="as they were")
def test_formatters_and_filters_travel():
    formatter = logging.Formatter("{message}!", style="{")

    copies = deserialize(serialize([formatter, logging.Filter("job")]))

    assert copies[0].format(record("done")) == "done!"
    assert copies[1].filter(record("x", "job.sub"))
    assert not copies[1].filter(record("x", "other"))


def test_what_a_handler_holds_back_at_the_end_of_the_program_is_written(run_python):
    program = (
        "import logging, logging.handlers, sys\n"
        "from suitkaise.cucumber import deserialize, serialize\n"
        "to = logging.StreamHandler(sys.stdout)\n"
        "copy = deserialize(serialize(logging.handlers.MemoryHandler(10, target=to)))\n"
        "copy.handle(logging.makeLogRecord({'msg': 'last words', 'levelno': 20}))\n"
    )

    assert run_python(program) == b"last words"


def test_a_handler_that_leads_back_to_itself_travels(travel):
    handler = Keeping(limit=1)
    handler.me = handler

    copy = travel(handler)

    assert copy.me is copy
    del handler.me, copy.me
