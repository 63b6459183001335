"""pymongo: clients, their databases and collections arrive as Reconnectors.

A client is made anew from the arguments it was made from; what shares a client shares it again.
Databases and collections keep their options. pymongo connects in the background and finds its
servers again by itself.

As auth it takes the password or a dict of arguments of `MongoClient`. `auto_encryption_opts`, which
hold keys, do not travel and are to be given so. Refused: cursors, sessions, change streams.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    connect_held,
    driver_type,
    holding,
    import_type,
    make,
    name_of,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "pymongo.MongoClient"

_ENCRYPTION = "auto_encryption_opts"
_OPTIONS = ("codec_options", "read_preference", "write_concern", "read_concern")


def reduce_client(client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send what the client was made from, without secrets."""
    base = driver_type(client, REDUCERS)
    arguments = _arguments(client)
    return (_needs_secret(client),), {
        "base": name_of(base),
        "type": own_type(client, base),
        "arguments": without_secrets(
            {name: value for name, value in arguments.items() if name != _ENCRYPTION}
        ),
        "is_closed": getattr(client, "_closed", False),
        "added": added_attributes(client, base, vars(base(connect=False))),
    }


def rebuild_client(needs_secret: bool) -> Reconnector:
    """Make what stands for a client."""
    return Reconnector(TYPE_KEY, connect_client, needs_secret=needs_secret)


def connect_client(description: dict[str, Any], auth: Any) -> Any:
    """Make a client, which connects in the background."""
    arguments = with_secrets(description["arguments"], auth, TYPE_KEY)
    base = import_type(description["base"])
    client = make(description["type"], base, description["added"], **arguments)
    if description["is_closed"]:
        client.close()
    return client


def reduce_database(database: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the client, the name and the options."""
    return _reduce_part(database, database.client, database.client)


def rebuild_database(needs_secret: bool) -> Reconnector:
    """Make what stands for a database or a collection."""
    return Reconnector(TYPE_KEY, connect_database, needs_secret=needs_secret)


def connect_database(description: dict[str, Any], auth: Any) -> Any:
    """Make a database of its client, or a collection of its database."""
    owner = connect_held(description["owner"], auth)
    base = import_type(description["base"])
    options, added = description["options"], description["added"]
    return make(description["type"], base, added, owner, description["name"], **options)


def reduce_collection(collection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the database, the name and the options."""
    return _reduce_part(collection, collection.database, collection.database.client)


def _reduce_part(part: Any, owner: Any, client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    base = driver_type(part, REDUCERS)
    return (_needs_secret(client),), {
        "base": name_of(base),
        "type": own_type(part, base),
        "owner": holding(owner),
        "name": part.name,
        "options": {name: getattr(part, name) for name in _OPTIONS},
        "added": added_attributes(part, base, vars(base(owner, part.name))),
    }


def _arguments(client: Any) -> dict[str, Any]:
    for name in ("_init_kwargs", "_MongoClient__init_kwargs"):  # the second before pymongo 4.9
        if name in vars(client):
            arguments: dict[str, Any] = vars(client)[name]
            return arguments
    raise RefusalError(
        f"this version of pymongo does not keep what a {type(client).__name__} was made from; send "
        "its arguments, and make it there"
    )


def _needs_secret(client: Any) -> bool:
    arguments = _arguments(client)
    return arguments.get(_ENCRYPTION) is not None or has_secret(arguments)


_CLIENT = reducer_with_state(reduce_client, rebuild_client, set_description)
_DATABASE = reducer_with_state(reduce_database, rebuild_database, set_description)
_COLLECTION = reducer_with_state(reduce_collection, rebuild_database, set_description)
_CURSOR = refusing(
    "it stands in the middle of a result; send the documents (list(cursor)) or the collection, and "
    "ask again there"
)
_SESSION = refusing("a session belongs to one client; send the client, and begin another there")

REDUCERS: dict[str, Reducer] = {
    # pymongo 4.9 and later; and before
    "pymongo.synchronous.mongo_client.MongoClient": _CLIENT,
    "pymongo.asynchronous.mongo_client.AsyncMongoClient": _CLIENT,
    "pymongo.mongo_client.MongoClient": _CLIENT,
    "pymongo.synchronous.database.Database": _DATABASE,
    "pymongo.asynchronous.database.AsyncDatabase": _DATABASE,
    "pymongo.database.Database": _DATABASE,
    "pymongo.synchronous.collection.Collection": _COLLECTION,
    "pymongo.asynchronous.collection.AsyncCollection": _COLLECTION,
    "pymongo.collection.Collection": _COLLECTION,
    **dict.fromkeys(
        (
            "pymongo.synchronous.cursor.Cursor",
            "pymongo.asynchronous.cursor.AsyncCursor",
            "pymongo.cursor.Cursor",
            "pymongo.synchronous.command_cursor.CommandCursor",
            "pymongo.asynchronous.command_cursor.AsyncCommandCursor",
            "pymongo.command_cursor.CommandCursor",
            "pymongo.synchronous.change_stream.ChangeStream",
            "pymongo.asynchronous.change_stream.AsyncChangeStream",
            "pymongo.change_stream.ChangeStream",
        ),
        _CURSOR,
    ),
    **dict.fromkeys(
        (
            "pymongo.synchronous.client_session.ClientSession",
            "pymongo.asynchronous.client_session.AsyncClientSession",
            "pymongo.client_session.ClientSession",
        ),
        _SESSION,
    ),
}
