"""The README's table of types, made from the tests that show how each comes back.

A test says so with `@pytest.mark.comes_back("queue.Queue", ..., how="with its contents")`.
`python type_table.py` writes the table into the README; a test checks that it is there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent
LIBRARIES = TESTS.parents[2] / "tests-libraries"  # against other libraries and real servers
README = TESTS.parent / "README.md"
BEGIN = "<!-- made by tests/type_table.py from the tests -->\n"
END = "<!-- the end of what is made -->\n"

# The headings, and the test modules in their order.
FAMILIES = {
    "Values, functions and classes": (
        "payload",
        "deep_pickler",
        "by_value",
        "code_and_types",
        "classes",
        "functools",
        "views",
        "exceptions",
        "frames",
        "regular_expressions",
        "structs",
    ),
    "Iterators and coroutines": ("iterators", "asynchronous"),
    "Threads, locks, queues": (
        "locks",
        "threads",
        "thread_locals",
        "queues",
        "executors",
        "asyncio",
        "multiprocessing",
        "shared_memory",
        "managers",
        "service_objects",
    ),
    "Contexts and references": ("context_variables", "context_managers", "weak_references"),
    "Files and memory": (
        "files",
        "temporary_files",
        "directory_entries",
        "memory",
        "mapped_memory",
    ),
    "Logging": ("loggers", "log_handlers"),
    "Processes and the network": ("child_processes", "sockets", "tls"),
    "Databases": (
        "sqlite",
        "duckdb",
        "sql_connections",
        "psycopg2",
        "psycopg",
        "mysql_connector",
        "sqlalchemy",
        "redis",
        "pymongo",
        "elasticsearch",
        "neo4j",
        "influxdb",
        "cassandra",
        "clickhouse",
        "pyodbc",
        "pymssql",
        "oracledb",
        "snowflake",
    ),
    "Arrays and tables": ("numpy", "pandas", "pyarrow", "torch"),
}


class Row(NamedTuple):
    """What one test shows."""

    module: str
    types: tuple[str, ...]
    how: str


def rows() -> list[Row]:
    """Collect what all tests show; nothing is imported."""
    files = [*TESTS.glob("test_*.py"), *LIBRARIES.glob("test_*.py")]
    return [row for file in sorted(files) for row in _rows_of(file)]


def _rows_of(file: Path) -> Iterator[Row]:
    module = file.stem.removeprefix("test_")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                "mark.comes_back"
            ):
                types = tuple(ast.literal_eval(each) for each in decorator.args)
                (how,) = (ast.literal_eval(each.value) for each in decorator.keywords)
                yield Row(module, types, how)


def table() -> str:
    """Return the tables in Markdown."""
    found = rows()
    order = [module for modules in FAMILIES.values() for module in modules]
    lost = {row.module for row in found} - set(order)
    if lost:
        raise LookupError(f"add to FAMILIES: {', '.join(sorted(lost))}")
    parts = []
    for heading, modules in FAMILIES.items():
        lines = [
            f"| {', '.join(map(_written, row.types))} | {row.how} |"
            for module in modules
            for row in found
            if row.module == module
        ]
        if lines:
            head = [f"**{heading}**\n", "| what | comes back |", "|---|---|"]
            parts.append("\n".join([*head, *lines]))
    return "\n\n".join(parts) + "\n"


def _written(name: str) -> str:
    """Return a type as code; what is described in words stays as it is."""
    is_name = all(part.isidentifier() for part in name.split("."))
    is_type = is_name and ("." in name or name[0].isupper() or name in _BUILTINS)
    return f"`{name}`" if is_type else name


_BUILTINS = frozenset({"enumerate", "filter", "map", "memoryview", "property", "zip"})


def write() -> None:
    """Write the tables into the README."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{README} has {len(rows())} rows\n")
