"""What people say of a unit, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, Field

from bmsrescue.fleet.models import Unit
from bmsrescue.fleet.protection_test import MAX_CHARACTERS, read_values
from bmsrescue.fleet.records.life import FIELDS
from bmsrescue.fleet.unit_life import DISPOSITIONS, UnitLives, life_of
from bmsrescue.fleet.web.access import Viewing, Working
from bmsrescue.fleet.web.parts import Plain, TheFleet

router = APIRouter(prefix="/api/fleet/units/{number}", tags=["units"])
Number = Annotated[int, Path(ge=0, le=2**62)]
_Name = Annotated[Plain | None, Field(None, max_length=64)]


class Card(BaseModel):
    """What is not given stays as it is; empty takes it away."""

    rma: _Name = None
    customer: _Name = None
    lot: _Name = None
    model: _Name = None


class Disposition(BaseModel):
    disposition: Plain = Field(description=f"One of: {', '.join(DISPOSITIONS)}.")
    why: Plain = Field("", max_length=400)


class Note(BaseModel):
    text: Plain = Field(min_length=1, max_length=400)


class Photo(BaseModel):
    url: Plain = Field(min_length=8, max_length=400, description="Where it is kept; it is linked, not copied.")
    text: Plain = Field("", max_length=400)


class Test(BaseModel):
    """Lines of: name, value, unit, lowest, highest."""

    values: Plain = Field(min_length=1, max_length=MAX_CHARACTERS)
    text: Plain = Field("", max_length=300)


class LaterLabel(BaseModel):
    label: Plain = Field(min_length=1, max_length=64)


@router.get("/life")
def life(number: Number, fleet: TheFleet, _person: Viewing) -> dict[str, Any]:
    """The unit's card, and all that was said of it, newest first."""
    with fleet.store.read() as session:
        if session.get(Unit, number) is None:
            raise HTTPException(404, "there is no such unit")
        found = life_of(session, number)
        names = (*FIELDS, "disposition")
        return {
            "card": {name: None if found.card is None else getattr(found.card, name) for name in names},
            "protection_test": found.tested or None,
            "notes": [
                {name: getattr(one, name) for name in ("at", "actor", "kind", "text", "details")} for one in found.notes
            ],
        }


@router.post("/card")
def set_card(number: Number, body: Card, fleet: TheFleet, person: Working) -> None:
    """RMA number, customer, lot, board model."""
    _lives(fleet).set_card(number, body.model_dump(exclude_none=True), person)


@router.post("/disposition", status_code=201)
def dispose(number: Number, body: Disposition, fleet: TheFleet, person: Working) -> None:
    """What becomes of the unit; "released" takes a protection test that it has passed."""
    _lives(fleet).dispose(number, body.disposition, body.why, person)


@router.post("/notes", status_code=201)
def note(number: Number, body: Note, fleet: TheFleet, person: Working) -> None:
    """Something about it, in words."""
    _lives(fleet).note(number, body.text, person)


@router.post("/photos", status_code=201)
def photo(number: Number, body: Photo, fleet: TheFleet, person: Working) -> None:
    """A photo by its address."""
    _lives(fleet).photo(number, body.url, body.text, person)


@router.post("/tests", status_code=201)
def test(number: Number, body: Test, fleet: TheFleet, person: Working) -> None:
    """The maker's protection test, as it was measured."""
    _lives(fleet).test(number, read_values(body.values), body.text, person)


@router.post("/labels", status_code=201)
def label(number: Number, body: LaterLabel, fleet: TheFleet, person: Working) -> None:
    """A label that was stuck on after the attempt."""
    _lives(fleet).label(number, body.label, person)


def _lives(fleet: TheFleet) -> UnitLives:
    return UnitLives(fleet.store, fleet.site_id)
