"""The dongle's texts: `device/words/LANGUAGE.txt`, one `key = text` a line, as the small file that a helper reads.

    u16 count | count rows: u32 CRC-32 of the key, u16 place, u16 bytes | the texts, UTF-8

little-endian, rows by their CRC-32, places from the file's beginning. `device/rescue/front/words.py` looks a text up by
some eight seeks; nothing of it stays in the heap.
"""

import binascii
import functools
import struct
from pathlib import Path

from bmsrescue.agent.files import device_dir
from bmsrescue.agent.glyphs import packed

_SUFFIX = ".txt"
_HEAD = struct.Struct("<H")
_ROW = struct.Struct("<IHH")
PLACE = "words"  # on the helper; a folder "rescue" there would hide a frozen package of that name
_SUFFIXED = ".words"  # of a catalogue on the helper
_GLYPHS = "glyphs.bin"


def languages() -> tuple[str, ...]:
    """By their codes, "en" first."""
    found = sorted(path.stem for path in _folder().glob("*" + _SUFFIX))
    return ("en", *(code for code in found if code != "en"))


def texts(language: str) -> dict[str, str]:
    """A catalogue, by key.

    Raises:
        ValueError: a line is none, or a key is there twice.
    """
    found: dict[str, str] = {}
    for line in (_folder() / (language + _SUFFIX)).read_text(encoding="utf-8").splitlines():
        key, equals, text = line.partition(" = ")
        if not equals or key in found:
            raise ValueError(f"{language}{_SUFFIX}: {line!r} is no line `key = text`, or its key is there twice")
        found[key] = text
    return found


def compiled(catalogue: dict[str, str]) -> bytes:
    """The indexed file.

    Raises:
        ValueError: two keys have the same CRC-32, so that the helper could not tell them apart.
    """
    by_hash = {binascii.crc32(key.encode()): text.encode() for key, text in catalogue.items()}
    if len(by_hash) != len(catalogue):
        raise ValueError("two keys have one CRC-32: rename one of them")
    place = _HEAD.size + _ROW.size * len(by_hash)
    rows = bytearray(_HEAD.pack(len(by_hash)))
    blob = bytearray()
    for number in sorted(by_hash):
        rows += _ROW.pack(number, place + len(blob), len(by_hash[number]))
        blob += by_hash[number]
    return bytes(rows + blob)


@functools.cache
def files() -> dict[str, bytes]:
    """What a helper gets of it: every catalogue and the glyphs, by place."""
    made = {f"{PLACE}/{language}{_SUFFIXED}": compiled(texts(language)) for language in languages()}
    return made | {f"{PLACE}/{_GLYPHS}": packed((_folder() / "glyphs.hex").read_text(encoding="ascii"))}


def _folder() -> Path:
    return device_dir() / "words"
