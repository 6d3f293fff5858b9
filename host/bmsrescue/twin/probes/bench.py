"""A twin on a bench without a helper: a probe in software, a supply that somebody switches, and virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from bmsrescue.errors import UsageError
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.probes.cmsis_dap import CmsisDap
from bmsrescue.twin.probes.stlink import Stlink
from bmsrescue.twin.probes.usb_bus import UsbBus

_MS = 1_000_000
_US_MASK = 0x3FFFFFFF
_LOOK_NS = 10_000  # reading the time makes every loop end
_STARTED_MS = 500
KINDS: dict[str, Callable[[Unit], Stlink | CmsisDap]] = {
    "stlink": Stlink,
    "stlink-v3": lambda unit: Stlink(unit, hardware=3, jtag=15),
    "cmsisdap": CmsisDap,
    "cmsisdap-fast": lambda unit: CmsisDap(unit, high_speed=True),
}


class TwinClock:
    """The agent's `Clock` port on the twin's time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def ms(self) -> int:
        self._clock.advance(_LOOK_NS)
        return self._clock.now_ns // _MS

    def us(self) -> int:
        self._clock.advance(_LOOK_NS)
        return self._clock.now_ns // 1000 & _US_MASK

    def since_ms(self, start: int) -> int:
        return self.ms() - start

    def sleep_ms(self, n: int) -> None:
        self._clock.advance(n * _MS)

    def sleep_us(self, n: int) -> None:
        self._clock.advance(n * 1000)

    def feed(self) -> None:
        """There is no watchdog."""

    def stop_watchdog(self) -> bool:
        return True


class Switch(Protocol):
    """Whoever has a hand on a supply."""

    def switch(self, on: bool) -> None: ...


class TwinSupply:
    """The bench supply of the twin, which does what somebody's command or answer has done, too."""

    def __init__(self, unit: Unit, by: Switch | None = None) -> None:
        self._unit = unit
        self._by = by
        self.switched: list[bool] = []

    def switch(self, on: bool) -> None:
        if self._by is not None:
            self._by.switch(on)
        self.switched.append(on)
        self._unit.set_power(on)


class SwitchedByHand:
    """The person at the twin's supply: who says that it is done has done it.

    `event` and `answered` are told what the engine asks and what the person says.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._wanted: bool | None = None
        self.switched: list[bool] = []

    def event(self, name: str, data: Any) -> None:
        if name == "ask":
            words = str(data["scope"]).split() if "power" in data["words"] else []
            self._wanted = True if "on" in words else False if "off" in words else None
        elif name == "answer":
            self._wanted = None

    def answered(self, text: str) -> None:
        if text == "done" and self._wanted is not None:
            self.switched.append(self._wanted)
            self._unit.set_power(self._wanted)


class ProbeBench:
    """`unit` is on, as on anybody's bench. `probe` is one of KINDS, or what makes one."""

    def __init__(self, unit: Unit, probe: str | Callable[[Unit], Stlink | CmsisDap] = "stlink") -> None:
        self.unit = unit
        if isinstance(probe, str) and probe not in KINDS:
            raise UsageError(f"the twin has no probe {probe}", f"Choose one of {', '.join(KINDS)}.")
        self.probe = (KINDS[probe] if isinstance(probe, str) else probe)(unit)
        self.clock = TwinClock(unit.clock)
        unit.set_power(True)
        unit.clock.advance(_STARTED_MS * _MS)

    @contextmanager
    def plugged_in(self) -> Iterator[UsbBus]:
        """pyOCD finds this probe and no other."""
        with UsbBus(self.probe).plugged_in() as bus:
            yield bus
