"""The flash controller's CRC unit (RM0399 4.3.12; docs/reference/chip.md#crc-unit).

Polynomial 0x04C11DB7. Start value, bit and byte order are unconfirmed on silicon: switches in ``ChipConfig``.
"""

from __future__ import annotations

import zlib

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.limits import BankLimits

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_BURST_WORDS = (4, 16, 64, 256)
_WORDS_PER_US = 8
"""How fast the unit reads; no document gives a figure, the AXI clock after reset allows about this."""


class FlashCrc:
    """CRCCR, CRCSADD, CRCEADD and CRCDATA of one bank; ``run`` returns how long the calculation takes."""

    def __init__(self, array: FlashArray, config: ChipConfig, bank: int = 0) -> None:
        self._array = array
        self._base = bank * array.geometry.bank_size
        self._config = config
        self.reset()

    def reset(self) -> None:
        self.control = reg.CRCCR_RESET
        self.start_address = 0
        self.end_address = 0
        self._sectors: set[int] = set()
        self._crc = 0

    @property
    def data(self) -> int:
        if not self._config.crc_reflected:
            return self._crc
        return int(f"{self._crc:032b}"[::-1], 2)

    def clear(self) -> None:
        """CRC_EN was cleared: configuration, addresses and result go with it."""
        self.reset()

    def write_control(self, value: int) -> bool:
        """Write CRCCR; true when START_CRC asks for a calculation."""
        self.control = value & reg.CRCCR_KEPT
        if value & reg.CLEAN_CRC:
            self._crc = self._config.crc_initial
        if value & reg.CLEAN_SECT:
            self._sectors.clear()
        if value & reg.ADD_SECT:
            self._sectors.add(value & reg.CRC_SECT)
        self._all_bank = bool(value & reg.ALL_BANK)
        return bool(value & reg.START_CRC)

    def run(self, limits: BankLimits) -> tuple[int, bool]:
        """Calculate; returns (duration in ns, whether it read where nobody may). Broken words do not matter to it."""
        geometry = self._array.geometry
        if self._all_bank:
            ranges = [(0, geometry.bank_size)]
        elif self.control & reg.CRC_BY_SECT:
            size = geometry.sector_size
            ranges = [(sector * size, (sector + 1) * size) for sector in sorted(self._sectors)]
        else:
            burst = _BURST_WORDS[self.control >> reg.CRC_BURST_SHIFT & 3] * geometry.word_size
            start = self.start_address // burst * burst
            ranges = [(start, min((self.end_address // burst + 1) * burst, geometry.bank_size))]
        length = 0
        refused = False
        for first, last in ranges:
            self._crc = self._update(self._crc, self._array.data[self._base + first : self._base + last])
            length += max(last - first, 0)
            refused |= limits.guards_reads and limits.touch_reads(first, last)
        return length // geometry.word_size * 1000 // _WORDS_PER_US, refused

    def _update(self, crc: int, data: bytearray) -> int:
        """zlib's CRC is the mirror image of this one and inverts at both ends; undo both."""
        unit = self._config.crc_word_bytes
        if unit > 1:
            swapped = bytearray(len(data))
            for lane in range(unit):
                swapped[lane::unit] = data[unit - 1 - lane :: unit]
            data = swapped
        mirrored = bytes(data) if self._config.crc_reflected else data.translate(_MIRROR)
        state = int(f"{crc:032b}"[::-1], 2)
        return int(f"{zlib.crc32(mirrored, state ^ 0xFFFFFFFF) ^ 0xFFFFFFFF:032b}"[::-1], 2)
