"""What a request finds in the application."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from pydantic import AfterValidator

from bmsrescue.daemon.events import EventLog
from bmsrescue.fleet.consents import Consents
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.hall import Hall


def _fleet(request: Request) -> Fleet:
    fleet: Fleet = request.app.state.fleet
    return fleet


def _consents(request: Request) -> Consents:
    fleet: Fleet = request.app.state.fleet
    return Consents(fleet.store, fleet.site_id)


def _hall(request: Request) -> Hall:
    hall: Hall = request.app.state.hall
    return hall


def _log(request: Request) -> EventLog:
    log: EventLog = request.app.state.log
    return log


TheFleet = Annotated[Fleet, Depends(_fleet)]
TheConsents = Annotated[Consents, Depends(_consents)]
TheHall = Annotated[Hall, Depends(_hall)]
TheLog = Annotated[EventLog, Depends(_log)]


def _plain(text: str) -> str:
    # PostgreSQL keeps no NUL, and half a surrogate pair is no text.
    return text.replace("\0", "").encode("utf-8", "replace").decode()


Plain = Annotated[str, AfterValidator(_plain)]
"""Text that every store can keep."""
