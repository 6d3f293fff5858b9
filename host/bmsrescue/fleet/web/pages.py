"""The views of stations, units and attempts, rendered on the server; signing in and out."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.accounts import MIN_PASSWORD, AccessError
from bmsrescue.fleet.benches import names_of
from bmsrescue.fleet.checking import wrong_with
from bmsrescue.fleet.consents import WORDS, consent_of, consents_for, is_word, said
from bmsrescue.fleet.golden import golden_of
from bmsrescue.fleet.lookalikes import lookalikes_of
from bmsrescue.fleet.lookup import (
    MAX_FOUND,
    FoundUnit,
    attempt_of,
    attempts_called,
    find_units,
    newest_attempts,
    unit_with,
    units_in_order,
)
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.records.life import FIELDS
from bmsrescue.fleet.records.reading import PHASES
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED
from bmsrescue.fleet.trends import rail_trends
from bmsrescue.fleet.unit_life import DISPOSITIONS, life_of, test_after
from bmsrescue.fleet.web.access import COOKIE, Access, Viewing
from bmsrescue.fleet.web.api_records import Days, OptionalText, SearchText, storable_name
from bmsrescue.fleet.web.ordering import order_of
from bmsrescue.fleet.web.parts import Plain, TheFleet, TheHall, TheLog
from bmsrescue.fleet.web.rail_marks import rail_marks
from bmsrescue.fleet.web.rendering import page, troubles
from bmsrescue.fleet.web.told import told_lines

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_SECTOR = "rewrite a sector that holds the unit's own data"
_MAX_NUMBER = 2**62
_SHOWN_ATTEMPTS = 20
_SHOWN_EVENTS = 1500


@router.get("/")
async def wall(request: Request, fleet: TheFleet, hall: TheHall, person: Viewing) -> Response:
    """All stations, large enough to be read across the room."""
    if fleet.only_looks:
        return RedirectResponse("/benches", 303)
    stations = [hall.stations[name].status() for name in sorted(hall.stations, key=_in_order)]
    return page(request, "wall.html", person, "Stations", stations=stations)


@router.get("/troubles")
def troubles_now(request: Request, person: Viewing) -> Response:
    """Asked again by every view that stays open."""
    return page(request, "troubles.html", person, "", troubles=troubles(request))


@router.get("/stations/{name}")
async def station(
    request: Request, name: str, fleet: TheFleet, hall: TheHall, log: TheLog, person: Viewing
) -> Response:
    """One station: what it does now, its rails, and what it did before."""
    shown = {
        "station": hall.station(name).status(),
        "attempts": await asyncio.to_thread(_newest, fleet, name),
        "at_station": name,
        "after": max(0, log.last - _SHOWN_EVENTS),
        "displays": hall.displays.get(name, {}),
    }
    return page(request, "station.html", person, f"Station {name}", **shown)


@router.get("/units")
def units(
    request: Request,
    fleet: TheFleet,
    person: Viewing,
    q: SearchText = "",
    before: Annotated[int, Query(ge=0, le=_MAX_NUMBER)] = 0,
    after: SearchText = "",
) -> Response:
    """Search by label or UID, a page at a time."""
    text = q.strip().replace("\0", "")
    columns = ("first_seen",) if text else ("first_seen", "uid", "labels.0")
    column, down = order_of(request).by("units", *columns)
    with fleet.store.read() as session:
        if column == "first_seen":
            found = find_units(session, text, before, down)
            following = ("", found[-1].id) if len(found) == MAX_FOUND else None
        else:
            name = "uid" if column == "uid" else "label"
            found, following = units_in_order(session, name, down, after.replace("\0", ""), before)
    stored = {"units": columns} if before or following or column != "first_seen" else None
    if len(found) == 1 and text and not before:
        return RedirectResponse(f"/units/{found[0].id}", 303)
    return page(request, "units.html", person, "Units", units=found, q=text, following=following, stored_order=stored)


@router.get("/units/{number}")
def unit(request: Request, number: int, fleet: TheFleet, person: Viewing) -> Response:
    """A unit's history."""
    with fleet.store.read() as session:
        found = unit_with(session, number) if 0 <= number <= _MAX_NUMBER else None
        told = None if found is None else _consent_view(session, found[0], found[1])
        if told is not None:
            told |= {"life": life_of(session, number), "fields": FIELDS, "dispositions": DISPOSITIONS}
            told["benches"] = names_of(session)
    if found is None or told is None:
        raise HTTPException(404, "there is no such unit")
    return page(request, "unit.html", person, "Unit", unit=found[0], attempts=found[1], **told)


@router.get("/attempts/{sha256}")
def attempt(request: Request, sha256: Plain, fleet: TheFleet, person: Viewing) -> Response:
    """The report of an attempt, made to be printed, by the hash of its record."""
    with fleet.store.read() as session:
        found = attempt_of(session, sha256)
        consent = None if found is None else consent_of(session, found.attempt)
        called = None if found is None else attempts_called(session, found.attempt.helper, found.attempt.sequence)
        unit_id = None if found is None else found.attempt.unit_id
        life = life_of(session, -1 if unit_id is None else unit_id)
        test = None if found is None else test_after(session, unit_id, found.attempt.at)
        benches = names_of(session)
        wrong, signed = ("", False) if found is None else wrong_with(session, found.attempt, fleet.keys.helpers())
    if found is None:
        raise HTTPException(404, "there is no such attempt")
    if wrong:
        found.attempt.taken_out = True  # here and now: in the store a check of all of it marks it
    record = found.record
    measurements = sorted(found.measurements, key=lambda one: (one.rail, PHASES.index(one.phase)))
    sectors = record.get("sectors") if isinstance(record.get("sectors"), dict) else {}
    return page(
        request,
        "attempt.html",
        person,
        f"Attempt {found.attempt.helper} {found.attempt.sequence}",
        attempt=found.attempt,
        uid=found.uid,
        measurements=measurements,
        marks=rail_marks(measurements),
        record=record,
        told=told_lines(record),
        wrong=wrong,
        signed=signed,
        life=life,
        test=test,
        fields=FIELDS,
        benches=benches,
        page_name=_in_css(f"{found.attempt.label or found.uid or 'unit not identified'}, {_name_of(found.attempt)}"),
        consent=consent,
        others=[one for one in called or () if one.sha256 != sha256],
        sectors={moment: _states(sectors, moment) for moment in ("before", "after")},
    )


@router.get("/attempts/{sha256}/beside")
def beside(request: Request, sha256: Plain, fleet: TheFleet, person: Viewing) -> Response:
    """An attempt beside good units, and what cured others like it: loaded after the report."""
    with fleet.store.read() as session:
        found = session.scalar(select(Attempt).where(Attempt.sha256 == sha256))
        if found is None:
            raise HTTPException(404, "there is no such attempt")
        failed = not found.taken_out and found.outcome not in (*GOOD, *NOT_COUNTED)
        told = {"golden": golden_of(session, found), "alike": lookalikes_of(session, found) if failed else None}
    return page(request, "beside.html", person, "", **told)


@router.get("/attempts/{helper:path}/{sequence:int}")
def attempt_by_name(request: Request, helper: Plain, sequence: int, fleet: TheFleet, person: Viewing) -> Response:
    """By what people call it; where several go by that, all of them to choose from."""
    with fleet.store.read() as session:
        found = attempts_called(session, helper, sequence) if 0 <= sequence <= _MAX_NUMBER else []
    if not found:
        raise HTTPException(404, "there is no such attempt")
    if len(found) == 1:
        return attempt(request, found[0].sha256, fleet, person)
    return page(request, "several.html", person, f"Attempts {helper} {sequence}", attempts=found)


@router.get("/quarantine")
def quarantine(
    request: Request, fleet: TheFleet, person: Viewing, before: Annotated[int, Query(ge=0, le=_MAX_NUMBER)] = 0
) -> Response:
    """Lines that were set aside, and why."""
    with fleet.store.read() as session:
        down = order_of(request).by("aside", "seen_at")[1]
        count, lines = aside.count(session), aside.newest(session, before, down)
    stored = {"aside": ("seen_at",)} if before or count > aside.SHOWN else None
    shown = {"count": count, "lines": lines, "skipped": before, "stored_order": stored}
    return page(request, "quarantine.html", person, "Set aside", **shown)


@router.get("/figures")
def all_figures(
    request: Request, fleet: TheFleet, person: Viewing, days: Days = 90, firmware: OptionalText = None
) -> Response:
    """Why units fail (those that carried `firmware`, where it is given), and how the yield moves."""
    since = ledger.now() - timedelta(days=days)
    with fleet.store.read() as session:
        weeks = figures.weekly_yield(session, since)
        told: dict[str, Any] = {
            "pareto": figures.pareto(session, since, storable_name(firmware)),
            "firmwares": figures.by_firmware(session, since),
            "firmware": firmware,
            "outcomes": figures.outcomes(session, since),
            "no_fault_found": figures.no_fault_found(session, since),
            "weeks": weeks,
            "plot": [
                [int(ledger.midnight(week.monday).timestamp()) for week in weeks],
                [round(100 * week.recovered.share, 1) for week in weeks],
                [round(100 * week.recovered.low, 1) for week in weeks],
                [round(100 * week.recovered.high, 1) for week in weeks],
            ],
        }
    return page(request, "figures.html", person, "Figures", days=days, first_day=since.date(), **told)


@router.get("/figures/slow")
def slow_figures(request: Request, fleet: TheFleet, person: Viewing, days: Days = 90) -> Response:
    """The part of the figures that goes through every unit and measurement: loaded after the page."""
    since = ledger.now() - timedelta(days=days)
    with fleet.store.read() as session:
        told = {
            "first_pass": figures.first_pass(session, since),
            "bounced": figures.bounced(session, since),
            "rails": figures.rail_spreads(session, "proof", since),
            "most_rails": figures.MOST_RAILS,
            "first_day": since.date(),
        }
    return page(request, "slow_figures.html", person, "", **told)


@router.get("/login")
def login_form(request: Request) -> Response:
    """Before there are accounts nobody has to log in."""
    return page(request, "login.html", None, "Log in")


@router.post("/login")
def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=256)] = "",
    badge: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """A session, or the form again with why not."""
    access: Access = request.app.state.access
    try:
        address = request.client.host if request.client else ""
        key = access.log_in_by_badge(badge.strip(), address) if badge else access.log_in(name, password, address)
    except AccessError as error:
        again = page(request, "login.html", None, "Log in", wrong=f"{error.message}. {error.next_step}")
        again.status_code = 429 if error.kind == "slow" else 401
        return again
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, key, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def log_out(request: Request) -> Response:
    """Ends the session."""
    access: Access = request.app.state.access
    access.log_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/password")
def password_form(request: Request, person: Viewing) -> Response:
    """One's own."""
    return page(request, "password.html", person, "Password", min_password=MIN_PASSWORD)


@router.get("/stations/{name}/attempts")
def station_attempts(
    request: Request, name: str, fleet: TheFleet, person: Viewing, _now: Annotated[int, Query()] = 0
) -> Response:
    """The station's newest attempts, as a part of its view."""
    return page(request, "attempts.html", person, "", attempts=_newest(fleet, name))


@router.get("/stations/{name}/trends")
def station_trends(request: Request, name: Plain, fleet: TheFleet, person: Viewing) -> Response:
    """The station's rails attempt by attempt: loaded after its view."""
    with fleet.store.read() as session:
        trends = rail_trends(session, name)
    return page(request, "trends.html", person, "", trends=trends)


def _name_of(attempt: Attempt) -> str:
    return f"{attempt.helper} {attempt.sequence}, {attempt.sha256[:16]}"


def _in_css(text: str) -> str:
    """Text for a style sheet's string: whatever could end it is left out."""
    return "".join(one if one.isalnum() or one in " .,:_-" else " " for one in text)[:120]


def _in_order(name: str) -> list[tuple[int, str]]:
    """ "bench-2" comes before "bench-10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _newest(fleet: TheFleet, station: str) -> list[Attempt]:
    with fleet.store.read() as session:
        return newest_attempts(session, _SHOWN_ATTEMPTS, station.replace("\0", ""))


def _consent_view(session: Session, unit: FoundUnit, attempts: list[Attempt]) -> dict[str, Any]:
    """The unit's consents, and what a new one would be for. The newest attempt says what the unit waits for."""
    newest = attempt_of(session, attempts[0].sha256) if attempts else None
    diagnosis = newest.record.get("diagnosis") if newest is not None else None
    needs = diagnosis.get("needs") if isinstance(diagnosis, dict) else None
    needed = [word for word in needs if isinstance(word, str) and is_word(word)] if isinstance(needs, list) else []
    consent_unit = unit.uid or (unit.labels[-1] if unit.labels else "")
    return {
        "consents": consents_for(session, unit.uid, unit.labels),
        "consent_unit": consent_unit,
        "consent_said": said(consent_unit),
        "needed": needed,
        "asked": isinstance(diagnosis, dict) and diagnosis.get("ask") is True,
        "words": {
            word: WORDS.get(word, "rewrite a sector that holds the unit's own data") for word in [*needed, *WORDS]
        },
    }


def _states(sectors: Any, moment: str) -> list[str]:
    found = sectors.get(moment)
    return [str(one.get("state")) for one in found if isinstance(one, dict)][:256] if isinstance(found, list) else []
