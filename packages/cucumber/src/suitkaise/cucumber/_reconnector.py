"""`Reconnector`: stands for a live resource that could not travel, and connects again.

sender      reduce(resource) -> description              plain data, never a secret
receiver    Reconnector(type_key, connect, description)
... connect(description, auth) -> resource   on request, or at first use
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import ReconnectError, RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_SHORTEST_SECRET = 3  # characters; what is shorter would black out half of a message


class Reconnector:
    """Stands for a live resource, such as a database connection, that arrived in another process.

    `reconnect_all` replaces all Reconnectors in an object by live resources. One that needs no
    secret also connects by itself, in the thread that uses it first: reading or setting an
    attribute works on the live resource (`db.execute(...)`), and so does `with db:`. Names that
    begin with an underscore do not connect.

    Handlers of your own may rebuild one, see `register`; then subclassing is not needed.

    Args:
        type_key: The type by whose name secrets are given, such as "psycopg2.Connection".
        connect: Called as `connect(description, auth)` in the process that is to use the resource;
            returns it. `auth` is what was given to reconnect with, None: nothing. What it raises
            becomes a `ReconnectError`. A function of an importable module, or it travels by value.
        description: What `connect` needs to know. No secret may be in it: it travels.
        needs_secret: Whether connecting makes no sense without `auth`.
        is_broken: Called as `is_broken(resource)`; tells whether the resource is of no more use,
            so that `@autoreconnect` connects it again for the next life. None: it never is.

    Attributes:
        type_key: As given.
        reconnect_error: Why the last attempt failed; None if there was none, or it did not fail.

    Example:
        >>> import sqlite3
        >>> from suitkaise.cucumber import deserialize, serialize
        >>> db = sqlite3.connect(":memory:")
        >>> _ = db.execute("CREATE TABLE numbers (n)")
        >>> copy = deserialize(serialize(db))
        >>> copy
        <Reconnector of sqlite3.Connection, not connected>
        >>> copy.execute("SELECT count(*) FROM numbers").fetchone()
        (0,)
        >>> db.close(), copy.close()
        (None, None)
    """

    __slots__ = (
        "__weakref__",
        "_connect",
        "_description",
        "_is_broken",
        "_live",
        "_lock",
        "_needs_secret",
        "reconnect_error",
        "type_key",
    )

    type_key: str
    reconnect_error: ReconnectError | None
    _connect: Callable[[Any, Any], Any]
    _description: Any
    _needs_secret: bool
    _is_broken: Callable[[Any], bool] | None
    _live: Any
    _lock: Any

    def __init__(
        self,
        type_key: str,
        connect: Callable[[Any, Any], Any],
        description: Any = None,
        *,
        needs_secret: bool = False,
        is_broken: Callable[[Any], bool] | None = None,
    ) -> None:
        self.type_key = type_key
        self.reconnect_error = None
        self._connect = connect
        self._description = description
        self._needs_secret = needs_secret
        self._is_broken = is_broken
        self._live = None
        self._lock = threading.RLock()

    def reconnect(self, auth: Any = None) -> Any:
        """Return the live resource; the first call connects, and blocks as long as that takes.

        Args:
            auth: The secret, or what else the type takes; None: nothing.

        Raises:
            ReconnectError: If it cannot be connected, or needs a secret and got none.
        """
        return connect_at("", self, auth)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a Reconnector has no attribute {name!r}")
        return getattr(self.reconnect(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Reconnector.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self.reconnect(), name, value)

    def __enter__(self) -> Any:
        return self.reconnect().__enter__()

    def __exit__(self, *reason: object) -> Any:
        return self.reconnect().__exit__(*reason)

    def __repr__(self) -> str:
        if self._live is not None:
            state = "connected"
        elif self.reconnect_error is not None:
            state = f"not connected: {self.reconnect_error.reason}"
        else:
            state = "not connected"
        return f"<Reconnector of {self.type_key}, {state}>"


def connect_at(path: str, reconnector: Reconnector, auth: Any) -> Any:
    """Connect a reconnector that is at a path of an object, unless it is connected already.

    Raises:
        ReconnectError: If it cannot be; it is kept on the reconnector.
    """
    with reconnector._lock:
        if reconnector._live is None:
            reconnector.reconnect_error = None
            try:
                if reconnector._needs_secret and auth is None:
                    raise RefusalError(_secret_missing(path, reconnector.type_key))
                reconnector._live = reconnector._connect(reconnector._description, auth)
            except Exception as error:
                reconnector.reconnect_error = connection_error(path, reconnector, error, auth)
        failure = reconnector.reconnect_error
        if failure is not None:  # raised here, or the driver's own error were its context
            raise failure.with_traceback(None)
        return reconnector._live


def connection_error(
    path: str, reconnector: Reconnector, error: Exception, auth: Any = None
) -> ReconnectError:
    """Make the error of a failure. Secrets that a driver repeats are not in it."""
    told = str(error) if isinstance(error, RefusalError) else f"{type(error).__name__}: {error}"
    reason = told.removesuffix(": ")
    for secret in sorted(_texts_in(auth), key=len, reverse=True):
        reason = reason.replace(secret, "***")
    type_key = reconnector.type_key
    where = f"{path} ({type_key})" if path else type_key
    failure = ReconnectError(
        f"cannot reconnect {where}: {reason}", path=path, type_key=type_key, reason=reason
    )
    if reason == told.removesuffix(": "):
        failure.__cause__ = error
    return failure


def take_broken(reconnector: Reconnector) -> Any:
    """Take the resource from a reconnector if it is of no more use; None: it is, or is not there.

    The reconnector can then connect again.
    """
    resource, is_broken = reconnector._live, reconnector._is_broken
    if resource is None or is_broken is None or not is_broken(resource):
        return None
    reconnector._live = None
    return resource


def reconnecting(describe: Callable[[Any], Any], rebuild: Callable[[], Reconnector]) -> Reducer:
    """Make the reducer of a resource: `describe` gives the description, `rebuild` the rest."""
    return reducer_with_state(lambda resource: ((), describe(resource)), rebuild, set_description)


def reduce_reconnector(pickler: "Pickler", reconnector: Reconnector) -> ReduceValue:
    """Send a reconnector on; one that is connected travels as its resource does."""
    if reconnector._live is not None:
        return pickler.reducer_override(reconnector._live)
    arguments = (
        reconnector.type_key,
        reconnector._connect,
        reconnector._needs_secret,
        reconnector._is_broken,
    )
    return rebuild_reconnector, arguments, reconnector._description, None, None, set_description


def rebuild_reconnector(
    type_key: str,
    connect: Callable[[Any, Any], Any],
    needs_secret: bool,
    is_broken: Callable[[Any], bool] | None,
) -> Reconnector:
    """Make a reconnector that is yet to be given its description."""
    return Reconnector(type_key, connect, needs_secret=needs_secret, is_broken=is_broken)


def set_description(reconnector: Reconnector, description: Any) -> None:
    """Give a reconnector its description, which may lead back to it."""
    reconnector._description = description


def _secret_missing(path: str, type_key: str) -> str:
    attribute = path.rpartition(".")[2]
    name = attribute if attribute.isidentifier() else "*"
    return (
        "it needs a secret; give one to reconnect_all or @autoreconnect: "
        f'**{{"{type_key}": {{"{name}": ...}}}}'
    )


def _texts_in(auth: Any) -> set[str]:
    """Collect the texts in what was given to reconnect with: each may be a secret, or hold one."""
    if isinstance(auth, bytes):
        auth = auth.decode(errors="replace")
    if isinstance(auth, str):
        from suitkaise.cucumber._handlers._secrets import secrets_in

        return {each for each in (auth, *secrets_in(auth)) if len(each) >= _SHORTEST_SECRET}
    if isinstance(auth, dict):
        auth = list(auth.values())
    if isinstance(auth, list | tuple | set | frozenset):
        return set().union(*map(_texts_in, auth))
    return set()


REDUCERS: dict[type, Reducer] = {Reconnector: reduce_reconnector}
