# The dongle: wait for the button, run the job on the card, hold the result until the next press.

import rescue
from rescue.engine import modules
from rescue.engine.common import files
from rescue.engine.own_faults import NOTE
from rescue.engine.run import run
from rescue.front.screens import Screen

_ONCE_LIMIT_MS = 60_000  # with "once", nobody comes after this
_FROZEN = ".frozen/"  # where the modules of a firmware are found
_READ_MS = 5000  # of a self-test that failed
# What only a dongle that waits has in the heap.
_IDLE_ONLY = (
    "rescue.front.waiting rescue.front.controls rescue.front.pages rescue.front.words rescue.front.menu "
    "rescue.front.piles rescue.front.ahead rescue.front.tally rescue.front.settings rescue.front.self_test "
    "rescuelink.guard"
)
_OCCUPIED = "a run that was started by the button is under way"


class App:
    """server: of the link, once a host has come. session: of the host that the screen shows. pile: [units treated, of
    which well], while many are treated one after the other, else None. tally: of all runs (tally.py)."""

    def __init__(self, ports, config):
        from rescue.front import settings

        self.ports = ports
        self.config = config
        chosen = settings.read(ports.store.root, config)
        modules.drop(_IDLE_ONLY)
        self.screen = Screen(ports.panel, ports.clock, chosen["language"])
        self.sound = chosen["sound"]
        self.server = None
        self.session = None
        self.pile = None
        self.more = ()  # pages of the last result, behind the first
        self.card = None  # in the slot at the last look
        self.ahead = None  # what was checked of it (ahead.py)

    def run(self):
        """Serves button and host for ever; with `"once": true` leaves after the first result.

        Returns what a host asked to happen next: "repl" or "reset"; None otherwise.
        """
        _take_names()
        once = self.config.get("once", False)
        if files.exists(self.ports.store.root + NOTE) and self._finish_record() and once:
            return None
        if self.config.get("self_test"):
            self._test_self()
        while True:
            pressed = self._wait(_ONCE_LIMIT_MS if once else None)
            if pressed is None:
                return self.left()
            if pressed == "ended" or self.session is not None:
                continue  # the menu, or a pile; or the host has the unit
            sign, record = self._run_job()
            self._show_result(sign)
            if once:
                return None
            self._count(record)
            record = None
            self._wait(None, sign)

    def _finish_record(self):
        # Of the run before, for whose record the heap had no room. Whether there was one.
        from rescue.engine.record.short_record import from_note

        record = from_note(self.ports, self.config.get("helper", "helper"))
        if record is None:
            return False
        self.screen.result(record)
        return True

    def left(self):
        """What a host asked to happen next, None so far."""
        return None if self.server is None else self.server.work.leave

    def _wait(self, limit_ms, sign=None):
        # "short": a job is wanted, or the result has been read. None: nobody came, or a host wants to leave.
        pressed = self._pressed(limit_ms, sign, self._next)
        while True:
            if pressed is None and self.server is not None and self.server.asked:
                # Carried out from here, where the stack is still short. A job drops what waits for the button.
                self.server.carry_out()
            elif pressed == "short" and sign is not None and self.pile is None and self.more:
                self.screen.page(*self.more.pop(0))
            else:
                break
            pressed = self._pressed(limit_ms, sign, None if self.pile is None else self._next)
        if pressed == "long" and sign is None:
            pressed = self._pressed(limit_ms, sign, self._open_menu)
        modules.drop(_IDLE_ONLY)
        return pressed

    def _pressed(self, limit_ms, sign, how):
        # What the button did. `how`: who waits for it, None for one who only waits.
        from rescue.front.waiting import Waiting

        waiting = Waiting(self)
        return waiting.for_press(limit_ms, sign) if how is None else how(waiting, limit_ms, sign)

    def _next(self, waiting, limit_ms, sign):
        if self.pile is None:
            return waiting.for_job(limit_ms) if sign is None else waiting.for_press(limit_ms, sign)
        from rescue.front import piles

        if piles.wait_for_unit(self, waiting) if sign is None else piles.wait_for_removal(self, waiting, sign):
            return "short"
        if waiting.is_wanted():
            return None
        self.pile = None
        return "ended"

    def _open_menu(self, waiting, _limit_ms, _sign):
        # A long press starts a job where there is nothing to see.
        if "display" in self.ports.missing or self.session is not None:
            return "short"
        from rescue.front import menu, tally

        self.tally = tally.read(self.ports.store.root)
        if menu.run(self, waiting):
            self.pile = [0, 0]
        return "ended"

    def _count(self, record):
        from rescue.front import tally

        self.tally = tally.add(self.ports.store.root, record)
        if self.pile is not None:
            self.pile[0] += 1
            self.pile[1] += tally.is_good(record)

    def _test_self(self):
        from rescue.front import self_test

        if not self_test.at_start(self.screen, self.ports, self.config):
            self.ports.clock.sleep_ms(_READ_MS)
        modules.drop(_IDLE_ONLY)

    def _run_job(self):
        server = self.server
        helper = self.config.get("helper", "helper")
        if server is None:
            record = run(self.ports, helper, self.screen, self.ahead)
        else:
            server.occupied = _OCCUPIED
            server.work.begin()
            modules.drop("rescue.link.methods.")
            record = run(server.work.ports, helper, self.screen, self.ahead)
            server.occupied = None
        try:
            self.more = self.screen.result(record)
        except MemoryError:
            self.more = []  # the record is made, and light and sound tell as much
        from rescuelink.outcomes import OUTCOMES

        outcome = OUTCOMES[record["outcome"]]
        return (outcome.colour, outcome.code), record

    def _show_result(self, sign):
        from rescue.front.waiting import show_result

        show_result(self, sign)


def _take_names():
    if rescue.__path__.startswith(_FROZEN):
        return  # its names are in flash
    from rescue.names import take_large_table

    take_large_table()
    modules.drop("rescue.names")
