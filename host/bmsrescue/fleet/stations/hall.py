"""All stations of a site: one for each helper that the daemon has found, kept when the helper goes away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bmsrescue.daemon.helper_port import Job
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.states import DETECTING, EMPTY, OUT, WAIT_LABEL
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.stations.who import alike
from rescuelink.errors import LinkError

_log = logging.getLogger(__name__)
_UNFORESEEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    SQLAlchemyError,
    TypeError,
    ValueError,
)
_LOOK_S = 0.5
EVENT = "station"


class AbsentPort:
    """The port of a helper that the daemon does not see."""

    def status(self) -> dict[str, Any]:
        return {"state": "absent", "about": None}

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any:
        raise self._gone()

    async def write_file(self, path: str, offset: int, data: bytes, timeout_s: float, client: str) -> None:
        raise self._gone()

    def start_job(self, method: str, params: list[Any], client: str) -> Job:
        raise self._gone()

    async def cancel(self) -> None:
        raise self._gone()

    def _gone(self) -> LinkError:
        return LinkError("port", "the helper is not connected", next_step="plug it in")


class Hall:
    """`run` follows the daemon's helpers; what a station shows becomes a numbered event of the daemon."""

    def __init__(self, helpers: Helpers, desk: Desk) -> None:
        self.desk = desk
        self.stations: dict[str, Station] = {}
        self.displays: dict[str, dict[str, Any]] = {}  # of virtual stations: what is to be seen on dongle and unit
        self._helpers = helpers
        self._tasks: set[asyncio.Task[None]] = set()
        self._chosen: str | None = None  # the station whose name was scanned: the next label is for it

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._follow_helpers()
                await asyncio.sleep(_LOOK_S)
        finally:
            for task in self._tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def station(self, name: str) -> Station:
        """Raises LinkError."""
        if name not in self.stations:
            raise LinkError("no_helper", f"there is no station {name[:60]}", next_step="see the wall view")
        return self.stations[name]

    def scan(self, text: str, operator: str, station: str | None = None) -> Station:
        """What a barcode scanner read: a station's own name, which chooses it, or the label of a unit.

        The label is for the chosen station, else for `station` (in whose view it was scanned), else for the one that
        waits for one. Returns the station that took it.

        Raises:
            LinkError: it is no label, the unit is at another station, or no station waits for one.
        """
        if text in self.stations:
            self._chosen = text
            return self.stations[text]
        name = self._chosen or station
        elsewhere = [other for other in self.stations.values() if other.label == text and other.name != name]
        for other in elsewhere:
            if other.state not in (EMPTY, OUT):
                raise LinkError("busy", f"{text[:64]} is at station {other.name}", next_step="check the label")
        taker = self.station(name) if name else self._waiting()
        taker.scan(text, operator)
        for other in elsewhere:
            other.move_label()
        self._chosen = None
        return taker

    def show_display(self, station: str, shown: dict[str, Any]) -> None:
        """What is to be seen at a virtual station: {"front": picture as base64} or {"unit": lines}."""
        self.displays.setdefault(station, {}).update(shown)
        self._helpers.events.add(station, "display", shown)

    def _waiting(self) -> Station:
        waiting = [one for one in self.stations.values() if one.state == WAIT_LABEL and one.label is None]
        if len(waiting) == 1:
            return waiting[0]
        if not waiting:
            empty = [one for one in self.stations.values() if one.state in (EMPTY, DETECTING) and one.label is None]
            if len(empty) == 1:
                return empty[0]
            raise LinkError("busy", "no station waits for a label", next_step="insert the unit first")
        names = ", ".join(one.name for one in waiting)
        raise LinkError(
            "busy", f"several stations wait for a label ({names})", next_step="scan the station's name first"
        )

    def _follow_helpers(self) -> None:
        for name, port in self._helpers.ports.items():
            if name not in self.stations:
                station = Station(name, port, self.desk, self._tell)
                self.stations[name] = station
                self._tasks.add(asyncio.create_task(self._run_station(station), name=f"station {name}"))
            else:
                self.stations[name].port = port
        for name, station in self.stations.items():
            if name not in self._helpers.ports:
                station.port = AbsentPort()
        told = alike((name, station.who) for name, station in self.stations.items())
        for name, station in self.stations.items():
            station.alike = told.get(name, "")

    async def _run_station(self, station: Station) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            try:
                await station.tick(clock())
            except _UNFORESEEN as error:  # a fault of ours, or an answer that nobody thought of, ends no station
                _log.exception("station %s", station.name)
                station.fail(error)
            await asyncio.sleep(_LOOK_S)

    def _tell(self, status: dict[str, Any]) -> None:
        self._helpers.events.add(status["station"], EVENT, status)
