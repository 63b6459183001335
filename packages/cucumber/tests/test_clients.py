import pytest

from suitkaise.cucumber import Reconnector, deserialize, serialize
from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    connect_held,
    driver_type,
    holding,
    import_type,
    make,
    name_of,
    names_in_code,
    names_set_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._walk import walk


class Client:
    """As a driver would have it."""

    def __init__(self, host, password=None):
        self.host = host
        self.password = password

    @property
    def address(self):
        return self.cached_address


class NamedClient(Client):
    __slots__ = ("note", "unset")

    def __init__(self):
        raise AssertionError


def connect(description, auth):
    if auth != "hunter22":
        raise OSError("go away")
    return ["connected"]


REDUCERS = {name_of(Client): None}


def named_client():
    client = make(NamedClient, Client, {"note": "a", "purpose": "b"}, "host", password="hunter22")
    client.own_password = "hunter22"
    return client


def test_a_subclass_is_made_without_its_own_init():
    client = named_client()

    assert (type(client), client.host, client.password) == (NamedClient, "host", "hunter22")
    assert (client.note, client.purpose) == ("a", "b")
    assert "note" not in vars(client)


def test_what_the_user_has_added_is_found_but_no_secret():
    added = added_attributes(named_client(), Client, vars(Client("other")))

    assert added == {"note": "a", "purpose": "b"}


def test_the_driver_s_type_is_found_below_a_user_s():
    client = named_client()

    assert driver_type(client, REDUCERS) is Client
    assert own_type(client, Client) is NamedClient
    assert own_type(Client("host"), Client) is None


def test_types_are_imported_by_their_names():
    assert import_type(name_of(Reconnector)) is Reconnector


def test_names_in_the_code_of_methods_and_properties_are_found():
    assert {"host", "password", "cached_address"} <= names_in_code(NamedClient)


def test_only_what_the_code_sets_is_the_driver_s_where_that_is_known():
    assert names_set_in_code(NamedClient) == {"host", "password"}


def test_what_is_held_is_not_found_by_a_walk_and_connects():
    held = {"pool": holding(Reconnector("x.Y", connect, needs_secret=True))}
    seen = []

    walk(held, lambda thing, place: seen.append(thing) or thing)

    assert not any(isinstance(thing, Reconnector) for thing in seen)
    with pytest.raises(RefusalError, match="needs a secret"):
        connect_held(held["pool"], None)
    with pytest.raises(RefusalError, match="OSError: go away"):
        connect_held(held["pool"], "wrong")
    connected = connect_held(held["pool"], "hunter22")
    assert connected == ["connected"]
    assert connect_held(held["pool"], None) is connected


def test_what_is_held_and_has_broken_is_connected_again():
    held = holding(Reconnector("x.Y", connect, is_broken=lambda resource: "broken" in resource))
    first = connect_held(held, "hunter22")
    first.append("broken")

    assert connect_held(held, "hunter22") == ["connected"]


def test_what_is_held_is_still_shared_after_the_trip():
    shared = Reconnector("x.Y", connect)

    first, second = deserialize(serialize([holding(shared), holding(shared)]))

    assert first["resource"] is second["resource"]


def test_a_refusal_says_why():
    with pytest.raises(RefusalError, match="because"):
        refusing("because")(None, object())
