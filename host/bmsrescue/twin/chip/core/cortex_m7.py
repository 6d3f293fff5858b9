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

from bmsrescue.twin.chip.bus import Bus
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.access import CoreAccess
from bmsrescue.twin.chip.core.debug import DebugUnit
from bmsrescue.twin.chip.core.dwt import Dwt
from bmsrescue.twin.chip.core.engine import Engine, SharedMemory, Stop, StopReason
from bmsrescue.twin.chip.core.exceptions import ExceptionUnit, MemoryFault
from bmsrescue.twin.chip.core.faults import FaultEntry
from bmsrescue.twin.chip.core.flash import FlashShadow
from bmsrescue.twin.chip.core.fpb import Fpb
from bmsrescue.twin.chip.core.ppb import CorePpb
from bmsrescue.twin.chip.core.pure_loop import LONGEST_CYCLES
from bmsrescue.twin.chip.core.regsel import read_register, write_register
from bmsrescue.twin.chip.core.scs import SystemControl
from bmsrescue.twin.chip.core.shortcuts import Shortcuts
from bmsrescue.twin.chip.core.systick import SysTick
from bmsrescue.twin.chip.core.time import NS_PER_S, CoreTime
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.limits import ReadLimits
from bmsrescue.twin.clock import VirtualClock

HSI_HZ = 64_000_000
QUANTUM_CYCLES = 16_384
"""Longest run between looks at interrupts: 256 us at 64 MHz."""
_MASKED_QUANTUM_CYCLES = 64
_ENTRY_CYCLES = 12
_SAMPLE_SPREAD = 7


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
        self._state = CoreState.OFF
        self._time = CoreTime(HSI_HZ)
        self._systick = SysTick(lambda: self.cycles, lambda: self._exceptions.pending.add(r.EXC_SYSTICK))
        self._access = CoreAccess(clock, bus, self._time, self._systick.cycles_to_interrupt)
        self._engine = Engine(memories, self._access.read, self._access.write)
        self._access.engine = self._engine
        self._access.live_pc = self._engine.live_pc
        self._flash: FlashShadow | None = None
        if flash is not None:
            self._flash = FlashShadow(self._engine, flash, self._access.write_flash, config)
            self._access.flash = self._flash
            self._engine.on_watched_read = self._access.touch
        self._running = False
        self._stepping = False
        self._restart = False
        self._flush = False
        self._breakpoints: set[int] | None = None
        self._slice_pc = 0
        self.boot_address = 0x08000000
        """Where the vector table is fetched from at the next reset release."""
        self.on_reset_request: Callable[[], None] = lambda: None
        """AIRCR.SYSRESETREQ was written."""
        self.on_sleep: Callable[[bool], None] = lambda deep: None
        """WFI or WFE was executed; ``deep`` is SCR.SLEEPDEEP."""
        self.on_wake: Callable[[], None] = lambda: None
        self.on_halted: Callable[[bool], None] = lambda halted: None
        """Debug state was entered or left."""
        self._debug = DebugUnit(self)
        self._exceptions = ExceptionUnit(self._engine, self._access)
        self._exceptions.on_entry = self._debug.exception_entered
        self._shortcuts = Shortcuts(
            self._engine, self._access, self._time, self._systick, self._exceptions, self._debug, self._runs_freely
        )
        self._faults = FaultEntry(bus, self._exceptions, self._debug, self._engine, self._flash)
        self._dwt = Dwt(self)
        self._fpb = Fpb(self._breakpoints_changed)
        self._system = SystemControl(self._exceptions, self._reset_requested, self._code_changed, config.die.cache_kib)
        self.ppb = CorePpb(
            self,
            self._debug,
            self._dwt,
            self._fpb,
            self._system,
            self._systick,
            config.shown_device_id,
            config.shown_cpuid,
        )

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
        if self._state is CoreState.RUNNING and not self._running:
            # Samples are to fall on all instructions of a loop: one that is skipped stands at its access all the time,
            # and no loop is in step with a helper that has a clock of its own.
            self._access.forget()
            self._catch_up(self._time.ns_after(1 + self._time.cycles % _SAMPLE_SPREAD) + 1)
        return self._engine.pc if self._state is CoreState.RUNNING else None

    @property
    def cycles(self) -> int:
        """Cycles executed since power-on."""
        return self._time.cycles + self._access.spent if self._running else self._time.cycles

    @property
    def device_reads(self) -> int:
        """Device reads by instructions so far: what idle skipping keeps small."""
        return self._access.reads

    @property
    def exception_cycles(self) -> int:
        """Cycles spent on entering and leaving exceptions."""
        return self._exceptions.moves * _ENTRY_CYCLES

    @property
    def tracing(self) -> bool:
        return self._debug.tracing

    @property
    def frequency_hz(self) -> int:
        return self._time.hz

    def ns_after(self, cycles: int) -> int:
        """The time so many cycles from now."""
        return self._time.ns_after(cycles)

    def set_frequency(self, hz: int) -> None:
        """The core clock changes now; by the core itself in the middle of a run, too."""
        if self._running:
            self._access.count_spent()
        self._time.set_hz(hz)

    def limit_flash_reads(self, limits: ReadLimits) -> None:
        """Option bytes close areas of the flash from now on, or open them."""
        if self._flash is not None:
            self._flash.limits = limits
            self._access.forget()
            self._shortcuts.loop.start_again()

    def ask_flash_busy(self, busy_until_ns: Callable[[int], int | None]) -> None:
        """Where to ask until when reads of an address in flash stall."""
        if self._flash is not None:
            self._flash.busy_until_ns = busy_until_ns

    def set_interrupt(self, line: int, level: bool) -> None:
        """An input of the NVIC changed."""
        self._exceptions.set_level(r.EXC_FIRST_IRQ + line, level)
        if level and self._running:
            self._access.interrupted = True

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
        self._access.forget()
        self._shortcuts.loop.start_again()
        if self._running:
            self._engine.stop()

    def _clear(self) -> None:
        self._exceptions.reset(self.boot_address)
        self._system.reset()
        self._systick.reset()

    def _start(self) -> None:
        self._clear()
        self._flush = True
        self._shortcuts.loop.start_again()
        self._engine.clear_registers()
        self._time.skip_to(self._clock.now_ns)
        self._state = CoreState.RUNNING
        try:
            stack = self._access.load_vector(self.boot_address)
            entry = self._access.load_vector(self.boot_address + 4)
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
        if self._state is CoreState.SLEEPING:
            self.on_wake()
        self._enter(CoreState.HALTED)
        if self._running:
            self._clock.now_ns = self._time.now_ns
        self.on_halted(True)

    def leave_halt(self, *, step: bool) -> None:
        # The debugger may have changed code in RAM behind Unicorn's back.
        self._flush = True
        self._shortcuts.loop.start_again()
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

    # --- execution ----------------------------------------------------------------------------------------------------

    def run_to(self, now_ns: int) -> None:
        """Execute what is due until ``now_ns``. Does nothing when called from within."""
        if not self._running and now_ns > self._time.now_ns:
            self._catch_up(now_ns)

    def _catch_up(self, now_ns: int) -> None:
        clock, time = self._clock, self._time
        shown_ns = clock.now_ns
        self._running = True
        try:
            while True:
                local_ns = time.now_ns
                if clock.due_ns <= local_ns:
                    # What the core's own doing has set for a time that it now reaches.
                    clock.now_ns = local_ns
                    clock.advance(0)
                if local_ns >= now_ns:
                    break
                due_ns, state = clock.due_ns, self._state
                self._target_ns = target_ns = due_ns if due_ns < now_ns else now_ns
                due = (target_ns - time.anchor_ns) * time.hz // NS_PER_S - time.since
                if due <= 0 or state not in _CLOCKED:
                    if target_ns == now_ns:
                        break
                    time.skip_to(target_ns)
                elif state is CoreState.RUNNING:
                    self._run_slice(target_ns, due)
                else:
                    self._sleep(target_ns)
        finally:
            self._running = False
            clock.now_ns = shown_ns
        if self._state not in _CLOCKED:
            self._time.skip_to(now_ns)

    def _sleep(self, now_ns: int) -> None:
        # An interrupt that came between two runs wakes it at once.
        if not self._exceptions.wakes():
            wait = self._systick.cycles_to_interrupt()
            due = self._time.due(now_ns)
            self._time.spend(due if wait is None else max(1, min(due, wait)))
            self._systick.catch_up()
        if self._exceptions.wakes():
            self._state = CoreState.RUNNING
            self.on_wake()

    def _run_slice(self, now_ns: int, due: int) -> None:
        """One run of the engine, or what takes its place; `due`: the cycles until then."""
        pending, access, engine, systick = self._exceptions.pending, self._access, self._engine, self._systick
        if pending and self._take_pending():
            return
        pc = engine.pc
        if self._shortcuts.take(pc, now_ns, due):
            self._debug.retired = True
            return
        budget = due if due < QUANTUM_CYCLES else QUANTUM_CYCLES
        if systick.counts:
            wait = systick.cycles_to_interrupt()
            if wait is not None:
                budget = min(budget, max(1, wait))
        if pending:
            budget = min(budget, _MASKED_QUANTUM_CYCLES)
        single = self._stepping or access.wants_single
        if single:
            budget = 1
        if self._flash is not None:
            self._flash.refresh()
        if self._flush or self._breakpoints is not None:
            self._prepare()
        access.begin(now_ns, single=single)
        self._slice_pc = pc
        loop = self._shortcuts.loop
        if access.look_closely:
            registers = engine.registers()
            with engine.watched_memory() as watched:
                stop = engine.run(budget)
        else:
            watched = None
            if loop.wants_look and budget >= LONGEST_CYCLES:
                stop, budget = loop.look(self._shortcuts.generation)
            else:
                stop = engine.run(budget)
        self._debug.retired = True
        loop.ran(stop.reason is StopReason.BUDGET and not access.spent and not access.counted)
        self._after(stop, budget)
        access.ran(due)
        if watched is not None:
            stays = watched.changed_nothing and engine.pc == pc and engine.registers() == registers
            access.looked(pc, watched.words if stays else None)
        access.spent = 0
        if systick.counts:
            systick.catch_up()

    def touched(self, address: int) -> None:
        """The debugger is about to use memory there."""
        self._shortcuts.touched(address)

    def minds_no_write(self, address: int, size: int, until_ns: int) -> bool:
        """Whether the core only goes round in a loop until then, and uses none of these bytes."""
        return not self._running and self._shortcuts.minds_no_write(address, size, until_ns)

    def _runs_freely(self) -> bool:
        return self._state is CoreState.RUNNING and not self._stepping and not self._flush and self._breakpoints is None

    def _prepare(self) -> None:
        """What may only be done while the engine stands: breakpoints, changed code."""
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
        stalled_ns = self._access.stalled_until_ns(self._exceptions.vector_address(number))
        if stalled_ns is not None:
            self._time.spend(max(1, self._time.due(min(stalled_ns, self._target_ns))))
            return True
        self._shortcuts.loop.forget()
        self._exceptions.take(number)
        self._time.spend(_ENTRY_CYCLES)
        self._settle()
        return True

    def _after(self, stop: Stop, budget: int) -> None:
        reason, time, access = stop.reason, self._time, self._access
        if reason is StopReason.BUDGET:
            time.spend(max(budget - access.counted, 0))
            if self._engine.pc == self._slice_pc:
                self._shortcuts.skip_branch_to_self(self._target_ns)
        elif reason is StopReason.REQUESTED:
            resume_ns, target_ns = access.resume_ns, self._target_ns
            time.spend_until(access.spent, resume_ns if resume_ns < target_ns else target_ns)
            if self._restart:
                self._restart = False
                self._start()
            return
        else:
            time.spend(access.spent + 1)
            self._exceptional(stop)
        self._settle()
        if self._stepping and self._state is not CoreState.HALTED:
            self._debug.halt(r.DFSR_HALTED)

    def _exceptional(self, stop: Stop) -> None:
        if stop.reason is not StopReason.SLEEP:
            self._faults.handle(stop)
        elif not self._stepping and not self._exceptions.wakes():
            self._state = CoreState.SLEEPING
            self.on_sleep(bool(self._system.read(r.SCR) & r.SCR_SLEEPDEEP))

    def _settle(self) -> None:
        if self._exceptions.locked_up and self._state is not CoreState.HALTED:
            self._state = CoreState.LOCKUP
