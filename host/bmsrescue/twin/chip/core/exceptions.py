"""Exceptions: what is pending, enabled and active, entry and return, fault status and its escalation.

Follows ARMv7-M (DDI0403E) B1.5. The floating-point context is stacked at once where hardware may do so lazily.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from unicorn.arm_const import (
    UC_ARM_REG_BASEPRI,
    UC_ARM_REG_CONTROL,
    UC_ARM_REG_FAULTMASK,
    UC_ARM_REG_LR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_PSP,
    UC_ARM_REG_R0,
)

from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.engine import Engine

_IPSR = 0x1FF
_XPSR_T = 1 << 24
_XPSR_FLAGS = 0xF80F0000
_FRAME_WORDS = 8
_FP_WORDS = 18
"""S0 to S15, FPSCR, and a word to keep the frame aligned."""
_FRAME_ALIGNED = 1 << 9
_CONTROL_SPSEL = 1 << 1
_CONTROL_FPCA = 1 << 2
_BASIC_FRAME = 1 << 4
"""In EXC_RETURN: no floating-point context was stacked."""
_R12 = UC_ARM_REG_R0 + 12
_LOWEST_PRIORITY = 256
_ENABLE_BIT = {
    r.EXC_MEMMANAGE: r.SHCSR_MEMFAULTENA,
    r.EXC_BUSFAULT: r.SHCSR_BUSFAULTENA,
    r.EXC_USAGEFAULT: r.SHCSR_USGFAULTENA,
}


class MemoryFault(Exception):
    """A stacking, unstacking or vector access failed."""


class CoreMemory(Protocol):
    """The core's own loads and stores outside instructions; loads and stores raise MemoryFault."""

    def load(self, address: int) -> int: ...

    def load_vector(self, address: int) -> int: ...

    def stalled_until_ns(self, address: int) -> int | None:
        """Until when the flash holds off a fetch from there, if it does."""
        ...

    def store(self, address: int, value: int) -> None: ...


class ExceptionUnit:
    """State of all exceptions of one core."""

    def __init__(self, engine: Engine, memory: CoreMemory) -> None:
        self._engine = engine
        self._memory = memory
        self.moves = 0
        """Entries and returns so far."""
        self.on_entry: Callable[[int, int], None] = lambda number, cause: None
        """Called after an entry with the exception number and the CFSR bits that led to it (vector catch)."""
        self.reset(0)

    def reset(self, vector_table: int) -> None:
        self.vtor = vector_table
        self.prigroup = 0
        self.shcsr = 0
        self.cfsr = 0
        self.hfsr = 0
        self.mmfar = 0
        self.bfar = 0
        self.abfsr = 0
        self.pending: set[int] = set()
        self._causes: dict[int, int] = {}
        self.active: list[int] = []
        self.enabled: set[int] = set()
        self._high: set[int] = set()
        """Interrupts whose input is high: they become pending again when their handler returns."""
        self.priorities = bytearray(r.EXC_FIRST_IRQ + r.NVIC_LINES)
        self.locked_up = False
        self.stacks_fp = True
        """FPCCR.ASPEN: a floating-point context is stacked where there is one."""

    # --- priorities ---------------------------------------------------------------------------------------------------

    def priority(self, number: int) -> int:
        fixed = {r.EXC_RESET: -3, r.EXC_NMI: -2, r.EXC_HARDFAULT: -1}.get(number)
        return self.priorities[number] & 0xF0 if fixed is None else fixed

    def execution_priority(self) -> int:
        engine = self._engine
        priority = min((self.priority(number) for number in self.active), default=_LOWEST_PRIORITY)
        basepri = engine.read(UC_ARM_REG_BASEPRI) & 0xF0
        if basepri:
            priority = min(priority, basepri)
        if engine.read(UC_ARM_REG_PRIMASK) & 1:
            priority = min(priority, 0)
        if engine.read(UC_ARM_REG_FAULTMASK) & 1:
            priority = min(priority, -1)
        return priority

    def _ready(self) -> list[int]:
        return [n for n in self.pending if n < r.EXC_FIRST_IRQ or n in self.enabled]

    def vector_address(self, number: int) -> int:
        return self.vtor + 4 * number

    def wakes(self) -> bool:
        """Whether a pending exception ends WFI (PRIMASK does not matter)."""
        return bool(self._ready())

    def next_to_take(self) -> int | None:
        """The pending exception that preempts what is running, if any."""
        ready = self._ready()
        if not ready:
            return None
        best = min(ready, key=lambda n: (self.priority(n), n))
        return best if self.priority(best) < self.execution_priority() else None

    def set_level(self, number: int, level: bool) -> None:
        """An interrupt's input: rising makes it pending, and it stays so (DDI0403E B3.4.1)."""
        if not level:
            self._high.discard(number)
            return
        self._high.add(number)
        if number not in self.active:
            self.pending.add(number)

    def clear_pending(self, numbers: set[int]) -> None:
        """By software: it has no effect where the input is still high."""
        self.pending -= numbers - self._high

    # --- entry and return ---------------------------------------------------------------------------------------------

    def take(self, number: int, cause: int = 0) -> None:
        """Enter exception ``number`` with the program counter as return address.

        While the flash holds off the fetch of its vector it stays pending instead.
        """
        if self._memory.stalled_until_ns(self.vector_address(number)) is not None:
            self.pending.add(number)
            self._causes[number] = cause
            return
        self.pending.discard(number)
        cause |= self._causes.pop(number, 0)
        engine = self._engine
        handler_mode = bool(engine.xpsr & _IPSR)
        process_stack = not handler_mode and bool(engine.read(UC_ARM_REG_CONTROL) & _CONTROL_SPSEL)
        try:
            self._push_frame(UC_ARM_REG_PSP if process_stack else UC_ARM_REG_MSP)
        except MemoryFault:
            self.cfsr |= r.CFSR_STKERR
            if number == r.EXC_HARDFAULT or self.execution_priority() < 0:
                self._enter(r.EXC_HARDFAULT, handler_mode, process_stack, 0xFFFFFFFF)
                self._lock_up()
                return
            number, cause = r.EXC_HARDFAULT, cause | r.CFSR_STKERR
            self.hfsr |= r.HFSR_FORCED
        try:
            vector = self._memory.load_vector(self.vector_address(number))
        except MemoryFault:
            self.hfsr |= r.HFSR_VECTTBL
            if number == r.EXC_HARDFAULT:
                self._lock_up()
                return
            number, cause = r.EXC_HARDFAULT, cause | r.CFSR_IBUSERR
            try:
                vector = self._memory.load_vector(self.vector_address(number))
            except MemoryFault:
                self._lock_up()
                return
        self._enter(number, handler_mode, process_stack, vector)
        self.on_entry(number, cause)

    def _enter(self, number: int, handler_mode: bool, process_stack: bool, vector: int) -> None:
        """LR, stack, xPSR and program counter of a handler."""
        engine = self._engine
        control = engine.read(UC_ARM_REG_CONTROL)
        exc_return = 0xFFFFFFF1 if handler_mode else 0xFFFFFFFD if process_stack else 0xFFFFFFF9
        if self._has_fp(control):
            exc_return &= ~_BASIC_FRAME
        engine.write(UC_ARM_REG_LR, exc_return)
        engine.write(UC_ARM_REG_CONTROL, control & ~(_CONTROL_SPSEL | _CONTROL_FPCA))
        engine.xpsr = engine.xpsr & _XPSR_FLAGS | number | (_XPSR_T if vector & 1 else 0)
        engine.pc = vector & ~1
        self.active.append(number)
        self.moves += 1

    def leave(self, exc_return: int) -> None:
        """Return from the active exception to where EXC_RETURN says."""
        engine = self._engine
        number = engine.xpsr & _IPSR
        kind = exc_return & 0xF
        extended = not exc_return & _BASIC_FRAME
        if number not in self.active or kind not in (0x1, 0x9, 0xD):
            self.raise_fault(r.EXC_USAGEFAULT, r.CFSR_INVPC)
            return
        self.active.remove(number)
        if number in self._high:
            self.pending.add(number)
        self.moves += 1
        if number != r.EXC_NMI:
            engine.write(UC_ARM_REG_FAULTMASK, 0)
        stack = UC_ARM_REG_PSP if kind == 0xD else UC_ARM_REG_MSP
        sp = engine.read(stack)
        try:
            words = _FRAME_WORDS + _FP_WORDS if extended else _FRAME_WORDS
            frame = [self._memory.load(sp + 4 * word) for word in range(words)]
        except MemoryFault:
            self.raise_fault(r.EXC_BUSFAULT, r.CFSR_UNSTKERR)
            return
        for index in range(4):
            engine.write(UC_ARM_REG_R0 + index, frame[index])
        engine.write(_R12, frame[4])
        engine.write(UC_ARM_REG_LR, frame[5])
        xpsr = frame[7]
        engine.write(stack, sp + 4 * words + (4 if xpsr & _FRAME_ALIGNED else 0))
        if extended:
            engine.write_fp(frame[_FRAME_WORDS : _FRAME_WORDS + 17])
        control = engine.read(UC_ARM_REG_CONTROL) & ~(_CONTROL_SPSEL | _CONTROL_FPCA)
        control |= _CONTROL_FPCA if extended else 0
        engine.write(UC_ARM_REG_CONTROL, control | (_CONTROL_SPSEL if kind == 0xD else 0))
        engine.xpsr = xpsr & ~_FRAME_ALIGNED
        engine.pc = frame[6] & ~1

    def _has_fp(self, control: int) -> bool:
        return bool(control & _CONTROL_FPCA) and self.stacks_fp

    def _push_frame(self, stack: int) -> None:
        engine = self._engine
        sp = engine.read(stack)
        aligned = bool(sp & 4)
        fp = [*engine.read_fp(), 0] if self._has_fp(engine.read(UC_ARM_REG_CONTROL)) else []
        frame_at = (sp - 4 * (_FRAME_WORDS + len(fp)) - (4 if aligned else 0)) & 0xFFFFFFFF
        words = [engine.read(UC_ARM_REG_R0 + index) for index in range(4)]
        words += [engine.read(_R12), engine.read(UC_ARM_REG_LR), engine.pc]
        words.append(engine.xpsr & ~_FRAME_ALIGNED | (_FRAME_ALIGNED if aligned else 0))
        # The stack pointer moves even where the frame cannot be written.
        engine.write(stack, frame_at)
        for index, word in enumerate(words + fp):
            self._memory.store(frame_at + 4 * index, word)

    # --- faults -------------------------------------------------------------------------------------------------------

    def raise_fault(self, number: int, cause: int, address: int | None = None) -> None:
        """Record a fault's cause (CFSR bits) and enter its handler, or HardFault, or lockup."""
        self.cfsr |= cause
        if address is not None and number == r.EXC_BUSFAULT:
            self.cfsr |= r.CFSR_BFARVALID
            self.bfar = address
        elif address is not None:
            self.cfsr |= r.CFSR_MMARVALID
            self.mmfar = address
        current = self.execution_priority()
        if self.shcsr & _ENABLE_BIT[number] and self.priority(number) < current:
            self.take(number, cause)
            return
        self._hard_fault(r.HFSR_FORCED, cause, current)

    def debug_event_fault(self) -> None:
        """BKPT with halting debug disabled."""
        self._hard_fault(r.HFSR_DEBUGEVT, 0, self.execution_priority())

    def supervisor_call(self) -> None:
        """SVC: its handler, or HardFault when its priority does not allow it."""
        if self.priority(r.EXC_SVCALL) < self.execution_priority():
            self.take(r.EXC_SVCALL)
        else:
            self._hard_fault(r.HFSR_FORCED, 0, self.execution_priority())

    def _hard_fault(self, status: int, cause: int, current_priority: int) -> None:
        self.hfsr |= status
        if current_priority <= -1:
            self._lock_up()
        else:
            self.take(r.EXC_HARDFAULT, cause)

    def _lock_up(self) -> None:
        self.locked_up = True
        self._engine.pc = 0xFFFFFFFE
