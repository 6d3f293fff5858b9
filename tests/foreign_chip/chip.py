"""The chip behind the access ports: supply, NRST, BOOT0, memory map, and a core that never executes an instruction.

From docs/reference/chip.md and its sources. The core fetches its vectors at reset and can be halted, resumed and
reset; it stays where it is unless `alive`, when it counts DWT_CYCCNT at 64 MHz and moves DWT_PCSR but finishes nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from flash import FLASH_BASE, SECTOR_BYTES, BusFault, Flash
from timebase import TimeBase

CORE_HZ = 64_000_000
POWER_ON_RESET_S = 377e-6
DBGMCU_AHB, DBGMCU_APB = 0x5C00_1000, 0xE00E_1000
FLASH_REGISTERS, RCC_RSR, PWR_CR3, SYSCFG_PKGR = 0x5200_2000, 0x5802_44D0, 0x5802_480C, 0x5800_0524
SYSTEM_MEMORY, SYSTEM_BYTES = 0x1FF0_0000, 0x2_0000
BOOTLOADER_VECTORS, UID, FLASH_KIB, PART_NAME = 0x1FF0_9800, 0x1FF1_E800, 0x1FF1_E880, 0x1FF1_E8C0
RESET_BY_POWER, RESET_BY_PIN, RESET_BY_SOFTWARE = 0x00FA_0000, 0x0042_0000, 0x0142_0000

RAMS = {  # address: bytes (1.3, TCM_AXI_SHARED = 0)
    0x0000_0000: 0x1_0000,
    0x2000_0000: 0x2_0000,
    0x2400_0000: 0x5_0000,
    0x3000_0000: 0x8000,
    0x3800_0000: 0x4000,
    0x3880_0000: 0x1000,
}
PERIPHERAL_DEFAULTS = {0x5802_4800: 0xF000_C000, 0x5802_4804: 0x6000, 0x5802_4818: 0x6000, 0x5802_44E0: 0}

# Private peripheral bus (section 3).
DWT_CTRL, DWT_CYCCNT, DWT_PCSR = 0xE000_1000, 0xE000_1004, 0xE000_101C
CPUID, VTOR, AIRCR, DFSR = 0xE000_ED00, 0xE000_ED08, 0xE000_ED0C, 0xE000_ED30
DHCSR, DCRSR, DCRDR, DEMCR = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC
ROM_TABLE = {0xE00F_EFE0: 0x83, 0xE00F_EFE4: 0x04, 0xE00F_EFE8: 0x0A, 0xE00F_EFD0: 0x00}
C_DEBUGEN, C_HALT, C_STEP = 1, 2, 4
S_REGRDY, S_HALT, S_LOCKUP, S_RETIRE, S_RESET = 1 << 16, 1 << 17, 1 << 19, 1 << 24, 1 << 25
SP, PC, XPSR = 13, 15, 16


@dataclass
class Identity:
    dev_id: int = 0x483
    rev_id: int = 0x1001
    flash_kib: int = 1024
    name: int = 0x4837_3235
    alive: bool = False


class Chip:
    def __init__(self, clock: TimeBase, flash: Flash, identity: Identity, rng: random.Random) -> None:
        self._clock, self.flash, self._identity, self._rng = clock, flash, identity, rng
        self.power = False
        self.boot0 = False
        self.nrst_low = False
        self.power_cycles = 0
        self.cr3_writes = 0
        self._ready_s = 0.0
        self._system = self._system_memory()
        self._lose_everything()

    def _system_memory(self) -> bytearray:
        memory = bytearray(SYSTEM_BYTES)
        for address, value in {
            BOOTLOADER_VECTORS: 0x2000_4100,
            BOOTLOADER_VECTORS + 4: 0x1FF0_9E01,
            UID: 0x0033_0042,
            UID + 4: 0x3234_5106,
            UID + 8: 0x3633_3838,
            FLASH_KIB: self._identity.flash_kib,
            PART_NAME: self._identity.name,
            0x1FF1_E7FC: 0x0093_0000,
        }.items():
            memory[address - SYSTEM_MEMORY : address - SYSTEM_MEMORY + 4] = value.to_bytes(4, "little")
        return memory

    # -- what the board does to it

    def set_power(self, on: bool) -> None:
        if on == self.power:
            return
        self.flash.reset()
        self.power = on
        if on:
            self.power_cycles += 1
            self._ready_s = self._clock.wall_s() + POWER_ON_RESET_S
        self._lose_everything()

    @property
    def powered_up(self) -> bool:
        """Past its power-on reset: only then does the debug port answer."""
        return self.power and self._clock.wall_s() >= self._ready_s

    def set_nrst(self, low: bool) -> None:
        if low == self.nrst_low:
            return
        self.nrst_low = low
        if self.power and low:
            self._reset(RESET_BY_PIN)
        elif self.power:
            self._leave_reset()

    def _lose_everything(self) -> None:
        self._rams = {base: bytearray(self._rng.randbytes(size)) for base, size in RAMS.items()}
        self._dbgmcu: dict[int, int] = {}
        self.debug_block_dead = False
        self._cr3, self._cr3_locked = 6, False
        self._dhcsr = self._demcr = self._dcrdr = self._dfsr = 0
        self._dwt_ctrl = 0
        self._reset_cause = 0
        self._core: dict[int, int] = {}
        self._reset(RESET_BY_POWER)
        if self.power and not self.nrst_low:
            self._leave_reset()

    def _reset(self, cause: int) -> None:
        self.flash.reset()
        self._reset_cause |= cause
        self._peripherals = dict(PERIPHERAL_DEFAULTS)
        self._ppb: dict[int, int] = {}
        self._halted = self._lockup = False
        self._reset_seen = True
        self._cycles, self._cycles_from_s = 0, self._clock.core_s()

    def _leave_reset(self) -> None:
        """Latches BOOT0, fetches SP and PC (a blank or broken table is a lockup), and obeys vector catch."""
        boot = self.flash.options[0x40] >> (16 if self.boot0 else 0) & 0xFFFF
        table = BOOTLOADER_VECTORS if boot == 0x1FF0 else boot << 16
        try:
            self._core = {SP: self.read(table, 4) & ~3, PC: self.read(table + 4, 4), XPSR: 0x0100_0000, 14: 0xFFFF_FFFF}
        except BusFault:
            self._core = {SP: 0, PC: 0xFFFF_FFFF, XPSR: 0x0100_0000}
        self._lockup = not self._core[PC] & 1 or self._core[PC] == 0xFFFF_FFFF
        self._core[PC] &= ~1
        self._ppb[VTOR] = table
        self._cycles_from_s = self._clock.core_s()
        if self._dhcsr & C_DEBUGEN and (self._demcr & 1 or self._dhcsr & C_HALT):
            self._halt(8 if self._demcr & 1 else 1)

    # -- the AHB as AP0 sees it

    def read(self, address: int, size: int) -> int:
        if address >> 20 == 0xE00:
            return self._read_ppb(address & ~3) >> (8 * (address & 3)) & (1 << 8 * size) - 1
        if self.nrst_low:
            raise BusFault
        if FLASH_BASE <= address < FLASH_BASE + 8 * SECTOR_BYTES:
            return self.flash.read(address - FLASH_BASE, size)
        if SYSTEM_MEMORY <= address < SYSTEM_MEMORY + SYSTEM_BYTES:
            at = address - SYSTEM_MEMORY
            return int.from_bytes(self._system[at : at + size], "little")
        for base, ram in self._rams.items():
            if base <= address < base + len(ram):
                return int.from_bytes(ram[address - base : address - base + size], "little")
        return self._read_peripheral(address & ~3) >> (8 * (address & 3)) & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        if address >> 20 == 0xE00:
            self._write_ppb(address & ~3, value)
            return
        if self.nrst_low:
            raise BusFault
        if FLASH_BASE <= address < FLASH_BASE + 8 * SECTOR_BYTES:
            self.flash.write(address - FLASH_BASE, size, value)
            return
        for base, ram in self._rams.items():
            if base <= address < base + len(ram):
                ram[address - base : address - base + size] = value.to_bytes(size, "little")
                return
        self._write_peripheral(address, size, value)

    def _read_peripheral(self, address: int) -> int:
        if not 0x4000_0000 <= address < 0x6000_0000:
            raise BusFault
        if address & ~0xFFF == FLASH_REGISTERS:
            return self.flash.read_register(address & 0xFFF)
        if address & ~0xFFF == DBGMCU_AHB:
            return 0 if self.debug_block_dead else self.read_dbgmcu(address & 0xFFF)
        fixed = {RCC_RSR: self._reset_cause, PWR_CR3: self._cr3, SYSCFG_PKGR: 2}
        return fixed.get(address, self._peripherals.get(address, 0))

    def _write_peripheral(self, address: int, size: int, value: int) -> None:
        if not 0x4000_0000 <= address < 0x6000_0000:
            raise BusFault
        if address & ~0xFFF == FLASH_REGISTERS:
            if size == 4:
                self.flash.write_register(address & 0xFFF, value)
        elif address & ~0xFFF == DBGMCU_AHB:
            if not self.debug_block_dead:
                self._dbgmcu[address & 0xFFF] = value
        elif address == RCC_RSR:
            if value & 1 << 16:
                self._reset_cause = 0
        elif address == PWR_CR3:
            self.cr3_writes += 1
            if not self._cr3_locked:
                self._cr3, self._cr3_locked = value, True
        elif size == 4:
            self._peripherals[address] = value

    # -- DBGMCU, from either side

    def read_dbgmcu(self, offset: int) -> int:
        return self._identity.rev_id << 16 | self._identity.dev_id if offset == 0 else self._dbgmcu.get(offset, 0)

    def write_dbgmcu(self, offset: int, value: int) -> None:
        self._dbgmcu[offset] = value

    # -- core debug

    def _halt(self, why: int) -> None:
        self._cycles = self._cycle_count()
        self._halted, self._lockup = True, False
        self._dfsr |= why

    def _running(self) -> bool:
        return self._identity.alive and self.power and not (self._halted or self._lockup or self.nrst_low)

    def _cycle_count(self) -> int:
        """DWT_CYCCNT counts on the chip's own time, so that 64 MHz is 64 MHz to whoever trusts this clock."""
        if not self._running() or not self._dwt_ctrl & 1 or not self._demcr & 1 << 24:
            return self._cycles
        return self._cycles + int((self._clock.core_s() - self._cycles_from_s) * CORE_HZ) & 0xFFFF_FFFF

    def _read_ppb(self, address: int) -> int:
        if address == DHCSR:
            value = self._dhcsr & 0xF | S_REGRDY | (S_HALT if self._halted else 0) | (S_LOCKUP if self._lockup else 0)
            value |= (S_RESET if self._reset_seen else 0) | (S_RETIRE if self._running() else 0)
            self._reset_seen = self.nrst_low
            return value
        if address == DWT_PCSR:
            if self._halted or not self._demcr & 1 << 24:
                return 0xFFFF_FFFF
            return self._core.get(PC, 0) + (self._rng.randrange(0x100) * 2 if self._running() else 0)
        fixed = {CPUID: 0x411F_C271, DCRDR: self._dcrdr, DEMCR: self._demcr, DFSR: self._dfsr, AIRCR: 0xFA05_0000}
        if address in fixed:
            return fixed[address]
        if address == DWT_CTRL:
            return self._dwt_ctrl | 0x4000_0000
        if address == DWT_CYCCNT:
            return self._cycle_count()
        return ROM_TABLE.get(address, self._ppb.get(address, 0))

    def _write_ppb(self, address: int, value: int) -> None:
        if address == DHCSR:
            self._write_dhcsr(value)
        elif address == DCRSR:
            if self._halted and value & 1 << 16:
                self._core[value & 0x7F] = self._dcrdr
            elif self._halted:
                self._dcrdr = self._core.get(value & 0x7F, 0)
        elif address == DCRDR:
            self._dcrdr = value
        elif address == DEMCR:
            self._demcr = value & 0x010F_07F1
        elif address == DFSR:
            self._dfsr &= ~value
        elif address == AIRCR:
            if value >> 16 == 0x05FA and value & 4 and not self.nrst_low:
                self._reset(RESET_BY_SOFTWARE)
                self._leave_reset()
        elif address == DWT_CTRL:
            self._cycles, self._cycles_from_s = self._cycle_count(), self._clock.core_s()
            self._dwt_ctrl = value & 1
        elif address == DWT_CYCCNT:
            self._cycles, self._cycles_from_s = value, self._clock.core_s()
        elif address not in (CPUID, DWT_PCSR, *ROM_TABLE):
            self._ppb[address] = value

    def _write_dhcsr(self, value: int) -> None:
        if value >> 16 != 0xA05F:
            return
        self._dhcsr = value & 0xF if value & C_DEBUGEN else 0
        if self.nrst_low or not self.power:
            return
        if self._dhcsr & C_HALT and not self._halted:
            self._halt(1)
        elif not self._dhcsr & C_HALT and self._halted:
            if self._dhcsr & C_STEP:
                self._dfsr |= 1
                return
            self._halted = False
            self._cycles_from_s = self._clock.core_s()
