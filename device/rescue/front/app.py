# The dongle: wait for the button, run the job on the card, hold the result until the next press. What a press brings is
# in press.py, the waiting in waiting.py: a job that a host has started needs neither, nor a picture.

import rescue
from rescue.engine import modules
from rescue.engine.common import files
from rescue.engine.own_faults import NOTE

_ONCE_LIMIT_MS = 60_000  # with "once", nobody comes after this
_FROZEN = ".frozen/"  # where the modules of a firmware are found
# What only a dongle that waits has in the heap, or has for the moment of a press: all but these.
_IDLE_ONLY = "rescue.front. rescuelink.guard"
_KEPT = ("rescue.front.app", "rescue.front.screens")
_PORTS = "i2c swd ina226 mux card panel lines"  # of board.json: what the ports were made of


class App:
    """config: board.json, out of which is taken what only the ports are made of. server: of the link, once a host has
    come. session: of the host that the screen shows. pile: [units treated, of which well], while many are treated one
    after the other, else None. tally: of all runs (tally.py)."""

    def __init__(self, ports, config):
        from rescue.front import settings

        self.ports = ports
        self.config = config
        for part in _PORTS.split():
            config.pop(part, None)
        rails = config.get("rails") or {}
        config["rails"] = {name: rail and _known_of(rail) for name, rail in rails.items()}
        chosen = settings.read(ports.store.root, config)
        self._language = chosen["language"]
        self._screen = None
        self.sound = chosen["sound"]
        self.server = None
        self.session = None
        self.pile = None
        self.more = ()  # pages of the last result, behind the first
        self.card = None  # in the slot at the last look
        self.ahead = None  # what was checked of it (ahead.py)

    @property
    def screen(self):
        """Made when something is to be shown."""
        if self._screen is None:
            from rescue.front.screens import Screen

            self._screen = Screen(self.ports.panel, self.ports.clock, self._language)
        return self._screen

    def drop_screen(self):
        """What the display shows stays there; its copy in the heap goes, until something else is to be shown."""
        if self._screen is not None:
            self._language = self._screen.language
            self._screen = None
        modules.drop("rescue.front.screens")

    def run(self):
        """Serves button and host for ever; with `"once": true` leaves after the first result.

        Returns what a host asked to happen next: "repl" or "reset"; None otherwise.
        """
        _take_names()
        once = self.config.get("once", False)
        if files.exists(self.ports.store.root + NOTE):
            from rescue.front.press import finish_record

            if finish_record(self) and once:
                return None
        if self.config.get("self_test"):
            from rescue.front.press import test_self

            test_self(self)
        while True:
            pressed = self._wait(_ONCE_LIMIT_MS if once else None)
            if pressed is None:
                return self.left()
            if pressed == "ended" or self.session is not None:
                continue  # the menu, or a pile; or the host has the unit
            from rescue.front import press

            sign = press.treat(self)
            press = None
            if once:
                return None
            self._wait(None, sign)

    def left(self):
        """What a host asked to happen next, None so far."""
        return None if self.server is None else self.server.work.leave

    def _wait(self, limit_ms, sign=None):
        # "short": a job is wanted, or the result has been read. None: nobody came, or a host wants to leave.
        modules.drop(_IDLE_ONLY, _KEPT)
        pressed = self._pressed("next", limit_ms, sign)
        while True:
            if pressed is None and self.server is not None and self.server.asked:
                # Carried out from here, where the stack is still short. A job drops what waits for the button.
                self.server.carry_out()
            elif pressed == "short" and sign is not None and self.pile is None and self.more:
                self.screen.page(*self.more.pop(0))
            else:
                break
            pressed = self._pressed("press" if self.pile is None else "next", limit_ms, sign)
        if pressed == "long" and sign is None:
            pressed = self._pressed("menu", limit_ms, sign)
        modules.drop(_IDLE_ONLY, _KEPT)
        return pressed

    def _pressed(self, what, limit_ms, sign):
        from rescue.front.waiting import Waiting

        return Waiting(self).until(what, limit_ms, sign)


def _known_of(rail):
    # What is said of a rail's reading: its divider is the port's.
    return {key: rail[key] for key in ("ina226", "calibration", "calibrated") if rail.get(key)}


def _take_names():
    if rescue.__path__.startswith(_FROZEN):
        return  # its names are in flash
    from rescue.names import take_large_table

    take_large_table()
    modules.drop("rescue.names")
