"""One bank of the flash: its CR, SR and CCR, write buffer, errors and busy times (RM0468 4.3, 4.9).

Sectors and words count within the bank here, unless a name says ``array``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bmsrescue.twin.chip.bus import BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.crc import FlashCrc
from bmsrescue.twin.chip.flash.key_lock import KeyLock
from bmsrescue.twin.chip.flash.limits import BankLimits
from bmsrescue.twin.chip.flash.operation import Erase, Operation, ProgramWord
from bmsrescue.twin.chip.flash.option_bytes import OptionBytes
from bmsrescue.twin.chip.flash.timing import X64, X64_MIN_MV, FlashTimer
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import NEVER_NS, Event, VirtualClock

_BSY_GAP_PARTS = 64
"""BSY is low for the last of so many parts of each step of an operation."""
_STEPS = 4
_ERASE_BITS = reg.SER | reg.BER
_SEQUENCE_ERRORS = reg.INCERR | reg.PGSERR


@dataclass(frozen=True)
class Surroundings:
    """What all banks share."""

    clock: VirtualClock
    system: System
    array: FlashArray
    options: OptionBytes
    config: ChipConfig
    timer: FlashTimer
    hold_registers: Callable[[], None]
    """START is being acknowledged."""
    options_change: Callable[[], bool]
    """A change of the option bytes is running."""
    guard_changed: Callable[[], None]
    """Something changed that may open or close the array for reading."""


class FlashBank:
    """``index`` 0 is the bank at the start of flash."""

    def __init__(self, around: Surroundings, index: int) -> None:
        self._around = around
        self._clock = around.clock
        self._array = around.array
        self._config = around.config
        self._control = around.config.die.control
        self._times = around.config.die.times
        self._timer = around.timer
        self.index = index
        geometry = around.array.geometry
        self._base, self._word_size, self._sector_size = geometry.base, geometry.word_size, geometry.sector_size
        self._first_word = index * geometry.words_per_bank
        self._first_sector = index * geometry.sectors_per_bank
        self._full = (1 << geometry.word_size) - 1
        self._lock = KeyLock((reg.KEY1, reg.KEY2), around.config.wrong_unlock_sticks)
        self._crc = FlashCrc(around.array, around.config, index)
        self._known_options = around.options.current
        self._limits = BankLimits(self._known_options, index, around.config)
        self.ignored_starts = 0
        """So many STARTs will do nothing, as if they had never been written."""
        self.settles = False
        """Something runs that ends by itself: `settle` has something to look at."""
        self._operation: Operation | None = None
        self._waiting: tuple[Operation, int] | None = None
        """What begins when the running operation ends, and how long it will take."""
        self._end: Event | None = None
        self._started_ns = 0
        self._crc_end: Event | None = None
        self._reset_registers()

    # --- state others look at -----------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """QW, as far as has been settled."""
        return self._end is not None

    @property
    def locked(self) -> bool:
        return self._lock.locked

    @property
    def limits(self) -> BankLimits:
        """What the option bytes in force forbid here."""
        values = self._around.options.current
        if values is not self._known_options:
            self._known_options = values
            self._limits = BankLimits(values, self.index, self._config)
        return self._limits

    @property
    def busy_until_ns(self) -> int | None:
        return self._end.when_ns if self._end is not None else None

    @property
    def supply_ua(self) -> int:
        """What the running operation draws on top."""
        return self._times.supply_ua[self._operation.psize] if self._operation is not None else 0

    @property
    def psize(self) -> int:
        shift = self._control.psize_shift
        return 0 if shift is None else self._cr >> shift & 3

    def next_change_ns(self) -> int:
        """When SR will next change by itself."""
        when_ns = NEVER_NS if self._crc_end is None else self._crc_end.when_ns
        end = self._end
        if end is None:
            return when_ns
        if self._config.bsy_drops_between_steps:
            when_ns = min(when_ns, self._next_bsy_edge_ns(end))
        return min(when_ns, end.when_ns)

    # --- reset and power ----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """A system reset, or the loss of the supply: what runs is cut where it is."""
        self.settle()
        if self._end is not None and self._operation is not None:
            duration_ns = max(self._end.when_ns - self._started_ns, 1)
            fraction = (self._clock.now_ns - self._started_ns) / duration_ns
            self._end.cancel()
            self._end = None
            self._operation.cut(fraction)
            self._operation = None
        self._waiting = None
        if self._crc_end is not None:
            self._crc_end.cancel()
            self._crc_end = None
        self.settles = False
        self._reset_registers()

    def _reset_registers(self) -> None:
        self._cr = self._control.reset & ~reg.LOCK
        self._flags = 0
        self._ecc_word = 0
        self._ecc_latched = False
        self._lock.reset()
        self._crc.reset()
        self._drop_buffer()

    def _drop_buffer(self) -> None:
        self._buffer_word = -1
        self._buffer = bytearray(b"\xff" * self._array.geometry.word_size)
        self._filled = 0

    def settle(self) -> None:
        """What has ended by now is over, even when the core, which runs behind the clock, looks before the event."""
        if self._end is None and self._crc_end is None:
            return
        now_ns = self._clock.now_ns
        while self._end is not None and now_ns >= self._end.when_ns:
            self._end.cancel()
            self._finish()
        if self._crc_end is not None and now_ns >= self._crc_end.when_ns:
            self._crc_end.cancel()
            self._crc_finished()

    # --- registers ----------------------------------------------------------------------------------------------------

    def read_register(self, register: int) -> int:
        if register == reg.SR:
            return self.status
        if register == reg.CR:
            return self._cr | (reg.LOCK if self._lock.locked else 0)
        if register == reg.ECC_FA:
            return self._ecc_word
        if register == reg.CRCCR:
            return self._crc.control
        if register == reg.CRCSADD:
            return self._crc.start_address
        if register == reg.CRCEADD:
            return self._crc.end_address
        if register == reg.CRCDATA:
            return self._crc.data
        return 0

    def write_register(self, register: int, value: int) -> None:
        if register != reg.KEYR and self._lock.between_keys:
            self.refuse_key(register)
        if register == reg.CR:
            self._write_cr(value)
        elif register == reg.CCR:
            self._flags &= ~(value & self._control.flags)
            if not self._flags & (reg.SNECCERR | reg.DBECCERR):
                self._ecc_latched = False
                self._ecc_word = 0
        elif register == reg.KEYR:
            if not self._lock.write(value):
                self._key_error(register)
        elif register == reg.CRCCR:
            self._write_crc_control(value)
        elif register == reg.CRCSADD:
            self._crc.start_address = value & reg.CRC_ADDRESS_MASK
        elif register == reg.CRCEADD:
            self._crc.end_address = value & reg.CRC_ADDRESS_MASK

    def refuse_key(self, register: int) -> None:
        """The two keys did not follow each other, or one came in pieces."""
        self._lock.refuse()
        self._key_error(register)

    def _key_error(self, register: int) -> None:
        if self._config.wrong_key_is_bus_error:
            raise BusError(reg.FLASH_BASE + self.index * reg.BANK_STEP + register, "not the key that was due")

    def flag(self, flags: int) -> None:
        """Set error flags, as far as this die has them."""
        self._flags |= flags & self._control.flags

    @property
    def status(self) -> int:
        """SR."""
        status, end = self._flags, self._end
        if end is not None:
            status |= reg.QW
            if not self._config.bsy_drops_between_steps or not self._between_steps(end):
                status |= reg.BSY
        elif self._around.options_change():
            status |= reg.QW | reg.BSY
        if self._filled:
            status |= reg.WBNE
        if self._crc_end is not None:
            status |= reg.CRC_BUSY
        return status

    def _between_steps(self, end: Event) -> bool:
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

    def _write_cr(self, value: int) -> None:
        if self._lock.locked:
            return
        control = self._control
        if value & control.start and value & (reg.SER | reg.BER):
            self._wait_for_queue()
        had_crc = self._cr & reg.CRC_EN
        self._cr = value & control.kept
        if had_crc and not value & reg.CRC_EN:
            self._crc.clear()
        if not value & reg.PG and self._buffer_word >= 0:
            self._drop_buffer()
        if value & control.force_write and self._filled:
            self._program_buffer()
        if value & control.start and value & (reg.SER | reg.BER):
            self._around.hold_registers()
            if self.ignored_starts:
                self.ignored_starts -= 1
            elif value & reg.BER:
                self.start_bank_erase()
            else:
                self._start_erase(value >> control.sector_shift & control.sector_mask, 1, self._times.sector_erase_us)
        if value & reg.LOCK:
            self._lock.locked = True

    def start_bank_erase(self) -> None:
        self._start_erase(0, self._array.geometry.sectors_per_bank, self._times.bank_erase_us)

    def _start_erase(self, first: int, count: int, spans: tuple[tuple[int, int], ...]) -> None:
        sectors = range(first, first + count)
        beyond = sectors.stop > self._array.geometry.sectors_per_bank
        if beyond or self._readout_protected() or not self.limits.protected.isdisjoint(sectors):
            self.flag(reg.WRPERR)
            return
        operation = Erase(self._array, self._config, self._first_sector + first, count, self.psize)
        duration_ns = self._timer.draw_ns(spans[self.psize])
        if self._array.slow_erase_ms:
            duration_ns = max(duration_ns, self._slow_erase_ns(sectors))
        self._begin(operation, duration_ns)

    def _slow_erase_ns(self, sectors: range) -> int:
        """How long the tired ones among them take."""
        slow = self._array.slow_erase_ms
        return int(1_000_000 * sum(slow.get(self._first_sector + sector, 0) for sector in sectors))

    def _readout_protected(self) -> bool:
        return self._around.system.readout_closed

    # --- write buffer -------------------------------------------------------------------------------------------------

    def _wait_for_queue(self) -> None:
        """One operation runs, one waits; raises BusWait for a third."""
        if self._waiting is not None and self._end is not None:
            raise BusWait(self._end.when_ns)

    def buffer_write(self, address: int, size: int, value: int) -> None:
        """A write on the bus to this bank. Raises BusWait while the queue is full, if the bus is modelled to stall."""
        if self._waiting is not None:
            if self._config.write_while_busy == "wait":
                self._wait_for_queue()
            self._sequence_error()
            return
        offset = address - self._base
        word, start = divmod(offset, self._word_size)
        control = self._cr
        stray = control & _ERASE_BITS and self._config.erase_bits_block_programming
        if self._lock.locked or not control & reg.PG or stray or self._flags & _SEQUENCE_ERRORS:
            self._sequence_error()
            return
        protected = self.limits.protected
        sector = offset // self._sector_size - self._first_sector
        if self._around.system.readout_closed or (protected and sector in protected):
            self.flag(reg.WRPERR)
            return
        if self._buffer_word < 0:
            self._buffer_word = word
        elif self._buffer_word != word:
            self.flag(reg.INCERR)
            self._drop_buffer()
            return
        lanes = ((1 << size) - 1) << start
        if self._filled & lanes:
            # The new bytes replace the old ones, and are programmed.
            self.flag(reg.STRBERR)
        self._filled |= lanes
        self._buffer[start : start + size] = value.to_bytes(size, "little")
        if self._filled == self._full:
            self._program_buffer()

    def _sequence_error(self) -> None:
        self.flag(reg.PGSERR)
        self._drop_buffer()

    def _program_buffer(self) -> None:
        operation = ProgramWord(self._array, self._timer.rng, self._buffer_word, bytes(self._buffer), self.psize)
        self._drop_buffer()
        self._begin(operation, self._timer.draw_ns(self._times.program_us[self.psize]))

    # --- operations ---------------------------------------------------------------------------------------------------

    def _begin(self, operation: Operation, duration_ns: int) -> None:
        """Now, or after what runs."""
        if self._end is not None:
            self._waiting = (operation, duration_ns)
            return
        self._run(operation, self._clock.now_ns, duration_ns)
        self._around.guard_changed()

    def _run(self, operation: Operation, start_ns: int, duration_ns: int) -> None:
        self._operation = operation
        self._started_ns = start_ns
        self._end = self._clock.at(start_ns + duration_ns, self._finish)
        self.settles = True

    def _finish(self) -> None:
        operation, end = self._operation, self._end
        self._operation = None
        self._end = None
        self.settles = self._crc_end is not None
        if operation is not None:
            good = operation.finish()
            if self._control.psize_shift is not None and operation.psize == X64:
                good = good and self._around.system.vdd_mv >= X64_MIN_MV
            self.flag(reg.EOP if good else reg.OPERR)
        if self._waiting is not None and end is not None:
            operation, duration_ns = self._waiting
            self._waiting = None
            self._run(operation, end.when_ns, duration_ns)
        self._around.guard_changed()

    # --- reads of the array -------------------------------------------------------------------------------------------

    def check_read(self, address: int) -> bool:
        """Raises BusWait or BusError; true when the read passes and is to find nothing but zeros."""
        if self._end is not None:
            if self._config.read_while_busy_waits:
                raise BusWait(self._end.when_ns)
            raise BusError(address, "flash is busy")
        geometry = self._array.geometry
        offset = address - geometry.base - self.index * geometry.bank_size
        limits = self.limits
        if self._readout_protected() or offset in limits.execute_only:
            self.flag(reg.RDPERR)
            raise BusError(address, "readout protection")
        if offset in limits.secure:
            self.flag(reg.RDSERR)
            return True
        return False

    def ecc_error(self, array_word: int, *, double: bool) -> None:
        """A read met a word with a broken ECC; the address of the first one is kept until both flags are cleared."""
        self.flag(reg.DBECCERR if double else reg.SNECCERR)
        if not self._ecc_latched:
            self._ecc_latched = True
            self._ecc_word = array_word - self._first_word

    # --- CRC ----------------------------------------------------------------------------------------------------------

    def _write_crc_control(self, value: int) -> None:
        if not self._cr & reg.CRC_EN or self._lock.locked or self._crc_end is not None:
            return
        if self._crc.write_control(value):
            duration_ns, refused = self._crc.run(self.limits)
            if refused:
                self.flag(reg.CRCRDERR)
            self._crc_end = self._clock.after(duration_ns, self._crc_finished)
            self.settles = True

    def _crc_finished(self) -> None:
        self._crc_end = None
        self.settles = self._end is not None
        self.flag(reg.CRCEND)
