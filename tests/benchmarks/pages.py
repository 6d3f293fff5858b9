"""Tables of the documents that a bench makes: what is around them is written by hand."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.table import Table
from rich.text import Text

DOCS = Path(__file__).parents[2] / "docs"


def asked_to_write() -> bool:
    """Whether the command was called with --write."""
    return "--write" in sys.argv[1:]


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a page."""
    before, rest = page.read_text().split(begin, 1)
    page.write_text(f"{before}{begin}\n{text}{end}{rest.split(end, 1)[1]}")


def as_markdown(table: Table) -> str:
    """The same table, without colours."""
    columns = [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns]
    rows = [
        [str(column.header) for column in table.columns],
        ["---:" if column.justify == "right" else "---" for column in table.columns],
        *zip(*columns, strict=True),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
