"""A plain SWD debugger for the tests: single transfers and what is built of them, over anything with SwdPins."""

from __future__ import annotations

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.chip.swd.port import SwdPins
from bmsrescue.twin.clock import VirtualClock

OK, WAIT, FAULT, NOBODY = 1, 2, 4, 7
ONES = (1 << 56) - 1

ABORT, CTRL, SELECT = 0x0, 0x4, 0x8
CSW, TAR, DRW = 0x0, 0x4, 0xC

AHB_WORD_INC = 0x23000012
FLASH = 0x08000000
DTCM = 0x20000000
SR1, CR1, CCR1, KEYR1, ECC_FA1 = 0x52002010, 0x5200200C, 0x52002014, 0x52002004, 0x52002060
CLEAR_FLAGS = 0x1FEF0000
DHCSR, DEMCR, AIRCR = 0xE000EDF0, 0xE000EDFC, 0xE000ED0C
HALT = 0xA05F0003


def parity(value: int) -> int:
    return value.bit_count() & 1


def request_byte(ap: int, read: int, address: int) -> int:
    fields = ap | read << 1 | (address >> 2 & 3) << 2
    return 0x81 | fields << 1 | parity(fields) << 5


class Refused(Exception):
    def __init__(self, ack: int) -> None:
        super().__init__(f"ACK {ack}")
        self.ack = ack


class SwdHost:
    """Raises Refused for anything but OK. ``overrun`` clocks the data phase whatever the answer."""

    def __init__(self, pins: SwdPins) -> None:
        self.pins = pins
        self.turn = 1
        self.overrun = False

    def line_reset(self) -> None:
        self.pins.clock_out(ONES, 56)
        self.pins.clock_out(0, 8)

    def jtag_to_swd(self) -> None:
        self.pins.clock_out(ONES, 56)
        self.pins.clock_out(0xE79E, 16)
        self.line_reset()

    def idle(self, cycles: int = 8) -> None:
        self.pins.clock_out(0, cycles)

    def try_read(self, ap: int, address: int) -> tuple[int, int]:
        """(ACK, data with its parity in bit 32)."""
        self.pins.clock_out(request_byte(ap, 1, address), 8)
        ack = self.pins.clock_in(self.turn + 3) >> self.turn
        if ack != OK and not self.overrun:
            self.pins.clock_in(self.turn)
            return ack, 0
        return ack, self.pins.clock_in(33 + self.turn) & 0x1FFFFFFFF

    def try_write(self, ap: int, address: int, value: int, parity_bit: int | None = None) -> int:
        self.pins.clock_out(request_byte(ap, 0, address), 8)
        ack = self.pins.clock_in(2 * self.turn + 3) >> self.turn & 7
        if ack == OK or self.overrun:
            bit = parity(value) if parity_bit is None else parity_bit
            self.pins.clock_out(value | bit << 32, 33)
        return ack

    def read(self, ap: int, address: int) -> int:
        ack, data = self.try_read(ap, address)
        if ack != OK:
            raise Refused(ack)
        if parity(data):
            raise ValueError("bad parity")
        return data & 0xFFFFFFFF

    def write(self, ap: int, address: int, value: int) -> None:
        ack = self.try_write(ap, address, value)
        if ack != OK:
            raise Refused(ack)

    def power_up(self) -> int:
        """Clear, select AP 0 bank 0, ask for power and wait a little; returns CTRL/STAT."""
        self.write(0, ABORT, 0x1E)
        self.write(0, SELECT, 0)
        self.write(0, CTRL, 0x50000000)
        self.idle(100)
        return self.read(0, CTRL)

    def connect(self) -> int:
        self.jtag_to_swd()
        dpidr = self.read(0, 0)
        self.power_up()
        self.write(1, CSW, AHB_WORD_INC)
        return dpidr

    def ap_read(self, register: int, ap: int = 0) -> int:
        self.write(0, SELECT, ap << 24 | register & 0xF0)
        self.read(1, register & 0xC)
        return self.read(0, 0xC)

    def ap_write(self, register: int, value: int, ap: int = 0) -> None:
        self.write(0, SELECT, ap << 24 | register & 0xF0)
        self.write(1, register & 0xC, value)
        self.idle()

    def read32(self, address: int) -> int:
        """Through the AP that SELECT names, in bank 0; raises Refused(FAULT) when the bus refuses."""
        self.write(1, TAR, address)
        self.read(1, DRW)
        return self.read(0, 0xC)

    def write32(self, address: int, value: int) -> None:
        """Raises Refused(FAULT) when the bus refuses."""
        self.write(1, TAR, address)
        self.write(1, DRW, value)
        self.idle()
        self.read(0, 0xC)

    def write32_fails(self, address: int, value: int) -> bool:
        """Whether the bus refuses the write; the sticky error is cleared again."""
        try:
            self.write32(address, value)
        except Refused:
            self.recover()
            return True
        return False

    def recover(self) -> int:
        """After a FAULT: the sticky flags, then cleared."""
        status = self.read(0, CTRL)
        self.write(0, ABORT, 0x1E)
        return status

    # --- flash ------------------------------------------------------------------------------------------------------

    def unlock(self) -> None:
        self.write32(KEYR1, 0x45670123)
        self.write32(KEYR1, 0xCDEF89AB)

    def start_erase(self, sector: int, psize: int = 3) -> None:
        self.write32(CR1, 0x04 | psize << 4 | sector << 8)
        self.write32(CR1, 0x84 | psize << 4 | sector << 8)

    def status(self) -> int:
        return self.read32(SR1)

    def write_word(self, address: int, words: list[int]) -> None:
        """Put eight words into the write buffer; PG must be set."""
        self.write(1, TAR, address)
        for word in words:
            self.write(1, DRW, word)
        self.idle()


def make_chip(config: ChipConfig | None = None, seed: int = 0, powered: bool = True) -> Stm32H7:
    chip = Stm32H7(VirtualClock(), seed, config)
    chip.swd.frequency_hz = 4_000_000
    if powered:
        chip.set_vdd_mv(3300)
        chip.clock.advance(1_000_000)
    return chip


def connected(config: ChipConfig | None = None, seed: int = 0) -> tuple[Stm32H7, SwdHost]:
    """A powered chip with blank flash, and a debugger on its AP 0 that has halted the core."""
    chip = make_chip(config, seed)
    host = SwdHost(chip.swd)
    host.connect()
    host.write32(DHCSR, HALT)
    return chip, host


def wait_flash(chip: Stm32H7, host: SwdHost, step_ms: int = 1) -> int:
    """Poll QW until it falls; returns SR1."""
    for _ in range(60_000):
        status = host.status()
        if not status & 0x4:
            return status
        chip.clock.advance(step_ms * 1_000_000)
    raise TimeoutError("flash stays busy")
