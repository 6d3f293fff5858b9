"""What a request finds in the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from bmsrescue.daemon.events import EventLog
from bmsrescue.fleet.stations.hall import Hall

if TYPE_CHECKING:
    from bmsrescue.fleet.service import Fleet


def _fleet(request: Request) -> Any:
    fleet: Fleet = request.app.state.fleet
    return fleet


def _hall(request: Request) -> Hall:
    hall: Hall = request.app.state.hall
    return hall


def _log(request: Request) -> EventLog:
    log: EventLog = request.app.state.log
    return log


if TYPE_CHECKING:
    TheFleet = Annotated[Fleet, Depends(_fleet)]
else:  # the class itself would be imported in a circle
    TheFleet = Annotated[object, Depends(_fleet)]
TheHall = Annotated[Hall, Depends(_hall)]
TheLog = Annotated[EventLog, Depends(_log)]
