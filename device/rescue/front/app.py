# The dongle: wait for the button, run the job on the card, hold the result until the next press.

import rescue
from rescue.engine import modules
from rescue.engine.common import files
from rescue.engine.run import NOTE, run
from rescue.front.screens import Screen

_ONCE_LIMIT_MS = 60_000  # with "once", nobody comes after this
_FROZEN = ".frozen/"  # where the modules of a firmware are found
_OCCUPIED = "a run that was started by the button is under way"


class App:
    """server: of the link, once a host has come. session: of the host that the screen shows."""

    def __init__(self, ports, config):
        self.ports = ports
        self.config = config
        self.screen = Screen(ports.panel, ports.clock)
        self.server = None
        self.session = None

    def run(self):
        """Serves button and host for ever; with `"once": true` leaves after the first result.

        Returns what a host asked to happen next: "repl" or "reset"; None otherwise.
        """
        _take_names()
        once = self.config.get("once", False)
        if files.exists(self.ports.store.root + NOTE) and self._finish_record() and once:
            return None
        while True:
            if self._wait(_ONCE_LIMIT_MS if once else None) is None:
                return self.left()
            if self.session is not None:
                continue  # the host has the unit
            colour = self._run_job()
            self._show_result(colour)
            if once:
                return None
            self._wait(None, colour)

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
        return None if self.server is None else self.server.bench.leave

    def _wait(self, limit_ms, colour=None):
        from rescue.front.waiting import Waiting

        waiting = Waiting(self)
        if colour is None:
            waiting.ready()
        pressed = waiting.for_press(limit_ms, colour)
        while pressed is None and self.server is not None and self.server.asked:
            # Carried out from here, where the stack is still short.
            self.server.carry_out()
            pressed = waiting.for_press(limit_ms, colour)
        modules.drop("rescue.front.waiting rescue.front.controls rescue.front.pages")
        return pressed

    def _run_job(self):
        server = self.server
        helper = self.config.get("helper", "helper")
        if server is None:
            record = run(self.ports, helper, self.screen)
        else:
            server.occupied = _OCCUPIED
            server.bench.begin()
            modules.drop("rescue.link.methods.")
            record = run(server.bench.ports, helper, self.screen)
            server.occupied = None
        self.screen.result(record)
        from rescuelink.outcomes import OUTCOMES

        return OUTCOMES[record["outcome"]].colour

    def _show_result(self, colour):
        from rescue.front.waiting import show_result

        show_result(self, colour)


def _take_names():
    if rescue.__path__.startswith(_FROZEN):
        return  # its names are in flash
    from rescue.names import take_large_table

    take_large_table()
    modules.drop("rescue.names")
