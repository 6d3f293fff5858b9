"""Time that a core spends in a loop without its being executed turn by turn.

Three kinds: one that polls devices (`access.py`), a branch to itself, and one that changes nothing (`pure_loop.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.access import CoreAccess, Poll
from bmsrescue.twin.chip.core.debug import DebugUnit
from bmsrescue.twin.chip.core.engine import Engine
from bmsrescue.twin.chip.core.exceptions import ExceptionUnit
from bmsrescue.twin.chip.core.pure_loop import PureLoop
from bmsrescue.twin.chip.core.systick import SysTick
from bmsrescue.twin.chip.core.time import CoreTime

_BRANCH_TO_SELF = 0xE7FE


class Shortcuts:
    """`runs_freely`: whether the core runs, and nobody steps it or has changed its code or breakpoints."""

    def __init__(
        self,
        engine: Engine,
        access: CoreAccess,
        time: CoreTime,
        systick: SysTick,
        exceptions: ExceptionUnit,
        debug: DebugUnit,
        runs_freely: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._access = access
        self._time = time
        self._systick = systick
        self._exceptions = exceptions
        self._debug = debug
        self._runs_freely = runs_freely
        self._branch_pc: int | None = None
        """Where the core was seen to branch to itself: the next run there need not execute it again."""
        self.loop = PureLoop(engine)

    def take(self, pc: int, until_ns: int, due: int) -> bool:
        """Let time pass, at most until then (`due` cycles), where the core is known to go round; False: execute."""
        access = self._access
        if access.polls and access.still_polls(until_ns):
            self._time.spend(due)
            return True
        poll = access.poll
        if poll is not None and due >= poll.budget and self._polls(poll) and access.run_again(poll, until_ns):
            return True
        branch_pc, self._branch_pc = self._branch_pc, None
        went_on = pc == branch_pc and self.skip_branch_to_self(until_ns)
        if went_on or (self.loop.cycles and self._goes_round(due)):
            if self._systick.counts:
                self._systick.catch_up()
            return True
        return False

    def skip_branch_to_self(self, until_ns: int) -> bool:
        """Let the time pass that the core spends in a branch to itself; False where it is in none or leaves it."""
        pc = self._engine.pc
        if not self._runs_freely() or self._engine.halfword(pc) != _BRANCH_TO_SELF:
            return False
        wait = self._systick.cycles_to_interrupt()
        pending = self._exceptions.pending
        if pending:
            if self._exceptions.next_to_take() is not None and not self._debug.masks_interrupts:
                return False
            if r.EXC_SYSTICK in pending:
                # It is masked, and being pending once more changes nothing.
                wait = None
        left = self._time.due(until_ns)
        spent = max(0, left if wait is None else min(left, wait))
        self._time.spend(spent)
        self._branch_pc = pc
        return spent > 0

    def touched(self, address: int) -> None:
        """The debugger is about to use memory there."""
        if self._access.poll is not None and self._access.uses(address, 4):
            self._access.forget()
        if self.loop.uses(address, 4):
            self.loop.forget()

    def minds_no_write(self, address: int, size: int, until_ns: int) -> bool:
        """Whether the core only goes round until then, and uses none of these bytes."""
        poll, loop = self._access.poll, self.loop
        if loop.cycles:
            return not self._systick.counts and self._is_left_alone(loop.generation) and not loop.uses(address, size)
        return (
            poll is not None
            and self._polls(poll)
            and not self._access.uses(address, size)
            and self._access.polls_until(poll, until_ns)
        )

    @property
    def generation(self) -> int:
        """Of the flash, where there is some."""
        flash = self._access.flash
        return 0 if flash is None else flash.generation

    def _goes_round(self, due: int) -> bool:
        """Let the time of whole turns pass of a loop that changes nothing; False where there is room for none."""
        loop = self.loop
        if not self._is_left_alone(loop.generation):
            return False
        wait = self._systick.cycles_to_interrupt() if self._systick.counts else None
        turns = (due if wait is None else min(due, wait)) // loop.cycles
        self._time.spend(max(turns, 0) * loop.cycles)
        return turns > 0

    def _polls(self, poll: Poll) -> bool:
        """Whether nothing but the devices that it reads can end the loop."""
        return self._engine.pc == poll.pc and not self._systick.counts and self._is_left_alone(poll.generation)

    def _is_left_alone(self, generation: int) -> bool:
        """Whether nothing but time and devices has an effect on a loop that was found in that flash."""
        return not self._exceptions.pending and self._runs_freely() and self.generation == generation
