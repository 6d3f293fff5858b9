"""MessagePack, the part of it that the link needs: nil, bool, integers, floats, text, binary, arrays, maps.

Specification: msgpack.org, `spec.md`. Written for a helper: it packs into one buffer made at start, and unpacked binary
is a view of the receive buffer, not a copy. Extension types are refused. On the host the `msgpack` package does the
same job; property tests hold the two to each other in both directions.
"""

import struct

from rescuelink.errors import LinkError

_STRUCT_ERROR: type[Exception] = getattr(struct, "error", ValueError)  # MicroPython has only ValueError

MAX_DEPTH = 12  # nesting of arrays and maps; a frame from noise must not exhaust the stack


def pack_into(buffer: bytearray | memoryview, offset: int, value: object) -> int:
    """Write `value` at `offset`; returns the offset behind it. Raises `LinkError` (too_large, bad_value)."""
    try:
        return _pack(buffer, offset, value, 0)
    except (IndexError, ValueError, _STRUCT_ERROR):
        # A slice behind the end would grow the buffer; `_put` looks first, struct looks for itself.
        raise LinkError("too_large", "a message is larger than %d bytes" % len(buffer)) from None


def unpack_from(buffer: memoryview) -> object:
    """The one value that fills `buffer`. Binary comes as memoryview. Raises `LinkError` (malformed)."""
    try:
        value, end = _unpack(buffer, 0, 0)
    except (IndexError, ValueError, TypeError, UnicodeError, _STRUCT_ERROR):
        raise LinkError("malformed", "a message ends too early or holds what no message holds") from None
    if end != len(buffer):
        raise LinkError("malformed", "%d bytes stand behind the end of a message" % (len(buffer) - end))
    return value


def _put(buffer: bytearray | memoryview, offset: int, data: bytes | bytearray | memoryview) -> int:
    end = offset + len(data)
    if end > len(buffer):
        raise IndexError
    buffer[offset:end] = data
    return end


def _head(
    buffer: bytearray | memoryview, offset: int, count: int, fix: int, fix_limit: int, codes: tuple[int, int, int]
) -> int:
    """Type byte and length: in one byte below `fix_limit`, else with an 8, 16 or 32 bit length (code 0: none)."""
    if count < fix_limit:
        buffer[offset] = fix | count
        return offset + 1
    code8, code16, code32 = codes
    if code8 and count < 0x100:
        struct.pack_into(">BB", buffer, offset, code8, count)
        return offset + 2
    if count < 0x10000:
        struct.pack_into(">BH", buffer, offset, code16, count)
        return offset + 3
    struct.pack_into(">BI", buffer, offset, code32, count)
    return offset + 5


def _pack(buffer: bytearray | memoryview, offset: int, value: object, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise LinkError("bad_value", "a message is nested too deeply")
    if value is None:
        buffer[offset] = 0xC0
        return offset + 1
    if value is True or value is False:
        buffer[offset] = 0xC3 if value else 0xC2
        return offset + 1
    if isinstance(value, int):
        return _pack_int(buffer, offset, value)
    if isinstance(value, str):
        data = value.encode()
        return _put(buffer, _head(buffer, offset, len(data), 0xA0, 32, (0xD9, 0xDA, 0xDB)), data)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _put(buffer, _head(buffer, offset, len(value), 0, 0, (0xC4, 0xC5, 0xC6)), value)
    if isinstance(value, float):
        struct.pack_into(">Bd", buffer, offset, 0xCB, value)
        return offset + 9
    if isinstance(value, (list, tuple)):
        offset = _head(buffer, offset, len(value), 0x90, 16, (0, 0xDC, 0xDD))
        for item in value:
            offset = _pack(buffer, offset, item, depth + 1)
        return offset
    if isinstance(value, dict):
        offset = _head(buffer, offset, len(value), 0x80, 16, (0, 0xDE, 0xDF))
        for key in value:
            offset = _pack(buffer, offset, key, depth + 1)
            offset = _pack(buffer, offset, value[key], depth + 1)
        return offset
    raise LinkError("bad_value", "a message cannot hold a " + type(value).__name__)


def _pack_int(buffer: bytearray | memoryview, offset: int, value: int) -> int:
    if 0 <= value < 0x80:
        buffer[offset] = value
        return offset + 1
    if -32 <= value < 0:
        buffer[offset] = value & 0xFF
        return offset + 1
    if value >= 0:
        for code, form, limit in ((0xCC, ">BB", 0x100), (0xCD, ">BH", 0x10000), (0xCE, ">BI", 0x1_0000_0000)):
            if value < limit:
                struct.pack_into(form, buffer, offset, code, value)
                return offset + struct.calcsize(form)
        if value >> 64:
            raise LinkError("bad_value", "an integer has more than 64 bits")
        struct.pack_into(">BQ", buffer, offset, 0xCF, value)
        return offset + 9
    for code, form, limit in ((0xD0, ">Bb", -0x80), (0xD1, ">Bh", -0x8000), (0xD2, ">Bi", -0x8000_0000)):
        if value >= limit:
            struct.pack_into(form, buffer, offset, code, value)
            return offset + struct.calcsize(form)
    if value < -(1 << 63):
        raise LinkError("bad_value", "an integer has more than 64 bits")
    struct.pack_into(">Bq", buffer, offset, 0xD3, value)
    return offset + 9


# Type byte -> struct format of what follows it.
_SCALARS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
# Type byte -> kind of what follows it, struct format of its length.
_SIZED = {
    0xC4: ("bin", ">B"),
    0xC5: ("bin", ">H"),
    0xC6: ("bin", ">I"),
    0xD9: ("str", ">B"),
    0xDA: ("str", ">H"),
    0xDB: ("str", ">I"),
    0xDC: ("array", ">H"),
    0xDD: ("array", ">I"),
    0xDE: ("map", ">H"),
    0xDF: ("map", ">I"),
}


def _unpack(view: memoryview, offset: int, depth: int) -> tuple[object, int]:
    code = view[offset]
    offset += 1
    if code < 0x80:
        return code, offset
    if code >= 0xE0:
        return code - 0x100, offset
    if code < 0x90:
        return _unpack_map(view, offset, code & 0x0F, depth)
    if code < 0xA0:
        return _unpack_array(view, offset, code & 0x0F, depth)
    if code < 0xC0:
        return _unpack_text(view, offset, code & 0x1F)
    if code == 0xC0:
        return None, offset
    if code == 0xC2 or code == 0xC3:
        return code == 0xC3, offset
    form = _SCALARS.get(code)
    if form is not None:
        return struct.unpack_from(form, view, offset)[0], offset + struct.calcsize(form)
    if code not in _SIZED:
        raise ValueError
    kind, form = _SIZED[code]
    count = struct.unpack_from(form, view, offset)[0]
    offset += struct.calcsize(form)
    if count > len(view) - offset:  # every element takes at least one byte: do not even begin
        raise ValueError
    if kind == "bin":
        return view[offset : offset + count], offset + count
    if kind == "str":
        return _unpack_text(view, offset, count)
    if kind == "array":
        return _unpack_array(view, offset, count, depth)
    return _unpack_map(view, offset, count, depth)


def _unpack_text(view: memoryview, offset: int, count: int) -> tuple[str, int]:
    end = offset + count
    if end > len(view):
        raise ValueError
    return str(view[offset:end], "utf-8"), end


def _unpack_array(view: memoryview, offset: int, count: int, depth: int) -> tuple[list[object], int]:
    if depth >= MAX_DEPTH:
        raise ValueError
    items: list[object] = []
    for _ in range(count):
        item, offset = _unpack(view, offset, depth + 1)
        items.append(item)
    return items, offset


def _unpack_map(view: memoryview, offset: int, count: int, depth: int) -> tuple[dict[object, object], int]:
    if depth >= MAX_DEPTH:
        raise ValueError
    items: dict[object, object] = {}
    for _ in range(count):
        key, offset = _unpack(view, offset, depth + 1)
        if not isinstance(key, (str, int)):
            raise ValueError
        items[key], offset = _unpack(view, offset, depth + 1)
    return items, offset
