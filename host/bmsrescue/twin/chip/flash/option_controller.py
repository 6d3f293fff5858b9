"""The option byte half of the flash controller: OPTKEYR, OPTCR, the _CUR and _PRG registers (fact sheet 4.3 step 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.option_bytes import REGISTER_FIELDS, WRITABLE, OptionBytes, OptionValues
from bmsrescue.twin.chip.flash.timing import BANK_ERASE_US, FlashTimer
from bmsrescue.twin.clock import Event, VirtualClock

REGISTERS: Final = frozenset(
    {reg.OPTKEYR, reg.OPTCR, reg.OPTCCR} | set(REGISTER_FIELDS) | {register + 4 for register in REGISTER_FIELDS}
)


class KeyLock:
    """A two-key lock. After a wrong key or a second sequence it stays shut until the next reset, if so configured."""

    __slots__ = ("_keys", "_step", "_sticks", "_stuck", "locked")

    def __init__(self, keys: tuple[int, int], sticks: bool) -> None:
        self._keys = keys
        self._sticks = sticks
        self.reset()

    def reset(self) -> None:
        self.locked = True
        self._step = 0
        self._stuck = False

    def write(self, value: int) -> None:
        if self._stuck:
            return
        if not self.locked or value != self._keys[self._step]:
            self._step = 0
            if self._sticks:
                self._stuck = True
                self.locked = True
            return
        self._step += 1
        if self._step == len(self._keys):
            self._step = 0
            self.locked = False


class OptionController:
    """``erase_for_regression`` empties what a fall from level 1 to 0 must empty; ``on_change`` hears of new values."""

    def __init__(
        self,
        clock: VirtualClock,
        options: OptionBytes,
        timer: FlashTimer,
        config: ChipConfig,
        erase_for_regression: Callable[[float], None],
        on_change: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._options = options
        self._timer = timer
        self._config = config
        self._erase_for_regression = erase_for_regression
        self._on_change = on_change
        self._lock = KeyLock((reg.OPTION_KEY1, reg.OPTION_KEY2), config.wrong_unlock_sticks)
        self._event: Event | None = None
        self._started_ns = 0
        self._error = False
        self._interrupts = 0
        self._regression = False

    @property
    def busy(self) -> bool:
        return self._event is not None

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
            self._options.reload()

    def settle(self) -> None:
        """A change whose time has come is done, even before its event has been run."""
        if self._event is not None and self._clock.now_ns >= self._event.when_ns:
            self._event.cancel()
            self._finish()

    def read(self, register: int) -> int:
        if register == reg.OPTCR:
            return self._interrupts | (reg.OPTLOCK if self._lock.locked else 0)
        field = REGISTER_FIELDS.get(register)
        if field is not None:
            value: int = getattr(self._options.current, field)
            if register == reg.OPTSR_CUR:
                value |= (reg.OPT_BUSY if self.busy else 0) | (reg.OPTCHANGEERR if self._error else 0)
            return value
        field = REGISTER_FIELDS.get(register - 4)
        if field is None:
            return 0
        staged: int = getattr(self._options.staged, field)
        return staged

    def write(self, register: int, value: int) -> None:
        if register == reg.OPTKEYR:
            self._lock.write(value)
        elif register == reg.OPTCCR:
            if value & reg.OPTCHANGEERR:
                self._error = False
        elif register == reg.OPTCR:
            self._write_control(value)
        else:
            field = REGISTER_FIELDS.get(register - 4)
            if field is not None and not self._lock.locked and not self.busy:
                mask = WRITABLE[field]
                kept: int = getattr(self._options.staged, field)
                self._options.staged = replace(self._options.staged, **{field: kept & ~mask | value & mask})

    def _write_control(self, value: int) -> None:
        if self._lock.locked:
            return
        self._interrupts = value & reg.OPTCHANGEERRIE
        if value & reg.OPTSTART and not self._error and not self.busy:
            self._start()
        if value & reg.OPTLOCK:
            self._lock.locked = True

    def _start(self) -> None:
        options = self._options
        if options.change_refused():
            self._error = True
            return
        self._regression = options.current.rdp_level == 1 and options.staged.rdp_level == 0
        duration_ns = self._timer.option_change_ns()
        if self._regression:
            duration_ns += self._timer.draw_ns(BANK_ERASE_US[0])
        self._started_ns = self._clock.now_ns
        self._event = self._clock.after(duration_ns, self._finish)

    def _finish(self) -> None:
        self._event = None
        if self._regression:
            self._erase_for_regression(1.0)
        self._options.commit(self._options.staged)
        self._on_change()

    def _cut(self, event: Event) -> None:
        event.cancel()
        self._event = None
        fraction = (self._clock.now_ns - self._started_ns) / max(event.when_ns - self._started_ns, 1)
        if self._regression:
            # The erase comes first; the level falls only after it.
            self._erase_for_regression(min(fraction, 0.999))
        elif self._config.cut_option_change_rdp1:
            self._options.stored = OptionValues().with_rdp(0x00)
