"""The glyphs that the display's own font lacks, as a helper reads them, one at a time (`device/rescue/front/words.py`).

`device/words/glyphs.hex` has them in GNU Unifont's own format: code point, colon, the rows in hex, 8 or 16 pixels wide;
letters of the Latin alphabet are 8x8. On a helper each is its code point (u16, little-endian) and 32 bytes, sorted: 16
rows of 16 pixels, or, of a Latin letter, 8 rows of 8 in the first 8 bytes.
"""

import struct

_BYTES = 32


def packed(text: str) -> bytes:
    """`glyphs.hex` as the helper's file."""
    made = bytearray()
    for line in text.split():
        code, _colon, rows = line.partition(":")
        bitmap = bytes.fromhex(rows)
        if len(bitmap) == _BYTES // 2:
            bitmap = _doubled(bitmap)
        made += struct.pack("<H", int(code, 16)) + bitmap.ljust(_BYTES, b"\0")
    return bytes(made)


def _doubled(bitmap: bytes) -> bytes:
    # A symbol of 8x16 as large as the others: eight of its rows, those with ink in their middle.
    inked = bitmap.strip(b"\0")[:8]
    rows = inked.rjust((8 + len(inked)) // 2, b"\0").ljust(8, b"\0")
    wide = (int("".join(bit * 2 for bit in f"{row:08b}"), 2) for row in rows)
    return b"".join(struct.pack(">HH", row, row) for row in wide)
