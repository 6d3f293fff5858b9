"""A table of trip limits as it lies behind a firmware: sealed by its own CRC-32, as makers do.

The demo firmware does not look at it; it stands for the part of a release that differs from pack to pack.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

_MAGIC: Final = 0x54494D4C
_LIMITS: Final = struct.Struct("<I6H44x")


class Limits(NamedTuple):
    """Of a cell in mV, of the pack in A, of its cells in tenths of a degree."""

    over_mv: int
    under_mv: int
    charge_a: int
    discharge_a: int
    hot: int
    cold: int


NMC: Final = Limits(4250, 2800, 60, 120, 550, 0)
LFP: Final = Limits(3650, 2500, 60, 120, 550, 0)


def limits_block(limits: Limits) -> bytes:
    """64 bytes."""
    data = _LIMITS.pack(_MAGIC, *limits)
    return data + zlib.crc32(data).to_bytes(4, "little")
