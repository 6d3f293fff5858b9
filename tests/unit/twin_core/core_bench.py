"""A core on a bare bus: RAM, flash array and one recording device, for tests of the core alone."""

from __future__ import annotations

from bmsrescue.twin.chip.bus import Bus, BusError, RamBlock
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.cortex_m7 import CortexM7
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.clock import NEVER_NS, VirtualClock

DTCM = 0x20000000
FLASH = 0x08000000
DEVICE = 0x40000000
STACK = 0x20010000

HALT = 0xA05F0003
RUN = 0xA05F0001
STEP = 0xA05F0005


def thumb(*halfwords: int) -> bytes:
    """Machine code from halfwords."""
    return b"".join(h.to_bytes(2, "little") for h in halfwords)


def literal(*words: int) -> bytes:
    return b"".join(w.to_bytes(4, "little") for w in words)


class FlashPort:
    """The array on the bus without a controller: stores are kept in a list, torn words are bus errors."""

    def __init__(self, array: FlashArray) -> None:
        self.array = array
        self.stores: list[tuple[int, int, int]] = []

    def read(self, address: int, size: int) -> int:
        if self.array.is_torn(address):
            raise BusError(address, "double ECC error")
        offset = address - FLASH
        return int.from_bytes(self.array.data[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        self.stores.append((address, size, value))


class Flag:
    """A status register at DEVICE that reads 1 until ``clear_at_ns``; a data register behind it that keeps writes."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.clear_at_ns = NEVER_NS
        self.reads = 0
        self.written: list[tuple[int, int]] = []

    def read(self, address: int, size: int) -> int:
        if address != DEVICE:
            raise BusError(address, "nothing there")
        self.reads += 1
        return int(self.clock.now_ns < self.clear_at_ns)

    def write(self, address: int, size: int, value: int) -> None:
        self.written.append((self.clock.now_ns, value))

    def next_change_ns(self, address: int) -> int:
        return self.clear_at_ns if self.clock.now_ns < self.clear_at_ns else NEVER_NS


class CoreBench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.bus = Bus()
        self.ram = RamBlock("DTCM", DTCM, 0x20000)
        self.array = FlashArray(ChipConfig())
        self.flash = FlashPort(self.array)
        self.device = Flag(self.clock)
        self.bus.attach(DTCM, 0x20000, self.ram)
        self.bus.attach(FLASH, 0x100000, self.flash)
        self.bus.attach(DEVICE, 0x400, self.device)
        self.core = CortexM7(self.clock, self.bus, [self.ram], ChipConfig(), self.array)
        self.bus.attach(r.PPB_START, r.PPB_SIZE, self.core.ppb)

    # --- set up -------------------------------------------------------------------------------------------------------

    def program(self, code: bytes, vectors: dict[int, int] | None = None) -> None:
        """Code at flash + 0x200 behind a vector table that starts it; ``vectors`` are offsets into the code."""
        table = [STACK, FLASH + 0x201] + [0] * 62
        for number, offset in (vectors or {}).items():
            table[number] = FLASH + 0x200 + offset | 1
        self.array.load(FLASH, literal(*table).ljust(0x200, b"\0") + code)

    def start(self) -> None:
        self.core.reset(True)
        self.core.reset(False)

    def start_halted(self) -> None:
        """Power-on with a debugger that catches the reset vector."""
        self.core.reset(True)
        self.poke(r.DEMCR, 0x01000001)
        self.poke(r.DHCSR, RUN)
        self.core.reset(False)

    def start_in_ram(self, code: bytes, at: int = DTCM) -> None:
        """Halted at ``code`` in RAM, with a good stack."""
        self.start_halted()
        self.ram.data[at - DTCM : at - DTCM + len(code)] = code
        self.write_register(15, at)
        self.write_register(16, 0x01000000)
        self.write_register(13, STACK)

    # --- what a debugger does -----------------------------------------------------------------------------------------

    def peek(self, address: int) -> int:
        self.core.run_to(self.clock.now_ns)
        return self.bus.read(address, 4)

    def poke(self, address: int, value: int) -> None:
        self.core.run_to(self.clock.now_ns)
        self.bus.write(address, 4, value)

    def read_register(self, number: int) -> int:
        self.poke(r.DCRSR, number)
        return self.peek(r.DCRDR)

    def write_register(self, number: int, value: int) -> None:
        self.poke(r.DCRDR, value)
        self.poke(r.DCRSR, number | r.DCRSR_WRITE)

    def run_us(self, us: int) -> None:
        self.clock.advance(us * 1000)
        self.core.run_to(self.clock.now_ns)
