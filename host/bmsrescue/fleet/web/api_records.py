"""Records over HTTP: units, attempts, figures, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from sqlalchemy.orm import Session

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.export import as_csv, as_json_lines, as_parquet
from bmsrescue.fleet.lookup import AttemptView, attempt_of, attempts_called, find_units, unit_with
from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.records.fields import clean
from bmsrescue.fleet.unit_label import png, zpl
from bmsrescue.fleet.web.access import Viewing
from bmsrescue.fleet.web.parts import Plain, TheFleet
from bmsrescue.fleet.web.refusals import a_file

router = APIRouter(prefix="/api/fleet", tags=["records"])

Days = Annotated[int, Query(ge=1, le=36_500, description="Only what came in the last so many days.")]
SearchText = Annotated[str, Query(max_length=64)]
OptionalText = Annotated[str | None, Query(max_length=64)]
_MAX_ROW = 2**62
_NAMED = 5


def storable_name(text: str | None) -> str | None:
    """Without what no store can hold, so that it can be looked for."""
    return clean(text, NAME_LENGTH) or "" if text is not None else None


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
        names = ("helper", "helper_id", "sequence", "sha256", "at", "outcome", "cause", "firmware")
        attempts = [{name: getattr(one, name) for name in names} for one in found[1]]
        return asdict(found[0]) | {"attempts": attempts}


@router.get("/records/{sha256}")
def record(sha256: Plain, fleet: TheFleet, _person: Viewing) -> dict[str, Any]:
    """A record by its hash, as the helper sealed it, in `line`."""
    with fleet.store.read() as session:
        return _whole(_attempt_of(session, sha256))


@router.get("/records/{sha256}/label.zpl", response_class=PlainTextResponse)
def label_of(sha256: Plain, fleet: TheFleet, _person: Viewing) -> PlainTextResponse:
    """A sticker for the unit, for a label printer."""
    with fleet.store.read() as session:
        found = _attempt_of(session, sha256)
        return PlainTextResponse(zpl(found.attempt, found.uid))


@router.get("/records/{sha256}/label.png", response_class=Response)
def label_picture_of(sha256: Plain, fleet: TheFleet, _person: Viewing) -> Response:
    """The same sticker as a picture: 400 x 200 dots, 50 mm x 25 mm at 203 dpi."""
    with fleet.store.read() as session:
        found = _attempt_of(session, sha256)
        return Response(png(found.attempt, found.uid), media_type="image/png")


@router.get("/attempts/{helper:path}/{sequence:int}")
def attempt(helper: Plain, sequence: int, fleet: TheFleet, _person: Viewing) -> dict[str, Any]:
    """The record that a helper (its name, or its number) made under this sequence number, if there is only one."""
    with fleet.store.read() as session:
        return _whole(_only_attempt(session, helper, sequence))


@router.get("/attempts/{helper:path}/{sequence:int}/label.zpl", response_class=PlainTextResponse)
def label(helper: Plain, sequence: int, fleet: TheFleet, _person: Viewing) -> PlainTextResponse:
    """A sticker for the unit, for a label printer."""
    with fleet.store.read() as session:
        found = _only_attempt(session, helper, sequence)
        return PlainTextResponse(zpl(found.attempt, found.uid))


@router.get("/attempts/{helper:path}/{sequence:int}/label.png", response_class=Response)
def label_picture(helper: Plain, sequence: int, fleet: TheFleet, _person: Viewing) -> Response:
    """The same sticker as a picture."""
    with fleet.store.read() as session:
        found = _only_attempt(session, helper, sequence)
        return Response(png(found.attempt, found.uid), media_type="image/png")


def _whole(found: AttemptView) -> dict[str, Any]:
    names = ("helper", "helper_id", "sequence", "sha256")
    return {name: getattr(found.attempt, name) for name in names} | {"line": found.line, "record": found.record}


def _attempt_of(session: Session, sha256: str) -> AttemptView:
    found = attempt_of(session, sha256)
    if found is None:
        raise HTTPException(404, "there is no such record")
    return found


def _only_attempt(session: Session, helper: str, sequence: int) -> AttemptView:
    found = attempts_called(session, helper, sequence) if 0 <= sequence <= _MAX_ROW else []
    if not found:
        raise HTTPException(404, "there is no such attempt")
    if len(found) > 1:
        hashes = ", ".join(one.sha256 for one in found[:_NAMED])
        raise HTTPException(
            409, f"{len(found)} records go by {helper[:64]} {sequence}: ask for one by its hash ({hashes})"
        )
    return _attempt_of(session, found[0].sha256)


@router.get("/quarantine")
def quarantine(
    fleet: TheFleet, _person: Viewing, before: Annotated[int, Query(ge=0, le=_MAX_ROW)] = 0
) -> dict[str, Any]:
    """Lines that were set aside: how many, and the newest after `before` of them, at most 100, each with its start."""
    with fleet.store.read() as session:
        return {"count": aside.count(session), "lines": [asdict(one) for one in aside.newest(session, before)]}


@router.get("/quarantine/{sha256}", response_class=PlainTextResponse)
def quarantined(sha256: Plain, fleet: TheFleet, _person: Viewing) -> PlainTextResponse:
    """One of them, whole, as it came."""
    with fleet.store.read() as session:
        text = aside.text_of(session, sha256)
    if text is None:
        raise HTTPException(404, "there is no such line")
    return PlainTextResponse(text)


@router.get("/figures")
def all_figures(fleet: TheFleet, _person: Viewing, days: Days = 90, firmware: OptionalText = None) -> dict[str, Any]:
    """Pareto of causes, yields with their 95 % intervals, units that came back, and the firmware that units carried.

    `firmware`: the Pareto of those units only that carried it when they came; empty is those of which it is not known.
    """
    since = ledger.now() - timedelta(days=days)
    with fleet.store.read() as session:
        return {
            "outcomes": figures.outcomes(session, since),
            "pareto": [asdict(bar) for bar in figures.pareto(session, since, storable_name(firmware))],
            "firmware": [asdict(one) for one in figures.by_firmware(session, since)],
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


@router.get("/export.csv", response_class=StreamingResponse, responses=a_file("text/csv"))
def export_csv(fleet: TheFleet, _person: Viewing, days: Days = 36_500) -> StreamingResponse:
    """Every attempt as CSV. A cell that a spreadsheet would take for a formula is put in quotes by an apostrophe."""
    return StreamingResponse(_streamed(fleet, days, as_csv), media_type="text/csv; charset=utf-8")


@router.get("/export.jsonl", response_class=StreamingResponse, responses=a_file("application/jsonl"))
def export_lines(fleet: TheFleet, _person: Viewing, days: Days = 36_500) -> StreamingResponse:
    """Every attempt as a line of JSON."""
    return StreamingResponse(_streamed(fleet, days, as_json_lines), media_type="application/jsonl")


@router.get("/export.parquet", response_class=StreamingResponse, responses=a_file("application/vnd.apache.parquet"))
def export_parquet(fleet: TheFleet, _person: Viewing, days: Days = 36_500) -> StreamingResponse:
    """Every attempt as a Parquet file, with typed columns."""
    return StreamingResponse(_streamed(fleet, days, as_parquet), media_type="application/vnd.apache.parquet")


def _streamed(
    fleet: TheFleet, days: int, shape: Callable[[Session, datetime], Iterator[str] | Iterator[bytes]]
) -> Iterator[str | bytes]:
    with fleet.store.read() as session:
        yield from shape(session, ledger.now() - timedelta(days=days))
