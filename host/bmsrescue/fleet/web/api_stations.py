"""Stations over HTTP: what an operator does at one."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from bmsrescue.fleet.web.access import Deciding, Viewing, Working
from bmsrescue.fleet.web.helper_words import Language, said
from bmsrescue.fleet.web.parts import TheFleet, TheHall

router = APIRouter(prefix="/api/fleet", tags=["stations"])

Scanned = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Scan(BaseModel):
    """What a barcode scanner read: a label, or a station's name. Without `station` it is for the one that waits."""

    text: Scanned
    station: str | None = Field(None, max_length=64)


class Pause(BaseModel):
    paused: bool


class Service(BaseModel):
    """Why a station takes no units; empty: it takes them again."""

    why: str = Field("", max_length=300)


@router.get("/stations")
async def stations(hall: TheHall, _person: Viewing, language: Language = "en") -> list[dict[str, Any]]:
    """Every station with its state."""
    return [said(station.status(), language) for station in hall.stations.values()]


@router.get("/stations/{name}")
async def station(name: str, hall: TheHall, _person: Viewing) -> dict[str, Any]:
    """One station."""
    return hall.station(name).status()


@router.post("/scan")
async def scan(body: Scan, hall: TheHall, person: Working) -> dict[str, Any]:
    """A label, or a station's name, from a scanner or a keyboard; returns the station that took it."""
    return hall.scan(body.text.strip(), person.name, body.station).status()


@router.post("/stations/{name}/retest")
async def retest(name: str, hall: TheHall, person: Working) -> dict[str, Any]:
    """The same unit again."""
    hall.station(name).retest(person.name)
    return hall.station(name).status()


@router.post("/stations/{name}/pause")
async def pause(name: str, body: Pause, fleet: TheFleet, hall: TheHall, person: Working) -> dict[str, Any]:
    """Begin nothing new; what is under way goes on."""
    hall.station(name).pause(body.paused)
    await asyncio.to_thread(fleet.desk.note, person.name, "paused" if body.paused else "pause ended", name)
    return hall.station(name).status()


@router.post("/stations/{name}/abort", status_code=202)
async def abort(name: str, fleet: TheFleet, hall: TheHall, person: Working) -> None:
    """Stop the job at its next safe point."""
    await hall.station(name).abort()
    await asyncio.to_thread(fleet.desk.note, person.name, "aborted", name)


@router.post("/stations/{name}/service")
async def service(name: str, body: Service, hall: TheHall, person: Deciding) -> dict[str, Any]:
    """Out of service for a reason, or in service again."""
    await hall.station(name).set_service(body.why, person.name)
    return hall.station(name).status()
