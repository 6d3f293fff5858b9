"""Data watchpoint and trace unit: the cycle counter, program counter sampling, comparators as storage (C1.8)."""

from __future__ import annotations

from typing import Protocol

from bmsrescue.twin.chip.core import regs as r

_NO_SAMPLE = 0xFFFFFFFF
_COMPARATOR_END = r.DWT_COMP0 + 16 * r.DWT_COMPARATORS
_COUNTERS = frozenset(range(0xE0001008, 0xE000101C, 4))


class DwtTarget(Protocol):
    @property
    def running_pc(self) -> int | None:
        """The program counter, or None while no instructions are executed."""
        ...

    @property
    def cycles(self) -> int: ...

    @property
    def exception_cycles(self) -> int:
        """Cycles spent on entering and leaving exceptions."""
        ...

    @property
    def tracing(self) -> bool:
        """DEMCR.TRCENA."""
        ...


class Dwt:
    """CYCCNT counts the cycles the core executes, EXCCNT those of exceptions.

    Comparators keep what is written and match nothing.
    """

    def __init__(self, core: DwtTarget) -> None:
        self._core = core
        self.reset()

    def reset(self) -> None:
        self._control = 0
        self._count = 0
        self._since = 0
        self._exceptions_since = 0
        self._storage: dict[int, int] = {}

    def read(self, address: int) -> int:
        if address == r.DWT_CTRL:
            return r.DWT_CTRL_FIXED | self._control
        if address == r.DWT_CYCCNT:
            return self._cycle_count()
        if address == r.DWT_EXCCNT:
            counting = self._control & r.DWT_EXCEVTENA and self._core.tracing
            return self._core.exception_cycles - self._exceptions_since & 0xFF if counting else 0
        if address == r.DWT_PCSR:
            pc = self._core.running_pc if self._core.tracing else None
            return _NO_SAMPLE if pc is None else pc
        return self._storage.get(address, 0)

    def write(self, address: int, value: int) -> None:
        if not self._core.tracing:
            return
        if address == r.DWT_CTRL:
            self._set_count(self._cycle_count())
            if value & ~self._control & r.DWT_EXCEVTENA:
                self._exceptions_since = self._core.exception_cycles  # it begins at 0 when it is switched on
            self._control = value & 0x0FFFFFFF
        elif address == r.DWT_CYCCNT:
            self._set_count(value)
        elif address in _COUNTERS or r.DWT_COMP0 <= address < _COMPARATOR_END:
            self._storage[address] = value

    def tracing_changed(self) -> None:
        """TRCENA is about to change: the counter stands still without it."""
        self._set_count(self._cycle_count())

    def _set_count(self, value: int) -> None:
        self._count = value
        self._since = self._core.cycles

    def _cycle_count(self) -> int:
        if not (self._control & r.DWT_CYCCNTENA and self._core.tracing):
            return self._count
        return (self._count + self._core.cycles - self._since) & 0xFFFFFFFF
