"""What blocks: found in the source, or marked by hand.

A call counts if it is named in the tables below, under whatever name it was imported, or if it is
a call of the function's own helpers that contains one. What is awaited does not block.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import ast

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

_HTTP = ("delete", "get", "head", "options", "patch", "post", "put", "request")
_BLOCKING_FUNCTIONS = {
    "": ("input", "open"),
    "io": ("open",),
    "time": ("sleep",),
    "os": ("fsync", "popen", "read", "system", "wait", "waitpid", "write"),
    "select": ("select",),
    "shutil": ("copy", "copy2", "copyfile", "copytree", "make_archive", "move", "rmtree"),
    "socket": ("create_connection", "getaddrinfo", "gethostbyaddr", "gethostbyname"),
    "subprocess": ("Popen", "call", "check_call", "check_output", "getoutput", "run"),
    "urllib.request": ("urlopen", "urlretrieve"),
    "httpx": (*_HTTP, "stream"),
    "requests": _HTTP,
    "urllib3": ("request",),
    "smtplib": ("SMTP", "SMTP_SSL"),
    "ftplib": ("FTP", "FTP_TLS"),
    "sqlite3": ("connect",),
    "psycopg": ("connect",),
    "psycopg2": ("connect",),
    "pymysql": ("connect",),
    "MySQLdb": ("connect",),
    "mysql.connector": ("connect",),
    "oracledb": ("connect",),
    "pyodbc": ("connect",),
}
_BLOCKING_NAMES = frozenset(
    f"{module}.{name}".lstrip(".")
    for module, names in _BLOCKING_FUNCTIONS.items()
    for name in names
)
# Methods whose name alone tells, whatever the object is.
_BLOCKING_METHODS = frozenset({
    *("accept", "recv", "recv_into", "recvfrom", "sendall"),  # sockets
    *("commit", "execute", "executemany", "executescript", "rollback"),  # databases
    *("fetchall", "fetchmany", "fetchone"),
    *("read_bytes", "read_text", "write_bytes", "write_text"),  # paths
    *("acquire", "communicate", "result", "wait"),  # locks, processes, futures, events
})  # fmt: skip


def blocking(function: FunctionT) -> FunctionT:
    """Mark a function by hand as blocking: it waits for a file, a network or a lock.

    The mark is the attribute ``__sk_blocking__ = True`` on the function. Nothing else changes,
    and calling the function costs what it did before. With other decorators it goes undermost,
    next to the ``def``. The decorator itself does not block.

    Args:
        function: A function written in Python, sync or async.

    Returns:
        The same function.

    Raises:
        TypeError: ``function`` cannot carry the mark (a built-in, a bound method).

    Example:
        >>> @blocking
        ... def read(path: str) -> bytes:
        ...     with open(path, "rb") as file:
        ...         return file.read()
        >>> read.__sk_blocking__
        True
    """
    try:
        function.__sk_blocking__ = True  # type: ignore[attr-defined]
    except AttributeError as error:
        raise TypeError(
            f"cannot mark {function!r} as blocking: it takes no attributes; "
            "mark a Python function that calls it"
        ) from error
    return function


def find_blocking_calls(function: Callable[..., Any], owner: type | None = None) -> list[str]:
    """Find the calls in a function's source that block, its helpers' included.

    Args:
        function: The function. Without source nothing is found.
        owner: The class that it is a method of: its own methods are followed then.

    Returns:
        Their names, sorted, such as ``["requests.get", "time.sleep"]``; of a method on an object
        that is not known ``".recv"``; of a function marked by `blocking` its own name.

    Example:
        >>> import time
        >>> find_blocking_calls(time.sleep), find_blocking_calls(len)
        (['time.sleep'], [])
    """
    found: set[str] = set()
    _collect(function, owner, found, set())
    return sorted(found)


def _collect(function: Any, owner: type | None, found: set[str], seen: set[Any]) -> None:
    import inspect  # here and below: few programs need it

    if getattr(function, "__sk_blocking__", False) is True:
        found.add(_name_of(function))
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(function, FunctionType):
        if _name_of(function) in _BLOCKING_NAMES:
            found.add(_name_of(function))
        return
    if function.__code__ in seen:
        return
    seen.add(function.__code__)
    for path in _called_paths(function):
        target = _resolve(path, function, owner)
        if target is not None and not isinstance(target, str):
            if isinstance(inspect.unwrap(target), FunctionType):
                if f"{target.__module__}.{target.__name__}" in _BLOCKING_NAMES:
                    found.add(f"{target.__module__}.{target.__name__}")
                elif target.__module__ == function.__module__ or owner is not None:
                    _collect(target, owner, found, seen)
                continue
            target = _name_of(target)
        if target in _BLOCKING_NAMES:
            found.add(target)
        elif target is None and len(path) > 1 and path[-1] in _BLOCKING_METHODS:
            found.add(f".{path[-1]}")


def _called_paths(function: FunctionType) -> Iterator[tuple[str, ...]]:
    """Yield what is called, as dotted paths; a part that is no name is empty."""
    import ast

    from suitkaise.sk._source import source_of

    source = source_of(function)
    if source is None:
        return
    body = source.definition.body  # without decorators and defaults: they have run already
    parts = body if isinstance(body, list) else [body]
    nodes = [node for part in parts for node in ast.walk(part)]
    awaited = {node.value for node in nodes if isinstance(node, ast.Await)}
    for node in nodes:
        if isinstance(node, ast.Call) and node not in awaited:
            yield tuple(source.mangled(part) for part in _path_of(node.func))


def _path_of(node: ast.expr) -> tuple[str, ...]:
    import ast

    if isinstance(node, ast.Attribute):
        return (*_path_of(node.value), node.attr)
    return (node.id,) if isinstance(node, ast.Name) else ("",)


def _resolve(path: tuple[str, ...], function: FunctionType, owner: type | None) -> Any:
    """Return what a path is: an object, the dotted name of one in a module, or None."""
    import inspect

    root, *rest = path
    if owner is not None and len(path) == 2 and root == _first_argument(function):
        return inspect.getattr_static(owner, rest[0], None)
    variables = inspect.getclosurevars(function)
    for scope in (variables.nonlocals, function.__globals__, vars(builtins)):
        if root in scope:
            found = scope[root]
            break
    else:
        return None
    for place, name in enumerate(rest):
        if not isinstance(found, ModuleType | type):
            return None
        if isinstance(found, ModuleType) and name not in vars(found):
            return ".".join((found.__name__, *rest[place:]))
        module = found
        found = inspect.getattr_static(found, name, None)
        if isinstance(module, ModuleType) and place == len(rest) - 1:
            dotted = f"{module.__name__}.{name}"
            if dotted in _BLOCKING_NAMES:  # as it is called there, wherever it was defined
                return dotted
    return found


def _first_argument(function: FunctionType) -> str | None:
    code = function.__code__
    return code.co_varnames[0] if code.co_argcount else None


def _name_of(function: Any) -> str:
    module = getattr(function, "__module__", None) or ""
    name = str(getattr(function, "__qualname__", "") or getattr(function, "__name__", ""))
    if function is open:
        return "open"
    return name if module in ("builtins", "") else f"{module}.{name}"
