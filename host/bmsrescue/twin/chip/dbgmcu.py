"""DBGMCU: identity, debug clocks, freezes (RM0433 60.5.8; chip.md#dbgmcu). One block, seen at two addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

IDC: Final = 0x00
CR: Final = 0x04
APB3FZ1: Final = 0x34
APB1LFZ1: Final = 0x3C
APB1HFZ1: Final = 0x44
APB2FZ1: Final = 0x4C
APB4FZ1: Final = 0x54

AHB_BASE: Final = 0x5C001000
APB_BASE: Final = 0xE00E1000
SIZE: Final = 0x400

DBGSLEEP_D1: Final = 1 << 0
DBGSTOP_D1: Final = 1 << 1
DBGSTBY_D1: Final = 1 << 2
WWDG1_FREEZE: Final = 1 << 6
IWDG1_FREEZE: Final = 1 << 18

_WRITABLE: Final[dict[int, int]] = {
    CR: 0x107001FF,
    APB3FZ1: WWDG1_FREEZE,
    APB1LFZ1: 0x02E003FF,
    APB1HFZ1: 0x03000000,
    APB2FZ1: 0x00070003,
    APB4FZ1: 0x00051E80,
}


class Dbgmcu:
    """The registers. Values outlast system resets; a power-on reset clears them (unconfirmed)."""

    def __init__(self, idc: int) -> None:
        self._idc = idc
        self._registers = dict.fromkeys(_WRITABLE, 0)

    def power_on_reset(self) -> None:
        self._registers = dict.fromkeys(_WRITABLE, 0)

    @property
    def debug_in_sleep(self) -> bool:
        return bool(self._registers[CR] & DBGSLEEP_D1)

    @property
    def debug_in_stop(self) -> bool:
        return bool(self._registers[CR] & DBGSTOP_D1)

    @property
    def debug_in_standby(self) -> bool:
        return bool(self._registers[CR] & DBGSTBY_D1)

    @property
    def freezes_iwdg(self) -> bool:
        """IWDG1 stands still while the core is halted."""
        return bool(self._registers[APB4FZ1] & IWDG1_FREEZE)

    @property
    def freezes_wwdg(self) -> bool:
        return bool(self._registers[APB3FZ1] & WWDG1_FREEZE)

    def read(self, address: int, size: int) -> int:
        offset = address & 0x3FF
        register = offset & ~3
        word = self._idc if register == IDC else self._registers.get(register, 0)
        return word >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        offset = address & 0x3FF
        register = offset & ~3
        writable = _WRITABLE.get(register)
        if writable is None:
            return
        shift = 8 * (offset & 3)
        lanes = ((1 << 8 * size) - 1) << shift
        old = self._registers[register]
        self._registers[register] = (old & ~lanes | value << shift & lanes) & writable


class HiddenDbgmcu:
    """DBGMCU at 0x5C001000: reads 0 and ignores writes while AP2's CSW hides it."""

    def __init__(self, dbgmcu: Dbgmcu, hidden: Callable[[], bool]) -> None:
        self._dbgmcu = dbgmcu
        self._hidden = hidden

    def read(self, address: int, size: int) -> int:
        return 0 if self._hidden() else self._dbgmcu.read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        if not self._hidden():
            self._dbgmcu.write(address, size, value)
