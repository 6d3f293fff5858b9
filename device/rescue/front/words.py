# The texts of the display, in the language that is chosen, and the glyphs that framebuf has not: both read from files
# in flash, one at a time (their format: host/bmsrescue/agent/words.py). In the heap only while something stands still.

import binascii
import struct

import framebuf
from micropython import const

import rescue

_ROW = const(8)
_GLYPH = const(34)
_LATIN_END = const(0x250)
_ASCII_END = const(0x7F)


def folder():
    """Where the catalogues are: files beside the agent's packages, also where those are frozen."""
    path = rescue.__path__
    return ("" if path.startswith(".frozen") else path[: -len("rescue")]) + "words/"


def say(language, key):
    """The text of that key; the key itself, without what stands before its dot, where nothing is known of it."""
    try:
        with open(folder() + language + ".words", "rb") as file:
            found = _find(file, binascii.crc32(key.encode()))
            if found is not None:
                return found
    except OSError:
        pass
    return key[key.find(".") + 1 :].replace("_", " ")


def has(language, key):
    """Whether there is a text of that key."""
    try:
        with open(folder() + language + ".words", "rb") as file:
            return _find(file, binascii.crc32(key.encode())) is not None
    except OSError:
        return False


def _find(file, number):
    low, high = 0, struct.unpack("<H", file.read(2))[0]
    while low < high:
        middle = (low + high) // 2
        file.seek(2 + _ROW * middle)
        here, place, size = struct.unpack("<IHH", file.read(_ROW))
        if here == number:
            file.seek(place)
            return str(file.read(size), "utf-8")
        if here < number:
            low = middle + 1
        else:
            high = middle
    return None


def columns(text):
    """How many columns of eight pixels a text takes: a Chinese character takes two."""
    return sum([2 if ord(char) >= _LATIN_END else 1 for char in text])


def is_high(text):
    """Whether the text takes a line of 16 pixels, not of eight."""
    return any(ord(char) >= _LATIN_END for char in text)


def wrap(text, width, lines):
    """Words on at most `lines` lines of `width` columns; a text that is too long ends in "...". A word is parted where
    a line has no room for it, Chinese anywhere."""
    result = []
    line = ""
    for word in text.split():
        joined = line + " " + word if line else word
        if columns(joined) <= width:
            line = joined
            continue
        if line and not (is_high(word) and columns(line) + 3 <= width):
            result.append(line)
            line = ""
        elif line:
            line += " "
        for char in word:
            if columns(line + char) > width:
                result.append(line)
                line = ""
            line += char
    if line:
        result.append(line)
    if len(result) > lines:
        result = result[:lines]
        while result and columns(result[-1]) > width - 3:
            result[-1] = result[-1][:-1]
        if result:
            result[-1] += "..."
    return result


def cut(text, width):
    """As much of the text as `width` columns take."""
    while columns(text) > width:
        text = text[:-1]
    return text


def draw(frame, text, x, y, colour=1):
    """The text with its upper left corner there; in a line of 16 pixels letters stand in its middle."""
    high = is_high(text)
    start = 0
    for index, char in enumerate(text):
        if ord(char) <= _ASCII_END:
            continue
        x = _ascii(frame, text[start:index], x, y + 4 * high, colour)
        start = index + 1
        latin = ord(char) < _LATIN_END
        _glyph(frame, ord(char), x, y + 4 * (high and latin), colour, 8 if latin else 16)
        x += 8 if latin else 16
    _ascii(frame, text[start:], x, y + 4 * high, colour)


def _ascii(frame, text, x, y, colour):
    if text:
        frame.text(text, x, y, colour)
    return x + 8 * len(text)


def _glyph(frame, code, x, y, colour, size):
    bitmap = _bitmap(code)
    if bitmap is None:
        frame.rect(x, y, size, size, colour)
        return
    if not colour:
        for index in range(len(bitmap)):
            bitmap[index] ^= 0xFF
    frame.blit(framebuf.FrameBuffer(bitmap, size, size, framebuf.MONO_HLSB), x, y, 1 - colour)


def _bitmap(code):
    try:
        with open(folder() + "glyphs.bin", "rb") as file:
            low, high = 0, file.seek(0, 2) // _GLYPH
            while low < high:
                middle = (low + high) // 2
                file.seek(_GLYPH * middle)
                row = file.read(_GLYPH)
                here = row[0] | row[1] << 8
                if here == code:
                    return bytearray(row[2:])
                if here < code:
                    low = middle + 1
                else:
                    high = middle
    except OSError:
        pass
    return None
