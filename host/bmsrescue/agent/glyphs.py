"""The glyphs that the display's own font lacks: `python -m bmsrescue.agent.glyphs /usr/share/unifont/unifont.hex`.

Takes those that the catalogues and the outcomes' symbols use from GNU Unifont (Debian package `unifont`) and writes them
to `device/words/glyphs.hex`, in Unifont's own format: code point, colon, the rows in hex, 8 or 16 pixels wide. Letters
of the Latin alphabet are 8x8, as the display's own, and drawn by us: a line of theirs stays where it is.

On a helper each glyph is its code point (u16, little-endian) and 32 bytes, sorted: 16 rows of 16 pixels, or, of a Latin
letter, 8 rows of 8 in the first 8 bytes. Read one at a time (`device/rescue/front/words.py`).

Licence of the glyphs: docs/face.md.
"""

import struct
import sys
from pathlib import Path

from bmsrescue.agent.files import device_dir
from rescuelink.outcomes import OUTCOMES

LATIN_END = 0x250
_ASCII_END = 0x7F
_BYTES = 32
_LATIN = {
    "Ä": "66183C667E666600",
    "Ö": "663C6666663C0000",
    "Ü": "660066666666 3C00".replace(" ", ""),
    "ä": "66003C063E663E00",
    "ö": "66003C6666663C00",
    "ü": "6600666666663E00",
    "ß": "3C666C6666666C60",
}


def used() -> set[str]:
    """Every character that the display's own font has not."""
    from bmsrescue.agent.words import languages, texts

    characters = {char for language in languages() for text in texts(language).values() for char in text}
    return {char for char in characters | {outcome.symbol for outcome in OUTCOMES.values()} if ord(char) > _ASCII_END}


def chosen(unifont: str) -> str:
    """The glyphs that are used, from the text of `unifont.hex`.

    Raises:
        KeyError: neither Unifont nor we have one.
    """
    rows = dict(line.split(":") for line in unifont.split())
    glyphs = {ord(char): _LATIN[char] if ord(char) < LATIN_END else rows[f"{ord(char):04X}"] for char in used()}
    return "".join(f"{code:04X}:{glyphs[code]}\n" for code in sorted(glyphs))


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


def main(unifont: Path) -> None:
    """Make `glyphs.hex` anew."""
    text = chosen(unifont.read_text(encoding="ascii"))
    (device_dir() / "words" / "glyphs.hex").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
