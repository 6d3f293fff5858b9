# The unit as a host works with it, step by step: what is connected, what is powered, and the safe state when the host
# goes. The calls_* modules are thin; everything they do is the engine's and the drivers' own.

import gc
import sys

from rescue.engine import files, modules
from rescue.engine.power import Power
from rescue.hal.ports import Ports
from rescue.link.watched import Events, WatchedClock
from rescuelink import rpc
from rescuelink.errors import RescueError, Stopped, TargetError, WireError

AGENT_VERSION = "0.1.0"
CAPABILITIES = ("rails", "power", "lines", "swd", "memory", "core", "flash", "options", "job", "card", "records")

_DRIVERS = ("rescue.link.calls_", "rescue.chips", "rescue.debug")
# A call of these groups that is cancelled half-way leaves the unit off, because nobody knows how far it came.
_OFF_WHEN_STOPPED = ("power", "target", "lines")


class Bench:
    """ports: the helper's own, with waiting and events that serve the host."""

    def __init__(self, ports, config, server):
        self._server = server
        self._stop = None  # what ends the work that is under way: a Stopped
        self._cancelled = False
        self._winding_down = False  # nothing stops the way into the safe state
        self._last_end = None  # how the last session ended, for the next one
        self._told_ms = None  # when the rails were last told
        self._file = None
        self._file_path = ""
        self.file_length = 0
        self.config = config
        self.ports = Ports(
            clock=WatchedClock(ports.clock, self),
            wire=ports.wire,
            lines=ports.lines,
            rails=ports.rails,
            card=ports.card,
            store=ports.store,
            panel=ports.panel,
            observer=Events(ports.observer, self),
        )
        self._power = None
        self.run = None  # the job under way
        self.target = None
        self.chip = None
        self.consent = None
        self.steady = False  # no cancelling now: a flash operation is under way
        self.finish_alone = False  # a recovery that goes on when the host is lost
        self.leave = None  # "repl" or "reset": the agent is to end
        self.stream_ms = 0  # the rails are told every so many ms; 0: not

    # --- the session --------------------------------------------------------------------------------------------------

    def about(self):
        """The answer to hello."""
        from rescue.engine.resume import interrupted

        store = self.ports.store.root
        return {
            "protocol": rpc.PROTOCOL_VERSION,
            "agent": AGENT_VERSION,
            "helper": self.config.get("helper", "helper"),
            "micropython": ".".join(str(part) for part in sys.implementation[1][:3]),
            "board": getattr(sys.implementation, "_machine", sys.platform),
            "capabilities": list(CAPABILITIES),
            "window_bytes": rpc.WINDOW_BYTES,
            "heap_free": self.heap_free(),
            "interrupted": None if self.run is not None else interrupted((store,)),
            "last_end": self._last_end,
        }

    def heap_free(self):
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else None

    def tell(self, name, data):
        self._server.event(name, data)

    def tell_rails(self):
        """The event "rails" when it is due."""
        clock = self.ports.clock
        if not self.stream_ms or (self._told_ms is not None and clock.since_ms(self._told_ms) < self.stream_ms):
            return
        self._told_ms = clock.ms()
        rails = self.ports.rails
        seen = {}
        for name in rails.names:
            mv = rails.read_mv(name)
            seen[name] = {"mv": mv, "min_mv": mv, "max_mv": mv}
        self.tell("rails", {"rails": seen, "on": self.is_on(), "ma": rails.current_ma(), "ms": self._told_ms})

    def is_on(self):
        """Whether the helper has switched the unit on."""
        if self.run is not None:
            return self.run.power.is_on
        return self._power is not None and self._power.is_on

    def host_gone(self, why, during):
        """The session is over: the unit is made safe at once, unless a recovery was told to finish by itself."""
        self._last_end = {"why": why, "during": during}
        self.stream_ms = 0
        if self.finish_alone:
            return
        self.make_safe()
        if during is not None:
            self._stop = Stopped("host_lost", why, next_step="the unit is switched off; connect again")

    # --- stopping -----------------------------------------------------------------------------------------------------

    def begin(self):
        """A new piece of work: what was asked to stop is over."""
        self._stop = None
        self._cancelled = False
        self._winding_down = False

    def cancel(self):
        """Stop at the next safe point. {"when": "now" or "later", "why"}"""
        self._cancelled = True
        if self._server.working is None:
            return {"when": "now", "why": "nothing is under way"}
        if self._may_stop():
            return {"when": "now", "why": "nothing on the chip is half done"}
        return {"when": "later", "why": "a sector that has been erased is written and verified first"}

    def listen(self):
        """Hear the host in the middle of work. Raises Stopped."""
        self.ports.clock.feed()
        self._server.pump()
        if self._stop is not None and not self._winding_down:
            raise self._stop
        if self._cancelled and self._may_stop():
            raise Stopped("cancelled", "stopped on request")

    def between_sectors(self):
        """Where also a run that has begun to erase may be stopped: the journal has all that the next one needs."""
        self.listen()
        if self._cancelled:
            raise Stopped("cancelled", "stopped on request between two sectors")

    def wind_down(self):
        """From here on nothing stops the work, because it is the way into the safe state."""
        self._winding_down = True

    def stopped(self, method):
        """A call was stopped half-way."""
        self._winding_down = True
        if method.split(".")[0] in _OFF_WHEN_STOPPED:
            self.make_safe()

    def _may_stop(self):
        erasing = self.run is not None and self.run.erase_begun
        return not (self.steady or erasing or self._winding_down)

    @property
    def limits(self):
        """The engine's limits for a unit without a job."""
        return self.power.limits

    @property
    def power(self):
        """The unit's supply, within the limits; made when it is first used, because limits take several KiB."""
        if self._power is None:
            self._power = Power(self.ports, modules.load("rescuelink.limits").default_limits())
            for name in ("rescuelink.limits", "rescuelink.fields"):
                modules.drop(name)
        return self._power

    # --- the unit -----------------------------------------------------------------------------------------------------

    def make_safe(self):
        """Power off, every line let go, nothing connected, no file open, no consent."""
        if self._power is None:
            self.ports.wire.release()
            self.ports.lines.release_all()
        else:
            self._power.cut()
        if self.target is not None:
            # Nothing is connected any more: the heap that the drivers took is needed for the card and for a job.
            for prefix in _DRIVERS:
                modules.drop(prefix)
        self.target = None
        self.chip = None
        self.consent = None
        self.steady = False
        try:
            self.close_file()
        except RescueError:
            pass  # the card is gone, and nobody is left to be told: the file is not complete, as its hash will show

    def make_room(self):
        """The safe state, and everything out of the heap that a job does not need."""
        self.make_safe()
        self._power = None
        for prefix in ("rescue.link.calls_", "rescue.chips", "rescue.debug", "rescuelink.model"):
            modules.drop(prefix)

    def let_go(self):
        """Take our debug enables back and let go of the wire."""
        if self.target is not None:
            try:
                self.target.core.release()
            except WireError:
                pass  # it no longer answers, so nothing of ours is in force that a reset would not clear
        self.target = None
        self.chip = None
        self.ports.wire.release()

    def connected(self):
        """The Target. Raises TargetError when nothing is connected."""
        if self.target is None:
            raise TargetError("not_connected", "no chip is connected", next_step="call target.connect")
        return self.target

    def known_chip(self):
        """The chip's driver, made when first needed."""
        if self.chip is None:
            from rescue.chips.stm32h7 import Stm32H7

            self.chip = Stm32H7(self.connected(), self.ports.clock)
        return self.chip

    # --- big data: one buffer, one open file --------------------------------------------------------------------------

    def window(self, length):
        """A view of the engine's buffer for an answer; void at the next call."""
        return files.view[:length]

    def open_file(self, path, offset):
        """The file being written, kept open from window to window. Raises CardError."""
        if self._file is None or path != self._file_path or offset != self.file_length:
            self.close_file()
            try:
                self._file = open(path, "r+b" if offset else "wb")  # noqa: SIM115 - open from window to window
                if offset:
                    self._file.seek(offset)
            except OSError as error:
                raise files.card_error("cannot write " + path, error) from None
            self._file_path = path
            self.file_length = offset
        return self._file

    def close_file(self):
        """Complete the file being written. Raises CardError."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                raise files.card_error("cannot complete " + self._file_path, error) from None
            files.sync()
