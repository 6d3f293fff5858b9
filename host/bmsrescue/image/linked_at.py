"""Where raw bytes were linked to run: worked out from their vector table and their own references.

A vector table's handlers and the pointers in the code name absolute addresses. Taken at the right base they point at
the beginnings of functions inside the image; at a wrong one they point outside it or at anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from rescuelink.targets import FLASH_BASE

FLASH_END = 0x0820_0000  # of the largest STM32H7
_RAMS = ((0x0000_0000, 0x0001_0000), (0x2000_0000, 0x2002_0000), (0x2400_0000, 0x2410_0000), (0x3000_0000, 0x3005_0000))
_VECTORS = 166  # of an STM32H72x, core exceptions included; less is common
_SYSTEM = 16
_USUAL_STEP = 0x400  # what VTOR asks for with this many interrupts
_SMALLEST_STEP = 0x80  # with none
_GRID = (0x2_0000, 0x2000, _USUAL_STEP, _SMALLEST_STEP)  # sectors of the dies first: on a tie the rounder address
_SCORED = 4000  # pointers looked at
_CLEARLY = 1.5  # times as many references have to fit; by chance a third of them does


@dataclass(frozen=True)
class Vectors:
    """stack: initial SP. reset: its address without the Thumb bit. handlers: of exceptions and interrupts, likewise."""

    stack: int
    reset: int
    handlers: tuple[int, ...]


@dataclass(frozen=True)
class LinkedAt:
    """base: of the first byte. fitting, looked_at: of the references. lines: why, for a person."""

    base: int
    fitting: int
    looked_at: int
    lines: tuple[str, ...]


def vectors_in(data: bytes, offset: int = 0) -> Vectors | None:
    """The vector table at `offset`, or None where there is none."""
    table = (
        struct.unpack_from(f"<{min(_VECTORS, (len(data) - offset) // 4)}I", data, offset) if offset < len(data) else ()
    )
    if len(table) < 4:
        return None
    stack, reset = table[0], table[1]
    in_ram = any(low < stack <= high for low, high in _RAMS)
    if not in_ram or stack % 4 or not _is_code_pointer(reset):
        return None
    handlers: list[int] = []
    for word in table[2:]:
        if word and not _is_code_pointer(word):
            if len(handlers) < _SYSTEM - 2 and not 0x0 < word < 0x1000_0000:
                continue  # reserved entries of the core hold anything: a checksum, a version
            break  # the table is over: code begins
        if word:
            handlers.append(word & ~1)
    return Vectors(stack, reset & ~1, tuple(handlers))


def _is_code_pointer(word: int) -> bool:
    return bool(word & 1) and FLASH_BASE <= word < FLASH_END


def linked_at(data: bytes, offset: int = 0) -> LinkedAt | None:
    """The base of `data`, whose vector table is at `offset`; None where it has none, or nothing decides."""
    vectors = vectors_in(data, offset)
    if vectors is None:
        return None
    targets = [vectors.reset, *vectors.handlers]
    pointers = _pointers(data)
    scored: list[tuple[int, int]] = []
    for step in (_USUAL_STEP, _SMALLEST_STEP):
        for base in _candidates(targets, len(data), offset, step):
            if begins_code(data, vectors.reset - base):
                scored.append((sum(1 for target in [*targets, *pointers] if begins_code(data, target - base)), base))
        if scored:
            break
    if not scored:
        return None
    best, base = max(scored, key=lambda item: (item[0], _roundness(item[1])))
    total = len(targets) + len(pointers)
    lines = (
        f"{best} of {total} code addresses in it point at code from 0x{base:08x}",
        f"reset vector 0x{vectors.reset:08x}, {len(vectors.handlers)} handlers",
    )
    return LinkedAt(base, best, total, lines)


def fits(data: bytes, base: int, offset: int = 0) -> bool:
    """Whether `data` may be linked for `base`: not where another base fits its references clearly better."""
    vectors = vectors_in(data, offset)
    found = linked_at(data, offset)
    if vectors is None or found is None or found.base == base:
        return True
    targets = [vectors.reset, *vectors.handlers]
    here = sum(1 for target in [*targets, *_pointers(data)] if begins_code(data, target - base))
    return begins_code(data, vectors.reset - base) and here * _CLEARLY >= found.fitting


def _candidates(targets: list[int], length: int, offset: int, step: int) -> Iterable[int]:
    # Every base at which all handlers lie inside.
    low = max(FLASH_BASE, max(targets) + 2 - length)
    high = min(min(targets) - offset, FLASH_END - 1)
    return range((low + step - 1) // step * step, high + 1, step)


def _pointers(data: bytes) -> list[int]:
    # Words in the image that look like addresses of functions.
    words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    found = {word & ~1 for word in words[_VECTORS:] if _is_code_pointer(word)}
    return sorted(found)[:_SCORED]


def begins_code(data: bytes, at: int) -> bool:
    """Whether a function may begin there: what compilers and start-up files put first."""
    if at < 0 or at + 4 > len(data) or at % 2:
        return False
    first, second = struct.unpack_from("<HH", data, at)
    if first in (0xFFFF, 0x0000) or (first == second and first not in (0xBF00, 0xE7FE)):
        return False
    return (
        first & 0xFE00 == 0xB400  # push {...}
        or first in (0xE92D, 0xE7FE, 0x4770, 0xBF00, 0xBF30, 0xB672, 0xB510)  # push.w, b ., bx lr, nop, wfi, cpsid i
        or first & 0xF800 in (0x4800, 0x2000, 0xF000)  # ldr r, [pc], movs r, #, and 32-bit ones (movw, bl, mrs)
        or first & 0xFF00 in (0x4600, 0x6800, 0xB000, 0x2800)  # mov, ldr, sub sp, cmp
        or first in (0xF8DF, 0xF3EF, 0xED2D, 0xF04F)
    )


def _roundness(base: int) -> int:
    return next((len(_GRID) - index for index, grid in enumerate(_GRID) if base % grid == 0), 0)
