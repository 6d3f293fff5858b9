"""The dongle's picture, as text and as PNG, shows the pixels that the agent drew."""

import struct
import zlib

from bmsrescue.twin.helper.picture import as_braille, as_png, as_text, pixel


def frame_with(*lit: tuple[int, int]) -> bytes:
    frame = bytearray(1024)
    for x, y in lit:
        frame[(y // 8) * 128 + x] |= 1 << y % 8
    return bytes(frame)


def test_a_pixel_is_found_where_monochrome_vertical_lsb_puts_it() -> None:
    frame = frame_with((5, 12))
    assert pixel(frame, 5, 12)
    assert not pixel(frame, 5, 11) and not pixel(frame, 12, 5)


def test_two_rows_share_a_line_of_half_blocks() -> None:
    lines = as_text(frame_with((0, 0), (1, 1), (2, 0), (2, 1), (127, 63)))
    assert (len(lines), {len(line) for line in lines}) == (32, {128})
    assert lines[0][:4] == "▀▄█ "
    assert lines[31][127] == "▄"


def test_eight_pixels_share_a_braille_character() -> None:
    lines = as_braille(frame_with((0, 0), (1, 3), (126, 60), (126, 61)))
    assert (len(lines), {len(line) for line in lines}) == (16, {64})
    assert lines[0][0] == "⢁"
    assert lines[15][63] == "⠃"


def test_the_png_is_four_times_as_large_and_holds_the_pixels() -> None:
    data = as_png(frame_with((0, 0), (127, 63)))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + length)[0]
        chunks[kind] = body
        at += 12 + length
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (512, 256, 1, 0, 0, 0, 0)
    rows = zlib.decompress(chunks[b"IDAT"])
    stride = 1 + 512 // 8
    assert len(rows) == 256 * stride
    assert rows[1] == 0xF0 and rows[3 * stride + 1] == 0xF0 and rows[4 * stride + 1] == 0
    assert rows[-1] == 0x0F
