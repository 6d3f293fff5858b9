"""The map of a flash for a person: a picture of signs that fits 80 columns, the parts in words, and a PNG."""

from __future__ import annotations

import io

from bmsrescue.sibling.own import FlashMap, Kind

_COLUMNS, _ROW_BYTES = 64, 0x2_0000
_CELL_BYTES = _ROW_BYTES // _COLUMNS
_SIGNS: dict[Kind | None, str] = {"image": "#", "own": "=", "unknown": "?", None: "."}
_WORDS: dict[Kind, str] = {"image": "taken", "own": "kept", "unknown": "kept"}
_COLOURS: dict[Kind | None, str] = {"image": "#3182bd", "own": "#2ca25f", "unknown": "#fdae6b", None: "#e8e8e8"}
LEGEND = "# taken from the good unit  = the unit's own, kept  ? not told, kept  . erased"
_WORST: tuple[Kind, ...] = ("unknown", "own", "image")  # what a cell shows that holds several


def picture_lines(found: FlashMap) -> list[str]:
    """A row for 128 KiB, a sign for 2 KiB."""
    lines = [LEGEND]
    size = len(found.good.data)
    for row in range(0, size, _ROW_BYTES):
        cells = range(row, min(row + _ROW_BYTES, size), _CELL_BYTES)
        lines.append(f"0x{0x0800_0000 + row:08x} " + "".join(_SIGNS[kind_at(found, at)] for at in cells))
    return lines


def kind_at(found: FlashMap, start: int) -> Kind | None:
    """What a cell shows: rather what is the unit's than what is taken."""
    here = {part.kind for part in found.parts if part.start < start + _CELL_BYTES and start < part.end}
    return next((kind for kind in _WORST if kind in here), None)


def word_lines(found: FlashMap) -> list[str]:
    """A line or more for each part."""
    lines = []
    for part in found.parts:
        size = f"{part.length / 1024:.1f} KiB" if part.length >= 1024 else f"{part.length} bytes"
        head = f"0x{part.address:08x} {size:>11}  {_WORDS[part.kind]}  "
        lines += _wrapped(head, part.why)
    return lines


def _wrapped(head: str, text: str) -> list[str]:
    lines, line = [], head
    for word in text.split(" "):
        if len(line) + len(word) > 79 and line.strip() and line != head:
            lines.append(line.rstrip())
            line = " " * len(head)
        line += word + " "
    return [*lines, line.rstrip()]


def map_picture(found: FlashMap) -> bytes:
    """A PNG: a cell for 2 KiB, a row for 128 KiB."""
    from PIL import Image, ImageDraw  # late: few commands draw

    cell, left, top = 11, 92, 24
    rows = -(-len(found.good.data) // _ROW_BYTES)
    picture = Image.new("RGB", (left + _COLUMNS * cell + 12, top + rows * (cell + 6) + 40), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((4, 4), f"{found.good.chip}: what is taken, and what stays; 2 KiB a cell", fill="black")
    for row in range(rows):
        y = top + row * (cell + 6)
        draw.text((4, y - 1), f"0x{0x0800_0000 + row * _ROW_BYTES:08x}", fill="#444444")
        for column in range(_COLUMNS):
            start = row * _ROW_BYTES + column * _CELL_BYTES
            if start < len(found.good.data):
                x = left + column * cell
                draw.rectangle((x, y, x + cell - 2, y + cell - 1), fill=_COLOURS[kind_at(found, start)])
    x, y = 4, top + rows * (cell + 6) + 14
    words: tuple[tuple[Kind | None, str], ...]
    words = (("image", "taken"), ("own", "the unit's own"), ("unknown", "not told, kept"), (None, "erased"))
    for kind, text in words:  # the legend
        draw.rectangle((x, y, x + 9, y + 9), fill=_COLOURS[kind], outline="#888888")
        draw.text((x + 14, y - 2), text, fill="black")
        x += 32 + int(draw.textlength(text))
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()
