"""Flash patch and breakpoint unit, revision 2: eight hardware breakpoints anywhere in the code space (C1.11)."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.core import regs as r

_COMPARATORS_END = r.FP_COMP0 + 4 * r.FP_COMPARATORS
_LITERAL = _COMPARATORS_END
_BREAKPOINT_ENABLE = 1 << 0


class Fpb:
    """``on_change(addresses)`` is told the breakpoints that are in force."""

    def __init__(self, on_change: Callable[[set[int]], None]) -> None:
        self._on_change = on_change
        self._control = 0
        self._literal = 0
        self._comparators = [0] * r.FP_COMPARATORS

    def power_on_reset(self) -> None:
        self._control = 0
        self._literal = 0
        self._comparators = [0] * r.FP_COMPARATORS
        self._on_change(set())

    def read(self, address: int) -> int:
        if address == r.FP_CTRL:
            return r.FP_CTRL_FIXED | self._control
        if r.FP_COMP0 <= address < _COMPARATORS_END:
            return self._comparators[(address - r.FP_COMP0) // 4]
        return self._literal if address == _LITERAL else 0

    def write(self, address: int, value: int) -> None:
        if address == r.FP_CTRL:
            if not value & r.FP_CTRL_KEY:
                return
            self._control = value & r.FP_CTRL_ENABLE
        elif r.FP_COMP0 <= address < _COMPARATORS_END:
            self._comparators[(address - r.FP_COMP0) // 4] = value
        else:
            if address == _LITERAL:
                self._literal = value
            return
        self._on_change(self._in_force())

    def _in_force(self) -> set[int]:
        if not self._control:
            return set()
        return {value & ~1 for value in self._comparators if value & _BREAKPOINT_ENABLE}
