"""Whether raw bytes end before the firmware does: worked out from what its own code calls, reads and copies.

Raw bytes carry no length. But code that was linked as one piece refers to all of it: calls (BL) and addresses beside
the code lead beyond the end of a file that was cut, and start-up code names the initialised data behind all else.
Judged on whole and cut files that Keil and GCC made (docs/files.md); what a few references say is not told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice, permutations

from bmsrescue.image import linked_at

_REACH = 0x8_0000  # behind the end: what is further off is another program, a settings page, an external memory
_FEWEST = 8
_CALLS_PART = 0.02  # of all calls; bytes that only look like one lead anywhere
_READS_PART = 0.1  # of all addresses of flash beside the code
_START_BYTES = 256  # of the start-up code
_START_READS = 10  # the first of them; after those may come the clocks, or main itself
_LARGEST_DATA = 0x4_0000
_RAMS = ((0x2000_0000, 0x2002_0000), (0x2400_0000, 0x2410_0000), (0x3000_0000, 0x3005_0000), (0x0, 0x1_0000))


def cut_short(data: bytes, base: int, offset: int = 0) -> str:
    """Why `data` at `base`, with its vectors at `offset`, seems to be cut short; "" where nothing says so."""
    vectors = linked_at.vectors_in(data, offset)
    if vectors is None:
        return ""
    end = base + len(data)
    handlers = (vectors.reset, *vectors.handlers)
    missing = [handler for handler in handlers if end <= handler < end + _REACH]
    if missing:
        return f"{len(missing)} of its {len(handlers)} handlers lie behind its end, as at 0x{missing[0]:08x}"
    copied = _copied_to(data, base, vectors.reset)
    if copied > end:
        return f"its start-up code copies data from flash up to 0x{copied:08x}, and it ends at 0x{end:08x}"
    calls, beyond = _calls(data)
    if beyond >= max(_FEWEST, _CALLS_PART * calls):
        return f"{beyond} of its {calls} calls lead behind its end"
    reads = {address for address in _reads(data) if base <= address < end + _REACH}
    behind = sum(address >= end for address in reads)
    if behind >= max(_FEWEST, _READS_PART * len(reads)):
        return f"{behind} of the {len(reads)} places that its code reads lie behind its end"
    return ""


def _calls(data: bytes) -> tuple[int, int]:
    """(calls that stay in `data` or lead at most _REACH behind it, those that lead behind it). Of BL alone."""
    halves = struct.unpack(f"<{len(data) // 2}H", data[: len(data) // 2 * 2])
    calls = beyond = 0
    for at in range(len(halves) - 1):
        first, second = halves[at], halves[at + 1]
        if first & 0xF800 != 0xF000 or second & 0xD000 != 0xD000:
            continue
        sign = first >> 10 & 1
        high = (1 ^ (second >> 13 & 1) ^ sign) << 23 | (1 ^ (second >> 11 & 1) ^ sign) << 22
        target = at * 2 + 4 + (high | (first & 0x3FF) << 12 | (second & 0x7FF) << 1) - (sign << 24)
        if 0 <= target < len(data) + _REACH:
            calls += 1
            beyond += target >= len(data)
    return calls, beyond


def _reads(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[int]:
    """The words that `ldr rX, [pc, #n]` loads, of code in that part."""
    stop = len(data) - 3 if stop is None else min(stop, len(data) - 3)
    for at in range(start, stop, 2):
        first, second = struct.unpack_from("<HH", data, at)
        if first & 0xF800 == 0x4800:
            place = (at + 4 & ~3) + (first & 0xFF) * 4
        elif first == 0xF8DF:
            place = (at + 4 & ~3) + (second & 0xFFF)
        else:
            continue
        if place + 4 <= len(data):
            yield struct.unpack_from("<I", data, place)[0]


def _copied_to(data: bytes, base: int, reset: int) -> int:
    """Where in flash what the start-up code copies to RAM ends: it names its source, and where it begins and ends in
    RAM, in any order; 0 where it does not."""
    at = reset - base
    loaded = list(islice(_reads(data, at, at + _START_BYTES), _START_READS)) if 0 <= at < len(data) else []
    ends: dict[int, int] = {}  # with the stack's end or what is zeroed it would be more
    for three in zip(loaded, loaded[1:], loaded[2:], strict=False):
        for source, first, last in permutations(three):
            size = last - first
            in_flash = base <= source < linked_at.FLASH_END and source % 4 == 0 and source != base + len(data)
            if in_flash and _in_one_ram(first, last) and 0 < size <= _LARGEST_DATA:
                ends[source] = min(ends.get(source, linked_at.FLASH_END), source + size)
    return max(ends.values(), default=0)


def _in_one_ram(first: int, last: int) -> bool:
    return first % 4 == 0 and any(low <= first < last <= high for low, high in _RAMS)
