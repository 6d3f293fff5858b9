"""Consents over HTTP: what an engineer allows to be done to one unit, once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from bmsrescue.fleet.consents import consents_for
from bmsrescue.fleet.web.access import Deciding, Viewing
from bmsrescue.fleet.web.parts import Plain, TheConsents, TheFleet

router = APIRouter(prefix="/api/fleet", tags=["consents"])


class NewConsent(BaseModel):
    """`words` as in a job's policy.ask; `typed` has to be: allow WORD, WORD on UNIT."""

    unit: Plain = Field(min_length=1, max_length=64, description="The chip's identity (24 hex digits), or a label.")
    words: list[Plain] = Field(min_length=1, max_length=16)
    typed: Plain = Field(max_length=400, description="A chip goes by the last 8 digits of its identity here.")
    why: Plain = Field(min_length=1, max_length=300)


@router.get("/consents")
def of_unit(
    fleet: TheFleet, _person: Viewing, unit: Annotated[Plain, Query(min_length=1, max_length=64)]
) -> list[dict[str, Any]]:
    """All consents for a unit, by its label or its chip's identity, newest first."""
    with fleet.store.read() as session:
        return [asdict(consent) for consent in consents_for(session, unit.upper(), [unit])]


@router.post("/consents", status_code=201)
def give(body: NewConsent, consents: TheConsents, person: Deciding) -> dict[str, Any]:
    """Allow it: the unit's next attempt at a station of this bench uses it up, within a week."""
    return asdict(consents.give(body.unit, body.words, body.typed, body.why, person))


@router.delete("/consents/{number}")
def withdraw(number: Annotated[int, Path(ge=0, le=2**62)], consents: TheConsents, person: Deciding) -> None:
    """Take back one that waits."""
    consents.withdraw(number, person)
