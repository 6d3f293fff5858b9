"""A unit on two TCP ports: the debug connector (`remote_bitbang`) and the bench (control)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.servers.bitbang import BitbangPort
from bmsrescue.twin.servers.control import ControlPort
from bmsrescue.twin.servers.lines import ResetPulls
from bmsrescue.twin.servers.loop import Loop

LOOPBACK = "127.0.0.1"
NOMINAL_SWCLK_HZ = 4_000_000


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    host: str
    bitbang: int
    control: int


class UnitServer:
    """One unit, served from one thread.

    swclk_hz: the protocol has no frequency; each SWCLK cycle takes 1/swclk_hz of the unit's time.
    virtual_time: only SWCLK, the characters Z and z, and `advance` move the unit's clock: the same traffic gives the
        same result on any machine. Otherwise the wall time that the server spends waiting passes for the unit as well,
        so that a debugger that sleeps finds its flash erased.

    Raises:
        OSError: a port cannot be had.
    """

    def __init__(
        self,
        unit: Unit,
        bitbang_port: int = 0,
        control_port: int = 0,
        *,
        host: str = LOOPBACK,
        swclk_hz: int = NOMINAL_SWCLK_HZ,
        virtual_time: bool = False,
    ) -> None:
        unit.swd.frequency_hz = swclk_hz
        self._loop = Loop(None if virtual_time else unit.clock)
        pulls = ResetPulls(unit)
        bitbang = BitbangPort(unit, pulls)
        control = ControlPort(unit, pulls, bitbang, self.stop)
        try:
            bitbang_port = self._loop.listen(host, bitbang_port, bitbang.plug_in)
            control_port = self._loop.listen(host, control_port, control.plug_in)
        except OSError:
            self._loop.close()
            raise
        self.ports = Ports(host, bitbang_port, control_port)

    def run(self) -> None:
        """Serve until `stop`."""
        self._loop.run()

    def stop(self) -> None:
        """End `run`; from any thread or signal handler."""
        self._loop.stop()


def serve_unit(
    unit: Unit,
    bitbang_port: int,
    control_port: int,
    *,
    host: str = LOOPBACK,
    swclk_hz: int = NOMINAL_SWCLK_HZ,
    virtual_time: bool = False,
    on_ready: Callable[[Ports], None] | None = None,
) -> None:
    """Serve `unit` until SIGINT, SIGTERM or the control command `quit`. Main thread only; see `UnitServer`.

    on_ready: called with the ports once both listen, before the first client is served.
    """
    server = UnitServer(unit, bitbang_port, control_port, host=host, swclk_hz=swclk_hz, virtual_time=virtual_time)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.stop()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if on_ready is not None:
            on_ready(server.ports)
        server.run()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
