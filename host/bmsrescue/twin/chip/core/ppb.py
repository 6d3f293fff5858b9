"""The private peripheral bus, 0xE0000000 to 0xE00FFFFF: what the debug port and the core's own software find there."""

from __future__ import annotations

from typing import Protocol

from bmsrescue.twin.chip.bus import BusError
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.debug import DebugUnit
from bmsrescue.twin.chip.core.dwt import Dwt
from bmsrescue.twin.chip.core.fpb import Fpb
from bmsrescue.twin.chip.core.scs import SystemControl
from bmsrescue.twin.chip.core.systick import SysTick
from bmsrescue.twin.chip.swd import rom_table
from bmsrescue.twin.clock import NEVER_NS

_ROM_TABLES: dict[int, int] = {
    # The chip's ROM table: the processor's, ETM and CTI; ST's identification, PIDR0 and 1 are the die's.
    0xE00FE000: 0x00001003,
    0xE00FE004: rom_table.entry(r.CHIP_ROM_BASE, r.ETM_BASE),
    0xE00FE008: rom_table.entry(r.CHIP_ROM_BASE, r.CTI_BASE),
    0xE00FEFCC: 0x00000001,
    0xE00FEFD0: 0x00,
    0xE00FEFE8: 0x0A,
    0xE00FEFEC: 0x00,
    # The processor's ROM table: SCS, DWT, FPB, ITM (DDI0489 table 2-5 order).
    0xE00FF000: 0xFFF0F003,
    0xE00FF004: 0xFFF02003,
    0xE00FF008: 0xFFF03003,
    0xE00FF00C: 0xFFF01003,
    0xE00FFFCC: 0x00000001,
    0xE00FFFD0: 0x04,
    0xE00FFFE0: 0xC7,
    0xE00FFFE4: 0xB4,
    0xE00FFFE8: 0x0B,
    0xE00FFFEC: 0x00,
}
_COMPONENT_ID = (0x0D, 0x00, 0x05, 0xB1)
_PART_NUMBERS = {r.SCS_BASE: 0x00C, r.DWT_BASE: 0x002, r.FPB_BASE: 0x00E, r.ITM_BASE: 0x001}
"""ARM component part numbers of the Cortex-M7's blocks (their PIDR0/1)."""
_COMPONENT_CLASS = {0xE00FE000: 0x1, 0xE00FF000: 0x1}
_GENERIC_CLASS = 0xE


class SoftwareAccess(Protocol):
    @property
    def executing(self) -> bool:
        """True while an access comes from an instruction, not from the debug port."""
        ...

    def ns_after(self, cycles: int) -> int:
        """The time so many cycles from now."""
        ...


class CorePpb:
    """Decodes the PPB. Words only inside; bytes and halfwords are served by read-modify-write."""

    def __init__(
        self,
        core: SoftwareAccess,
        debug: DebugUnit,
        dwt: Dwt,
        fpb: Fpb,
        system: SystemControl,
        systick: SysTick,
        device_id: int,
        cpuid: int,
    ) -> None:
        self._core = core
        self._cpuid = cpuid
        # Tracing and triggering are not modelled: what is written is kept, so that a debugger's set-up reads back.
        self._stored = {
            r.ETM_BASE: dict(rom_table.ETM_IDENTIFICATION),
            r.CTI_BASE: dict(rom_table.CTI_IDENTIFICATION),
        }
        self._rom_tables = {**_ROM_TABLES, 0xE00FEFE0: device_id & 0xFF, 0xE00FEFE4: device_id >> 8}
        self._debug = debug
        self._dwt = dwt
        self._fpb = fpb
        self._system = system
        self._systick = systick

    def read(self, address: int, size: int) -> int:
        word = self._read_word(address & ~3)
        return word >> 8 * (address & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        aligned = address & ~3
        if size != 4:
            shift = 8 * (address & 3)
            mask = ((1 << 8 * size) - 1) << shift
            # Status registers clear on ones: the bytes not written must not.
            rest = 0 if aligned in (r.CFSR, r.HFSR, r.DFSR) else self._read_word(aligned) & ~mask
            value = rest | value << shift & mask
        self._write_word(aligned, value)

    def next_change_ns(self, address: int) -> int:
        cycles = self._systick.cycles_to_flag() if address == r.SYST_CSR else None
        return NEVER_NS if cycles is None else self._core.ns_after(cycles)

    def _read_word(self, address: int) -> int:
        block = address & ~0xFFF
        if address & 0xFFF >= 0xFD0 and block in _PART_NUMBERS:
            return self._identification(block, address & 0xFFF)
        if block == r.SCS_BASE:
            return self._read_scs(address)
        if block == r.DWT_BASE:
            return self._dwt.read(address)
        if block == r.FPB_BASE:
            return self._fpb.read(address)
        if block in _COMPONENT_CLASS:
            if address & 0xFFF >= 0xFF0:
                return self._identification(block, address & 0xFFF)
            return self._rom_tables.get(address, 0)
        if block == r.ITM_BASE:
            return 0
        if block in self._stored:
            return self._stored[block].get(address & 0xFFF, 0)
        raise BusError(address, "nothing on the PPB")

    def _write_word(self, address: int, value: int) -> None:
        block = address & ~0xFFF
        if block == r.SCS_BASE:
            self._write_scs(address, value)
        elif block == r.DWT_BASE:
            self._dwt.write(address, value)
        elif block == r.FPB_BASE:
            self._fpb.write(address, value)
        elif block in self._stored:
            if address & 0xFFF < rom_table.IDENTIFICATION_START:
                self._stored[block][address & 0xFFF] = value
        elif block != r.ITM_BASE and block not in _COMPONENT_CLASS:
            raise BusError(address, "nothing on the PPB")

    def _read_scs(self, address: int) -> int:
        if address == r.DHCSR:
            return self._debug.read_dhcsr()
        if address == r.DCRDR:
            return self._debug.dcrdr
        if address == r.DEMCR:
            return self._debug.demcr
        if address == r.DFSR:
            return self._debug.dfsr
        if address == r.DCRSR:
            return 0
        if r.SYST_CSR <= address <= r.SYST_CALIB:
            return self._systick.read(address)
        if address == r.CPUID:
            return self._cpuid
        return self._system.read(address)

    def _write_scs(self, address: int, value: int) -> None:
        if address == r.DHCSR:
            # Software cannot halt itself through DHCSR here; only the debug port writes it.
            if not self._core.executing:
                self._debug.write_dhcsr(value)
        elif address == r.DCRSR:
            self._debug.write_dcrsr(value)
        elif address == r.DCRDR:
            self._debug.dcrdr = value
        elif address == r.DEMCR:
            self._dwt.tracing_changed()
            self._debug.demcr = value & r.DEMCR_WRITABLE
        elif address == r.DFSR:
            self._debug.dfsr &= ~value
        elif r.SYST_CSR <= address <= r.SYST_CALIB:
            self._systick.write(address, value)
        else:
            self._system.write(address, value)

    @staticmethod
    def _identification(block: int, offset: int) -> int:
        if offset >= 0xFF0:
            value = _COMPONENT_ID[(offset - 0xFF0) // 4]
            if offset == 0xFF4:
                value |= _COMPONENT_CLASS.get(block, _GENERIC_CLASS) << 4
            return value
        part = _PART_NUMBERS[block]
        pidr = {0xFD0: 0x04, 0xFE0: part & 0xFF, 0xFE4: 0xB0 | part >> 8, 0xFE8: 0x0B, 0xFEC: 0x00}
        return pidr.get(offset, 0)
