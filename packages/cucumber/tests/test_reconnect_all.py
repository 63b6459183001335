"""Reconnectors in objects, with a server that wants a password."""

import contextlib
import copy
import hmac
import pickle
import socket
import sqlite3
import threading
import warnings

import pytest

from suitkaise.cucumber import (
    ReconnectError,
    Reconnector,
    deserialize,
    reconnect_all,
    register,
    serialize,
)
from suitkaise.cucumber._reconnection import Resources

DEADLINE = 30.0
PASSWORD = "correct horse"
KEY = "vault.Client"


class VaultServer:
    """Lets in whoever says the password, and tells how often that was wrong."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.logins = 0
        self.refusals = 0
        self._visitors = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self._visitors.append(visitor)
                said = visitor.recv(1000).decode()
                if hmac.compare_digest(said, PASSWORD):
                    self.logins += 1
                    visitor.sendall(b"welcome")
                else:
                    self.refusals += 1
                    visitor.sendall(f"wrong password: {said}".encode())

    def close(self):
        with contextlib.suppress(OSError):  # it is closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_visitors()

    def drop_visitors(self):
        for visitor in self._visitors:
            visitor.close()
        self._visitors.clear()


class Client:
    """A driver like many: it must be given a password, and keeps it."""

    def __init__(self, address, password):
        self.address, self.password = address, password
        self.sock = socket.socket()
        self.sock.settimeout(DEADLINE)
        self.sock.connect(address)
        self.sock.sendall(password.encode())
        answer = self.sock.recv(1000).decode()
        if answer != "welcome":
            self.sock.close()
            raise PermissionError(answer)

    def __del__(self):
        self.sock.close()

    def is_gone(self):
        return self.sock.recv(1, socket.MSG_PEEK) == b""


def rebuild_client(address):
    return Reconnector(KEY, connect_client, address, needs_secret=True, is_broken=Client.is_gone)


def connect_client(address, password):
    return Client(address, password)


register(Client, reduce=lambda client: (client.address,), rebuild=rebuild_client)


@pytest.fixture
def server():
    server = VaultServer()
    yield server
    server.close()


class Job:
    pass


def travel(thing):
    return deserialize(serialize(thing))


def test_a_resource_arrives_as_a_reconnector_and_no_secret_with_it(server):
    client = Client(server.address, PASSWORD)

    payload = serialize({"db": client})

    assert PASSWORD.encode() not in payload
    assert "not connected" in repr(deserialize(payload)["db"])


def test_all_reconnectors_are_replaced_by_live_resources(server):
    job = Job()
    job.db = Client(server.address, PASSWORD)
    job.nested = {"pool": [(job.db,)]}

    job = travel(job)
    outcome = reconnect_all(job, **{KEY: {"*": PASSWORD}})

    assert outcome is job
    assert isinstance(job.db, Client)
    assert job.nested["pool"][0][0] is job.db
    assert server.logins == 2


def test_a_reconnector_by_itself_gives_the_live_resource(server):
    client = reconnect_all(travel(Client(server.address, PASSWORD)), **{KEY: {"*": PASSWORD}})

    assert isinstance(client, Client)


def test_each_attribute_gets_its_own_secret_and_the_others_the_default(server):
    job = Job()
    job.main_db = Client(server.address, PASSWORD)
    job.analytics_db = Client(server.address, PASSWORD)
    job = travel(job)

    with pytest.warns(RuntimeWarning) as caught:
        reconnect_all(job, **{KEY: {"*": "a wrong one", "analytics_db": PASSWORD}})

    assert isinstance(job.analytics_db, Client)
    assert isinstance(job.main_db, Reconnector)
    assert [str(each.message) for each in caught] == [
        "cannot reconnect .main_db (vault.Client): PermissionError: wrong password: ***"
    ]


def test_what_cannot_connect_stays_with_the_reason_on_it_and_can_be_tried_again(server):
    job = travel({"db": Client(server.address, PASSWORD)})

    with pytest.warns(RuntimeWarning, match=r"\['db'\] \(vault.Client\): it needs a secret"):
        reconnect_all(job)

    error = job["db"].reconnect_error
    assert (error.path, error.type_key) == ("['db']", KEY)
    assert error.reason in repr(job["db"])
    reconnect_all(job, **{KEY: {"db": PASSWORD}})
    assert isinstance(job["db"], Client)


def test_the_warning_points_at_the_call(server):
    job = travel([Client(server.address, PASSWORD)])

    with pytest.warns(RuntimeWarning) as caught:
        reconnect_all(job)

    assert caught[0].filename == __file__


def test_a_misspelt_type_is_an_error_before_anything_connects(server):
    job = travel(Client(server.address, PASSWORD))

    with pytest.raises(ValueError, match=r"'redis.Redys': did you mean 'redis.Redis'\?"):
        reconnect_all(job, **{"redis.Redys": {"*": "x"}, KEY: {"*": PASSWORD}})

    assert server.logins == 1


def test_a_secret_that_the_driver_repeats_is_neither_in_the_error_nor_behind_it(server):
    reconnector = travel(Client(server.address, PASSWORD))

    with pytest.raises(ReconnectError) as caught:
        reconnector.reconnect("hunter22")

    assert caught.value.reason == "PermissionError: wrong password: ***"
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value.__context__, PermissionError)
    assert b"hunter22" not in serialize(caught.value)


@pytest.mark.parametrize(
    "auth",
    [
        "host=there password='hunter 22' dbname=base",
        "DRIVER={x};UID=u;PWD={hunter 22}",
        "db://me:hunter%2022@there/base",
        {"dsn": "db://me:hunter%2022@there/base"},
    ],
)
def test_a_secret_inside_a_connect_string_is_not_in_the_error_either(auth):
    reconnector = Reconnector("vault.Client", _repeat_the_password)

    with pytest.raises(ReconnectError) as caught:
        reconnector.reconnect(auth)

    assert "hunter" not in str(caught.value)
    assert caught.value.reason == "PermissionError: wrong password: ***"


def _repeat_the_password(_description, _auth):
    raise PermissionError("wrong password: hunter 22")


def test_other_errors_of_the_driver_are_the_cause(server):
    reconnector = travel(Client(server.address, PASSWORD))
    server.close()

    with pytest.raises(ReconnectError, match="ConnectionRefusedError") as caught:
        reconnector.reconnect(PASSWORD)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ReconnectError)


def test_one_that_needs_a_secret_does_not_connect_by_itself(server):
    reconnector = travel(Client(server.address, PASSWORD))

    with pytest.raises(ReconnectError, match=r'needs a secret.*\*\*{"vault.Client": {"\*": ...}}'):
        _ = reconnector.address

    assert (server.logins, server.refusals) == (1, 0)


def test_a_reconnector_travels_on_and_keeps_what_it_knows(server):
    once = travel({"db": Client(server.address, PASSWORD)})
    twice = travel(once)

    assert isinstance(reconnect_all(twice, **{KEY: {"*": PASSWORD}})["db"], Client)


def test_a_connected_reconnector_travels_as_its_resource_does(memory_db):
    db = travel(memory_db)
    db.execute("CREATE TABLE numbers (n)")

    copied = travel(db)

    assert copied.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    db.close()
    copied.close()


def test_a_resource_that_has_broken_is_connected_again(server):
    job = travel({"db": Client(server.address, PASSWORD), "same": None})
    job["same"] = job["db"]
    resources = Resources(job, start_threads=False, auth={KEY: {"*": PASSWORD}})
    assert resources.connect() == []
    first = job["db"]

    server.drop_visitors()
    assert resources.connect() == []

    assert job["db"] is job["same"]
    assert job["db"] is not first
    assert server.logins == 3


def test_a_resource_that_is_well_is_left_alone(memory_db):
    job = travel({"db": memory_db})
    resources = Resources(job, start_threads=False, auth={})
    resources.connect()
    first = job["db"]

    resources.connect()

    assert job["db"] is first
    first.close()


def test_a_broken_resource_stays_until_it_can_be_connected():
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listener.getsockname()) as sock:
        job = travel({"sock": sock})
    resources = Resources(job, start_threads=False, auth={})
    resources.connect()
    accepted = [listener.accept()[0] for _ in range(2)]
    broken, address = job["sock"], listener.getsockname()
    for each in (*accepted, listener):
        each.close()

    errors = [*resources.connect(), *resources.connect()]

    assert [error.path for error in errors] == ["['sock']"] * 2
    assert job["sock"] is broken
    with socket.create_server(address):
        assert resources.connect() == []
        assert job["sock"].getpeername() == address
    job["sock"].close()
    broken.close()


def test_attributes_and_with_work_on_the_live_resource(memory_db):
    db = travel(memory_db)

    with db as entered:
        entered.execute("CREATE TABLE numbers (n)")
    db.row_factory = sqlite3.Row

    live = db.reconnect()
    assert isinstance(live, sqlite3.Connection)
    assert entered is live
    assert live.row_factory is sqlite3.Row
    assert repr(db) == "<Reconnector of sqlite3.Connection, connected>"
    live.close()


def test_looking_at_a_reconnector_does_not_connect_it(memory_db):
    db = travel(memory_db)

    assert not hasattr(db, "_repr_html_")
    assert not hasattr(db, "__array__")
    copy.copy(db)

    assert "not connected" in repr(db)


def test_threads_that_use_a_reconnector_at_once_get_one_resource(memory_db):
    db = travel(memory_db)
    ready = threading.Barrier(8, timeout=DEADLINE)
    live = []

    def use():
        ready.wait()
        live.append(db.reconnect())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert len(live) == 8
    assert len(set(map(id, live))) == 1
    db.close()


def test_an_object_without_reconnectors_is_returned_as_it_is():
    job = {"a": (1, [2])}
    inner = job["a"]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reconnect_all(job) is job

    assert job["a"] is inner
