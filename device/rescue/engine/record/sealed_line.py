# Records in files, piece by piece: one is some 7 KiB long, and a heap at work need not have that in one piece.
#
# A line is sealed as rescuelink.seal has it: its CRC-32 covers the object with its "previous", and the next line names
# the SHA-256 of all of it.

import binascii
import hashlib
import io
import json
import os

from micropython import const

from rescue.engine.common import files

_PIECE = const(256)
_TAIL = b',"crc32":"'
_TAIL_BYTES = const(20)  # with eight digits, quote and brace
_SEQUENCE = b'"sequence": '
_SEQUENCE_BYTES = const(24)  # with its number
_LONGEST = const(128 * 1024)  # no record is: what is longer is no line of ours, and would be looked through for minutes


class _Sealer(io.IOBase):
    """A stream for json.dump: one sealed line on its way into a file, through the bulk buffer."""

    def __init__(self, file):
        self._file = file
        self._used = 0
        self._crc = 0
        self._digest = hashlib.sha256()

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        at = 0
        while at < len(data):
            # Emptied only when more comes, so that the last byte can still be taken back.
            if self._used == files.CHUNK:
                self._empty()
            count = min(len(data) - at, files.CHUNK - self._used)
            files.view[self._used : self._used + count] = data[at : at + count]
            self._used += count
            at += count
        return at

    def finish(self, previous):
        """Takes the object's closing brace back to seal it. Returns the line's SHA-256 as hex digits."""
        self._used -= 1
        self.write(', "previous": "' + previous + '"')
        self._empty()
        self.write(_TAIL)
        self.write('%08x"}' % binascii.crc32(b"}", self._crc))
        self._empty()
        self._file.write(b"\n")
        return binascii.hexlify(self._digest.digest()).decode()

    def _empty(self):
        view = files.view[: self._used]
        self._crc = binascii.crc32(view, self._crc)
        self._digest.update(view)
        self._file.write(view)
        self._used = 0


def append(path, record, previous):
    """Appends `record` as the line after the one whose hash is `previous`; returns its own hash. Raises OSError."""
    with files.open_to_append(path) as file:
        sealer = _Sealer(file)
        json.dump(record, sealer)
        digest = sealer.finish(previous)
        file.flush()
    files.sync()
    return digest


def find_last(path):
    """(offset, length) of a file's last complete line, None when it has none a record could be. Raises OSError."""
    try:
        size = os.stat(path)[6]
    except OSError:
        return None
    with open(path, "rb") as file:
        end = _newline_before(file, size)
        start = _newline_before(file, end) + 1
    if end < 0 or start < 0:
        return None
    return start, end - start


def read_hash(path, line):
    """SHA-256 of a line that `find_last` found, as hex digits. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for view in _pieces(file, line[0], line[1]):
            digest.update(view)
    return binascii.hexlify(digest.digest()).decode()


def read_sequence(path, line):
    """The "sequence" of a line that `find_last` found; 0 when it is damaged or has none. Raises OSError."""
    start, length = line
    if length <= _TAIL_BYTES:
        return 0
    crc = 0
    sequence = 0
    kept = b""
    with open(path, "rb") as file:
        for view in _pieces(file, start, length - _TAIL_BYTES):
            crc = binascii.crc32(view, crc)
            for at in range(0, len(view), _PIECE):
                text = kept + bytes(view[at : at + _PIECE])
                found = text.find(_SEQUENCE)
                if found >= 0:
                    sequence = _leading_number(text[found + len(_SEQUENCE) :])
                kept = text[-_SEQUENCE_BYTES:]
        file.seek(start + length - _TAIL_BYTES)
        tail = file.read(_TAIL_BYTES)
    return sequence if tail == _TAIL + b'%08x"}' % binascii.crc32(b"}", crc) else 0


def copy(path, line, to_path):
    """Appends a line that `find_last` found to another file. Raises OSError."""
    with open(path, "rb") as source, files.open_to_append(to_path) as file:
        for view in _pieces(source, line[0], line[1]):
            file.write(view)
        file.write(b"\n")
        file.flush()
    files.sync()


def _pieces(file, offset, length):
    # The bytes of a file in the bulk buffer, one bufferful at a time.
    file.seek(offset)
    while length > 0:
        count = file.readinto(files.view[: min(files.CHUNK, length)])
        if not count:
            raise OSError(5)
        yield files.view[:count]
        length -= count


def _newline_before(file, end):
    # -1: it is the first line; -2: there is none so near.
    nearest = end - _LONGEST
    while end > 0:
        if end < nearest:
            return -2
        start = max(end - _PIECE, 0)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at
        end = start
    return -1


def _leading_number(text):
    number = 0
    for byte in text:
        if not 0x30 <= byte <= 0x39:
            break
        number = number * 10 + byte - 0x30
    return number
