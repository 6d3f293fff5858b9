"""The flash controller: registers, keys, write buffer, errors and busy times (RM0468 chapter 4; fact sheet 4.1-4.5)."""

from __future__ import annotations

import random
from collections.abc import Callable

from bmsrescue.twin.chip.bus import BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.crc import FlashCrc
from bmsrescue.twin.chip.flash.operation import Erase, Operation, ProgramWord
from bmsrescue.twin.chip.flash.option_bytes import OptionBytes
from bmsrescue.twin.chip.flash.option_controller import REGISTERS as OPTION_REGISTERS
from bmsrescue.twin.chip.flash.option_controller import KeyLock, OptionController
from bmsrescue.twin.chip.flash.timing import (
    BANK_ERASE_US,
    PROGRAM_US,
    SECTOR_ERASE_US,
    SUPPLY_UA,
    X64,
    X64_MIN_MV,
    FlashTimer,
)
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import NEVER_NS, Event, VirtualClock

_BSY_GAP_PARTS = 64
"""BSY is low for the last of so many parts of each step of an operation."""
_STEPS = 4


class FlashController:
    """The register block at 0x52002000, and through ``buffer_write`` the write port of the array.

    ``on_regression(fraction)`` is told of a fall of the readout protection (1.0), or of one cut before its end.
    """

    def __init__(
        self,
        clock: VirtualClock,
        system: System,
        array: FlashArray,
        options: OptionBytes,
        config: ChipConfig,
        rng: random.Random,
    ) -> None:
        self.on_regression: Callable[[float], None] = lambda fraction: None
        self.reads_blocked = False
        """Any reason why a read of the array needs a closer look: an operation, readout protection, PCROP."""
        self._clock = clock
        self._system = system
        self._array = array
        self._options = options
        self._config = config
        self._rng = rng
        self._timer = FlashTimer(rng, config)
        self._lock = KeyLock((reg.KEY1, reg.KEY2), config.wrong_unlock_sticks)
        self._crc = FlashCrc(array, config)
        self.option_controller = OptionController(
            clock, options, self._timer, config, self._erase_for_regression, self._options_changed
        )
        self._operation: Operation | None = None
        self._end: Event | None = None
        self._started_ns = 0
        self._crc_end: Event | None = None
        self._reset_registers()

    # --- state others look at -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """QW: an operation is running."""
        self._settle()
        return self._end is not None

    @property
    def busy_until_ns(self) -> int | None:
        return self._end.when_ns if self._end is not None else None

    @property
    def supply_ua(self) -> int:
        """What the running operation draws on top."""
        return SUPPLY_UA[self._operation.psize] if self._operation is not None else 0

    @property
    def psize(self) -> int:
        return self._cr >> reg.PSIZE_SHIFT & 3

    def readout_protected(self) -> bool:
        """Level 1 with a debugger: flash is closed until the next power-on."""
        return self._system.readout_level == 1 and self._system.debugger_seen

    def next_change_ns(self, address: int) -> int:
        """When the register at ``address`` will next change by itself."""
        if address & 0x3FC not in (reg.SR1, reg.OPTSR_CUR):
            return NEVER_NS
        ends = [event.when_ns for event in (self._end, self._crc_end) if event is not None]
        if self._end is not None and self._config.bsy_drops_between_steps:
            ends.append(self._next_bsy_edge_ns(self._end))
        option_end_ns = self.option_controller.busy_until_ns
        if option_end_ns is not None:
            ends.append(option_end_ns)
        return min(ends, default=NEVER_NS)

    def update_read_guard(self) -> None:
        """Something changed that may open or close the array for reading."""
        self.reads_blocked = self._end is not None or self.readout_protected() or bool(self._options.current.pcrop)

    # --- reset and power ----------------------------------------------------------------------------------------------

    def reset(self, *, flash_powered: bool = True) -> None:
        """A system reset, or the loss of the supply: what runs is cut where it is."""
        self._settle()
        if self._end is not None and self._operation is not None:
            duration_ns = max(self._end.when_ns - self._started_ns, 1)
            fraction = (self._clock.now_ns - self._started_ns) / duration_ns
            self._end.cancel()
            self._end = None
            self._operation.cut(fraction)
            self._operation = None
        if self._crc_end is not None:
            self._crc_end.cancel()
            self._crc_end = None
        self.option_controller.reset(flash_powered=flash_powered)
        self._reset_registers()
        self._options_changed()

    def _reset_registers(self) -> None:
        self._acr = reg.ACR_RESET
        self._cr = reg.CR1_RESET & ~reg.LOCK
        self._flags = 0
        self._ecc_word = 0
        self._ecc_latched = False
        self._held_until_ns = 0
        self._lock.reset()
        self._crc.reset()
        self._drop_buffer()

    def _drop_buffer(self) -> None:
        self._buffer_word = -1
        self._buffer = bytearray(b"\xff" * self._array.geometry.word_size)
        self._filled = 0

    def _options_changed(self) -> None:
        self._system.set_readout_level(self._options.current.rdp_level)
        self.update_read_guard()

    def _erase_for_regression(self, fraction: float) -> None:
        erase = Erase(self._array, self._config, 0, self._array.geometry.sectors, 0)
        if fraction >= 1.0:
            erase.finish()
        else:
            erase.cut(fraction)
        self.on_regression(fraction)

    # --- bus: the register block --------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """What has ended by now is over, even when the core, which runs behind the clock, looks before the event."""
        now_ns = self._clock.now_ns
        if self._end is not None and now_ns >= self._end.when_ns:
            self._end.cancel()
            self._finish()
        if self._crc_end is not None and now_ns >= self._crc_end.when_ns:
            self._crc_end.cancel()
            self._crc_finished()
        self.option_controller.settle()

    def read(self, address: int, size: int) -> int:
        self._settle()
        self._check_held()
        offset = address & 0x3FF
        value = self._read_register(offset & ~3)
        return value >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        self._settle()
        self._check_held()
        offset = address & 0x3FF
        register = offset & ~3
        if size != 4:
            if register in (reg.KEYR1, reg.OPTKEYR):
                raise BusError(address, "key registers take words")
            shift = 8 * (offset & 3)
            mask = ((1 << 8 * size) - 1) << shift
            value = self._read_register(register) & ~mask | value << shift
        self._write_register(register, value)

    def _check_held(self) -> None:
        if self._clock.now_ns < self._held_until_ns:
            raise BusWait(self._held_until_ns)

    def _read_register(self, register: int) -> int:
        if register == reg.SR1:
            return self._status()
        if register == reg.CR1:
            return self._cr | (reg.LOCK if self._lock.locked else 0)
        if register == reg.ACR:
            return self._acr
        if register in OPTION_REGISTERS:
            return self.option_controller.read(register)
        if register == reg.ECC_FA1:
            return self._ecc_word
        if register == reg.CRCCR1:
            return self._crc.control
        if register == reg.CRCSADD1:
            return self._crc.start_address
        if register == reg.CRCEADD1:
            return self._crc.end_address
        if register == reg.CRCDATA:
            return self._crc.data
        return 0

    def _write_register(self, register: int, value: int) -> None:
        if register == reg.CR1:
            self._write_cr(value)
        elif register == reg.CCR1:
            self._flags &= ~(value & reg.FLAGS)
            if not self._flags & (reg.SNECCERR | reg.DBECCERR):
                self._ecc_latched = False
        elif register == reg.KEYR1:
            self._lock.write(value)
        elif register == reg.ACR:
            self._acr = value & reg.ACR_MASK
        elif register in OPTION_REGISTERS:
            self.option_controller.write(register, value)
        elif register == reg.CRCCR1:
            self._write_crc_control(value)
        elif register == reg.CRCSADD1:
            self._crc.start_address = value & reg.CRC_ADDRESS_MASK
        elif register == reg.CRCEADD1:
            self._crc.end_address = value & reg.CRC_ADDRESS_MASK

    def _status(self) -> int:
        status = self._flags
        if self._end is not None:
            status |= reg.QW
            if not self._between_steps(self._end):
                status |= reg.BSY
        if self._filled:
            status |= reg.WBNE
        if self._crc_end is not None:
            status |= reg.CRC_BUSY
        return status

    def _between_steps(self, end: Event) -> bool:
        if not self._config.bsy_drops_between_steps:
            return False
        step_ns, position_ns = self._step_position(end)
        return position_ns >= step_ns - step_ns // _BSY_GAP_PARTS

    def _next_bsy_edge_ns(self, end: Event) -> int:
        step_ns, position_ns = self._step_position(end)
        gap_ns = step_ns - step_ns // _BSY_GAP_PARTS
        return self._clock.now_ns + (gap_ns if position_ns < gap_ns else step_ns) - position_ns

    def _step_position(self, end: Event) -> tuple[int, int]:
        """How long a step of the operation is, and how far into one we are."""
        step_ns = max((end.when_ns - self._started_ns) // _STEPS, 1)
        return step_ns, (self._clock.now_ns - self._started_ns) % step_ns

    # --- CR1 ----------------------------------------------------------------------------------------------------------

    def _write_cr(self, value: int) -> None:
        if self._lock.locked:
            return
        had_crc = self._cr & reg.CRC_EN
        self._cr = value & reg.CR1_KEPT
        if had_crc and not value & reg.CRC_EN:
            self._crc.clear()
        if not value & reg.PG and self._buffer_word >= 0:
            self._drop_buffer()
        if value & reg.FW and self._filled and self._end is None:
            self._program_buffer()
        if value & reg.START and value & (reg.SER | reg.BER) and self._end is None:
            self._held_until_ns = self._clock.now_ns + self._config.start_hold_us * 1000
            self._start_erase(value)
        if value & reg.LOCK:
            self._lock.locked = True

    def _start_erase(self, value: int) -> None:
        sectors = self._array.geometry.sectors
        if value & reg.BER:
            first, count, span = 0, sectors, BANK_ERASE_US
        else:
            first, count, span = value >> reg.SNB_SHIFT & 7, 1, SECTOR_ERASE_US
        if self.readout_protected() or any(self._protected(sector) for sector in range(first, first + count)):
            self._flags |= reg.WRPERR
            return
        operation = Erase(self._array, self._config, first, count, self.psize)
        self._begin(operation, self._timer.draw_ns(span[self.psize]))

    def _protected(self, sector: int) -> bool:
        options = self._options.current
        size = self._array.geometry.sector_size
        pcrop = options.pcrop
        return options.sector_protected(sector) or (
            bool(pcrop) and pcrop.start < (sector + 1) * size and pcrop.stop > sector * size
        )

    # --- write buffer -------------------------------------------------------------------------------------------------

    def buffer_write(self, address: int, size: int, value: int) -> None:
        """A write on the bus to the array. Raises BusWait while an operation runs, if the bus is modelled to stall."""
        self._settle()
        if self._end is not None:
            if self._config.write_while_busy == "wait":
                raise BusWait(self._end.when_ns)
            self._flags |= reg.PGSERR
            return
        geometry = self._array.geometry
        offset = address - geometry.base
        word, start = divmod(offset, geometry.word_size)
        stray = self._cr & (reg.SER | reg.BER) and self._config.erase_bits_block_programming
        if self._lock.locked or not self._cr & reg.PG or stray or self._flags & reg.INCERR:
            self._flags |= reg.PGSERR
            return
        if self.readout_protected() or self._protected(offset // geometry.sector_size):
            self._flags |= reg.WRPERR
            return
        if self._buffer_word < 0:
            self._buffer_word = word
        elif self._buffer_word != word:
            self._flags |= reg.INCERR
            self._drop_buffer()
            return
        lanes = ((1 << size) - 1) << start
        if self._filled & lanes:
            self._flags |= reg.STRBERR
            return
        self._filled |= lanes
        self._buffer[start : start + size] = value.to_bytes(size, "little")
        if self._filled == (1 << geometry.word_size) - 1:
            self._program_buffer()

    def _program_buffer(self) -> None:
        operation = ProgramWord(self._array, self._rng, self._buffer_word, bytes(self._buffer), self.psize)
        self._drop_buffer()
        self._begin(operation, self._timer.draw_ns(PROGRAM_US[self.psize]))

    # --- operations ---------------------------------------------------------------------------------------------------

    def _begin(self, operation: Operation, duration_ns: int) -> None:
        self._operation = operation
        self._started_ns = self._clock.now_ns
        self._end = self._clock.after(duration_ns, self._finish)
        self.reads_blocked = True

    def _finish(self) -> None:
        operation = self._operation
        self._operation = None
        self._end = None
        self.update_read_guard()
        if operation is None:
            return
        good = operation.finish()
        if operation.psize == X64 and self._system.vdd_mv < X64_MIN_MV:
            good = False
        self._flags |= reg.EOP if good else reg.OPERR

    # --- reads of the array -------------------------------------------------------------------------------------------

    def check_read(self, address: int) -> None:
        """Called for reads while ``reads_blocked``: raises BusWait or BusError, or lets the read pass."""
        self._settle()
        if self._end is not None:
            if self._config.read_while_busy_waits:
                raise BusWait(self._end.when_ns)
            raise BusError(address, "flash is busy")
        if self.readout_protected() or address - self._array.geometry.base in self._options.current.pcrop:
            self._flags |= reg.RDPERR
            raise BusError(address, "readout protection")

    def ecc_error(self, word: int, *, double: bool) -> None:
        """A read met a word with a broken ECC; the address of the first one is kept until both flags are cleared."""
        self._flags |= reg.DBECCERR if double else reg.SNECCERR
        if not self._ecc_latched:
            self._ecc_latched = True
            self._ecc_word = word

    # --- CRC ----------------------------------------------------------------------------------------------------------

    def _write_crc_control(self, value: int) -> None:
        if not self._cr & reg.CRC_EN or self._lock.locked or self._crc_end is not None:
            return
        if self._crc.write_control(value):
            duration_ns, broken = self._crc.run()
            if broken:
                self._flags |= reg.CRCRDERR
            self._crc_end = self._clock.after(duration_ns, self._crc_finished)

    def _crc_finished(self) -> None:
        self._crc_end = None
        self._flags |= reg.CRCEND
