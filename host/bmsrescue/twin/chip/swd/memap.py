"""A memory access port: CSW, TAR, DRW and the banked window, over some bus (Arm IHI 0031, ADIv5.2, chapter C2)."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.bus import BusDevice, BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.counters import Counters
from bmsrescue.twin.chip.swd import ap_registers as ap

_WORD = 2
_WORD_BYTES = 4
_SIZES = (1, 2, 4)
_FLASH_START = 0x08000000
_FLASH_END = 0x08100000


class MemAp:
    """One MEM-AP. ``before_access(address)`` runs before every memory access and may raise BusError or BusWait."""

    def __init__(
        self,
        name: str,
        bus: BusDevice,
        counters: Counters,
        before_access: Callable[[int], None],
        config: ChipConfig,
        idr: int,
        base: int,
    ) -> None:
        self._name = name
        self._bus = bus
        self._counters = counters
        self._before_access = before_access
        self._idr = idr
        self._base = base
        self._config = config
        self.undisturbed: Callable[[], bool] = lambda: False
        """Whether a memory access can do nothing but read or write: neither the core nor a reset has a say in it."""
        self.minds_no_write: Callable[[int, int, int], bool] = lambda address, size, until_ns: False
        """Whether nobody would notice, until a time, that so many bytes of RAM there are written at once."""
        self._increment_mask = (1 << config.tar_increment_bits) - 1
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self._tar = 0
        self._wrapped = False
        self._in_progress = False
        self._set_csw(self._csw_reset())

    def abort(self) -> None:
        self._in_progress = False

    # --- registers ----------------------------------------------------------------------------------------------------

    def read(self, register: int) -> int:
        if register == ap.DRW:
            try:
                value = self._read_drw()
            except BusWait:
                self._held_off("reading flash while QW")
                raise
            self._in_progress = False
            return value
        if register == ap.CSW:
            return self._read_csw()
        if register == ap.TAR:
            return self._tar
        if ap.BD0 <= register <= ap.BD3:
            address = (self._tar & ~0xF) | register & 0xC
            self._before_access(address)
            return self._bus.read(address, 4)
        if register == ap.BASE:
            return self._base
        if register == ap.IDR:
            return self._idr
        return 0

    def write(self, register: int, value: int) -> None:
        if register == ap.DRW:
            try:
                self._write_drw(value)
            except BusWait:
                self._held_off("writing flash while QW")
                raise
            self._in_progress = False
        elif register == ap.TAR:
            self._tar = value
            self._wrapped = False
        elif register == ap.CSW:
            self._write_csw(value)
        elif ap.BD0 <= register <= ap.BD3:
            address = (self._tar & ~0xF) | register & 0xC
            self._before_access(address)
            self._bus.write(address, 4, value)

    # --- CSW ----------------------------------------------------------------------------------------------------------

    def _csw_reset(self) -> int:
        return ap.CSW_AHB_RESET

    def _read_csw(self) -> int:
        return self._csw | ap.CSW_DEVICE_EN | (ap.CSW_TR_IN_PROG if self._in_progress else 0)

    def _write_csw(self, value: int) -> None:
        self._set_csw(value & ap.CSW_AHB_WRITABLE)

    def _set_csw(self, value: int) -> None:
        size = min(value & ap.CSW_SIZE, _WORD)
        increment = value >> ap.CSW_ADDR_INC_SHIFT & 3
        if increment > ap.INC_PACKED or (increment == ap.INC_PACKED and not self._config.packed_transfers):
            increment = ap.INC_OFF
        self._size = _SIZES[size]
        self._increment = increment
        self._csw = value & ~(ap.CSW_SIZE | 3 << ap.CSW_ADDR_INC_SHIFT) | size | increment << ap.CSW_ADDR_INC_SHIFT

    # --- DRW ----------------------------------------------------------------------------------------------------------

    def _read_drw(self) -> int:
        address = self._tar
        size = self._size
        if address & (size - 1) or self._wrapped:
            self._check(address, size)
        self._before_access(address)
        if size == 4:
            value = self._bus.read(address, 4)
            if self._increment:
                mask = self._increment_mask
                self._tar = tar = address & ~mask | (address + 4) & mask
                self._wrapped = tar < address
        else:
            value = self._read_narrow(address, size)
        return value

    def _write_drw(self, value: int) -> None:
        address = self._tar
        size = self._size
        if address & (size - 1) or self._wrapped:
            self._check(address, size)
        self._before_access(address)
        if size == 4:
            self._bus.write(address, 4, value)
            if self._increment:
                mask = self._increment_mask
                self._tar = tar = address & ~mask | (address + 4) & mask
                self._wrapped = tar < address
        else:
            self._write_narrow(address, size, value)

    def read_run(self, register: int, count: int) -> bytes:
        """What up to ``count`` reads of DRW give, where they step through plain memory and nothing else can happen."""
        tar = self._tar
        if register != ap.DRW or self._size != _WORD_BYTES or self._increment != ap.INC_SINGLE:
            return b""
        if tar & 3 or self._wrapped or self._in_progress or not self.undisturbed():
            return b""
        read_run = getattr(self._bus, "read_run", None)
        if read_run is None:
            return b""
        left = (self._increment_mask + 1 - (tar & self._increment_mask)) // _WORD_BYTES - 1
        data: bytes = read_run(tar, _WORD_BYTES * min(count, left))
        data = data[: len(data) & ~3]
        self._tar = tar + len(data)
        return data

    def write_run(self, register: int, data: bytes, until_ns: int) -> int:
        """How many words of ``data`` have been written by writes of DRW until then; as in ``read_run``."""
        tar = self._tar
        if register != ap.DRW or self._size != _WORD_BYTES or self._increment != ap.INC_SINGLE:
            return 0
        if tar & 3 or self._wrapped or self._in_progress:
            return 0
        write_run = getattr(self._bus, "write_run", None)
        if write_run is None or not self.minds_no_write(tar, len(data), until_ns):
            return 0
        left = self._increment_mask + 1 - (tar & self._increment_mask) - _WORD_BYTES
        written: int = write_run(tar, data[:left]) & ~3
        self._tar = tar + written
        return written // _WORD_BYTES

    def _read_narrow(self, address: int, size: int) -> int:
        """8 and 16 bits: data in the byte lanes of the address; a packed one moves four bytes wherever it begins."""
        value = self._bus.read(address, size) << 8 * (address & 3)
        if self._increment:
            self._advance(address, size)
        for _ in range(4 // size - 1 if self._increment == ap.INC_PACKED else 0):
            address = self._tar
            value |= self._bus.read(address, size) << 8 * (address & 3)
            self._advance(address, size)
        return value

    def _write_narrow(self, address: int, size: int, value: int) -> None:
        mask = (1 << 8 * size) - 1
        self._bus.write(address, size, value >> 8 * (address & 3) & mask)
        if self._increment:
            self._advance(address, size)
        for _ in range(4 // size - 1 if self._increment == ap.INC_PACKED else 0):
            address = self._tar
            self._bus.write(address, size, value >> 8 * (address & 3) & mask)
            self._advance(address, size)

    def _advance(self, address: int, size: int) -> None:
        mask = self._increment_mask
        self._tar = address & ~mask | (address + size) & mask
        self._wrapped = self._tar < address

    def _check(self, address: int, size: int) -> None:
        """The rare cases: an address that wrapped in auto-increment, or one that does not fit the size."""
        if self._wrapped:
            self._wrapped = False
            self._counters.violation("auto-increment over the TAR limit", f"{self._name} back at 0x{address:08x}")
        if address & (size - 1):
            self._counters.violation("unaligned access", f"{self._name} TAR 0x{address:08x}")
            raise BusError(address, "unaligned")

    def _held_off(self, what: str) -> None:
        if not self._in_progress and _FLASH_START <= self._tar < _FLASH_END:
            self._counters.violation(what, f"{self._name} TAR 0x{self._tar:08x}")
        self._in_progress = True


class ApbAp(MemAp):
    """The APB-AP on the system debug bus: words only, and the CSW trap (docs/reference/chip.md#ap2-csw)."""

    csw_hides_dbgmcu = False
    """CSW has been written with DbgSwEnable clear since power-on."""
    in_reset = False

    def power_on_reset(self) -> None:
        super().power_on_reset()
        self.csw_hides_dbgmcu = False

    def _csw_reset(self) -> int:
        return ap.CSW_APB_RESET

    def _read_csw(self) -> int:
        value = super()._read_csw()
        if self.in_reset and self._config.ap2_csw_clear_in_reset:
            value &= ~ap.CSW_DBG_SW_ENABLE
        return value

    def _write_csw(self, value: int) -> None:
        if not value & ap.CSW_DBG_SW_ENABLE:
            self._counters.violation("AP2 CSW bit 31 cleared", f"CSW 0x{value:08x}")
            if self._config.ap2_csw_trap:
                self.csw_hides_dbgmcu = True
        self._set_csw(value & ap.CSW_APB_WRITABLE | _WORD)
