"""Loads and stores that leave the core: when they happen, what they wait for, which of them only poll."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bmsrescue.twin.chip.bus import PAGE_BITS, Bus, BusError, BusWait
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.engine import Engine, Stop, StopReason
from bmsrescue.twin.chip.core.exceptions import MemoryFault
from bmsrescue.twin.chip.core.flash import FlashShadow
from bmsrescue.twin.chip.core.idle import REMEMBERED, Access, IdleDetector
from bmsrescue.twin.chip.core.time import NS_PER_S, CoreTime
from bmsrescue.twin.clock import NEVER_NS, VirtualClock

_ACCESS_CYCLES = 4
"""What a device access is assumed to have taken while a run is not over."""
_NOTHING: list[Access] = []
_SAME_BEFORE_LOOK = 20
"""After so many runs that polled alike it is looked at what the loop reads: that costs as much as a few runs."""
_SAME_AFTER_FAILURE = -60


def _never(_address: int) -> int:
    """For a device whose registers do not change by themselves."""
    return NEVER_NS


@dataclass(slots=True)
class Poll:
    """A loop of which is known that it only polls: run again, it ends where it began, with the same registers."""

    pc: int
    seen: list[Access]
    """The accesses of a run, the last one undone."""
    turn: list[Access]
    budget: int
    """In so many cycles it came round."""
    words: set[int]
    """What it looks at, and what it writes again, in memory."""
    generation: int
    """Of the flash."""


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
        self._recent = self._idle.recent
        self._next_change: dict[int, Callable[[int], int]] = {}
        """Whom to ask when a register will change, by its page."""
        self.polls: list[Access] = _NOTHING
        """A turn of the loop in which the core was last seen and that is being skipped; empty: none."""
        self._skipped: list[Access] | None = None
        """What this run has accessed, where it has ended in a skipped turn."""
        self._skipped_turn = _NOTHING
        self._before: list[Access] | None = None
        """The same of the run before it."""
        self._budget = 0
        self.same = 0
        """How many runs in a row have polled alike."""
        self.poll: Poll | None = None
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
        self.poll = None
        self._skipped = None

    def forget(self) -> None:
        """The core goes elsewhere: what it polled does not matter any more."""
        self._recent.clear()
        self.polls = _NOTHING
        self.poll = self._before = None
        self.same = 0

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
        time, flash = self._time, self.flash
        self.spent = spent = self.spent + _ACCESS_CYCLES
        now_ns = time.anchor_ns + (time.since + spent) * NS_PER_S // time.hz
        self._clock.now_ns = now_ns if now_ns <= self._target_ns else self._no_later(now_ns)
        self.reads += 1
        if flash is not None and (flash.disturbed or flash.taken != flash.array.generation):
            flash.refresh_data()
        device = self._device_of(address >> PAGE_BITS)
        try:
            value = self._bus.read(address, size) if device is None else device.read(address, size)
        except BusError as error:
            self.engine.stop(Stop(StopReason.DATA_FAULT, error.address))
            return 0
        except BusWait as wait:
            self._hold_off(wait)
            return 0
        access, recent = (self.live_pc(), address, size, value, False), self._recent
        seen = access in recent
        recent.append(access)
        if len(recent) > REMEMBERED:
            del recent[0]
        if seen and not self._single:
            turn = self._idle.turn()
            if turn is not None:
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
        time, recent = self._time, self._recent
        self.spent = spent = self.spent + _ACCESS_CYCLES
        now_ns = time.anchor_ns + (time.since + spent) * NS_PER_S // time.hz
        self._clock.now_ns = now_ns if now_ns <= self._target_ns else self._no_later(now_ns)
        recent.append((self.live_pc(), address, size, value, True))
        if len(recent) > REMEMBERED:
            del recent[0]
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

    def write_flash(self, address: int, size: int, value: int) -> None:
        """As `write`, of a store to the flash array: what does that does not only poll."""
        if self.interrupted:
            self.engine.stop()
            return
        time = self._time
        self.spent = spent = self.spent + _ACCESS_CYCLES
        now_ns = time.anchor_ns + (time.since + spent) * NS_PER_S // time.hz
        self._clock.now_ns = now_ns if now_ns <= self._target_ns else self._no_later(now_ns)
        self._recent.clear()
        try:
            self._device_of(address >> PAGE_BITS, self._bus).write(address, size, value)
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

    def still_polls(self, until_ns: int) -> bool:
        """Whether the loop that was skipped last would go on unchanged until then."""
        if not self.polls:
            return False
        turn, self.polls = self.polls, _NOTHING
        _pc, address, size, value, _write = turn[0]
        if address >= r.PPB_START:
            # A look at SysTick's flag would take it away.
            return False
        self._clock.now_ns = min(self._time.ns_after(1), until_ns)
        try:
            unchanged = self._device_of(address >> PAGE_BITS, self._bus).read(address, size) == value
        except (BusError, BusWait):
            return False
        self._target_ns = until_ns
        if not unchanged or self._next_change_ns(turn) < until_ns:
            return False
        self.polls = turn
        return True

    # --- loops that are known to poll ---------------------------------------------------------------------------------

    @property
    def look_closely(self) -> bool:
        """The core has polled alike for so long that it is worth a look at what else it reads."""
        return self.same == _SAME_BEFORE_LOOK

    def ran(self, budget: int) -> None:
        """A run has ended: has it polled as the one before?"""
        skipped = self._skipped
        if skipped is None or skipped != self._before:
            self.same, self._before, self._budget = 0, skipped, budget
        else:
            self.same += 1
            self._budget = max(self._budget, budget)

    def looked(self, pc: int, words: set[int] | None) -> None:
        """The run that was looked at has used these words of memory and left all as it was; None: it has not."""
        if words is None or self._skipped is None or self.same <= _SAME_BEFORE_LOOK:
            self.same = _SAME_AFTER_FAILURE
            return
        generation = 0 if self.flash is None else self.flash.generation
        self.poll = Poll(pc, self._skipped, self._skipped_turn, self._budget, words, generation)

    def uses(self, address: int, size: int) -> bool:
        """Whether the loop that is known to poll uses one of these bytes of memory."""
        words = self.poll.words if self.poll is not None else ()
        return any(word in words for word in range(address & ~3, address + size, 4))

    def run_again(self, poll: Poll, until_ns: int) -> bool:
        """What a run until then would do, without it; False where something the loop reads has changed."""
        clock, ns_after, device_of = self._clock, self._ns_after, self._device_of
        self._target_ns = until_ns
        spent = 0
        try:
            for _pc, address, size, value, write in poll.seen:
                spent += _ACCESS_CYCLES
                now_ns = ns_after(spent)
                clock.now_ns = now_ns if now_ns <= until_ns else self._no_later(now_ns)
                device = device_of(address >> PAGE_BITS) or self._bus
                if write:
                    device.write(address, size, value)
                elif device.read(address, size) != value:
                    return False
        except (BusError, BusWait):
            return False
        resume_ns = self._next_change_ns(poll.turn)
        if resume_ns <= clock.now_ns:
            return False
        self.reads += sum(not write for *_, write in poll.seen)
        self._time.spend_until(spent, resume_ns)
        return True

    def polls_until(self, poll: Poll, until_ns: int) -> bool:
        """Whether nothing that the loop reads from devices changes before then."""
        clock, shown_ns = self._clock, self._clock.now_ns
        clock.now_ns = self._ns_after(1)
        self._target_ns = until_ns
        try:
            for _pc, address, size, value, write in poll.turn:
                if not write and self._bus.read(address, size) != value:
                    return False
            return self._next_change_ns(poll.turn) >= until_ns
        except (BusError, BusWait):
            return False
        finally:
            clock.now_ns = shown_ns

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
        self.polls = turn if len(turn) == 1 and until_ns >= self._target_ns else _NOTHING
        if len(turn) > 1 and self.spent == _ACCESS_CYCLES * len(self._recent):
            self._skipped, self._skipped_turn = list(self._recent), turn
        self._recent.clear()
        self.engine.stop()

    def _next_change_ns(self, turn: list[Access]) -> int:
        when_ns, known = self._target_ns, self._next_change
        for _pc, address, _size, _value, _write in turn:
            page = address >> PAGE_BITS
            ask = known.get(page)
            if ask is None:
                ask = known[page] = getattr(self._device_of(page), "next_change_ns", _never)
            if ask is not _never:
                change_ns = ask(address)
                if change_ns < when_ns:
                    when_ns = change_ns
        wait = self._timer_cycles()
        return when_ns if wait is None else min(when_ns, self._time.ns_after(wait) + 1)
