# The unit as a host works with it, step by step: what is connected, what is powered, and the safe state when the host
# goes. The calls_* modules are thin; everything they do is the engine's and the drivers' own.

import gc

from rescue.engine.power import Power
from rescue.hal.ports import Ports
from rescuelink import rpc
from rescuelink.errors import LinkError, TargetError, WireError
from rescuelink.limits import default_limits

AGENT_VERSION = "0.1.0"
CAPABILITIES = ("rails", "power", "lines", "swd", "memory", "core", "flash", "options", "job", "card", "records")


class _WatchedClock:
    # The helper's clock, whose waiting is also listening: a host that asks or vanishes during a wait is noticed.
    _SLICE_MS = 20

    def __init__(self, clock, bench):
        self._clock = clock
        self._bench = bench
        self.ms = clock.ms
        self.us = clock.us
        self.since_ms = clock.since_ms
        self.sleep_us = clock.sleep_us
        self.feed = clock.feed

    def sleep_ms(self, duration):
        while duration > 0:
            self._bench.listen()
            piece = min(duration, self._SLICE_MS)
            self._clock.sleep_ms(piece)
            duration -= piece


class _Events:
    # What the engine tells goes to the host; between two pieces of work it may be stopped.
    def __init__(self, bench):
        self._bench = bench

    def event(self, name, data):
        self._bench.tell(name, data)
        if name == "progress":
            self._bench.safe_point()


class Bench:
    """ports: the helper's own, with waiting and events that serve the host."""

    def __init__(self, ports, config, server):
        self._server = server
        self._lost = None
        self._window = None
        self._file = None
        self._file_path = ""
        self.file_length = 0
        self.config = config
        self.ports = Ports(
            clock=_WatchedClock(ports.clock, self),
            wire=ports.wire,
            lines=ports.lines,
            rails=ports.rails,
            card=ports.card,
            store=ports.store,
            panel=ports.panel,
            observer=_Events(self),
        )
        self.limits = default_limits()
        self.power = Power(self.ports, self.limits)
        self.target = None
        self.chip = None
        self.consent = None
        self.finish_alone = False  # a recovery that goes on when the host is lost
        self.leave = False  # for the interpreter's prompt
        self.stream_ms = 0  # rails are told every so many ms while a host listens; 0: not

    def about(self):
        """The answer to hello."""
        import sys

        self._lost = None
        return {
            "protocol": rpc.PROTOCOL_VERSION,
            "agent": AGENT_VERSION,
            "helper": self.config.get("helper", "helper"),
            "micropython": ".".join(str(part) for part in sys.implementation[1][:3]),
            "board": getattr(sys.implementation, "_machine", sys.platform),
            "capabilities": list(CAPABILITIES),
            "window_bytes": rpc.WINDOW_BYTES,
            "heap_free": self.heap_free(),
        }

    def heap_free(self):
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else None

    def tell(self, name, data):
        self._server.event(name, data)

    def listen(self):
        """Hear the host in the middle of work. Raises LinkError (host_lost) when it has gone."""
        self._server.pump()
        if self._lost is not None and not self.finish_alone:
            raise LinkError("host_lost", self._lost, next_step="the unit is switched off; connect again")

    def safe_point(self):
        """Where long work may be stopped. Raises LinkError (cancelled, host_lost)."""
        self.listen()
        if self._server.cancelled and not self.finish_alone:
            raise LinkError("cancelled", "stopped on request")

    def host_gone(self, why):
        """The session is over: the unit is made safe at once, unless a recovery was told to finish by itself."""
        self._lost = why
        self.stream_ms = 0
        if not self.finish_alone:
            self.make_safe()

    def make_safe(self):
        """Power off, every line let go, nothing connected, no file open, no consent."""
        self.power.cut()
        self.target = None
        self.chip = None
        self.consent = None
        self.close_file()

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

    # -- big data: one buffer, one open file ---------------------------------------------------------------------------

    def window(self, length):
        """A view of the one buffer for answers; void at the next call."""
        if self._window is None:
            self._window = memoryview(bytearray(rpc.WINDOW_BYTES))
        return self._window[:length]

    def open_file(self, path, offset):
        """The file being written, kept open from window to window. Raises CardError."""
        from rescue.engine import files

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
        file, self._file = self._file, None
        if file is not None:
            from rescue.engine import files

            try:
                file.close()
            except OSError as error:
                raise files.card_error("cannot complete " + self._file_path, error) from None
            files.sync()

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
