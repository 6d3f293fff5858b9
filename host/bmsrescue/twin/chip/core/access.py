"""Loads and stores that leave the core: when they happen, what they wait for, which of them only poll."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.bus import PAGE_BITS, Bus, BusError, BusWait
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.engine import Engine, Stop, StopReason
from bmsrescue.twin.chip.core.exceptions import MemoryFault
from bmsrescue.twin.chip.core.flash import FlashShadow
from bmsrescue.twin.chip.core.idle import Access, IdleDetector
from bmsrescue.twin.chip.core.time import CoreTime
from bmsrescue.twin.clock import NEVER_NS, VirtualClock

_ACCESS_CYCLES = 4
"""What a device access is assumed to have taken while a run is not over."""
_NOTHING: list[Access] = []


class CoreAccess:
    """Device accesses of one run of the engine; ``begin`` starts a run.

    An access stops the run, undone, when the bus holds it off, when it must be the only instruction of a run, or when
    it is one more turn of a loop that only polls: then ``resume_ns`` says when to go on.
    """

    def __init__(self, clock: VirtualClock, bus: Bus, time: CoreTime, timer_cycles: Callable[[], int | None]) -> None:
        self._clock = clock
        self._bus = bus
        self._device_of = bus.pages.get
        self._time = time
        self._ns_after = time.ns_after
        self._timer_cycles = timer_cycles
        self._idle = IdleDetector()
        self._loop_after = self._idle.loop_after
        self._turn: list[Access] = _NOTHING
        self._target_ns = 0
        self._single = False
        self.engine: Engine
        self.live_pc: Callable[[], int]
        """The instruction that makes the access."""
        self.flash: FlashShadow | None = None
        self.reads = 0
        """Device reads by instructions so far: what skipping keeps small."""
        self.spent = 0
        """Cycles assumed to have passed since the run began, or since the clock changed in it."""
        self.counted = 0
        """Cycles of this run that are already in the time."""
        self.resume_ns = 0
        self.wants_single = False
        """The access that stopped the run must be done again as the only instruction of the next."""
        self.interrupted = False
        """An interrupt became pending in this run: the next access ends it, undone."""

    def begin(self, target_ns: int, *, single: bool) -> None:
        """A run of the engine starts now and is to end by ``target_ns``."""
        self._target_ns = target_ns
        self._single = single
        self.spent = 0
        self.counted = 0
        self.resume_ns = 0
        self.wants_single = False
        self.interrupted = False

    def forget(self) -> None:
        """The core goes elsewhere: what it polled does not matter any more."""
        self._idle.clear()
        self._turn = _NOTHING

    def count_spent(self) -> None:
        """Put what has been spent so far into the time, as the core's frequency is about to change."""
        self._time.spend(self.spent)
        self.counted += self.spent
        self.spent = 0

    def read(self, address: int, size: int) -> int:
        if self.interrupted:
            self.engine.stop()
            return 0
        # Accesses to devices are most of what running firmware costs: nothing here is called that can stand here.
        self.spent = spent = self.spent + _ACCESS_CYCLES
        now_ns = self._ns_after(spent)
        self._clock.now_ns = now_ns if now_ns <= self._target_ns else self._no_later(now_ns)
        self.reads += 1
        if self.flash is not None:
            self.flash.refresh_data()
        device = self._device_of(address >> PAGE_BITS)
        try:
            value = self._bus.read(address, size) if device is None else device.read(address, size)
        except BusError as error:
            self.engine.stop(Stop(StopReason.DATA_FAULT, error.address))
            return 0
        except BusWait as wait:
            self._hold_off(wait)
            return 0
        turn = self._loop_after((self.live_pc(), address, size, value, False))
        if turn is not None and not self._single:
            self._skip(turn)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        if self.interrupted:
            self.engine.stop()
            return
        if address >= r.PPB_START and not self._single:
            # Its effect (an exception made pending, a reset) is to come right after this very instruction.
            self.wants_single = True
            self.engine.stop()
            return
        self.spent = spent = self.spent + _ACCESS_CYCLES
        now_ns = self._ns_after(spent)
        self._clock.now_ns = now_ns if now_ns <= self._target_ns else self._no_later(now_ns)
        self._loop_after((self.live_pc(), address, size, value, True))
        device = self._device_of(address >> PAGE_BITS)
        try:
            if device is None:
                self._bus.write(address, size, value)
            else:
                device.write(address, size, value)
        except BusError as error:
            self.engine.stop(Stop(StopReason.DATA_FAULT, error.address))
        except BusWait as wait:
            self._hold_off(wait)

    def touch(self, address: int) -> None:
        """An instruction has read flash that takes notice of it."""
        try:
            self._bus.read(address & ~3, 4)
        except (BusError, BusWait):
            return

    def load(self, address: int) -> int:
        """A word for unstacking or a vector; raises MemoryFault."""
        try:
            return self._bus.read(address, 4)
        except (BusError, BusWait) as error:
            raise MemoryFault from error

    def load_vector(self, address: int) -> int:
        """A word of the vector table; raises MemoryFault."""
        if self.flash is not None and self.flash.serves_vector(address):
            return self.flash.word(address)
        return self.load(address)

    def stalled_until_ns(self, address: int) -> int | None:
        """Until when the flash holds off a fetch from there, if it does."""
        if self.flash is None or not self.flash.contains(address):
            return None
        return self.flash.busy_until_ns(address)

    def store(self, address: int, value: int) -> None:
        """A word for stacking; raises MemoryFault."""
        try:
            self._bus.write(address, 4, value)
        except (BusError, BusWait) as error:
            raise MemoryFault from error

    @property
    def polling(self) -> bool:
        """The core was last seen in a loop that is being skipped."""
        return bool(self._turn)

    def still_polls(self, until_ns: int) -> bool:
        """Whether the loop that was skipped last would go on unchanged until then."""
        if not self._turn:
            return False
        turn, self._turn = self._turn, _NOTHING
        _pc, address, size, value, _write = turn[0]
        if address >= r.PPB_START:
            # A look at SysTick's flag would take it away.
            return False
        self._clock.now_ns = min(self._time.ns_after(1), until_ns)
        try:
            unchanged = self._bus.read(address, size) == value
        except (BusError, BusWait):
            return False
        self._target_ns = until_ns
        if not unchanged or self._next_change_ns(turn) < until_ns:
            return False
        self._turn = turn
        return True

    def _no_later(self, now_ns: int) -> int:
        """When an access happens that would come after the end of its run."""
        return min(now_ns, max(self._target_ns, self._time.now_ns))

    def _hold_off(self, wait: BusWait) -> None:
        """The bus stalls the access: it is done again once the bus is free."""
        until_ns = self._target_ns if wait.until_ns is None else wait.until_ns
        self.resume_ns = max(until_ns, self._clock.now_ns + 1)
        self.engine.stop()

    def _skip(self, turn: list[Access]) -> None:
        """The core polls: go on where something it reads changes, or at the end of what is due."""
        until_ns = self._next_change_ns(turn)
        if until_ns <= self._clock.now_ns:
            return
        self.resume_ns = until_ns
        # Where a value changes there is no need to ask whether it has stayed.
        self._turn = list(turn) if len(turn) == 1 and until_ns >= self._target_ns else _NOTHING
        self._idle.clear()
        self.engine.stop()

    def _next_change_ns(self, turn: list[Access]) -> int:
        when_ns = self._target_ns
        for _pc, address, _size, _value, _write in turn:
            ask = getattr(self._bus.device_at(address), "next_change_ns", None)
            when_ns = min(when_ns, NEVER_NS if ask is None else ask(address))
        wait = self._timer_cycles()
        return when_ns if wait is None else min(when_ns, self._time.ns_after(wait) + 1)
