"""The Cortex-M7: lazily executed behind the bench's clock, halted and watched by a debugger.

``run_to`` is called before anything observes the core. While it executes, ``clock.now_ns`` shows the core's own time,
so that every device it touches sees the right instant; afterwards the clock is put back. Devices may have a method
``next_change_ns(address)`` that says when a register's value will next change by itself; polling loops are skipped up
to there. One instruction is one cycle of the core clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, auto

from unicorn.arm_const import UC_ARM_REG_MSP

from ..clock import NEVER_NS, VirtualClock
from . import core_regs as r
from .bus import Bus, BusError, BusWait
from .config import ChipConfig
from .core_debug import DebugUnit
from .core_dwt import Dwt
from .core_engine import Engine, SharedMemory, Stop, StopReason
from .core_exceptions import ExceptionUnit, MemoryFault
from .core_flash import FlashShadow
from .core_fpb import Fpb
from .core_idle import Access, IdleDetector
from .core_ppb import CorePpb
from .core_registers import read_register, write_register
from .core_scs import SystemControl
from .core_systick import SysTick
from .core_time import CoreTime
from .flash_array import FlashArray

HSI_HZ = 64_000_000
QUANTUM_CYCLES = 16_384
"""Longest run between looks at interrupts: 256 us at 64 MHz."""
_MASKED_QUANTUM_CYCLES = 64
_ACCESS_CYCLES = 4
"""What a device access is assumed to have taken while a run is not over."""
_ENTRY_CYCLES = 12
_BRANCH_TO_SELF = 0xE7FE
_NO_ACCESS: list[Access] = []

_EXECUTE_NEVER = ((0x40000000, 0x60000000), (0xE0000000, 0x100000000))
"""Device space: fetching from it is a MemManage fault, not a bus fault (B3.1)."""


class CoreState(Enum):
    OFF = auto()
    RESET = auto()
    RUNNING = auto()
    SLEEPING = auto()
    HALTED = auto()
    LOCKUP = auto()


_CLOCKED = (CoreState.RUNNING, CoreState.SLEEPING)


class CortexM7:
    """One core. ``ppb`` is the bus device for 0xE0000000 to 0xE00FFFFF."""

    def __init__(
        self,
        clock: VirtualClock,
        bus: Bus,
        memories: Iterable[SharedMemory],
        config: ChipConfig,
        flash: FlashArray | None = None,
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._state = CoreState.OFF
        self._time = CoreTime(HSI_HZ)
        self._engine = Engine(memories, self._device_read, self._device_write)
        self._flash: FlashShadow | None = None
        if flash is not None:
            self._flash = FlashShadow(self._engine, flash, self._flash_store, torn_words_fault=config.torn_word_faults)
        self._idle = IdleDetector()
        self._polling: list[Access] = _NO_ACCESS
        self._running = False
        self._stepping = False
        self._one_instruction = False
        self._single = False
        self._restart = False
        self._flush = False
        self._breakpoints: set[int] | None = None
        self._spent = 0
        """Cycles assumed to have passed since the run began, or since the clock changed in it."""
        self._counted = 0
        """Cycles of this run already put into the time by a clock change."""
        self._stall_until_ns = 0
        self._target_ns = 0
        self._slice_pc = 0
        self.boot_address = 0x08000000
        """Where the vector table is fetched from at the next reset release."""
        self.on_reset_request: Callable[[], None] = lambda: None
        """AIRCR.SYSRESETREQ was written."""
        self.on_sleep: Callable[[bool], None] = lambda deep: None
        """WFI or WFE was executed; ``deep`` is SCR.SLEEPDEEP."""
        self.on_halted: Callable[[bool], None] = lambda halted: None
        """Debug state was entered or left."""
        self.device_reads = 0
        """Device reads by instructions so far: what idle skipping keeps small."""
        self._debug = DebugUnit(self)
        self._exceptions = ExceptionUnit(self._engine, self)
        self._exceptions.on_entry = self._debug.exception_entered
        self._dwt = Dwt(self)
        self._fpb = Fpb(self._breakpoints_changed)
        self._systick = SysTick(self._cycles_now, lambda: self._exceptions.pending.add(r.EXC_SYSTICK))
        self._system = SystemControl(self._exceptions, self._reset_requested, self._code_changed)
        self.ppb = CorePpb(self, self._debug, self._dwt, self._fpb, self._system, self._systick)

    # --- state, as others see it --------------------------------------------------------------------------------------

    @property
    def halted(self) -> bool:
        return self._state is CoreState.HALTED

    @property
    def lockup(self) -> bool:
        return self._state is CoreState.LOCKUP

    @property
    def sleeping(self) -> bool:
        return self._state is CoreState.SLEEPING

    @property
    def in_reset(self) -> bool:
        return self._state in (CoreState.RESET, CoreState.OFF)

    @property
    def executing(self) -> bool:
        """True while an access comes from an instruction."""
        return self._running

    @property
    def pc(self) -> int:
        return self._engine.pc

    @property
    def running_pc(self) -> int | None:
        return self._engine.pc if self._state is CoreState.RUNNING else None

    @property
    def cycles(self) -> int:
        """Cycles executed since power-on."""
        return self._cycles_now()

    @property
    def tracing(self) -> bool:
        return self._debug.tracing

    @property
    def frequency_hz(self) -> int:
        return self._time.hz

    def set_frequency(self, hz: int) -> None:
        """The core clock changes now; by the core itself in the middle of a run, too."""
        if self._running:
            self._time.spend(self._spent)
            self._counted += self._spent
            self._spent = 0
        self._time.set_hz(hz)

    def pend_interrupt(self, line: int) -> None:
        """An interrupt line of the NVIC became active."""
        self._exceptions.pending.add(r.EXC_FIRST_IRQ + line)

    def scheduled_sleep_deep(self) -> bool:
        return bool(self._system.read(r.SCR) & 1 << 2)

    # --- power and reset ----------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """VDD or VCORE is gone: everything is lost, the debugger's settings included."""
        self._enter(CoreState.OFF)
        self._debug.power_on_reset()
        self._dwt.reset()
        self._fpb.power_on_reset()

    def reset(self, hold: bool) -> None:
        """A system reset begins (``hold``) or is over: the core fetches its vectors and starts."""
        if hold:
            self._time.skip_to(self._clock.now_ns)
            self._time.set_hz(HSI_HZ)
            self._enter(CoreState.RESET)
            self._debug.system_reset()
            self._clear()
        else:
            self._start()

    def _enter(self, state: CoreState) -> None:
        self._state = state
        self._stepping = False
        self._polling = _NO_ACCESS
        self._idle.clear()
        if self._running:
            self._engine.stop()

    def _clear(self) -> None:
        self._exceptions.reset(self.boot_address)
        self._system.reset()
        self._systick.reset()

    def _start(self) -> None:
        self._clear()
        self._flush = True
        self._engine.clear_registers()
        self._time.skip_to(self._clock.now_ns)
        self._state = CoreState.RUNNING
        try:
            stack = self.load(self.boot_address)
            entry = self.load(self.boot_address + 4)
        except MemoryFault:
            self._exceptions.hfsr |= r.HFSR_VECTTBL
            self._exceptions.locked_up = True
            self._engine.pc = 0xFFFFFFFE
        else:
            self._engine.write(UC_ARM_REG_MSP, stack & ~3)
            self._engine.xpsr = 1 << 24 if entry & 1 else 0
            self._engine.pc = entry & ~1
        if self._debug.catches_reset():
            self._debug.halt(r.DFSR_VCATCH)
        elif self._exceptions.locked_up:
            self._state = CoreState.LOCKUP

    def _reset_requested(self, core_only: bool) -> None:
        if not core_only:
            self.on_reset_request()
            return
        self._debug.system_reset()
        if self._running:
            self._restart = True
            self._engine.stop()
        else:
            self._start()

    def _code_changed(self) -> None:
        self._flush = True

    def _breakpoints_changed(self, addresses: set[int]) -> None:
        self._breakpoints = addresses

    # --- what the debug unit does to the core -------------------------------------------------------------------------

    def enter_halt(self) -> None:
        self._exceptions.locked_up = False
        self._enter(CoreState.HALTED)
        if self._running:
            self._clock.now_ns = self._time.now_ns
        self.on_halted(True)

    def leave_halt(self, *, step: bool) -> None:
        # The debugger may have changed code in RAM behind Unicorn's back.
        self._flush = True
        self._state = CoreState.RUNNING
        self._time.skip_to(self._clock.now_ns)
        self._stepping = step
        self.on_halted(False)
        if step:
            self._catch_up(self._time.ns_after(1) + 1)

    def read_register(self, number: int) -> int:
        return read_register(self._engine, number)

    def write_register(self, number: int, value: int) -> None:
        write_register(self._engine, number, value)

    # --- the core's own accesses outside instructions -----------------------------------------------------------------

    def load(self, address: int) -> int:
        """A word for stacking or a vector; raises MemoryFault."""
        try:
            return self._bus.read(address, 4)
        except (BusError, BusWait) as error:
            raise MemoryFault from error

    def store(self, address: int, value: int) -> None:
        try:
            self._bus.write(address, 4, value)
        except (BusError, BusWait) as error:
            raise MemoryFault from error

    # --- execution ----------------------------------------------------------------------------------------------------

    def run_to(self, now_ns: int) -> None:
        """Execute what is due until ``now_ns``. Does nothing when called from within."""
        if not self._running and now_ns > self._time.now_ns:
            self._catch_up(now_ns)

    def _catch_up(self, now_ns: int) -> None:
        clock = self._clock
        shown_ns = clock.now_ns
        self._running = True
        try:
            while self._fire_due_events(now_ns):
                target_ns = min(now_ns, clock.due_ns)
                self._target_ns = target_ns
                if self._state not in _CLOCKED or self._time.due(target_ns) <= 0:
                    if target_ns == now_ns:
                        break
                    self._time.skip_to(target_ns)
                elif self._state is CoreState.RUNNING:
                    self._run_slice(target_ns)
                else:
                    self._sleep(target_ns)
        finally:
            self._running = False
            clock.now_ns = shown_ns
        if self._state not in _CLOCKED:
            self._time.skip_to(now_ns)

    def _fire_due_events(self, now_ns: int) -> bool:
        """Let happen what the core's own doing has set for a time it now reaches; True while time is left."""
        local_ns = self._time.now_ns
        if self._clock.due_ns <= local_ns:
            self._clock.now_ns = local_ns
            self._clock.advance(0)
        return local_ns < now_ns

    def _sleep(self, now_ns: int) -> None:
        wait = self._systick.cycles_to_interrupt()
        due = self._time.due(now_ns)
        self._time.spend(due if wait is None else max(1, min(due, wait)))
        self._systick.catch_up()
        if self._exceptions.wakes():
            self._state = CoreState.RUNNING

    def _run_slice(self, now_ns: int) -> None:
        """One run of the engine, or what takes its place."""
        if self._exceptions.pending and self._take_pending():
            return
        due = self._time.due(now_ns)
        if self._polling and self._still_polling(now_ns, due):
            return
        budget = min(due, QUANTUM_CYCLES)
        wait = self._systick.cycles_to_interrupt()
        if wait is not None:
            budget = min(budget, max(1, wait))
        if self._exceptions.pending:
            budget = min(budget, _MASKED_QUANTUM_CYCLES)
        self._single, self._one_instruction = self._one_instruction or self._stepping, False
        if self._single:
            budget = 1
        self._prepare()
        self._spent = 0
        self._counted = 0
        self._stall_until_ns = 0
        self._slice_pc = self._engine.pc
        stop = self._engine.run(budget)
        self._debug.retired = True
        self._after(stop, budget)
        self._spent = 0
        self._systick.catch_up()

    def _prepare(self) -> None:
        """What may only be done while the engine stands: breakpoints, changed code, broken flash words."""
        if self._flash is not None:
            self._flash.refresh()
        if self._breakpoints is not None:
            self._engine.set_breakpoints(self._breakpoints)
            self._breakpoints = None
        if self._flush:
            self._engine.forget_translations()
            self._flush = False

    def _take_pending(self) -> bool:
        if self._debug.masks_interrupts:
            return False
        number = self._exceptions.next_to_take()
        if number is None:
            return False
        self._exceptions.take(number)
        self._time.spend(_ENTRY_CYCLES)
        self._settle()
        return True

    def _after(self, stop: Stop, budget: int) -> None:
        reason = stop.reason
        if reason is StopReason.BUDGET:
            self._time.spend(max(budget - self._counted, 0))
            self._skip_branch_to_self()
        elif reason is StopReason.REQUESTED:
            self._time.spend(self._spent)
            if self._stall_until_ns > self._time.now_ns:
                self._time.spend(max(1, self._time.due(min(self._stall_until_ns, self._target_ns))))
            if self._restart:
                self._restart = False
                self._start()
            return
        else:
            self._time.spend(self._spent + 1)
            self._exceptional(stop)
        self._settle()
        if self._stepping and self._state is not CoreState.HALTED:
            self._debug.halt(r.DFSR_HALTED)

    def _exceptional(self, stop: Stop) -> None:
        exceptions = self._exceptions
        reason = stop.reason
        if reason is StopReason.SLEEP:
            if not self._stepping and not exceptions.wakes():
                self._state = CoreState.SLEEPING
                self.on_sleep(self.scheduled_sleep_deep())
        elif reason in (StopReason.BREAKPOINT, StopReason.BKPT):
            self._debug_event()
        elif reason is StopReason.SVC:
            exceptions.supervisor_call()
        elif reason is StopReason.EXCEPTION_RETURN:
            exceptions.leave(self._engine.pc | 1)
        elif reason is StopReason.DATA_FAULT:
            self._latch_flash_error(stop.address)
            exceptions.raise_fault(r.EXC_BUSFAULT, r.CFSR_PRECISERR, stop.address)
        elif reason is StopReason.FETCH_FAULT:
            self._fetch_fault(stop.address)
        elif reason is StopReason.INVALID_STATE:
            exceptions.raise_fault(r.EXC_USAGEFAULT, r.CFSR_INVSTATE)
        else:
            exceptions.raise_fault(r.EXC_USAGEFAULT, r.CFSR_UNDEFINSTR)

    def _debug_event(self) -> None:
        if self._debug.enabled:
            self._debug.halt(r.DFSR_BKPT)
        else:
            self._exceptions.debug_event_fault()

    def _fetch_fault(self, address: int) -> None:
        self._latch_flash_error(address)
        if any(start <= address < end for start, end in _EXECUTE_NEVER):
            self._exceptions.raise_fault(r.EXC_MEMMANAGE, r.CFSR_IACCVIOL)
        else:
            self._exceptions.raise_fault(r.EXC_BUSFAULT, r.CFSR_IBUSERR)

    def _latch_flash_error(self, address: int) -> None:
        """A broken flash word was read: have the flash controller notice it as well."""
        if self._flash is not None and self._flash.contains(address):
            try:
                self._bus.read(address & ~3, 4)
            except (BusError, BusWait):
                return

    def _settle(self) -> None:
        if self._exceptions.locked_up and self._state is not CoreState.HALTED:
            self._state = CoreState.LOCKUP

    def _skip_branch_to_self(self) -> None:
        engine = self._engine
        pc = engine.pc
        if pc != self._slice_pc or engine.halfword(pc) != _BRANCH_TO_SELF or self._exceptions.pending:
            return
        wait = self._systick.cycles_to_interrupt()
        left = self._time.due(self._target_ns)
        self._time.spend(max(0, left if wait is None else min(left, wait)))

    # --- device accesses by instructions ------------------------------------------------------------------------------

    def _cycles_now(self) -> int:
        return self._time.cycles + self._spent if self._running else self._time.cycles

    def _arrive(self) -> None:
        """Let the clock show when the current access happens."""
        self._spent += _ACCESS_CYCLES
        self._clock.now_ns = min(self._time.ns_after(self._spent), max(self._target_ns, self._time.now_ns))

    def _device_read(self, address: int, size: int) -> int:
        self._arrive()
        self.device_reads += 1
        if self._flash is not None:
            self._flash.refresh_data()
        try:
            value = self._bus.read(address, size)
        except BusError as error:
            self._engine.stop(Stop(StopReason.DATA_FAULT, error.address))
            return 0
        except BusWait as wait:
            self._hold_off(wait)
            return 0
        if self._state is not CoreState.RUNNING:
            return value
        turn = self._idle.loop_after((self._engine.pc, address, size, value, False))
        if turn is not None and not self._single:
            self._skip(turn)
        return value

    def _device_write(self, address: int, size: int, value: int) -> None:
        if address >= r.PPB_START and not self._single:
            # Let its effect (a pended exception, a reset) come right after this very instruction.
            self._one_instruction = True
            self._engine.stop()
            return
        self._arrive()
        self._idle.loop_after((self._engine.pc, address, size, value, True))
        try:
            self._bus.write(address, size, value)
        except BusError as error:
            self._engine.stop(Stop(StopReason.DATA_FAULT, error.address))
        except BusWait as wait:
            self._hold_off(wait)

    def _flash_store(self, address: int, size: int, value: int) -> None:
        self._device_write(address, size, value)

    def _hold_off(self, wait: BusWait) -> None:
        """The bus stalls the access: it is done again once the bus is free."""
        until_ns = self._target_ns if wait.until_ns is None else wait.until_ns
        self._stall_until_ns = max(until_ns, self._clock.now_ns + 1)
        self._engine.stop()

    # --- idle loops ---------------------------------------------------------------------------------------------------

    def _skip(self, turn: list[Access]) -> None:
        """The core polls: go on where something it reads changes, or at the end of what is due."""
        until_ns = self._next_change_ns(turn)
        if until_ns <= self._clock.now_ns:
            return
        self._stall_until_ns = until_ns
        self._polling = list(turn) if len(turn) == 1 else _NO_ACCESS
        self._idle.clear()
        self._engine.stop()

    def _next_change_ns(self, turn: list[Access]) -> int:
        when_ns = NEVER_NS
        for _pc, address, _size, _value, _write in turn:
            device = self._bus.device_at(address)
            ask = getattr(device, "next_change_ns", None)
            when_ns = min(when_ns, NEVER_NS if ask is None else ask(address))
        wait = self._systick.cycles_to_interrupt()
        if wait is not None:
            when_ns = min(when_ns, self._time.ns_after(wait) + 1)
        return min(when_ns, self._target_ns)

    def _still_polling(self, now_ns: int, due: int) -> bool:
        """A loop seen before whose register has not changed goes on: spend the time without executing."""
        _pc, address, size, value, _write = self._polling[0]
        self._polling, turn = _NO_ACCESS, self._polling
        self._spent = 0
        self._clock.now_ns = min(self._time.ns_after(1), now_ns)
        try:
            if self._bus.read(address, size) != value:
                return False
        except (BusError, BusWait):
            return False
        if self._next_change_ns(turn) < now_ns:
            return False
        self._time.spend(due)
        self._polling = turn
        return True
