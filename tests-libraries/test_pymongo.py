import contextlib

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

pymongo = pytest.importorskip("pymongo")

SECRET = "hunter22"
AUTH = {"pymongo.MongoClient": {"*": SECRET}}


class NamedClient(pymongo.MongoClient):
    def __init__(self, purpose):
        super().__init__("mongodb://h1/", password=SECRET, username="ann", connect=False)
        self.__dict__["purpose"] = purpose


@pytest.fixture
def made():
    """Make a client, which does not connect."""
    with contextlib.ExitStack() as stack:

        def make(*arguments, **keywords):
            keywords = {"connect": False, **keywords}
            return stack.enter_context(pymongo.MongoClient(*arguments, **keywords))

        make.closing = stack.enter_context
        yield make


def credentials(client):
    found = client.options._options
    login = client.options.pool_options._credentials
    return login.username, login.password, login.source, found.get("authmechanism")


@pytest.mark.comes_back(
    "pymongo.MongoClient",
    "pymongo.database.Database",
    "pymongo.collection.Collection",
    how="as a Reconnector for the same servers with the same options; it connects at first use",
)
@pytest.mark.parametrize(
    ("host", "arguments"),
    [
        (f"mongodb://ann:{SECRET}@h1:1,h2:2/db?appName=mine&w=2", {}),
        (f"mongodb://ann:{SECRET}@h1:1,h2:2/db", {"appname": "mine", "w": 2}),
        ("mongodb://ann@h1:1,h2:2/db", {"password": SECRET, "appName": "mine", "w": 2}),
        (
            ["h1:1", "h2:2"],
            {"username": "ann", "password": SECRET, "authSource": "db", "appname": "mine", "w": 2},
        ),
    ],
)
def test_a_client_is_made_with_its_servers_and_options(made, travel, host, arguments):
    client = made(host, **arguments)

    copied = made.closing(travel(client, SECRET).reconnect(SECRET))

    assert copied._topology_settings.seeds == {("h1", 1), ("h2", 2)}
    assert copied.options.pool_options.appname == "mine"
    assert copied.write_concern == pymongo.WriteConcern(2)
    assert credentials(copied) == credentials(client)
    assert credentials(copied)[:3] == ("ann", SECRET, "db")


def test_a_client_without_a_secret_needs_none(made, travel):
    reconnector = travel(made("h1", document_class=dict, tz_aware=True, maxPoolSize=7))

    copied = made.closing(reconnector.reconnect())

    assert copied._topology_settings.seeds == {("h1", 27017)}
    assert copied.codec_options.tz_aware
    assert copied.options.pool_options.max_pool_size == 7


def test_a_secret_is_needed_where_one_was_used(made, travel):
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(made("h1", username="ann", password=SECRET), SECRET).list_database_names()


def test_tokens_in_properties_do_not_travel(made, travel):
    client = made(
        "h1",
        authMechanism="MONGODB-AWS",
        username="key",
        password=SECRET,
        authMechanismProperties={"AWS_SESSION_TOKEN": f"token-{SECRET}"},
    )

    travel(client, SECRET)


def test_keys_of_encryption_do_not_travel_and_are_needed(made):
    # Its class is to be had with another package only.
    client = made("h1")
    name = "_init_kwargs" if "_init_kwargs" in vars(client) else "_MongoClient__init_kwargs"
    vars(client)[name]["auto_encryption_opts"] = {"kms": SECRET}

    payload = serialize(client)

    assert SECRET.encode() not in payload
    assert b"h1" in payload


def test_arguments_can_be_given(made, travel):
    client = made("h1", username="ann", password=SECRET)

    copied = made.closing(travel(client).reconnect({"host": "h3", "password": "other"}))

    assert copied._topology_settings.seeds == {("h3", 27017)}
    assert credentials(copied)[:2] == ("ann", "other")


def test_a_wrong_type_of_secret_is_refused(made, travel):
    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(made("h1", username="ann", password=SECRET)).reconnect(5)


def test_databases_and_collections_keep_their_options_and_share_their_client(made, travel):
    client = made("h1", username="ann", password=SECRET)
    database = client.get_database("db", read_preference=pymongo.ReadPreference.SECONDARY)
    collection = database.get_collection("users.old", write_concern=pymongo.WriteConcern(0))

    copied = reconnect_all(travel([collection, database, client], SECRET), **AUTH)
    collection, database, client = copied
    made.closing(client)

    assert collection.full_name == "db.users.old"
    assert collection.write_concern == pymongo.WriteConcern(0)
    assert collection.read_preference == pymongo.ReadPreference.SECONDARY
    assert (database.name, database.read_preference) == ("db", collection.read_preference)
    assert collection.database is database
    assert database.client is client
    assert credentials(client)[1] == SECRET


def test_a_collection_alone_brings_its_client(made, travel):
    copied = travel(made("h1").db.users)

    collection = copied.reconnect()

    made.closing(collection.database.client)
    assert collection.full_name == "db.users"


def test_a_collection_needs_the_secret_of_its_client(made, travel):
    users = travel({"users": made("h1", username="ann", password=SECRET).db.users}, SECRET)

    with pytest.warns(RuntimeWarning, match=r"\['users'\] .*needs a secret") as caught:
        reconnect_all(users)

    assert len(caught) == 1


def test_a_subclass_keeps_its_type_and_attributes(made, travel):
    client = made.closing(NamedClient("reports"))

    copied = made.closing(travel(client, SECRET).reconnect(SECRET))

    assert type(copied).__name__ == "NamedClient"
    assert vars(copied)["purpose"] == "reports"


@pytest.mark.skipif(pymongo.version_tuple < (4, 9), reason="until then, they open again")
def test_a_closed_client_arrives_closed(made, travel):
    client = made("h1")
    client.close()

    with pytest.raises(pymongo.errors.InvalidOperation, match="after close"):
        travel(client).reconnect().db.users.find_one()


@pytest.mark.skipif(pymongo.version_tuple < (4, 9), reason="new in pymongo 4.9")
def test_an_asyncio_client_is_made_again(travel):
    import asyncio

    async def run():
        client = pymongo.AsyncMongoClient("h1", username="ann", password=SECRET)
        copied = travel(client.db.users, SECRET).reconnect(SECRET)
        made = copied.database.client
        await made.close()
        await client.close()
        return type(made), copied.full_name, credentials(made)[1]

    assert asyncio.run(run()) == (pymongo.AsyncMongoClient, "db.users", SECRET)


@pytest.mark.comes_back(
    "pymongo.cursor.Cursor",
    "pymongo.client_session.ClientSession",
    how="refused: they belong to one client; send the documents, or the client",
)
def test_cursors_are_refused(made):
    with pytest.raises(SerializationError, match=r"list\(cursor\)"):
        serialize(made("h1").db.users.find())


def test_a_client_in_another_process(made, elsewhere):
    lines = """
client = value.reconnect({"password": "hunter22", "serverSelectionTimeoutMS": 50})
import pymongo.errors
try:
    client.db.users.find_one()
except pymongo.errors.ServerSelectionTimeoutError as error:
    print("127.0.0.1:1" in str(error))
client.close()
"""

    client = made("mongodb://ann:hunter22@127.0.0.1:1/")
    assert elsewhere(client, lines) == "True"
