"""Firmware files of every kind, made from their bytes: what tests change, cut and hold against other readers."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from intelhex import IntelHex

from bmsrescue.twin.firmware import elf_path

FLASH, APP = 0x0800_0000, 0x0802_0000


def app(base: int = FLASH, size: int = 4096) -> bytes:
    """A vector table, code at +0x400, one handler at +0x500, and bytes of no meaning."""
    data = bytearray(b"\xa5" * size)
    data[:664] = struct.pack("<166I", 0x2002_0000, base + 0x401, *[base + 0x501] * 164)
    data[0x400:0x406] = b"\x00\x20\x40\x1c\xfd\xe7"
    data[0x500:0x502] = b"\xfe\xe7"
    return bytes(data)


def varied(base: int = FLASH, size: int = 4096) -> bytes:
    """The same with bytes behind it that all differ, so that no two places can be taken for each other."""
    rest = [struct.pack("<I", n * 2_654_435_761 & 0xFFFF_FFFF) for n in range((size - 2048) // 4)]
    return app(base, 2048) + b"".join(rest)


def hex_of(data: bytes, address: int = FLASH) -> bytes:
    image, text = IntelHex(), io.StringIO()
    image.frombytes(data, offset=address)
    image.write_hex_file(text)
    return text.getvalue().encode()


def segmented_hex_of(data: bytes, address: int = 0) -> bytes:
    """With records of kind 2, as 16-bit tools write them. Reaches to 1 MiB: no flash of ours lies there."""
    lines = []
    for at in range(0, len(data), 32):
        here = address + at
        if at == 0 or here % 0x1_0000 < 32:
            lines.append(_hex_record(0, 2, struct.pack(">H", (here >> 16) << 12)))
        lines.append(_hex_record(here & 0xFFFF, 0, data[at : at + 32]))
    return "\r\n".join([*lines, ":00000001FF", ""]).encode()


def _hex_record(address: int, kind: int, data: bytes) -> str:
    raw = struct.pack(">BHB", len(data), address, kind) + data
    return ":" + (raw + bytes([-sum(raw) & 0xFF])).hex().upper()


def srec_of(data: bytes, address: int = FLASH, row: int = 28) -> bytes:
    """S3 records with a header, a count and the end record that belongs to them."""

    def record(kind: str, where: int, width: int, payload: bytes) -> str:
        raw = bytes([width + len(payload) + 1]) + where.to_bytes(width, "big") + payload
        return f"S{kind}" + (raw + bytes([~sum(raw) & 0xFF])).hex().upper()

    lines = [record("0", 0, 2, b"fw.s19")]
    lines += [record("3", address + at, 4, data[at : at + row]) for at in range(0, len(data), row)]
    return "\n".join([*lines, record("5", len(lines) - 1, 2, b""), record("7", address, 4, b""), ""]).encode()


def elf_of(*loads: tuple[int, bytes]) -> bytes:
    """Program headers alone, as some linkers strip a file."""
    start, headers, body = 52 + 32 * len(loads), b"", b""
    for address, data in loads:
        headers += struct.pack("<8I", 1, start + len(body), address, address, len(data), len(data), 5, 4)
        body += data
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0x0800_0401, 52, 0, 0x0500_0200, 52, 32, len(loads), 40, 0, 0)
    return head + headers + body


def elf_with_sections_of(data: bytes, address: int = FLASH) -> bytes:
    """Vectors and code in one segment, initialised data in another that is loaded elsewhere than it runs, a .bss."""
    code, rest = data[:3072], data[3072:]
    names = b"\0.isr_vector\0.text\0.data\0.bss\0.shstrtab\0"
    at_code = 0x100
    at_rest = at_code + len(code)
    at_names = at_rest + len(rest)
    at_table = (at_names + len(names) + 3) & ~3
    loads = struct.pack("<8I", 1, at_code, address, address, len(code), len(code), 5, 4)
    loads += struct.pack("<8I", 1, at_rest, 0x2000_0000, address + len(code), len(rest), len(rest) + 64, 6, 4)
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, address + 0x401, 52, at_table, 0x0500_0200, 52, 32, 2, 40, 6, 5)

    def section(name: bytes, kind: int, flags: int, where: int, offset: int, size: int) -> bytes:
        return struct.pack("<10I", names.index(b"\0" + name) + 1, kind, flags, where, offset, size, 0, 0, 4, 0)

    table = bytes(40)
    table += section(b".isr_vector", 1, 2, address, at_code, 664)
    table += section(b".text", 1, 6, address + 664, at_code + 664, len(code) - 664)
    table += section(b".data", 1, 3, 0x2000_0000, at_rest, len(rest))
    table += section(b".bss", 8, 3, 0x2000_0000 + len(rest), at_names, 64)
    table += section(b".shstrtab", 3, 0, 0, at_names, len(names))
    return ((head + loads).ljust(at_code, b"\0") + code + rest + names).ljust(at_table, b"\0") + table


def dfuse_of(data: bytes, address: int = FLASH) -> bytes:
    element = struct.pack("<II", address, len(data)) + data
    target = b"Target" + struct.pack("<BI255sII", 0, 0, b"", len(element), 1) + element
    body = b"DfuSe" + struct.pack("<BIB", 1, 11 + len(target), 1) + target
    return dfu_sealed(body + struct.pack("<HHHH3sB", 0, 0xDF11, 0x0483, 0x011A, b"UFD", 16))


def dfu_sealed(body: bytes) -> bytes:
    """With the CRC of the DFU suffix."""
    return body + struct.pack("<I", zlib.crc32(body) ^ 0xFFFF_FFFF)


def uf2_of(data: bytes, address: int = FLASH) -> bytes:
    count = (len(data) + 255) // 256
    blocks = []
    for number in range(count):
        piece = data[number * 256 : number * 256 + 256]
        head = struct.pack("<8I", 0x0A32_4655, 0x9E5D_5157, 0, address + number * 256, len(piece), number, count, 0)
        blocks.append((head + piece).ljust(508, b"\0") + struct.pack("<I", 0x0AB1_6F30))
    return b"".join(blocks)


def zip_of(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def gzip_of(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def mcuboot_of(data: bytes, flags: int = 0) -> bytes:
    """An image signed by its SHA-256 alone: header, body, one TLV area (docs.mcuboot.com, Image format)."""
    header = struct.pack("<IIHHIIBBHII", 0x96F3_B83D, 0, 0x200, 0, len(data), flags, 1, 2, 3, 4, 0).ljust(0x200, b"\0")
    signed = header + data
    return signed + struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + hashlib.sha256(signed).digest()


# What a campaign starts from: the name of a file, and its bytes.
SEEDS: dict[str, Callable[[], bytes]] = {
    "BIN": varied,
    "BIN behind a bootloader": lambda: varied(APP),
    "Intel HEX": lambda: hex_of(varied()),
    "Intel HEX, three parts": lambda: hex_of(varied()).replace(
        b":00000001FF", hex_of(b"\x11" * 90, FLASH + 0x1_FFF0).replace(b":00000001FF", b"").strip() + b"\n:00000001FF"
    ),
    "Intel HEX of 16-bit tools": lambda: segmented_hex_of(varied(0)),
    "S-record": lambda: srec_of(varied()),
    "ELF": lambda: elf_with_sections_of(varied()),
    "ELF without sections": lambda: elf_of((FLASH, varied()), (FLASH + 0x2_0000, b"\x22" * 100)),
    "ELF of a compiler": lambda: (elf_path().parent / "bms-h7b0-1.2.0.elf").read_bytes(),
    "DfuSe": lambda: dfuse_of(varied()),
    "UF2": lambda: uf2_of(varied()),
    "MCUboot": lambda: mcuboot_of(varied(FLASH + 0x200)),
    "ZIP": lambda: zip_of(fw__hex=hex_of(varied()), readme__txt=b"hello"),
    "gzip": lambda: gzip_of(srec_of(varied())),
}
