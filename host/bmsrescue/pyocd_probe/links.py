"""What the probe is plugged into: the one interface a new kind of wire has to have, and the kinds there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from bmsrescue.twin.helper.wired_unit import DebugWire

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit
    from bmsrescue.twin.servers.control_client import ControlClient

_NS_PER_US = 1_000
_ROUND_TRIP_US = 1_000
_POWER_UP_MS = 200


class Link(Protocol):
    """A debug connector: SWD in transfers and raw bits, NRST, and time."""

    @property
    def wire(self) -> DebugWire: ...

    def clock_out(self, value: int, count: int) -> None:
        """Drive `count` bits of `value`, LSB first."""

    def clock_in(self, count: int) -> int:
        """Sample `count` bits, LSB first."""

    def set_nrst(self, low: bool) -> None: ...

    @property
    def nrst_level(self) -> bool: ...

    def wait_us(self, duration_us: int) -> None:
        """Let time pass for the target."""

    def answered(self) -> None:
        """An answer has reached pyOCD: where time is virtual, the way there took some."""

    def flush(self) -> None:
        """Make what was collected happen."""

    def close(self) -> None: ...


class TwinLink:
    """A twin in this process, switched on, on virtual time.

    pyOCD's own waiting is wall time, which a twin does not know; instead every answer it waits for takes as long as a
    full-speed USB probe's packet, 1 ms. The same session so gives the same result on any machine.

    Raises:
        UnknownScenarioError: there is no such unit.
    """

    def __init__(self, scenario: str, seed: int = 0) -> None:
        from bmsrescue.twin.helper.wire import PinBits, wire_over
        from bmsrescue.twin.scenarios import find
        from bmsrescue.twin.scenarios.scenario import build_unit

        self.unit: Unit = build_unit(find(scenario), seed)
        self.unit.set_power(True)
        self.wait_us(_POWER_UP_MS * 1000)
        self.wire: DebugWire = wire_over(self.unit.swd)
        self._bits = PinBits(self.unit.swd)
        for engaged in (self.wire, self._bits):
            engaged.engage()

    def clock_out(self, value: int, count: int) -> None:
        self._bits.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        return self._bits.clock_in(count)

    def set_nrst(self, low: bool) -> None:
        self.unit.set_nrst(low)

    @property
    def nrst_level(self) -> bool:
        return self.unit.nrst_level

    def wait_us(self, duration_us: int) -> None:
        self.unit.clock.advance(duration_us * _NS_PER_US)

    def answered(self) -> None:
        self.wait_us(_ROUND_TRIP_US)

    def flush(self) -> None:
        """Nothing is held back: every transfer is made when it is asked for."""

    def close(self) -> None:
        """Switch the unit off."""
        self.wire.release()
        self.unit.set_nrst(False)
        self.unit.set_power(False)


class BitbangLink:
    """A chip behind a remote_bitbang server, which keeps its own time; with a control port it is switched on first.

    Raises:
        ServerLinkError: nobody listens there.
    """

    def __init__(self, host: str, port: int, control_port: int | None) -> None:
        from bmsrescue.twin.servers.bitbang_client import BitbangPins
        from bmsrescue.twin.servers.bitbang_wire import BitbangWire
        from bmsrescue.twin.servers.control_client import ControlClient

        self._control: ControlClient | None = None
        self._pins = BitbangPins(host, port)
        if control_port is not None:
            self._control = ControlClient(host, control_port)
            self._control.power(True)
            self.wait_us(_POWER_UP_MS * 1000)
        self._wire = BitbangWire(self._pins)
        self._nrst_low = False

    @property
    def wire(self) -> DebugWire:
        return self._wire

    def clock_out(self, value: int, count: int) -> None:
        self._wire.forget()
        self._pins.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        self._wire.forget()
        return self._pins.clock_in(count)

    def set_nrst(self, low: bool) -> None:
        self._nrst_low = low
        self._pins.nrst(low)

    @property
    def nrst_level(self) -> bool:
        if self._control is None:
            return not self._nrst_low
        return bool(self._control.status().get("nrst", not self._nrst_low))

    def wait_us(self, duration_us: int) -> None:
        time.sleep(duration_us / 1e6)

    def answered(self) -> None:
        """Its time passes by itself."""

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self._pins.close()
        if self._control is not None:
            self._control.close()


def is_port(unique_id: str) -> bool:
    """Whether it is the URL of a helper's port: a device's path, ``socket://HOST:PORT``, or COM and a number."""
    return unique_id.startswith(("/", "socket://")) or (unique_id[:3].upper() == "COM" and unique_id[3:].isdigit())


def is_helper(unique_id: str) -> bool:
    """Whether it is a helper's port, or a helper's name as `bmsrescue scan` shows it."""
    return is_port(unique_id) or unique_id in known_helpers()


def known_helpers() -> dict[str, str]:
    """Name -> what it is: the daemon's helpers when it runs, and those that are configured or on USB."""
    from bmsrescue.client.choose import known

    return {helper.name: helper.what for helper in known()}


def parse(unique_id: str) -> tuple[str, int] | tuple[str, int, int | None] | None:
    """``twin:SCENARIO[:SEED]`` as (scenario, seed), ``bitbang:HOST:PORT[:CONTROLPORT]`` as (host, port, control port).

    None when it is neither.
    """
    kind, *rest = unique_id.split(":")
    numbers = rest[1:]
    if not rest or not rest[0] or not all(text.isascii() and text.isdigit() for text in numbers):
        return None
    if kind == "twin" and len(rest) <= 2:
        return rest[0], int(numbers[0]) if numbers else 0
    if kind == "bitbang" and len(rest) in (2, 3):
        return rest[0], int(numbers[0]), int(numbers[1]) if len(rest) == 3 else None
    return None


def open_link(unique_id: str) -> Link:
    """Plug into what `unique_id` names: a twin, a simulated chip, or else a helper by name or port.

    Raises:
        RescueError: it cannot be reached.
    """
    parsed = parse(unique_id)
    if parsed is None:
        from bmsrescue.pyocd_probe.helper_link import HelperLink

        return HelperLink(unique_id)
    if len(parsed) == 2:
        return TwinLink(*parsed)
    return BitbangLink(*parsed)
