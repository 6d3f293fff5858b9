"""The line's view, and the attempts behind each of its figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.benches import names_of
from bmsrescue.fleet.line import figures
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import NONE, WORDS, Filters
from bmsrescue.fleet.line.listing import PAGE, SORTS, listing
from bmsrescue.fleet.web.access import Viewing
from bmsrescue.fleet.web.filtering import TheFilters
from bmsrescue.fleet.web.parts import TheFleet
from bmsrescue.fleet.web.people_words import STEP_ORDER
from bmsrescue.fleet.web.rendering import page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(prefix="/api/fleet", tags=["line"])
By = Annotated[str, Query(pattern=f"^({'|'.join(WORDS)})$", description="What the yield is shown by.")]
_HOURS_UP_TO_DAYS = 2
_AT_ONCE = 10_000  # attempts that are gone through one by one before the page is shown


@router.get("/line")
def line(request: Request, fleet: TheFleet, person: Viewing, filters: TheFilters, by: By = "station") -> Response:
    """What a line is run by. Where many attempts have to be gone through for it, the figures come after the page."""
    clock = fleet.desk.settings.clock
    with fleet.store.read() as session:
        many = figures.one_by_one_of(session, filters, clock)
        told = {"later": many, "benches": names_of(session)}
        if many <= _AT_ONCE:
            told |= {"later": 0} | _beside_the_range_before(session, filters, clock, by)
    today = clock.local(ledger.now()).date()
    ranges = [
        ("today", today, today),
        ("yesterday", today - timedelta(days=1), today - timedelta(days=1)),
        *((f"{days} days", today - timedelta(days=days - 1), today) for days in (7, 30, 90)),
    ]
    shown = {"filters": filters, "by": by, "words": WORDS, "ranges": ranges, "none": NONE}
    return page(request, "line.html", person, "Line", **shown, **told)


@router.get("/line/figures")
def figures_later(
    request: Request, fleet: TheFleet, person: Viewing, filters: TheFilters, by: By = "station"
) -> Response:
    """The part of Line that is loaded after it where there is much to go through."""
    with fleet.store.read() as session:
        told = _beside_the_range_before(session, filters, fleet.desk.settings.clock, by)
        told["benches"] = names_of(session)
    return page(request, "line_figures.html", person, "", filters=filters, by=by, words=WORDS, none=NONE, **told)


@router.get("/attempts")
def attempts(
    request: Request,
    fleet: TheFleet,
    person: Viewing,
    filters: TheFilters,
    sort: Annotated[str, Query(pattern=f"^({'|'.join(SORTS)})$")] = "at",
    down: Annotated[str, Query(pattern="^(no)?$")] = "",
    number: Annotated[int, Query(alias="page", ge=0, le=10_000)] = 0,
) -> Response:
    """The attempts behind a figure."""
    clock = fleet.desk.settings.clock
    with fleet.store.read() as session:
        found = listing(session, filters, clock, sort, down != "no", number)
        names = names_of(session)
    shown = {"found": found, "filters": filters, "sort": sort, "down": down != "no", "benches": names, "size": PAGE}
    return page(request, "attempt_list.html", person, "Attempts", **shown)


@api.get("/line")
def line_figures(fleet: TheFleet, _person: Viewing, filters: TheFilters, by: By = "station") -> dict[str, Any]:
    """The line's figures over a range of days, as the view Line shows them."""
    clock = fleet.desk.settings.clock
    with fleet.store.read() as session:
        told = _told(session, filters, clock, by)
    return {
        "time_zone": clock.zone,
        "totals": asdict(told["totals"]),
        "rate": asdict(told["rate"]),
        "hours": [asdict(one) for one in told["hours"]],
        "shifts": [asdict(one) for one in told["shifts"]],
        "steps": [asdict(one) for one in told["steps"]],
        "job": None if told["job"] is None else asdict(told["job"]),
        "stations": [asdict(one) for one in told["stations"]],
        "groups": [asdict(one) for one in told["groups"]],
    }


def _beside_the_range_before(session: Session, filters: Filters, clock: Clock, by: str) -> dict[str, Any]:
    told, before = _told(session, filters, clock, by), filters.before()
    rate = figures.rate_of(figures.hours(session, before, clock))
    return told | {"before": {"filters": before, "totals": figures.summed(session, before, clock), "rate": rate}}


def _told(session: Session, filters: Filters, clock: Clock, by: str) -> dict[str, Any]:
    hours, groups = figures.hours(session, filters, clock), figures.groups(session, filters, clock, by)
    steps, job = figures.step_times(session, filters, clock)
    order = {name: number for number, name in enumerate(STEP_ORDER)}
    return {
        "totals": figures.totals(groups),
        "groups": groups,
        "rate": figures.rate_of(hours),
        "hours": hours,
        "shifts": figures.shifts(hours, clock),
        "steps": sorted(steps, key=lambda one: order.get(one.name, len(order))),
        "timed": figures.TIMED,
        "job": job,
        "stations": figures.station_times(session, filters, clock),
        "bars": _bars(hours, filters, clock),
    }


def _bars(found: Iterable[figures.Hour], filters: Filters, clock: Clock) -> list[dict[str, Any]]:
    """A bar for each hour of a short range, else for each day, else for each week; also where nothing was."""
    well: dict[tuple[date, str], list[int]] = {}
    by_hour = filters.days <= _HOURS_UP_TO_DAYS
    by_week = filters.days > 120
    for one in found:
        local = clock.local(one.begin)
        day = local.date() - timedelta(days=local.weekday() if by_week else 0)
        sums = well.setdefault((day, str(local.hour) if by_hour else ""), [0, 0])
        sums[0] += one.well
        sums[1] += one.counted
    days = [filters.first + timedelta(days=number) for number in range(filters.days)]
    if by_week:
        days = sorted({day - timedelta(days=day.weekday()) for day in days})
    keys = [(day, str(hour)) for day in days for hour in range(24)] if by_hour else [(day, "") for day in days]
    bars = []
    for day, hour in keys:
        good, counted = well.get((day, hour), (0, 0))
        of = filters.on(day, hour)
        query = of.query(to=(day + timedelta(days=6)).isoformat()) if by_week else of.query()
        words = f"{day} {int(hour):02d}:00" if hour else f"week of {day}" if by_week else str(day)
        bars.append({"words": words, "well": good, "counted": counted, "query": query, "day": day, "hour": hour})
    return bars
