"""Debug port and access ports of the chip: registers, posted reads, sticky flags, WAIT (IHI 0031 B2, C2).

AP0 is the AHB-AP of the core, AP1 an AHB-AP that does not reach the core's private bus, AP2 the APB-AP of the system
debug bus.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from chip import DBGMCU_APB, Chip
from flash import BusFault, BusStall

OK, WAIT, FAULT = 1, 2, 4
DPIDR, TARGETID, DLPIDR = 0x6BA0_2477, 0x0483_0041, 0x0000_0001
ORUNDETECT, STICKYORUN, STICKYCMP, STICKYERR, READOK, WDATAERR = 1, 1 << 1, 1 << 4, 1 << 5, 1 << 6, 1 << 7
STICKY = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR
POWER_REQUESTS = 0x5000_0000
ABORT_CLEARS = {1: STICKYCMP, 2: STICKYERR, 3: WDATAERR, 4: STICKYORUN}
DBGSWEN = 1 << 31


@dataclass
class DapOptions:
    """overrun_detect: whether ORUNDETECT is "honoured", "absent" (reads 0), or "stored" and without any effect."""

    overrun_detect: str = "honoured"
    wait_rate: float = 0.0


class AccessPort:
    """A MEM-AP. TAR increments inside 1 KiB only, and after a bus error nobody knows whether it moved."""

    def __init__(self, index: int, chip: Chip, rng: random.Random) -> None:
        self._index, self._chip, self._rng = index, chip, rng
        self._csw = 2 if index == 2 else rng.choice((0x2, 0x12, 0x0300_0000))
        self._tar = rng.getrandbits(32)

    def read(self, register: int) -> int:
        if register == 0x00:
            return self._read_csw()
        if register == 0x04:
            return self._tar
        if register == 0x0C:
            return self._transfer(None)
        if 0x10 <= register <= 0x1C:
            return self._bus_read(self._tar & ~0xF | register & 0xC, 4)
        if register == 0xF8:
            return (0xE00F_E003, 0x0000_0002, 0xE00E_0003)[self._index]
        if register == 0xFC:
            return 0x5477_0002 if self._index == 2 else 0x8477_0001
        return 0

    def write(self, register: int, value: int) -> None:
        if register == 0x00:
            self._write_csw(value)
        elif register == 0x04:
            self._tar = value
        elif register == 0x0C:
            self._transfer(value)
        elif 0x10 <= register <= 0x1C:
            self._bus_write(self._tar & ~0xF | register & 0xC, 4, value)

    def _read_csw(self) -> int:
        if self._index == 2:
            dead = self._chip.nrst_low or self._chip.debug_block_dead
            return self._csw & ~DBGSWEN | 0x40 | (0 if dead else DBGSWEN)
        return self._csw | 0x40

    def _write_csw(self, value: int) -> None:
        increment = value >> 4 & 3
        self._csw = value & 0x7F00_0007 | (0x10 if increment == 1 else 0)
        if self._index == 2:
            self._csw = self._csw & ~7 | 2
            if not value & DBGSWEN:
                self._chip.debug_block_dead = True  # until power is lost: the trap of 2.3

    def _transfer(self, value: int | None) -> int:
        size = 1 << (self._csw & 3)
        address, lane = self._tar, 8 * (self._tar & 3)
        if size > 4 or address % size:
            raise BusFault
        data = 0
        try:
            if value is None:
                data = self._bus_read(address, size) << lane
            else:
                self._bus_write(address, size, value >> lane & (1 << 8 * size) - 1)
        except BusFault:
            if self._rng.random() < 0.5:
                self._increment(size)
            raise
        self._increment(size)
        return data

    def _increment(self, size: int) -> None:
        if self._csw & 0x10:
            self._tar = self._tar & ~0x3FF | (self._tar + size) & 0x3FF

    def _bus_read(self, address: int, size: int) -> int:
        if self._index == 2:
            return self._chip.read_dbgmcu(address & 0xFFF) if address & ~0xFFF == DBGMCU_APB else 0
        if self._index == 1 and address >> 20 == 0xE00:
            raise BusFault
        return self._chip.read(address, size)

    def _bus_write(self, address: int, size: int, value: int) -> None:
        if self._index == 2:
            if address & ~0xFFF == DBGMCU_APB:
                self._chip.write_dbgmcu(address & 0xFFF, value)
        elif self._index == 1 and address >> 20 == 0xE00:
            raise BusFault
        else:
            self._chip.write(address, size, value)


_KINDS = (("dp_writes", "dp_reads"), ("ap_writes", "ap_reads"))


class DebugPort:
    """What survives a line reset: everything here. What survives loss of power: nothing but the counters."""

    def __init__(self, chip: Chip, options: DapOptions, rng: random.Random) -> None:
        self._chip, self._options, self._rng = chip, options, rng
        self.counters: Counter[str] = Counter()
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self._select = self._rng.getrandbits(32)  # undefined after connect: whoever relies on it finds out
        self._ctrl = 0
        self._result = self._last_read = self._rng.getrandbits(32)
        self._pending: tuple[int, int, int | None] | None = None
        self._aps = [AccessPort(index, self._chip, self._rng) for index in range(3)]

    @property
    def data_phase_always(self) -> bool:
        return bool(self._ctrl & ORUNDETECT) and self._options.overrun_detect == "honoured"

    def begin(self, is_ap: bool, is_read: bool, register: int) -> tuple[int, int]:
        """A request with good parity has arrived. Returns the ACK and, for a read, the data."""
        self.counters[_KINDS[is_ap][is_read]] += 1
        bank = self._select & 0xF
        if self._pending:
            self._access(*self._pending)
        if not is_ap and register == 0x0:
            return OK, DPIDR
        if not is_ap and is_read and register == 0x4 and bank == 0:
            power = (self._ctrl & POWER_REQUESTS) << 1
            return OK, self._ctrl | power
        ack = OK
        if self._ctrl & STICKY:
            ack = FAULT
        elif self._pending or (self._options.wait_rate and self._rng.random() < self._options.wait_rate):
            ack = WAIT
        elif is_ap and self._ctrl & POWER_REQUESTS != POWER_REQUESTS:
            self._ctrl |= STICKYERR
            ack = FAULT
        if ack != OK:
            self.counters["waits" if ack == WAIT else "faults"] += 1
            if self.data_phase_always:
                self._ctrl |= STICKYORUN
            return ack, 0
        return OK, self._read(is_ap, register, bank) if is_read else 0

    def _read(self, is_ap: bool, register: int, bank: int) -> int:
        if is_ap:
            self._last_read = self._result
            self._access(self._select >> 24, self._select & 0xF0 | register, None)
            self._ctrl |= READOK
        elif register == 0x4:
            return {2: TARGETID, 3: DLPIDR}.get(bank, 0)
        elif register == 0xC:
            self._last_read = self._result
            self._ctrl |= READOK
        return self._last_read

    def finish_write(self, is_ap: bool, register: int, value: int, parity_good: bool) -> None:
        """The data phase of an acknowledged write is over."""
        if not parity_good:
            self._ctrl |= WDATAERR
        elif is_ap:
            self._access(self._select >> 24, self._select & 0xF0 | register, value)
        elif register == 0x0:
            self._abort(value)
        elif register == 0x4 and self._select & 0xF == 0:
            writable = 0x54FF_FF0C | (0 if self._options.overrun_detect == "absent" else ORUNDETECT)
            self._ctrl = self._ctrl & ~writable | value & writable
        elif register == 0x8:
            self._select = value

    def _abort(self, value: int) -> None:
        if value & 1 and self._pending:
            self._pending = None
            self._ctrl |= STICKYERR
        for bit, flag in ABORT_CLEARS.items():
            if value >> bit & 1:
                self._ctrl &= ~flag

    def _access(self, index: int, register: int, value: int | None) -> None:
        """Runs an AP access; one that the bus stalls stays pending and is tried again at the next request."""
        self._pending = None
        if index >= len(self._aps):
            self._result = 0
            return
        try:
            if value is None:
                self._result = self._aps[index].read(register)
            else:
                self._aps[index].write(register, value)
        except BusStall:
            self._pending = (index, register, value)
        except BusFault:
            self._ctrl = (self._ctrl | STICKYERR) & ~READOK
            self._result = self._rng.getrandbits(32)
