"""The helper's 128x64 picture (MONO_VLSB, as framebuf has it) as text for a terminal and as PNG."""

import struct
import zlib

from bmsrescue.twin.helper.panel import HEIGHT, WIDTH

_HALF_BLOCKS = " \u2580\u2584\u2588"  # nothing, upper, lower, both
# Unicode's Braille patterns: the code point is the sum of the dots' bits.
_BRAILLE = 0x2800
_BRAILLE_DOTS = (
    (0x01, 0, 0),
    (0x02, 0, 1),
    (0x04, 0, 2),
    (0x08, 1, 0),
    (0x10, 1, 1),
    (0x20, 1, 2),
    (0x40, 0, 3),
    (0x80, 1, 3),
)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_SCALE = 4


def pixel(frame: bytes, x: int, y: int) -> bool:
    """Whether a pixel is lit: each byte is eight rows of one column, the least significant bit on top."""
    return bool(frame[(y >> 3) * WIDTH + x] >> (y & 7) & 1)


def as_text(frame: bytes) -> list[str]:
    """The picture as 32 lines of 128 characters, two rows of pixels per line."""
    return [
        "".join(_HALF_BLOCKS[pixel(frame, x, y) | pixel(frame, x, y + 1) << 1] for x in range(WIDTH))
        for y in range(0, HEIGHT, 2)
    ]


def as_braille(frame: bytes) -> list[str]:
    """The picture as 16 lines of 64 characters, eight dots each."""
    return [
        "".join(
            chr(_BRAILLE + sum(bit for bit, dx, dy in _BRAILLE_DOTS if pixel(frame, x + dx, y + dy)))
            for x in range(0, WIDTH, 2)
        )
        for y in range(0, HEIGHT, 4)
    ]


def as_png(frame: bytes, scale: int = _PNG_SCALE) -> bytes:
    """The picture as a PNG of one bit per pixel, each pixel `scale` wide and high."""
    return png_of_rows([bytes(pixel(frame, x, y) for x in range(WIDTH)) for y in range(HEIGHT)], scale)


def png_of_rows(pixels: list[bytes], scale: int) -> bytes:
    """Rows of 0 (dark) and 1, as a PNG of one bit per pixel (PNG specification, ISO 15948)."""
    wide = len(pixels[0]) * scale
    padded = -(-wide // 8) * 8
    rows = bytearray()
    for line in pixels:
        bits = "".join(("1" if lit else "0") * scale for lit in line).ljust(padded, "0")
        row = b"\x00" + int(bits, 2).to_bytes(padded // 8, "big")  # filter type 0: none
        rows += row * scale
    header = struct.pack(">IIBBBBB", wide, len(pixels) * scale, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")]
    return _PNG_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
