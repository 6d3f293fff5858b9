# The dongle: wait for the button, run the job on the card, hold the result until the next press. While it waits, a host
# on the stream is served; the modules for that are loaded when the first byte comes.

from rescue.engine import job_runner, modules
from rescue.engine.screens import Screen

_READY = "ready"
_PANEL = "rescue.engine.panel"  # in the heap only while the button is waited for
_ONCE_LIMIT_MS = 60_000  # with "once", nobody comes after this
_OCCUPIED = "a run that was started by the button is under way"


def run(ports, config):
    """Serves button and host for ever; with `"once": true` leaves after the first result.

    Returns what a host asked to happen next: "repl" or "reset"; None otherwise.
    """
    return _App(ports, config).run()


class _App:
    def __init__(self, ports, config):
        self._ports = ports
        self._config = config
        self._once = config.get("once", False)
        self._server = None
        self._shown = None  # the session that the screen shows
        self._screen = Screen(ports.panel, ports.clock)

    def run(self):
        ports = self._ports
        self._screen.idle(_READY)
        while True:
            if self._wait_for_press(_ONCE_LIMIT_MS if self._once else None) is None:
                return self._left()
            if self._shown is not None:
                continue  # the host has the unit
            colour = self._run_job()
            modules.load(_PANEL).sound(ports.panel, ports.clock, colour)
            if self._once:
                return None
            self._wait_for_press(None, colour)
            self._screen.idle(_READY)

    # --- what the button waits with: a clock whose waiting serves the host ---

    def ms(self):
        return self._ports.clock.ms()

    def since_ms(self, start):
        return self._ports.clock.since_ms(start)

    def feed(self):
        self._ports.clock.feed()

    def sleep_ms(self, duration):
        stream = self._ports.stream
        if stream is None:
            self._ports.clock.sleep_ms(duration)
        elif self._server is not None:
            self._server.serve(duration)
            self._show_session()
        elif stream.wait(duration):
            self._load_link()

    # --- inside ---

    def _wait_for_press(self, limit_ms, colour=None):
        # With a slow glow, or in the colour of a result.
        panel, front = modules.load(_PANEL), self._ports.panel

        def glow(now):
            if colour is None:
                panel.breathe(front, now)
            else:
                panel.light(front, colour, now)

        pressed = panel.Button(front, self).wait(limit_ms, glow, self._left)
        modules.drop(_PANEL)
        return pressed

    def _load_link(self):
        from rescue.link.channel import Channel
        from rescue.link.server import Server

        self._server = Server(self._ports, self._config, Channel(self._ports.stream))

    def _left(self):
        return None if self._server is None else self._server.bench.leave

    def _show_session(self):
        session = self._server.session
        if session == self._shown:
            return
        self._shown = session
        if session is None:
            self._screen.idle(_READY)
        else:
            self._screen.idle("host: " + session, "unplug to end")

    def _run_job(self):
        server = self._server
        helper = self._config.get("helper", "helper")
        if server is None:
            record = job_runner.run(self._ports, helper, self._screen)
        else:
            server.occupied = _OCCUPIED
            server.bench.begin()
            modules.drop("rescue.link.calls_")
            record = job_runner.run(server.bench.ports, helper, self._screen)
            server.occupied = None
        self._screen.result(record)
        from rescuelink.outcomes import OUTCOMES

        colour = OUTCOMES[record["outcome"]].colour
        modules.load(_PANEL).light(self._ports.panel, colour, 0)
        return colour
