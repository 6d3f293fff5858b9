"""Ways in which files are damaged, by copying, by merging, by ill will; each kind's checksums are made good again."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable

from fuzzing.kinds import dfu_sealed, gzip_of, hex_of, srec_of, varied, zip_of

Mutation = Callable[[bytes, random.Random], bytes]

_ODD = (0, 1, 4, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF, 0x0800_0000)
_PLACES = (0x0800_0000, 0x0801_0000, 0x0802_0000, 0x080F_FFF0, 0x081F_FFFC, 0x2400_0000, 0x9000_0000, 0x1FF0_0000, 0x20)


def bits(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 8])):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.choice([dice.randrange(len(data)), max(0, len(data) - dice.randint(1, 40))])]


def grown(data: bytes, dice: random.Random) -> bytes:
    more = dice.choice([b"\0" * dice.randint(1, 600), b"\xff" * dice.randint(1, 600), dice.randbytes(64), data, b"\n"])
    return data + more


def without_a_piece(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.choice([1, 2, 16, 512, dice.randint(1, 3000)]) :]


def with_a_piece_twice(data: bytes, dice: random.Random) -> bytes:
    at, size = dice.randrange(len(data)), dice.choice([1, 16, 512, dice.randint(1, 3000)])
    return data[: at + size] + data[at:]


def spliced(data: bytes, dice: random.Random) -> bytes:
    other = dice.choice([hex_of(varied()), srec_of(varied()), varied(), dice.randbytes(2000)])
    return data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]


def odd_number(data: bytes, dice: random.Random) -> bytes:
    """A header's field, mostly: they are in front, and in an ELF at the end as well."""
    changed = bytearray(data)
    front, end = dice.randrange(min(len(data), 400)), len(data) - dice.randrange(1, min(len(data), 300))
    at = min(dice.choice([front, front, end]) & ~1, len(data) - 4)
    if at >= 0:
        struct.pack_into(dice.choice("<>") + "I", changed, at, dice.choice([*_ODD, *_PLACES, len(data), len(data) - 1]))
    return bytes(changed)


_ANY: tuple[Mutation, ...] = (
    bits,
    bits,
    cut,
    grown,
    without_a_piece,
    with_a_piece_twice,
    spliced,
    odd_number,
    odd_number,
)


def _lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    how = dice.randrange(8)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(dice.randrange(len(lines)), lines[at])
    elif how == 2:
        other = dice.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines.insert(at, dice.choice([b"\n", b"# note\n", b"; note\r\n", b"\xef\xbb\xbf\n", b"//\n", b"   \n", b"x\n"]))
    elif how == 4:
        lines[at] = lines[at].lower()
    elif how == 5:
        lines[at] = b"  " + lines[at].strip() + dice.choice([b" \r\n", b" note\n", b"\r", b"\x1a", b"\0\n", b"\x85\n"])
    elif how == 6:
        lines = lines[:at] + lines[at + dice.randint(1, 40) :]
    else:
        lines = [b"\xef\xbb\xbf", *lines]
    return b"".join(lines)


def _record(lines: list[str], dice: random.Random, prefix: int, sums: Callable[[bytes], int]) -> None:
    # One record with some of its bytes changed, and its checksum made good.
    at = dice.randrange(len(lines))
    try:
        raw = bytearray.fromhex(lines[at][prefix:])
    except ValueError:
        return
    for _ in range(dice.choice([1, 1, 3])):
        raw[dice.randrange(len(raw))] = dice.choice([0, 1, 2, 4, 5, 0x10, 0x80, 0x90, 0xFF, dice.randrange(256)])
    if dice.random() < 0.3 and len(raw) > 6:
        raw = raw[: dice.randrange(5, len(raw))]
    if dice.random() < 0.5:
        raw[0] = (len(raw) - (5 if prefix == 1 else 1)) & 0xFF
    raw[-1] = sums(bytes(raw[:-1]))
    lines[at] = lines[at][:prefix] + raw.hex().upper()


def hex_record(data: bytes, dice: random.Random) -> bytes:
    lines = data.decode("latin-1").splitlines()
    for _ in range(dice.choice([1, 1, 2])):
        _record(lines, dice, 1, lambda raw: -sum(raw) & 0xFF)
    return "\n".join([*lines, ""]).encode("latin-1")


def srec_record(data: bytes, dice: random.Random) -> bytes:
    lines = data.decode("latin-1").splitlines()
    for _ in range(dice.choice([1, 1, 2])):
        if dice.random() < 0.3:
            at = dice.randrange(len(lines))
            lines[at] = "S" + dice.choice("0123456789") + lines[at][2:]
        else:
            _record(lines, dice, 2, lambda raw: ~sum(raw) & 0xFF)
    return "\n".join([*lines, ""]).encode("latin-1")


def _dfu(data: bytes, dice: random.Random) -> bytes:
    changed = dice.choice(_ANY)(data[:-4], dice)
    if dice.random() < 0.4 and len(changed) > 40:  # with its length made good too
        changed = changed[:6] + struct.pack("<I", len(changed) - 12) + changed[10:]
    return dfu_sealed(changed)


def _uf2(data: bytes, dice: random.Random) -> bytes:
    blocks = [bytearray(data[at : at + 512]) for at in range(0, len(data), 512)]
    at = dice.randrange(len(blocks))
    how = dice.randrange(5)
    if how == 0:
        del blocks[at]
    elif how == 1:
        blocks.insert(dice.randrange(len(blocks)), blocks[at])
    elif how == 2:
        dice.shuffle(blocks)
    else:
        field = dice.randrange(2, 8)
        struct.pack_into("<I", blocks[at], 4 * field, dice.choice([*_ODD, *_PLACES, len(blocks), 256, 476, 477]))
    return b"".join(blocks)


def _mcuboot(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(dice.choice(_ANY)(data, dice))
    if len(changed) < 32:
        return bytes(changed)
    _magic, _load, header, protected, size, _flags = struct.unpack_from("<IIHHII", changed)
    end = header + size + protected
    if end + 40 <= len(changed):  # its hash made good, where it stands as the maker puts it
        changed[end + 8 : end + 40] = hashlib.sha256(changed[:end]).digest()
    return bytes(changed)


def _zip(_data: bytes, dice: random.Random) -> bytes:
    inner = dice.choice([hex_record, _lines, bits, cut])(hex_of(varied()), dice)
    return zip_of(fw__hex=inner, readme__txt=b"hello")


def _gzip(_data: bytes, dice: random.Random) -> bytes:
    return gzip_of(dice.choice([srec_record, _lines, bits, cut])(srec_of(varied()), dice))


_OWN: dict[str, tuple[Mutation, ...]] = {
    "Intel HEX": (_lines, hex_record),
    "S-record": (_lines, srec_record),
    "ELF": (odd_number,),
    "DfuSe": (_dfu,),
    "UF2": (_uf2,),
    "MCUboot": (_mcuboot,),
    "ZIP": (_zip,),
    "gzip": (_gzip,),
}


def changed(kind: str, data: bytes, dice: random.Random) -> bytes:
    """`data`, a file of this kind, after one to three mutations."""
    own = next((ways for name, ways in _OWN.items() if kind.startswith(name)), ())
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        way = dice.choice(own) if own and dice.random() < 0.5 else dice.choice(_ANY)
        if not data:
            break
        data = way(data, dice)
    return data
