"""Text files of records: Intel HEX (Intel, Hexadecimal Object File Format Specification, 1988) and Motorola S-record.

Read here and not by a library, because a person has to be told the line, and whether the file is whole: an end record,
nothing behind it. Tests hold the bytes against bincopy, intelhex and objcopy.
"""

from __future__ import annotations

from collections.abc import Iterator

from bmsrescue.image.contents import Contents, ImageFileError, Segment

_COMMENTS = ("#", ";", "//")
_SREC_ADDRESS_BYTES = {"1": 2, "2": 3, "3": 4}
_SREC_ENDS = "789"
_COPY_AGAIN = "The file is damaged: copy it again."


def read_hex(text: str, name: str) -> list[Segment]:
    """Raises ImageFileError with the line."""
    contents, upper, ended = Contents(name), 0, False
    for number, line in _lines(text):
        if ended:
            raise ImageFileError(f"{name} goes on behind its end record, in line {number}", _two_files("HEX"))
        record = _bytes_of(line, ":", name, number)
        if len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise ImageFileError(f"{name} has a damaged record in line {number}", _COPY_AGAIN)
        offset, kind, data = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 0:
            _add_wrapped(contents, upper, offset, data)
        elif kind == 1:
            ended = True
        elif kind == 2 and len(data) == 2:
            upper = int.from_bytes(data, "big") << 4
        elif kind == 4 and len(data) == 2:
            upper = int.from_bytes(data, "big") << 16
        elif kind not in (3, 5):
            raise ImageFileError(f"{name} has a record of kind {kind} in line {number}", _COPY_AGAIN)
    if not ended:
        raise _ends_early(name)
    return contents.segments()


def _add_wrapped(contents: Contents, upper: int, offset: int, data: bytes) -> None:
    # An address within its 64 KiB goes round, as the specification says.
    here = min(len(data), 0x1_0000 - offset)
    contents.add(upper + offset, data[:here])
    if here < len(data):
        contents.add(upper, data[here:])


def read_srec(text: str, name: str) -> list[Segment]:
    """Raises ImageFileError with the line."""
    contents, ended = Contents(name), False
    for number, line in _lines(text):
        if ended:
            raise ImageFileError(f"{name} goes on behind its end record, in line {number}", _two_files("S-record"))
        kind = line[1:2]
        record = _bytes_of(line, "S" + kind, name, number)
        if len(record) < 3 or record[0] != len(record) - 1 or sum(record) & 0xFF != 0xFF:
            raise ImageFileError(f"{name} has a damaged record in line {number}", _COPY_AGAIN)
        if kind in _SREC_ADDRESS_BYTES:
            count = _SREC_ADDRESS_BYTES[kind]
            contents.add(int.from_bytes(record[1 : 1 + count], "big"), record[1 + count : -1])
        elif kind in _SREC_ENDS:
            ended = True
        elif kind not in "056":
            raise ImageFileError(f"{name} has a record S{kind} in line {number}", _COPY_AGAIN)
    if not ended:
        raise _ends_early(name)
    return contents.segments()


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip().strip("\x1a\0")
        if stripped and not stripped.startswith(_COMMENTS):
            yield number, stripped


def _bytes_of(line: str, prefix: str, name: str, number: int) -> bytes:
    try:
        if not line.upper().startswith(prefix.upper()):
            raise ValueError
        return bytes.fromhex(line[len(prefix) :].partition(" ")[0])
    except ValueError:
        raise ImageFileError(f"{name} has no record in line {number}", _COPY_AGAIN) from None


def _ends_early(name: str) -> ImageFileError:
    return ImageFileError(f"{name} ends early: there is no end record", _COPY_AGAIN)


def _two_files(kind: str) -> str:
    return f"Two {kind} files in one? Merge them with their own tool, or give the part that is meant."
