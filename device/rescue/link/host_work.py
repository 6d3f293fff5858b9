# The unit as a host works with it, step by step: what is connected, what is powered, and the safe state when the host
# goes. The modules in methods/ are thin; everything they do is the engine's and the drivers' own.

from micropython import const

from rescue.engine import modules
from rescue.hal.ports import Ports
from rescuelink.errors import RescueError, Stopped

# What works with a chip, or with its image, and what a session has loaded for a moment.
_DROPPED = (
    "rescue.chips rescue.debug rescuelink.model "
    "rescue.link.: methods. rails_stream unit log large_values refusals hello"
)
# A call of these groups that is cancelled half-way leaves the unit off, because nobody knows how far it came.
_OFF_WHEN_STOPPED = "power target lines"


_SLICE_MS = const(20)


class HostWork:
    """ports: the helper's own, with waiting and events that serve the host.

    channel: where an answer's binary goes (window), and what makes room for a job (narrow).
    """

    def __init__(self, ports, config, server, channel):
        self._server = server  # of person.py, too
        self.tell = server.event
        self.window = channel.window
        self.channel = channel
        self._clock = ports.clock
        self.host_time = ports.clock  # the host's, where this one is virtual
        self.answered = None  # by a person at the host: (number of the question, what they say)
        self._stop = None  # what ends the work that is under way: a Stopped
        self._cancelled = False
        self._winding_down = False  # nothing stops the way into the safe state
        self.config = config
        watched = _Watched(ports, self)
        self.ports = Ports(
            clock=watched,
            wire=ports.wire,
            lines=ports.lines,
            rails=ports.rails,
            card=ports.card,
            store=ports.store,
            panel=ports.panel,
            observer=watched,
            helper_id=ports.helper_id,
            missing=ports.missing,
        )
        self.ports.packets = ports.packets
        self.app = None  # of the dongle, whose display a host's work may show something on
        self.power = None  # the unit's supply, once used (unit.py)
        self.last_end = None  # how the last session ended, for the next one
        self.run = None  # the job under way
        self.target = None
        self.chip = None
        self.consent = None
        self.file = None  # that is being written to the card (methods/card.py)
        self.steady = False  # no cancelling now: a flash operation is under way
        self.finish_alone = False  # a recovery that goes on when the host is lost
        self.leave = None  # "repl" or "reset": the agent is to end
        self.rails_stream = None  # tells the rails again and again (methods/rails.py)

    # --- the session --------------------------------------------------------------------------------------------------

    def is_on(self):
        """Whether the helper has switched the unit on."""
        power = self.power if self.run is None else self.run.power
        return power is not None and power.is_on

    def host_gone(self, why, during):
        """The session is over: the unit is made safe at once, unless a recovery was told to finish by itself."""
        self.last_end = {"why": why, "during": during}
        self.rails_stream = None
        if self.finish_alone:
            return
        self.make_safe()
        if during is not None:
            self._stop = Stopped("host_lost", why, next_step="connect again")
        from rescue.link.log import note

        note(self, "ended", why if during is None else why + ", during " + during)

    # --- stopping -----------------------------------------------------------------------------------------------------

    def begin(self):
        """A new piece of work: what was asked to stop is over."""
        self._stop = None
        self._cancelled = False
        self._winding_down = False

    def cancel(self):
        """Stop at the next safe point. {"when": "now" or "later", "why"}"""
        self._cancelled = True
        is_idle = self._server.working is None
        from rescue.link.refusals import cancelling

        return cancelling(is_idle, is_idle or self._may_stop())

    def listen(self):
        """Hear the host in the middle of work. Raises Stopped."""
        self._clock.feed()
        self._server.pump()
        if self._stop is not None and not self._winding_down:
            raise self._stop
        if self._cancelled and self._may_stop():
            raise Stopped("cancelled", "stopped on request")

    def _between_sectors(self):
        """Where also a run that has begun to erase may be stopped: the journal has all that the next one needs."""
        self.listen()
        if self._cancelled:
            raise Stopped("cancelled", "stopped on request between two sectors")

    def stopped(self, method):
        """A call was stopped half-way."""
        self._winding_down = True
        if method.split(".")[0] in _OFF_WHEN_STOPPED.split():
            self.make_safe()

    def _may_stop(self):
        erasing = self.run is not None and self.run.erase_begun
        return not (self.steady or erasing or self._winding_down)

    # --- the unit -----------------------------------------------------------------------------------------------------

    def make_safe(self):
        """Power off, every line let go, nothing connected, no file open, no consent."""
        if self.power is None:
            self.ports.wire.release()
            self.ports.lines.release_all()
        else:
            self.power.cut()
        if self.target is not None:
            # Nothing is connected any more: the heap that the drivers took is needed for the card and for a job.
            self.drop_drivers()
        self.target = None
        self.chip = None
        self.consent = None
        self.steady = False
        file, self.file = self.file, None
        if file is not None:
            try:
                file.close()
            except RescueError:
                pass  # the card is gone, and nobody is left to be told: the file is not complete, as its hash will show

    def drop_drivers(self):
        modules.drop(_DROPPED)


class _Watched:
    """The clock and the observer that work gets: waiting is also listening, and what is told goes to the host as well.
    Both are where work may be stopped: sleep_ms(), feed() and event() raise Stopped."""

    def __init__(self, ports, work):
        self._clock = ports.clock
        self._observer = ports.observer
        self._work = work
        self.ms = ports.clock.ms
        self.us = ports.clock.us
        self.since_ms = ports.clock.since_ms
        self.sleep_us = ports.clock.sleep_us
        self.feed = work.listen  # called where nobody sleeps: while the rails rise, and are watched

    def sleep_ms(self, duration):
        while duration > 0:
            self._work.listen()
            self._clock.sleep_ms(min(duration, _SLICE_MS))
            duration -= _SLICE_MS

    def event(self, name, data):
        work = self._work
        self._observer.event(name, data)
        if name == "safe-point":
            work._between_sectors()
            return
        work.tell(name, data)
        if name == "progress":
            work.listen()
        elif name == "step" and data["name"] in ("safe-off", "record"):
            work._winding_down = True
