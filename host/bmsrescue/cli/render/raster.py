"""A small picture of coloured pixels: lines, words in a 3x5 font, PNG (PNG specification, ISO 15948)."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SCALE = 2  # of the font
_ADVANCE = 4  # font pixels from one letter to the next
# Five rows from the top, one octal digit each, its high bit on the left.
_LETTERS = " +-.:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZimos"
_ROWS = (
    "000000272000700000020202075557262277174771717557117471774757711117575775717"
    "257556565634443656567464774644345535575572227111525565544447577556555525552"
    "656442557365655342167222255557555525577555255552227124720222007750075700326"
)
_FONT = {letter: _ROWS[5 * place : 5 * place + 5] for place, letter in enumerate(_LETTERS)}

Point = tuple[float, float]


class Raster:
    """Starts white. Coordinates from the top left; what lies outside is not drawn. Colours are "#RRGGBB"."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._pixels = bytearray(b"\xff" * (width * height * 3))

    def line(self, start: Point, end: Point, colour: str, thick: bool = False) -> None:
        """From `start` to `end`, one pixel wide or two."""
        steps = max(round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))), 1)
        ink = _ink(colour)
        for step in range(steps + 1):
            x = round(start[0] + (end[0] - start[0]) * step / steps)
            y = round(start[1] + (end[1] - start[1]) * step / steps)
            self._dot(x, y, ink)
            if thick:
                self._dot(x, y + 1, ink)

    def text(self, x: float, y: float, words: str, colour: str) -> None:
        """Words with their top left corner at (x, y); small letters that the font lacks are drawn as capitals."""
        ink = _ink(colour)
        for place, letter in enumerate(words):
            rows = _FONT.get(letter) or _FONT.get(letter.upper()) or _FONT["-"]
            for row, bits in enumerate(rows):
                for column in range(3):
                    if int(bits, 8) >> (2 - column) & 1:
                        self._square(round(x) + (place * _ADVANCE + column) * _SCALE, round(y) + row * _SCALE, ink)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        stride = self._width * 3
        rows = b"".join(b"\x00" + self._pixels[at : at + stride] for at in range(0, len(self._pixels), stride))
        header = struct.pack(">IIBBBBB", self._width, self._height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)

    def _square(self, x: int, y: int, ink: bytes) -> None:
        for down in range(_SCALE):
            for right in range(_SCALE):
                self._dot(x + right, y + down, ink)

    def _dot(self, x: int, y: int, ink: bytes) -> None:
        if 0 <= x < self._width and 0 <= y < self._height:
            at = (y * self._width + x) * 3
            self._pixels[at : at + 3] = ink


def _ink(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
