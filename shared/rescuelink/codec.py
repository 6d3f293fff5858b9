"""MessagePack, the part of it that the link needs: nil, bool, integers, floats, text, binary, arrays, maps.

Specification: msgpack.org, `spec.md`. Written for a helper: it packs into one buffer made at start, and unpacked binary
is a view of the receive buffer, not a copy. Extension types are refused. On the host the `msgpack` package does the
same job; property tests hold the two to each other in both directions.

Where a type byte stands for several sizes, these stand in a row: 0xCC to 0xCF are integers of 1, 2, 4 and 8 bytes.
"""

import struct

from rescuelink import rpc
from rescuelink.errors import LinkError

_STRUCT_ERROR: type[Exception] = getattr(struct, "error", ValueError)  # MicroPython has only ValueError

_MAX_DEPTH = 12  # nesting of arrays and maps; a frame from noise must not exhaust the stack
# Bytes of the number or count that follows the type bytes 0xC4 to 0xDF; 0 where we know none.
_FOLLOWING = b"\x01\x02\x04\0\0\0\x04\x08\x01\x02\x04\x08\x01\x02\x04\x08\0\0\0\0\0\x01\x02\x04\x02\x04\x02\x04"
_EMPTY: list[object] = [None]


def pack_into(buffer: bytearray | memoryview, offset: int, value: object) -> int:
    """Write `value` at `offset`; returns the offset behind it. Raises `LinkError` (too_large, bad_value)."""
    try:
        return _pack(buffer, offset, value, 0)
    except (IndexError, ValueError, _STRUCT_ERROR):
        # A slice behind the end would grow the buffer; `_pack` looks first, items and struct look for themselves.
        raise LinkError("too_large", "too large for a frame") from None


def unpack_from(buffer: memoryview) -> object:
    """The one value that fills `buffer`. Binary comes as memoryview. Raises `LinkError` (malformed)."""
    try:
        reader = Reader(buffer, 0)
        value = reader.value()
        if reader.at == len(buffer):
            return value
    except (IndexError, ValueError, TypeError, UnicodeError, _STRUCT_ERROR):
        pass
    raise LinkError("malformed", "no message in a frame")


def as_message(value: object) -> list[object]:
    """`value` if it has the shape of a message (see rpc). Raises `LinkError` (malformed)."""
    if isinstance(value, list) and value:
        kind = value[0]
        if len(value) == 4 and isinstance(value[1], int):
            if kind == rpc.REQUEST and isinstance(value[2], str) and isinstance(value[3], list):
                return value
            if kind == rpc.RESPONSE and (value[2] is None or isinstance(value[2], dict)):
                return value
        if kind == rpc.NOTIFICATION and len(value) == 3 and isinstance(value[1], str):
            return value
    raise LinkError("malformed", "no message in a frame")


def _pack(buffer: bytearray | memoryview, at: int, value: object, depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise LinkError("bad_value", "nested too deeply")
    if value is None or isinstance(value, bool):
        buffer[at] = 0xC0 if value is None else 0xC3 if value else 0xC2
        return at + 1
    if isinstance(value, int):
        if -32 <= value < 0x80:
            buffer[at] = value & 0xFF
            return at + 1
        if value >= 0:
            return _pack_number(buffer, at, 0xCC, 0, value, value)
        return _pack_number(buffer, at, 0xD0, 0, value, ~value << 1)  # with room for the sign
    if isinstance(value, float):
        struct.pack_into(">Bd", buffer, at, 0xCB, value)
        return at + 9
    if isinstance(value, (list, tuple)):
        at = _pack_count(buffer, at, len(value), 0x90, 16, 0xDB)
        for item in value:
            at = _pack(buffer, at, item, depth + 1)
        return at
    if isinstance(value, dict):
        at = _pack_count(buffer, at, len(value), 0x80, 16, 0xDD)
        for key in value:
            at = _pack(buffer, at, key, depth + 1)
            at = _pack(buffer, at, value[key], depth + 1)
        return at
    if isinstance(value, str):
        data: bytes | bytearray | memoryview = value.encode()
        at = _pack_count(buffer, at, len(data), 0xA0, 32, 0xD9)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        data = value
        at = _pack_count(buffer, at, len(data), 0, 0, 0xC4)
    else:
        raise LinkError("bad_value", type(value).__name__ + " in a message")
    end = at + len(data)
    if end > len(buffer):
        raise IndexError
    buffer[at:end] = data
    return end


def _pack_count(buffer: bytearray | memoryview, at: int, count: int, fix: int, limit: int, code: int) -> int:
    """A type byte with a count below `limit` in it, or one and the count. Arrays and maps (limit 16) have no 8 bit
    count; `code` is what it would be."""
    if count < limit:
        buffer[at] = fix | count
        return at + 1
    return _pack_number(buffer, at, code, 1 if limit == 16 else 0, count, count)


def _pack_number(buffer: bytearray | memoryview, at: int, code: int, size: int, value: int, needs: int) -> int:
    """The type byte and `value` in 1 << size bytes, or as many more as the bits of `needs` take."""
    while needs >> (8 << size):
        size += 1
        if size > 3:
            raise LinkError("bad_value", "more than 64 bits")
    buffer[at] = code + size
    for shift in range((8 << size) - 8, -8, -8):
        at += 1
        buffer[at] = value >> shift & 0xFF
    return at + 1


class Reader:
    """Takes values off `view`, one after the other. Beside them it leaves nothing in the heap, which would be full of
    holes after a long array of short ones."""

    def __init__(self, view: memoryview, at: int) -> None:
        self.at = at
        self._view = view
        self._depth = 0

    def value(self) -> object:
        """The next one, and `at` behind it."""
        view = self._view
        code = view[self.at]
        self.at += 1
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code < 0xC0:
            # map 0x80, array 0x90, text 0xA0, each with its count
            count = code & (0x1F if code >= 0xA0 else 0x0F)
            code -= count
        elif code < 0xC4:
            if code == 0xC1:
                raise ValueError
            return None if code == 0xC0 else code == 0xC3
        elif code == 0xCA or code == 0xCB:
            number: float = struct.unpack_from(">f" if code == 0xCA else ">d", view, self.at)[0]
            self.at += _FOLLOWING[code - 0xC4]
            return number
        else:
            count = self._number(_FOLLOWING[code - 0xC4], 0xD0 <= code <= 0xD3)
            if 0xCC <= code <= 0xD3:
                return count
        at = self.at
        end = at + count
        if end > len(view):  # every element takes at least one byte: do not even begin
            raise ValueError
        if 0xC4 <= code <= 0xC6:
            self.at = end
            return view[at:end]
        if code == 0xA0 or 0xD9 <= code <= 0xDB:
            self.at = end
            return str(view[at:end], "utf-8")
        if self._depth == _MAX_DEPTH:
            raise ValueError
        self._depth += 1
        if code == 0x90 or code == 0xDC or code == 0xDD:
            items = _EMPTY * count
            for index in range(count):
                items[index] = self.value()
            self._depth -= 1
            return items
        found: dict[object, object] = {}
        for _ in range(count):
            key = self.value()
            if not isinstance(key, (str, int)):
                raise ValueError
            found[key] = self.value()
        self._depth -= 1
        return found

    def _number(self, size: int, is_signed: bool) -> int:
        if not size:
            raise ValueError
        number = 0
        for _ in range(size):
            number = number << 8 | self._view[self.at]
            self.at += 1
        if is_signed and number >> (8 * size - 1):
            number -= 1 << (8 * size)
        return number
