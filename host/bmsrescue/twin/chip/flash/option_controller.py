"""The option byte half of the flash controller: OPTKEYR, OPTCR, the _CUR and _PRG registers (RM0468 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bmsrescue.twin.chip.bus import BusError
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.key_lock import KeyLock
from bmsrescue.twin.chip.flash.option_bytes import OF_EACH_BANK, REGISTER_FIELDS, WRITABLE, OptionBytes
from bmsrescue.twin.chip.flash.timing import FlashTimer
from bmsrescue.twin.clock import Event, VirtualClock

_REGISTERS: Final = frozenset(
    {reg.OPTKEYR, reg.OPTCR, reg.OPTCCR} | set(REGISTER_FIELDS) | {register + 4 for register in REGISTER_FIELDS}
)


class OptionController:
    """``erase_for_regression`` empties what a fall from level 1 to 0 must empty; ``on_change`` hears of new values.

    ``mass_erase`` is what OPTCR.MER asks for. Registers come with the offset of the bank's window they were used in.
    """

    def __init__(
        self,
        clock: VirtualClock,
        options: OptionBytes,
        timer: FlashTimer,
        config: ChipConfig,
        erase_for_regression: Callable[[float], None],
        on_change: Callable[[], None],
        mass_erase: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._options = options
        self._timer = timer
        self._config = config
        self._erase_for_regression = erase_for_regression
        self._on_change = on_change
        self._mass_erase = mass_erase
        wpsn = config.sold_as.factory_wpsn
        self._writable = {**WRITABLE, "wpsn": wpsn, "prar2": WRITABLE["prar"], "scar2": WRITABLE["scar"], "wpsn2": wpsn}
        self._lock = KeyLock((reg.OPTION_KEY1, reg.OPTION_KEY2), config.wrong_unlock_sticks)
        self._event: Event | None = None
        self.busy = False
        """A change is running."""
        self._started_ns = 0
        self._error = False
        self._interrupts = 0
        self._regression = False

    @property
    def busy_until_ns(self) -> int | None:
        return self._event.when_ns if self._event is not None else None

    def reset(self, *, flash_powered: bool) -> None:
        """A system reset (or, without ``flash_powered``, a loss of supply): a running change is cut, all reload."""
        self.settle()
        if self._event is not None:
            self._cut(self._event)
        self._lock.reset()
        self._error = False
        self._interrupts = 0
        if flash_powered:
            self._options.restage()

    def settle(self) -> None:
        """A change whose time has come is done, even before its event has been run."""
        if self._event is not None and self._clock.now_ns >= self._event.when_ns:
            self._event.cancel()
            self._finish()

    def owns(self, register: int) -> bool:
        return register % reg.BANK_STEP in _REGISTERS

    def _field(self, register: int) -> str | None:
        """The value behind a _CUR register of this die."""
        bank, offset = divmod(register, reg.BANK_STEP)
        field = REGISTER_FIELDS.get(offset)
        if field == "optsr2" and not self._config.die.has_optsr2:
            return None
        return f"{field}2" if bank and field in OF_EACH_BANK else field

    def read(self, register: int) -> int:
        offset = register % reg.BANK_STEP
        if offset == reg.OPTCR:
            swapped = reg.SWAP_BANK if self._options.swapped else 0
            return self._interrupts | (reg.OPTLOCK if self._lock.locked else 0) | swapped
        field = self._field(register)
        if field is not None:
            value: int = getattr(self._options.current, field)
            if offset == reg.OPTSR_CUR:
                value |= (reg.OPT_BUSY if self.busy else 0) | (reg.OPTCHANGEERR if self._error else 0)
            return value
        field = self._field(register - 4)
        if field is None:
            return 0
        staged: int = getattr(self._options.staged, field)
        return staged

    def write(self, register: int, value: int) -> None:
        offset = register % reg.BANK_STEP
        if offset != reg.OPTKEYR and self._lock.between_keys:
            self.refuse_key(register)
        if offset == reg.OPTKEYR:
            if not self._lock.write(value):
                self._key_error(register)
        elif offset == reg.OPTCCR:
            if value & reg.OPTCHANGEERR:
                self._error = False
        elif offset == reg.OPTCR:
            self._write_control(value)
        else:
            field = self._field(register - 4)
            if field is not None and not self._lock.locked and not self.busy:
                mask = self._writable[field]
                kept: int = getattr(self._options.staged, field)
                self._options.staged = replace(self._options.staged, **{field: kept & ~mask | value & mask})

    def refuse_key(self, register: int) -> None:
        """The two keys did not follow each other, or one came in pieces."""
        self._lock.refuse()
        self._key_error(register)

    def _key_error(self, register: int) -> None:
        if self._config.wrong_key_is_bus_error:
            raise BusError(reg.FLASH_BASE + register, "not the key that was due")

    def _write_control(self, value: int) -> None:
        if self._lock.locked:
            return
        self._interrupts = value & reg.OPTCHANGEERRIE
        if value & reg.OPTSTART and not self._error and not self.busy:
            self._start()
        if value & reg.MER:
            self._mass_erase()
        if value & reg.OPTLOCK:
            self._lock.locked = True

    def _start(self) -> None:
        options = self._options
        if options.change_refused():
            self._error = True
            return
        if options.staged == options.current:
            return
        self._regression = options.current.rdp_level == 1 and options.staged.rdp_level == 0
        duration_ns = self._timer.option_change_ns()
        if self._regression:
            duration_ns += self._timer.draw_ns(self._config.die.times.bank_erase_us[0])
        self._started_ns = self._clock.now_ns
        self._event = self._clock.after(duration_ns, self._finish)
        self.busy = True

    def _finish(self) -> None:
        self._event = None
        self.busy = False
        if self._regression:
            self._erase_for_regression(1.0)
        self._options.commit(self._options.staged)
        self._on_change()

    def _cut(self, event: Event) -> None:
        event.cancel()
        self._event = None
        self.busy = False
        fraction = (self._clock.now_ns - self._started_ns) / max(event.when_ns - self._started_ns, 1)
        if self._regression:
            # The erase comes first; the level falls only after it.
            self._erase_for_regression(min(fraction, 0.999))
        elif self._config.cut_option_change_rdp1:
            self._options.stored = self._options.factory.with_rdp(0x00)
            self._options.reload()
