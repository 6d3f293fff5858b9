"""Records over HTTP: units, attempts, figures, exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import PlainTextResponse, StreamingResponse
from sqlalchemy.orm import Session

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.lookup import COLUMNS, all_rows, attempt_with, find_units, unit_with
from bmsrescue.fleet.unit_label import zpl
from bmsrescue.fleet.web.access import Viewing
from bmsrescue.fleet.web.parts import TheFleet

router = APIRouter(prefix="/api/fleet", tags=["records"])

Days = Annotated[int, Query(ge=1, le=36_500, description="Only what came in the last so many days.")]
SearchText = Annotated[str, Query(max_length=64)]
_MAX_ROW = 2**62


@router.get("/units")
def units(fleet: TheFleet, _person: Viewing, q: SearchText = "") -> list[dict[str, Any]]:
    """Units whose label or UID contains `q`, newest first, at most 100."""
    with fleet.store.read() as session:
        return [asdict(unit) for unit in find_units(session, q)]


@router.get("/units/{number}")
def unit(number: Annotated[int, Path(ge=0, le=_MAX_ROW)], fleet: TheFleet, _person: Viewing) -> dict[str, Any]:
    """A unit and its attempts, newest first."""
    with fleet.store.read() as session:
        found = unit_with(session, number)
        if found is None:
            raise HTTPException(404, "there is no such unit")
        attempts = [{"helper": a.helper, "sequence": a.sequence, "at": a.at, "outcome": a.outcome} for a in found[1]]
        return asdict(found[0]) | {"attempts": attempts}


@router.get("/attempts/{helper}/{sequence}")
def attempt(helper: str, sequence: int, fleet: TheFleet, _person: Viewing) -> dict[str, Any]:
    """The record of an attempt as the helper sealed it, in `line`."""
    with fleet.store.read() as session:
        found = None
        if "\0" not in helper and 0 <= sequence <= _MAX_ROW:
            found = attempt_with(session, helper, sequence)
        if found is None:
            raise HTTPException(404, "there is no such attempt")
        return {"helper": helper, "sequence": sequence, "line": found.line, "record": found.record}


@router.get("/attempts/{helper}/{sequence}/label.zpl", response_class=PlainTextResponse)
def label(helper: str, sequence: int, fleet: TheFleet, _person: Viewing) -> PlainTextResponse:
    """A sticker for the unit, for a label printer."""
    with fleet.store.read() as session:
        found = None
        if "\0" not in helper and 0 <= sequence <= _MAX_ROW:
            found = attempt_with(session, helper, sequence)
        if found is None:
            raise HTTPException(404, "there is no such attempt")
        return PlainTextResponse(zpl(found.attempt, found.uid))


@router.get("/figures")
def all_figures(fleet: TheFleet, _person: Viewing, days: Days = 90) -> dict[str, Any]:
    """Pareto of causes, yields with their 95 % intervals, units that came back."""
    since = ledger.now() - timedelta(days=days)
    with fleet.store.read() as session:
        return {
            "outcomes": figures.outcomes(session, since),
            "pareto": [asdict(bar) for bar in figures.pareto(session, since)],
            "weeks": [asdict(week) for week in figures.weekly_yield(session, since)],
            "first_pass": asdict(figures.first_pass(session, since)),
            "no_fault_found": asdict(figures.no_fault_found(session, since)),
            "bounced": asdict(figures.bounced(session, since)),
        }


@router.get("/rails")
def rails(fleet: TheFleet, _person: Viewing, phase: SearchText = "proof", days: Days = 90) -> list[dict[str, Any]]:
    """Each rail at each station: mean, extremes, limits."""
    with fleet.store.read() as session:
        return [asdict(one) for one in figures.rail_spreads(session, phase, ledger.now() - timedelta(days=days))]


@router.get("/export.csv")
def export_csv(fleet: TheFleet, _person: Viewing, days: Days = 36_500) -> StreamingResponse:
    """Every attempt as CSV. A cell that a spreadsheet would take for a formula is put in quotes by an apostrophe."""
    since = ledger.now() - timedelta(days=days)
    return StreamingResponse(_streamed(fleet, since, _csv), media_type="text/csv; charset=utf-8")


@router.get("/export.jsonl")
def export_lines(fleet: TheFleet, _person: Viewing, days: Days = 36_500) -> StreamingResponse:
    """Every attempt as a line of JSON."""
    since = ledger.now() - timedelta(days=days)
    return StreamingResponse(_streamed(fleet, since, _json_lines), media_type="application/jsonl")


def _streamed(fleet: TheFleet, since: Any, shape: Any) -> Iterator[str]:
    with fleet.store.read() as session:
        yield from shape(session, since)


def _csv(session: Session, since: Any) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS)
    writer.writeheader()
    for row in all_rows(session, since):
        writer.writerow({name: _harmless(value) for name, value in row.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _json_lines(session: Session, since: Any) -> Iterator[str]:
    for row in all_rows(session, since):
        yield json.dumps(row) + "\n"


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
