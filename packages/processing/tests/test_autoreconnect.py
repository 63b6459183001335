"""Resources are live in the child: databases, sockets, threads, a driver that wants a secret."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suitkaise import cucumber
from suitkaise.cucumber import ReconnectError, Reconnector, register, serialize
from suitkaise.processing import Pool, ProcessError, Skprocess, autoreconnect
from suitkaise.processing._checkpoints import newest, state_of
from suitkaise.processing._reconnection import pack_with_secrets

DEADLINE = 60.0
KEY = "vault.Client"
SECRET, OTHER_SECRET = "correct horse", "battery staple"


class VaultServer:
    """Lets in whoever says the password, once it has started up; answers each word in capitals."""

    def __init__(self, password: str, *, refusals: int = 0) -> None:
        self.password = password
        self.refusals = refusals  # how many are still to be sent away
        self.attempts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._visitors: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self._visitors.append(visitor)
                self.attempts += 1
                threading.Thread(target=self._talk, args=(visitor,), daemon=True).start()

    def _talk(self, visitor: socket.socket) -> None:
        with contextlib.suppress(OSError), visitor:
            said = visitor.recv(1000).decode()
            if self.refusals > 0:
                self.refusals -= 1
                visitor.sendall(b"the database system is starting up")
            elif said != self.password:
                visitor.sendall(f"wrong password: {said}".encode())
            else:
                visitor.sendall(b"welcome")
                while word := visitor.recv(1000):
                    visitor.sendall(word.upper())

    def drop_visitors(self) -> None:
        for visitor in self._visitors:
            with contextlib.suppress(OSError):
                visitor.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_visitors()


class Client:
    def __init__(self, address: tuple[str, int], password: str) -> None:
        self.address = address
        self.sock = socket.socket()
        self.sock.settimeout(DEADLINE)
        self.sock.connect(address)
        self.sock.sendall(password.encode())
        answer = self.sock.recv(1000).decode()
        if answer != "welcome":
            raise PermissionError(answer)

    def ask(self, word: str) -> str:
        self.sock.sendall(word.encode())
        answer = self.sock.recv(1000).decode()
        if not answer:
            raise ConnectionError("the server has hung up")
        return answer

    def is_gone(self) -> bool:
        try:
            self.sock.settimeout(0)
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(DEADLINE)

    def __del__(self) -> None:
        self.sock.close()


def rebuild_client(address: tuple[str, int]) -> Reconnector:
    return Reconnector(KEY, connect_client, address, needs_secret=True, is_broken=Client.is_gone)


def connect_client(address: tuple[str, int], password: str) -> Client:
    return Client(address, password)


register(Client, reduce=lambda client: (client.address,), rebuild=rebuild_client)


@pytest.fixture
def vault() -> Iterator[Callable[..., VaultServer]]:
    servers: list[VaultServer] = []

    def start(password: str = SECRET, **options: Any) -> VaultServer:
        servers.append(VaultServer(password, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def numbers_db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(tmp_path / "numbers.db")) as connection:
        connection.execute("CREATE TABLE numbers (n)")
        connection.commit()
        yield connection


@autoreconnect(**{KEY: {"*": SECRET}})
class Asker(Skprocess):
    def __init__(self, client: Client, runs: int = 1, lives: int = 1) -> None:
        self.client = client
        self.answers: list[str] = []
        self.process_config.runs = runs
        self.process_config.lives = lives

    def __run__(self) -> None:
        assert isinstance(self.client, Client)
        self.answers.append(self.client.ask(f"word {self.current_run}"))

    def __result__(self) -> Any:
        return self.answers, self.lives_left()

    def lives_left(self) -> int:
        assert self._end is not None
        return self._end.lives


def finish(process: Skprocess) -> Any:
    process.start()
    assert process.wait(timeout=DEADLINE)
    return process.result()


# -- what is live


def test_a_database_in_a_file_is_live_in_the_child(numbers_db: sqlite3.Connection) -> None:
    @autoreconnect()
    class Writer(Skprocess):
        def __init__(self, db: sqlite3.Connection) -> None:
            self.db = db
            self.process_config.runs = 3

        def __run__(self) -> None:
            self.db.execute("INSERT INTO numbers VALUES (?)", (self.current_run,))
            self.db.commit()

        def __result__(self) -> str:
            return type(self.db).__name__

    assert finish(Writer(numbers_db)) == "Connection"
    assert numbers_db.execute("SELECT n FROM numbers").fetchall() == [(0,), (1,), (2,)]


def test_resources_are_live_wherever_they_are(numbers_db: sqlite3.Connection) -> None:
    @autoreconnect()
    class Holder(Skprocess):
        def __init__(self, db: sqlite3.Connection) -> None:
            self.nested = {"pool": [(db, {"same": db})]}
            self.process_config.runs = 1

        def __run__(self) -> None:
            pass

        def __result__(self) -> Any:
            db, inner = self.nested["pool"][0]
            return type(db).__name__, db is inner["same"]

    assert finish(Holder(numbers_db)) == ("Connection", True)


@pytest.mark.parametrize("start_threads", [True, False])
def test_threads_are_started_on_request(start_threads: bool) -> None:
    @autoreconnect(start_threads=start_threads)
    class Threaded(Skprocess):
        def __init__(self) -> None:
            self.seen = threading.Event()
            self.thread = threading.Thread(target=self.look)
            self.process_config.runs = 1

        def look(self) -> None:
            self.seen.set()

        def __run__(self) -> None:
            if start_threads:
                assert self.seen.wait(DEADLINE)
            else:
                assert self.thread.ident is None
                self.thread.start()
            self.thread.join(DEADLINE)

        def __result__(self) -> bool:
            return self.seen.is_set()

    assert finish(Threaded()) is True


def test_without_autoreconnect_what_needs_no_secret_connects_at_first_use(
    numbers_db: sqlite3.Connection,
) -> None:
    class Lazy(Skprocess):
        def __init__(self, db: sqlite3.Connection) -> None:
            self.db = db
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.kind = type(self.db).__name__
            self.count = self.db.execute("SELECT count(*) FROM numbers").fetchone()[0]

        def __result__(self) -> Any:
            return self.kind, self.count

    assert finish(Lazy(numbers_db)) == ("Reconnector", 0)


def test_a_secret_reaches_the_driver(vault: Callable[..., VaultServer]) -> None:
    server = vault()

    answers, _ = finish(Asker(Client(server.address, SECRET)))

    assert answers == ["WORD 0"]


def test_each_attribute_has_its_own_secret_and_the_others_the_default(
    vault: Callable[..., VaultServer],
) -> None:
    @autoreconnect(**{KEY: {"*": SECRET, "analytics_db": OTHER_SECRET}})
    class Two(Skprocess):
        def __init__(self, main_db: Client, analytics_db: Client) -> None:
            self.main_db, self.analytics_db = main_db, analytics_db
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.answers = [self.main_db.ask("main"), self.analytics_db.ask("analytics")]

        def __result__(self) -> list[str]:
            return self.answers

    main, analytics = vault(SECRET), vault(OTHER_SECRET)
    clients = Client(main.address, SECRET), Client(analytics.address, OTHER_SECRET)

    assert finish(Two(*clients)) == ["MAIN", "ANALYTICS"]


def test_a_subclass_reconnects_likewise_unless_it_is_decorated_itself(
    vault: Callable[..., VaultServer],
) -> None:
    class Heir(Asker):
        pass

    @autoreconnect(**{KEY: {"*": OTHER_SECRET}})
    class Other(Asker):
        pass

    server, other = vault(SECRET), vault(OTHER_SECRET)

    assert finish(Heir(Client(server.address, SECRET)))[0] == ["WORD 0"]
    assert finish(Other(Client(other.address, OTHER_SECRET)))[0] == ["WORD 0"]


# -- what fails


class Recorder(Asker):
    """Notes in a file which hooks run."""

    def __init__(self, client: Client, notes: Path, lives: int = 1) -> None:
        super().__init__(client, lives=lives)
        self.notes = notes

    def note(self, hook: str) -> None:
        with self.notes.open("a") as file:
            file.write(f"{hook} ")

    def __prerun__(self) -> None:
        self.note("prerun")

    def __onfinish__(self) -> None:
        self.note("onfinish")

    def __error__(self) -> Any:
        self.note("error")
        assert isinstance(self.error, ReconnectError)
        return self.error


def test_a_failure_names_the_resource_and_what_its_driver_said_before_the_first_section(
    vault: Callable[..., VaultServer], tmp_path: Path
) -> None:
    server = vault(OTHER_SECRET)
    process = Recorder(Client(server.address, OTHER_SECRET), tmp_path / "notes")

    with pytest.raises(ReconnectError) as caught:
        finish(process)

    error = caught.value
    assert str(error) == (
        "Recorder failed before run 0: cannot reconnect .client (vault.Client): "
        "PermissionError: wrong password: ***"
    )
    assert (error.path, error.type_key) == (".client", KEY)
    assert isinstance(error, ProcessError)
    assert error.current_run == 0
    assert type(error.original_error) is ReconnectError
    assert (tmp_path / "notes").read_text() == "error "
    assert SECRET.encode() not in serialize(error)


def test_a_missing_secret_is_a_failure_that_says_how_to_give_it(
    vault: Callable[..., VaultServer],
) -> None:
    @autoreconnect()
    class Forgetful(Asker):
        pass

    with pytest.raises(ReconnectError, match=r'\*\*{"vault.Client": {"client": \.\.\.}}'):
        finish(Forgetful(Client(vault().address, SECRET)))


def test_what_fails_beside_the_first_is_in_the_notes(tmp_path: Path) -> None:
    @autoreconnect()
    class Two(Skprocess):
        def __init__(self, *connections: sqlite3.Connection) -> None:
            self.first, self.second = connections
            self.process_config.runs = 1

        def __run__(self) -> None:
            pass

    with contextlib.ExitStack() as stack:
        paths = [tmp_path / "a.db", tmp_path / "b.db"]
        connections = [stack.enter_context(contextlib.closing(sqlite3.connect(p))) for p in paths]
        process = Two(*connections)
        for path in paths:
            path.unlink()

        with pytest.raises(ReconnectError, match=r"\.first .*unable to open") as caught:
            finish(process)

    assert "also: cannot reconnect .second" in caught.value.original_error.__notes__[0]


def test_a_server_that_is_starting_up_costs_a_life_and_no_more(
    vault: Callable[..., VaultServer],
) -> None:
    server = vault()
    process = Asker(Client(server.address, SECRET), runs=2, lives=3)
    server.refusals = 1

    answers, lives = finish(process)

    assert answers == ["WORD 0", "WORD 1"]
    assert lives == 2
    assert server.attempts == 3


def test_a_server_that_never_comes_costs_all_lives(vault: Callable[..., VaultServer]) -> None:
    server = vault()
    process = Asker(Client(server.address, SECRET), lives=3)
    server.refusals = 100

    with pytest.raises(ReconnectError, match="starting up"):
        finish(process)

    assert server.attempts == 1 + 3


def test_a_stop_cuts_the_pauses_short(vault: Callable[..., VaultServer]) -> None:
    server = vault()
    process = Asker(Client(server.address, SECRET), lives=1_000)  # some two hours of pauses
    server.refusals = 10_000

    process.start()
    process.stop()

    assert process.wait(timeout=DEADLINE)
    with pytest.raises(ReconnectError):
        process.result()


def test_a_connection_that_breaks_during_the_work_costs_a_life_and_is_made_anew(
    vault: Callable[..., VaultServer],
) -> None:
    @autoreconnect(**{KEY: {"*": SECRET}})
    class Interrupted(Asker):
        def __prerun__(self) -> None:
            if self.current_run == 1 and self.lives_left() == 2:
                self.tell("drop me")
                assert self.listen(timeout=DEADLINE) == "dropped"

    server = vault()
    process = Interrupted(Client(server.address, SECRET), runs=3, lives=2)

    process.start()
    assert process.listen(timeout=DEADLINE) == "drop me"
    server.drop_visitors()
    process.tell("dropped")

    assert process.wait(timeout=DEADLINE)
    assert process.result() == (["WORD 0", "WORD 1", "WORD 2"], 1)
    assert server.attempts == 3


def test_a_process_that_dies_is_replaced_by_one_that_reconnects(
    vault: Callable[..., VaultServer],
) -> None:
    @autoreconnect(**{KEY: {"*": SECRET}})
    class Dying(Asker):
        def __init__(self, client: Client, db: sqlite3.Connection) -> None:
            super().__init__(client, runs=3, lives=2)
            self.db = db

        def __postrun__(self) -> None:
            self.db.execute("INSERT INTO numbers VALUES (?)", (self.current_run,))
            self.db.commit()
            if self.current_run == 1 and self.lives_left() == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        def __result__(self) -> Any:
            return self.answers, self.db.execute("SELECT n FROM numbers").fetchall()

    server = vault()
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE numbers (n)")

        answers, numbers = finish(Dying(Client(server.address, SECRET), db))

    assert answers == ["WORD 0", "WORD 1", "WORD 2"]
    assert numbers == [(0,), (1,), (2,)]  # what run 1 wrote before it died was not yet in it
    assert server.attempts == 3


# -- where secrets are


def made_by_value() -> type[Asker]:
    """Return a class that cannot be imported."""

    @autoreconnect(**{KEY: {"*": SECRET, "analytics_db": OTHER_SECRET}})
    class ByValue(Asker):
        def __postrun__(self) -> None:
            if self.process_config.lives > 1:
                self.tell("checkpoint next")
                self.listen(timeout=DEADLINE)

    return ByValue


def test_no_secret_is_in_the_bytes_of_a_class_or_a_process(
    vault: Callable[..., VaultServer],
) -> None:
    kind = made_by_value()
    process = kind(Client(vault().address, SECRET))

    for thing in (kind, process, {"nested": [kind, process]}):
        data = serialize(thing)
        assert b"ByValue" in data
        assert SECRET.encode() not in data
        assert OTHER_SECRET.encode() not in data


def test_no_secret_is_in_the_payload_of_a_start_or_a_checkpoint(
    vault: Callable[..., VaultServer],
) -> None:
    process = made_by_value()(Client(vault().address, SECRET), runs=2, lives=2)

    process.start()
    end: Any = process._end
    first = end._start
    assert process.listen(timeout=DEADLINE) == "checkpoint next"
    process.tell("go on")
    assert process.listen(timeout=DEADLINE) == "checkpoint next"  # so the first has arrived
    found = newest(end._present.memory, end._present.page.words)
    assert found is not None
    with state_of(found, end._present.memory) as state:
        checkpoint = bytes(state)
    process.tell("go on")
    assert process.wait(timeout=DEADLINE)

    assert process.result()[0] == ["WORD 0", "WORD 1"]
    assert found.run == 1
    assert b"ByValue" in checkpoint
    for payload in (first.payload, checkpoint):
        assert SECRET.encode() not in payload
    assert SECRET.encode() not in first.config
    assert SECRET.encode() in first.secrets


def test_no_secret_is_in_the_payload_of_a_map_s_function() -> None:
    kind = made_by_value()

    payload, secrets = pack_with_secrets("a function", lambda client: kind(client).run())

    assert isinstance(payload, bytes)
    assert b"ByValue" in payload
    assert SECRET.encode() not in payload
    assert SECRET.encode() in secrets


def test_a_process_without_secrets_sends_none() -> None:
    class Plain(Skprocess):
        def __run__(self) -> None:
            self.stop()

    process = Plain()
    process.start()
    end: Any = process._end

    assert end._start.secrets == b""
    assert process.wait(timeout=DEADLINE)


def test_the_secrets_of_a_class_by_value_reach_a_grandchild(
    vault: Callable[..., VaultServer],
) -> None:
    kind = made_by_value()

    class Outer(Skprocess):
        def __init__(self, client: Client) -> None:
            self.client = client
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.answers = kind(self.client).run()[0]

        def __result__(self) -> Any:
            return self.answers

    assert finish(Outer(Client(vault().address, SECRET))) == ["WORD 0"]


def test_a_class_whose_secrets_did_not_come_along_says_so(
    vault: Callable[..., VaultServer],
) -> None:
    class Receiver(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.listen(timeout=DEADLINE).run()

    process = Receiver()
    process.start()
    process.tell(made_by_value()(Client(vault().address, SECRET)))

    assert process.wait(timeout=DEADLINE)
    with pytest.raises(ProcessError, match=r"secrets .* are not known in this process"):
        process.result()


# -- in a pool


@pytest.mark.parametrize("star", [True, False])
def test_a_pool_runs_classes_under_autoreconnect(
    vault: Callable[..., VaultServer], star: bool
) -> None:
    server = vault()
    kind = made_by_value()
    clients = [Client(server.address, SECRET) for _ in range(4)]

    with Pool(workers=2) as pool:
        if star:
            results = pool.star().map(kind, [(client, 2) for client in clients])
        else:
            results = pool.map(kind, clients)

    words = ["WORD 0", "WORD 1"] if star else ["WORD 0"]
    assert [answers for answers, _ in results] == [words] * 4


def test_a_failure_in_a_pool_is_that_item_s_alone(
    vault: Callable[..., VaultServer], numbers_db: sqlite3.Connection
) -> None:
    right, wrong = vault(SECRET), vault(OTHER_SECRET)
    clients = [Client(right.address, SECRET), Client(wrong.address, OTHER_SECRET)]

    with Pool(workers=1) as pool:
        results = pool.imap(Asker, [*clients, clients[0]])
        assert next(results)[0] == ["WORD 0"]
        with pytest.raises(ReconnectError, match=r"\.client .*wrong password: \*\*\*"):
            next(results)
        assert next(results)[0] == ["WORD 0"]


def test_a_life_spent_in_a_pool_is_followed_by_another(
    vault: Callable[..., VaultServer],
) -> None:
    server = vault()
    client = Client(server.address, SECRET)
    server.refusals = 1

    with Pool(workers=1) as pool:
        results = pool.star().map(Asker, [(client, 1, 2)])

    assert results == [(["WORD 0"], 1)]


# -- how it is written


def test_a_misspelt_type_is_an_error_at_decoration() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'psycopg2.Connection'\?"):
        autoreconnect(**{"psycopg2.Conection": {"*": "secret"}})


def test_a_secret_that_is_not_given_by_name_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(TypeError, match="by attribute name") as caught:
        autoreconnect(**{"redis.Redis": "hunter22"})  # type: ignore[arg-type]

    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("thing", [object, len, "Asker"])
def test_only_a_class_of_processes_can_be_decorated(thing: Any) -> None:
    with pytest.raises(TypeError, match="decorates an Skprocess class"):
        autoreconnect()(thing)


def test_secrets_are_taken_as_they_were_at_decoration(vault: Callable[..., VaultServer]) -> None:
    by_name = {"*": SECRET}

    @autoreconnect(**{KEY: by_name})
    class Early(Asker):
        pass

    by_name["*"] = "changed"

    assert finish(Early(Client(vault().address, SECRET)))[0] == ["WORD 0"]


def test_reconnecting_is_seen_in_a_trace(vault: Callable[..., VaultServer], tmp_path: Path) -> None:
    process = Asker(Client(vault().address, SECRET))
    finish(process)
    assert process.timers is not None

    file = tmp_path / "trace.json"
    process.timers.trace(file)

    names = {event["name"] for event in json.loads(file.read_text())["traceEvents"]}
    assert {"reconnect", "__run__"} <= names


def test_the_object_in_the_parent_keeps_its_live_resource(
    vault: Callable[..., VaultServer],
) -> None:
    client = Client(vault().address, SECRET)
    process = Asker(client)

    finish(process)

    assert process.client is client
    assert client.ask("still here") == "STILL HERE"
    assert cucumber.reconnect_all(process) is process
