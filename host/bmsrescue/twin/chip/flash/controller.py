"""The flash controller: its banks and what they share (RM0468, RM0433, RM0455 chapter 4)."""

from __future__ import annotations

import random
from collections.abc import Callable

from bmsrescue.twin.chip.bus import BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.bank import FlashBank, Surroundings
from bmsrescue.twin.chip.flash.limits import NO_LIMITS, ReadLimits, Span
from bmsrescue.twin.chip.flash.operation import Erase
from bmsrescue.twin.chip.flash.option_bytes import OptionBytes
from bmsrescue.twin.chip.flash.option_controller import OptionController
from bmsrescue.twin.chip.flash.timing import FlashTimer
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import NEVER_NS, VirtualClock


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
        self.on_read_limits: Callable[[ReadLimits], None] = lambda limits: None
        """What the core's own reads are refused has changed."""
        self._read_limits = NO_LIMITS
        self.reads_blocked = False
        """Any reason why a read of the array needs a closer look: an operation, readout protection, PCROP."""
        self._clock = clock
        self._system = system
        self._array = array
        self._options = options
        self._config = config
        self._held_until_ns = 0
        self._acr = config.die.control.acr_reset
        timer = FlashTimer(rng, config)
        around = Surroundings(
            clock,
            system,
            array,
            options,
            config,
            timer,
            self._hold_registers,
            lambda: self.option_controller.busy,
            self.update_read_guard,
        )
        self.banks = tuple(FlashBank(around, index) for index in range(array.geometry.banks))
        self._base, self._bank_size = array.geometry.base, array.geometry.bank_size
        self.option_controller = OptionController(
            clock, options, timer, config, self._erase_for_regression, self._change_ended, self._mass_erase
        )

    # --- state others look at -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """QW of any bank: an operation is running."""
        self._settle()
        return any(bank.running for bank in self.banks)

    @property
    def busy_until_ns(self) -> int | None:
        """When the last running operation ends."""
        return max((end for bank in self.banks if (end := bank.busy_until_ns) is not None), default=None)

    @property
    def supply_ua(self) -> int:
        """What the running operations draw on top."""
        return sum(bank.supply_ua for bank in self.banks)

    def ignore_starts(self, count: int = 1) -> None:
        """The next ``count`` erases that are started in each bank are not begun, and nothing shows it."""
        for bank in self.banks:
            bank.ignored_starts = count

    def next_change_ns(self, address: int) -> int:
        """When the register at ``address`` will next change by itself."""
        register = address & (reg.BANK_STEP - 4)
        if register != reg.SR and register != reg.OPTSR_CUR:
            return NEVER_NS
        end_ns = self.option_controller.busy_until_ns or NEVER_NS
        return end_ns if register != reg.SR else min(end_ns, self._bank_of_register(address & 0x3FC).next_change_ns())

    def update_read_guard(self) -> None:
        """Something changed that may open or close the array for reading."""
        limits = self._read_limits
        self.reads_blocked = limits is not NO_LIMITS or any(bank.running for bank in self.banks)

    def update_read_limits(self) -> None:
        """Option bytes are in force, or a debugger has come: both may close parts of the array."""
        execute_only: list[Span] = []
        secure: list[Span] = []
        for bank in self.banks:
            start = self._array.geometry.base + bank.index * self._bank_size
            for area, spans in ((bank.limits.execute_only, execute_only), (bank.limits.secure, secure)):
                if area:
                    spans.append((start + area.start, len(area)))
        limits = ReadLimits(self._system.readout_closed, tuple(execute_only), tuple(secure))
        limits = NO_LIMITS if limits == NO_LIMITS else limits
        if limits != self._read_limits:
            self._read_limits = limits
            self.on_read_limits(limits)
        self.update_read_guard()

    # --- reset and power ----------------------------------------------------------------------------------------------

    def reset(self, *, flash_powered: bool = True) -> None:
        """A system reset, or the loss of the supply: what runs is cut where it is, and the option bytes load again."""
        for bank in self.banks:
            bank.reset()
        self.option_controller.reset(flash_powered=flash_powered)
        self._acr = self._config.die.control.acr_reset
        self._held_until_ns = 0
        if self._options.take_swap():
            self._array.swap_banks()
        self._options_changed()

    def _change_ended(self) -> None:
        for bank in self.banks:
            bank.flag(reg.EOP)
        self._options_changed()

    def _options_changed(self) -> None:
        self._system.set_readout_level(self._options.current.rdp_level)
        self.update_read_limits()

    def _erase_for_regression(self, fraction: float) -> None:
        erase = Erase(self._array, self._config, 0, self._array.geometry.sectors, 0)
        if fraction >= 1.0:
            erase.finish()
        else:
            erase.cut(fraction)
        self.on_regression(fraction)

    def _mass_erase(self) -> None:
        """OPTCR.MER: all banks at once, where all are unlocked; the H72x has no such bit."""
        if len(self.banks) > 1 and not any(bank.locked or bank.running for bank in self.banks):
            for bank in self.banks:
                bank.start_bank_erase()

    # --- bus: the register block --------------------------------------------------------------------------------------

    def _settle(self) -> None:
        for bank in self.banks:
            if bank.settles:
                bank.settle()
        if self.option_controller.busy:
            self.option_controller.settle()

    def read(self, address: int, size: int) -> int:
        self._settle()
        if self._clock.now_ns < self._held_until_ns:
            raise BusWait(self._held_until_ns)
        offset = address & 0x3FF
        if size == 4 and not offset & 3:
            return self._read_register(offset)
        value = self._read_register(offset & ~3)
        return value >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        self._settle()
        if self._clock.now_ns < self._held_until_ns:
            raise BusWait(self._held_until_ns)
        offset = address & 0x3FF
        register = offset & ~3
        if size != 4:
            if register % reg.BANK_STEP in (reg.KEYR, reg.OPTKEYR):
                self._narrow_key(register)
                raise BusError(address, "key registers take words")
            shift = 8 * (offset & 3)
            mask = ((1 << 8 * size) - 1) << shift
            value = self._read_register(register) & ~mask | value << shift
        self._write_register(register, value)

    def _narrow_key(self, register: int) -> None:
        if register % reg.BANK_STEP == reg.OPTKEYR:
            self.option_controller.refuse_key(register)
        else:
            self._bank_of_register(register).refuse_key(reg.KEYR)

    def _hold_registers(self) -> None:
        self._held_until_ns = self._clock.now_ns + self._config.start_hold_us * 1000

    def _exists(self, register: int) -> bool:
        return register // reg.BANK_STEP < len(self.banks)

    def _bank_of_register(self, register: int) -> FlashBank:
        index = register // reg.BANK_STEP
        return self.banks[index if index < len(self.banks) else 0]

    def _read_register(self, register: int) -> int:
        index, offset = divmod(register, reg.BANK_STEP)
        if index >= len(self.banks):
            return 0
        if offset == reg.SR:  # ahead of all others: this one is polled
            return self.banks[index].status
        if offset == reg.ACR:
            return self._acr
        if self.option_controller.owns(register):
            return self.option_controller.read(register)
        return self.banks[index].read_register(offset)

    def _write_register(self, register: int, value: int) -> None:
        if not self._exists(register):
            return
        if register % reg.BANK_STEP == reg.ACR:
            self._acr = value & reg.ACR_MASK
        elif self.option_controller.owns(register):
            self.option_controller.write(register, value)
        else:
            self._bank_of_register(register).write_register(register % reg.BANK_STEP, value)

    # --- the array ----------------------------------------------------------------------------------------------------

    def buffer_write(self, address: int, size: int, value: int) -> None:
        """A write on the bus to the array. Raises BusWait while an operation runs in that bank."""
        self._settle()
        self.banks[(address - self._base) // self._bank_size].buffer_write(address, size, value)

    def check_read(self, address: int) -> bool:
        """Called for reads while ``reads_blocked``: raises BusWait or BusError; true when the read finds zeros."""
        self._settle()
        return self._bank_of(address).check_read(address)

    def read_stalls_until_ns(self, address: int) -> int | None:
        """Until when a read there is held off, if it is."""
        if not self.reads_blocked or not self._config.read_while_busy_waits:
            return None
        self._settle()
        return self._bank_of(address).busy_until_ns

    def ecc_error(self, word: int, *, double: bool) -> None:
        """A read met a word of the array with a broken ECC."""
        self.banks[word // self._array.geometry.words_per_bank].ecc_error(word, double=double)

    def _bank_of(self, address: int) -> FlashBank:
        return self.banks[(address - self._base) // self._bank_size]
