"""Recognising that the core goes round in a loop that uses no device and leaves everything as it was.

An application that waits for nothing, or an error handler that counts nothing: executing it changes nothing but the
time and the place within the loop. Whole turns are skipped, the rest of one is executed, so that the program counter
stands where it would after every single instruction.
"""

from __future__ import annotations

from bmsrescue.twin.chip.core.engine import Engine, Stop, StopReason

_QUIET_BEFORE_LOOK = 24
"""Runs in a row without a device, before a look that costs as much as some fifty."""
_MOST_BEFORE_LOOK = 24 << 10
LONGEST_CYCLES = 1024
"""Of a turn that is still recognised, and of a look."""


class PureLoop:
    """`cycles` of one turn, 0 while none is known. Two runs are looked at: what is executed, then a turn of that."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.cycles = 0
        self.generation = 0
        """Of the flash in which it was found."""
        self._words: set[int] = set()
        self._turn: list[int] = []
        """The instructions of a turn by the program counters alone, to be looked at in the next run."""
        self._quiet = 0
        self._patience = _QUIET_BEFORE_LOOK

    def forget(self) -> None:
        """The core is elsewhere, or what it goes by has changed."""
        self.cycles = self._quiet = 0
        self._turn = []

    def start_again(self) -> None:
        """As `forget`, of another program perhaps."""
        self.forget()
        self._patience = _QUIET_BEFORE_LOOK

    def uses(self, address: int, size: int) -> bool:
        """Whether the loop that is known uses one of these bytes of memory, or is executed from there."""
        return bool(self.cycles) and any(word in self._words for word in range(address & ~3, address + size, 4))

    def ran(self, quiet: bool) -> None:
        """A run came to the end of its budget without a device (`quiet`); or it was another one."""
        if quiet:
            self._quiet += 1
        elif self._quiet or self.cycles or self._turn:
            self.forget()

    @property
    def wants_look(self) -> bool:
        return self._quiet >= self._patience

    def look(self, generation: int) -> tuple[Stop, int]:
        """Run the engine for at most `LONGEST_CYCLES`; why it stopped, and the budget that it had."""
        engine = self._engine
        if not self._turn:
            with engine.traced() as places:
                stop = engine.run(LONGEST_CYCLES)
            del places[LONGEST_CYCLES:]  # it may have come to the next one
            pc = engine.pc
            if stop.reason is StopReason.BUDGET and pc in places:
                self._turn = places[-1 - places[::-1].index(pc) :]
            else:
                self._fail()
            return stop, LONGEST_CYCLES
        turn, self._turn = self._turn, []
        pc, registers = engine.pc, engine.registers()
        with engine.watched_memory() as watched:
            stop = engine.run(len(turn))
        same = stop.reason is StopReason.BUDGET and watched.changed_nothing
        if same and engine.pc == pc and engine.registers() == registers:
            self.cycles, self.generation = len(turn), generation
            self._words = watched.words.union(*((place & ~3, place + 2 & ~3) for place in turn))
        else:
            self._fail()
        return stop, len(turn)

    def _fail(self) -> None:
        self._quiet = 0
        self._patience = min(self._patience * 4, _MOST_BEFORE_LOOK)
