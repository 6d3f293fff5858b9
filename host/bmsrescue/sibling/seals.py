"""Seals of data blocks: checks that a block carries of its own bytes, by which it is known where it begins and ends.

The check stands behind the block or in front of it. Parameters of the CRCs: reveng.sourceforge.io/crc-catalogue;
"STM32" is the CRC unit of ST's chips at its reset values, which takes words (RM0468, chapter 22): CRC-32/MPEG-2.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from functools import cache

_RESIDUE = 0xDEBB_20E3  # of CRC-32 over a block and its own CRC behind it
_ALL_ONES = 0xFFFF_FFFF
_CRC32_REVERSED = 0xEDB8_8320
_LEAST_BYTES = 16
_MOST_BYTES = 64 * 1024


def seal_of(block: bytes) -> str | None:
    """The name of the seal that `block` carries, or None. Up to 64 KiB."""
    if not _LEAST_BYTES <= len(block) <= _MOST_BYTES or len(set(block)) < 3:
        return None
    for name, size, check in CHECKS:
        if len(block) <= size + 8:
            continue
        for place, body, stored in (
            ("behind", block[:-size], block[-size:]),
            ("in front", block[size:], block[:size]),
        ):
            if stored.count(stored[0]) == size:
                continue  # zeros or blank: a sum of nothing
            found = check(body)
            if stored in (found, found[::-1]):
                return name if place == "behind" else f"{name} in front"
    return None


def crc32_blocks_that_end(data: bytes, end: int, least: int = 32, most: int = _MOST_BYTES) -> int | None:
    """The nearest start, in words before `end`, of a block that ends there with its own CRC-32; None where none is.

    Each start is asked by running the register backwards: a step costs four look-ups, whatever the block's length.
    """
    low = max(0, end - most) // 4 * 4 + end % 4
    registers = _registers(data[low:end])
    wanted = _RESIDUE ^ registers[-1]
    for back in range(1, len(registers)):
        wanted = _four_zeros_back(wanted)
        if 4 * back >= least and wanted == registers[-1 - back] ^ _ALL_ONES:
            return end - 4 * back
    return None


def _registers(data: bytes) -> list[int]:
    # The CRC's register before each word, from 0 at the start, and behind the last.
    value, found = _ALL_ONES, [0]
    for at in range(0, len(data), 4):
        value = zlib.crc32(data[at : at + 4], value)
        found.append(value ^ _ALL_ONES)
    return found


def _four_zeros_back(register: int) -> int:
    table = _backward()
    for _ in range(4):
        high = register >> 24
        register = ((register ^ table[high][1]) << 8 | table[high][0]) & _ALL_ONES
    return register


@cache
def _backward() -> tuple[tuple[int, int], ...]:
    # By the top byte of the table's entry: which entry it was, and the entry.
    entries = _reflected(_CRC32_REVERSED, 32)
    return tuple((index, entries[index]) for index in sorted(range(256), key=lambda index: entries[index] >> 24))


@cache
def _reflected(polynomial: int, _bits: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


@cache
def _straight(polynomial: int, bits: int) -> tuple[int, ...]:
    table, mask = [], (1 << bits) - 1
    for index in range(256):
        value = index << bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> bits - 1 else 0)) & mask
        table.append(value)
    return tuple(table)


def _crc(polynomial: int, bits: int, start: int, end: int, reflected: bool) -> Callable[[bytes], bytes]:
    def check(body: bytes) -> bytes:
        value = start
        if reflected:
            table = _reflected(polynomial, bits)
            for byte in body:
                value = value >> 8 ^ table[(value ^ byte) & 0xFF]
        else:
            table, mask, top = _straight(polynomial, bits), (1 << bits) - 1, bits - 8
            for byte in body:
                value = (value << 8 ^ table[value >> top ^ byte]) & mask
        return _little(value ^ end, bits // 8)

    return check


def _little(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


_MPEG2 = _crc(0x04C1_1DB7, 32, _ALL_ONES, 0, False)


def _stm32(body: bytes) -> bytes:
    words = struct.unpack(f"<{len(body) // 4}I", body[: len(body) // 4 * 4])
    return _MPEG2(struct.pack(f">{len(words)}I", *words))


def _sum32(body: bytes) -> bytes:
    words = struct.unpack(f"<{len(body) // 4}I", body[: len(body) // 4 * 4])
    return _little(sum(words) & _ALL_ONES, 4)


CHECKS: tuple[tuple[str, int, Callable[[bytes], bytes]], ...] = (
    ("SHA-256", 32, lambda body: hashlib.sha256(body).digest()),
    ("SHA-1", 20, lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    ("MD5", 16, lambda body: hashlib.md5(body, usedforsecurity=False).digest()),
    ("CRC-32", 4, lambda body: zlib.crc32(body).to_bytes(4, "little")),
    ("CRC-32 of the STM32", 4, _stm32),
    ("CRC-32/MPEG-2", 4, _MPEG2),
    ("CRC-32C", 4, _crc(0x82F6_3B78, 32, _ALL_ONES, _ALL_ONES, True)),
    ("sum of words", 4, _sum32),
    ("CRC-16/MODBUS", 2, _crc(0xA001, 16, 0xFFFF, 0, True)),
    ("CRC-16/CCITT", 2, _crc(0x1021, 16, 0xFFFF, 0, False)),
    ("CRC-16/XMODEM", 2, _crc(0x1021, 16, 0, 0, False)),
)
