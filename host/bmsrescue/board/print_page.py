"""A page of docs/ for one printed sheet of A4: `python -m bmsrescue.board.print_page docs/field-guide.md guide.html`.

The result is HTML that any browser prints; a test has Chromium print the field guide and counts its pages.
"""

from __future__ import annotations

import sys
from pathlib import Path

from markdown_it import MarkdownIt

_STYLE = """@page { size: A4; margin: 8mm }
body { font: 6.3pt/1.2 sans-serif; columns: 2; column-gap: 5mm; margin: 0 }
h1 { font-size: 11pt; margin: 0 0 2mm } h2 { font-size: 8.5pt; margin: 2mm 0 1mm }
p, ul, ol { margin: 0 0 1mm } ul, ol { padding-left: 4mm }
table { border-collapse: collapse }
tr, li { break-inside: avoid }
td, th { border: 0.3pt solid #888; padding: 0.3mm 0.6mm; text-align: left; vertical-align: top }
a { color: inherit; text-decoration: none }"""


def printable(markdown: str) -> str:
    """The page as HTML in two narrow columns."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return f'<!doctype html>\n<meta charset="utf-8">\n<style>\n{_STYLE}\n</style>\n{body}'


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(printable(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")
