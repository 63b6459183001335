import multiprocessing
import socket
from multiprocessing.managers import BaseManager, SyncManager

import pytest

from suitkaise.cucumber import (
    ReconnectError,
    Reconnector,
    SerializationError,
    deserialize,
    reconnect_all,
    serialize,
)

AUTHKEY = b"correct horse battery staple"
SPAWN = multiprocessing.get_context("spawn")


class NamedManager(SyncManager):
    pass


@pytest.fixture(scope="module")
def manager():
    """A manager with an authkey of its own."""
    manager = SyncManager(authkey=AUTHKEY, ctx=SPAWN)
    manager.start()
    yield manager
    manager.shutdown()


@pytest.fixture(scope="module")
def kin():
    """A manager with the authkey of this process."""
    manager = SyncManager(ctx=SPAWN)
    manager.start()
    yield manager
    manager.shutdown()


def travel(obj):
    return deserialize(serialize(obj))


@pytest.mark.comes_back(
    "multiprocessing.Manager",
    "proxies of a multiprocessing.Manager",
    how="as a **Reconnector**, to the same manager; its authkey is the secret, unless both "
    "processes have the same",
)
def test_a_proxy_stands_for_the_same_object(kin):
    shared = kin.dict(first=1)

    copied = reconnect_all({"jobs": travel(shared)})
    copied["jobs"]["second"] = 2

    assert type(copied["jobs"]) is type(shared)
    assert shared.copy() == {"first": 1, "second": 2}


def test_a_proxy_connects_at_first_use_where_the_authkey_is_the_same(kin):
    queue = kin.Queue()

    copied = travel(queue)
    assert isinstance(copied, Reconnector)
    copied.put("hello")

    assert queue.get(timeout=30) == "hello"


def test_the_authkey_is_the_secret_and_is_not_in_the_bytes(manager):
    shared = manager.list([1, 2])
    payload = serialize({"numbers": shared})

    copied = reconnect_all(
        deserialize(payload), **{"multiprocessing.Manager": {"numbers": AUTHKEY}}
    )
    copied["numbers"].append(3)

    assert list(shared) == [1, 2, 3]
    assert AUTHKEY not in payload
    assert bytes(multiprocessing.current_process().authkey) not in payload


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        (None, "has another authkey.*reconnect_all"),
        (b"a wrong one", "has another authkey"),
        ("a wrong one", "has another authkey"),
        (["a wrong one"], "takes its authkey, not a list"),
    ],
)
def test_a_wrong_authkey_is_an_error_that_does_not_show_it(manager, auth, reason):
    shared = manager.list()

    with pytest.raises(ReconnectError, match=reason) as caught:
        travel(shared).reconnect(auth)

    assert "a wrong one" not in str(caught.value)


def test_proxies_of_registered_types_travel():
    class Registry(BaseManager):
        pass

    Registry.register("text", lambda: "suitkaise")
    with Registry(ctx=multiprocessing.get_context("fork")) as registry:
        text = registry.text()

        assert travel(text).reconnect().upper() == "SUITKAISE"


def test_a_proxy_arrives_in_another_process(manager, load_elsewhere):
    shared = manager.Namespace(n=1)
    payload = serialize([shared])
    lines = (
        "from suitkaise.cucumber import reconnect_all\n"
        "auth = {'multiprocessing.Manager': {'*': b'correct horse battery staple'}}\n"
        "[namespace] = reconnect_all(value, **auth)\n"
        "namespace.n += 1\n"
        "print(namespace)"
    )

    assert load_elsewhere(payload, lines) == "Namespace(n=2)"
    assert shared.n == 2


def test_a_manager_arrives_as_one_of_the_same_server(manager):
    manager.purpose = "tests"
    try:
        copied = travel(manager).reconnect(AUTHKEY)
    finally:
        del manager.purpose
    shared = copied.list([1])

    assert (type(copied), copied.purpose, copied.address) == (
        SyncManager,
        "tests",
        manager.address,
    )
    assert travel(shared).reconnect(AUTHKEY).pop() == 1


def test_a_manager_that_was_not_started_or_was_shut_down_is_refused_with_the_remedy():
    manager = NamedManager(ctx=SPAWN)

    with pytest.raises(SerializationError, match=r"\['manager'\].*start\(\) it first"):
        serialize({"manager": manager})
    with manager:
        pass
    with pytest.raises(SerializationError, match=r"shut down"):
        serialize(manager)


def test_a_manager_that_is_gone_is_an_error_that_says_so():
    with SyncManager(ctx=SPAWN) as manager:
        payload = serialize(manager.dict())

    with pytest.raises(ReconnectError, match=r"does the manager at .* still run"):
        deserialize(payload).reconnect()


def test_a_manager_on_another_host_that_is_gone_is_an_error_that_says_so():
    with SyncManager(("127.0.0.1", 0), ctx=SPAWN) as manager:
        shared = manager.dict(a=1)
        payload = serialize(shared)
        assert deserialize(payload).reconnect().copy() == {"a": 1}
        host, port = manager.address

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))  # nobody else listens there meanwhile
        with pytest.raises(ReconnectError, match=r"still run"):
            deserialize(payload).reconnect()


def test_an_object_that_nobody_kept_is_an_error_that_says_so(kin):
    payload = serialize(kin.list())

    with pytest.raises(ReconnectError, match=r"no such object any more.*must keep it"):
        deserialize(payload).reconnect()
