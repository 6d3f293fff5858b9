"""The names that the compiled agent will make an interpreter keep, as its files list them.

A helper fills its first tables of names when it starts (`rescue/names.py`): with these, so that no place in a table is
spent on a name that nobody needs.
"""

from collections import Counter
from collections.abc import Iterable

_MARK = 'OWN = b""'
_MOST = 1200  # more than the tables before the large one have room for besides what an interpreter has met until then


def most_used(compiled: Iterable[bytes], most: int = _MOST) -> str:
    """Of the names in `compiled` (.mpy files) those `most` that the most files need, a space after each."""
    files_with = Counter(name for data in compiled for name in set(_names(data)) if name and " " not in name)
    ranked = sorted(files_with, key=lambda name: (-files_with[name], name))
    return "".join(name + " " for name in sorted(ranked[:most]))


def with_names(source: str, names: str) -> str:
    """The module `rescue.names`, which has a place for them, with `names`; any other source as it is."""
    return source.replace(_MARK, f"OWN = {names.encode()!r}")


def has_place(source: str) -> bool:
    """Whether `source` is that module."""
    return f"\n{_MARK}" in source


def _names(data: bytes) -> Iterable[str]:
    # MicroPython's py/persistentcode.c: four bytes, how many names and how many objects, then the names. A name is its
    # length, doubled, the text and a zero; one that each interpreter has anyway is its number, doubled, plus one.
    count, at = _number(data, 4)
    _objects, at = _number(data, at)
    for _ in range(count):
        length, at = _number(data, at)
        if not length & 1:
            yield data[at : at + length // 2].decode()
            at += length // 2 + 1


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, at
