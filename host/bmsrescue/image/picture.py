"""The entropy map as a picture: a KiB a cell, 64 cells a row, from its address upwards."""

from __future__ import annotations

import io
from typing import Any

_CELL, _COLUMNS, _LEFT, _TOP = 9, 64, 92, 24
# Bits a byte up to which a colour holds; the words stand in the legend.
_COLOURS = (
    (0.05, "#e8e8e8", "blank or constant"),
    (4.5, "#9ecae1", "tables, text"),
    (7.2, "#3182bd", "code"),
    (7.7, "#fdae6b", "dense"),
    (8.1, "#d94801", "packed or encrypted"),
)


def entropy_picture(entropy: list[dict[str, Any]]) -> bytes:
    """A PNG of what `inspect` gives as "entropy"."""
    from PIL import Image, ImageDraw  # late: few commands draw

    rows = [(part["address"] + n * 1024, part["bits"][n : n + _COLUMNS]) for part in entropy for n in _row_starts(part)]
    height = _TOP + len(rows) * _CELL + 40
    picture = Image.new("RGB", (_LEFT + _COLUMNS * _CELL + 12, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((4, 4), "Entropy, 1 KiB a cell", fill="black")
    for number, (address, bits) in enumerate(rows):
        y = _TOP + number * _CELL
        if number % 2 == 0:
            draw.text((4, y - 2), f"0x{address:08x}", fill="#444444")
        for column, value in enumerate(bits):
            x = _LEFT + column * _CELL
            draw.rectangle((x, y, x + _CELL - 2, y + _CELL - 2), fill=_colour(value))
    x = 4
    for _limit, colour, words in _COLOURS:
        draw.rectangle((x, height - 22, x + 9, height - 13), fill=colour, outline="#888888")
        draw.text((x + 14, height - 24), words, fill="black")
        x += 26 + int(draw.textlength(words))
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()


def _row_starts(part: dict[str, Any]) -> range:
    return range(0, len(part["bits"]), _COLUMNS)


def _colour(bits: float) -> str:
    return next((colour for limit, colour, _words in _COLOURS if bits <= limit), _COLOURS[-1][1])
