"""Tables that are sorted by a click on a column's head: on the server, the order in the view's address.

`?order=groups:-ended_well.share`: the table and the column by which it is sorted, down where there is a minus. A view
has many tables; one of them is sorted at a time, the others are in their own order. What is no column of the table
changes nothing. Of a table that goes over several pages the store sorts, by those columns that it has an index of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

_Row = TypeVar("_Row")
_ORDER = re.compile(r"([a-z_]{1,32}):(-?)([a-z_][a-z_.0-9]{0,63})\Z")
_PLACES = ("page", "before", "after")  # of a list: another order begins at its begin
_PARTS = ("/attempts", "/trends", "/slow", "/beside", "/figures")  # of views, which come after them


@dataclass(frozen=True)
class Order:
    """`table` and `column` by which it is sorted, "" and "" where none is; `path` and `query` of the view.

    `stored`: by table that goes over several pages, the columns that the store sorts by.
    """

    path: str
    query: tuple[tuple[str, str], ...]
    table: str = ""
    column: str = ""
    down: bool = False
    stored: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As it stands in an address."""
        return f"{self.table}:{'-' if self.down else ''}{self.column}" if self.table else ""

    def rows(self, table: str, rows: Iterable[_Row], *columns: str) -> list[_Row]:
        """In the order that is asked for; `columns`: names of what a row has, "ended_well.share" of what that has.

        What has no value comes last, whichever way.
        """
        found = list(rows)
        if self.table != table or self.column not in columns or table in self.stored:
            return found
        keyed = [(_key(_value(row, self.column)), row) for row in found]
        known = [one for one in keyed if one[0] is not None]
        known.sort(key=lambda one: one[0], reverse=self.down)
        return [row for _key, row in known] + [row for key, row in keyed if key is None]

    def mark(self, table: str, column: str) -> Markup:
        """The attribute of a column's head that says how the table is sorted by it."""
        if (self.table, self.column) != (table, column) or column not in self.stored.get(table, (column,)):
            return Markup("")
        return Markup('aria-sort="{}"').format("descending" if self.down else "ascending")

    def link(self, table: str, column: str, down: bool = False) -> Markup:
        """The attribute of the link in a column's head; `down`: the first click sorts down, as numbers are read."""
        if column not in self.stored.get(table, (column,)):
            return Markup("")
        if (self.table, self.column) == (table, column):
            down = not self.down
        left_out = dict.fromkeys(_PLACES, "")
        return Markup('href="{}#{}"').format(
            self.address(**left_out, order=f"{table}:{'-' if down else ''}{column}"), table
        )

    def address(self, **changes: str | int) -> str:
        """Of the view with some of its query changed; what is "" is left out."""
        query = [one for one in self.query if one[0] not in changes]
        query += [(name, str(value)) for name, value in changes.items() if value != ""]
        return f"{self.path}?{urlencode(query)}"

    def by(self, table: str, *columns: str) -> tuple[str, bool]:
        """By which of these columns the store is to sort a table, and whether down; else by the first one, down."""
        if self.table == table and self.column in columns:
            return self.column, self.down
        return columns[0], True


def order_of(request: Request, stored: Mapping[str, Sequence[str]] | None = None) -> Order:
    """What the address asks for; of a part of a view the view's own address."""
    path = request.url.path
    for part in _PARTS:
        if path.endswith(part) and path != part:
            path = path.removesuffix(part)
    query = tuple((name, value) for name, value in request.query_params.multi_items())
    asked = _ORDER.match(request.query_params.get("order", ""))
    if asked is None:
        return Order(path, query, stored=stored or {})
    return Order(path, query, asked[1], asked[3], bool(asked[2]), stored or {})


def _value(row: Any, column: str) -> Any:
    for name in column.split("."):
        if isinstance(row, Sequence) and not isinstance(row, str):
            row = row[int(name)] if name.isdecimal() and int(name) < len(row) else None
        else:
            row = getattr(row, name, None)
    return row


def _key(value: Any) -> Any:
    """Texts as people sort them: "bench-2" before "bench-10", and whatever their case."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        parts = re.split(r"([0-9]{1,18})", value.casefold())
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
    return value
