"""What a Share shows of itself."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any, NamedTuple

from ._node import PLAIN_TYPES
from ._scalars import strip
from ._store import ENDED, FAILED, RUNNING, STATE, STOPPED

if TYPE_CHECKING:
    from ._member import Member

_STATES = {RUNNING: "running", STOPPED: "stopped", ENDED: "ended", FAILED: "failed"}
_COLUMNS = ("name", "type", "value", "bytes", "version")


class _Row(NamedTuple):
    name: str
    type: str
    value: str
    size: str  # of what is in shared memory
    version: str  # bytes ever recorded: another number is another value


def text(member: Member) -> str:
    """Return a table of the attributes as text."""
    state = _STATES.get(member.words[STATE], "new")
    if state in ("ended", "failed"):
        return f"<Share: {state}>"
    rows = [_row(attribute) for attribute in member.attributes()]
    if not rows:
        return f"<Share: {state}, empty>"
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_COLUMNS, *rows)
    ]
    return f"<Share: {state}>\n" + "\n".join(f"  {line}" for line in lines)


def html(member: Member) -> str:
    """Return the same for a notebook."""
    import html as markup

    state = _STATES.get(member.words[STATE], "new")
    rows = [] if state in ("ended", "failed") else [_row(each) for each in member.attributes()]
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{markup.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><caption>Share: {state}</caption><tr>{head}</tr>{body}</table>"


def _row(attribute: Any) -> _Row:
    try:
        replica = attribute.read()
        value, cls = strip(replica.value), type(replica.root)
        shown = reprlib.repr(value).replace("\n", " ")
    except Exception as error:  # a class that cannot be rebuilt here is no reason to show nothing
        cls, shown = type(error), f"cannot be read here: {error}"
    name = PLAIN_TYPES.get(cls, cls).__qualname__
    snapshot, records, _ = attribute.member.store.sizes(attribute.slot)
    return _Row(
        attribute.name,
        name,
        shown,
        f"{snapshot + records:,}",
        f"{attribute.words[attribute.end_at]:,}",
    )
