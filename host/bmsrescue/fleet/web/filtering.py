"""Filters out of a view's address."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, HTTPException, Query

from bmsrescue.fleet import ledger
from bmsrescue.fleet.line.filters import DEFAULT_DAYS, MOST_DAYS, Filters
from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.web.parts import Plain, TheFleet

_Text = Annotated[Plain, Query(max_length=NAME_LENGTH)]
_Day = Annotated[str, Query(max_length=10)]
_HOUR = re.compile(r"([01]?[0-9]|2[0-3])?\Z")


def _filters(
    fleet: TheFleet,
    first: Annotated[_Day, Query(alias="from", description="A day, as 2026-11-29; seven days by default.")] = "",
    last: Annotated[_Day, Query(alias="to", description="The last day, which counts; today by default.")] = "",
    bench: _Text = "",
    station: _Text = "",
    operator: _Text = "",
    lot: _Text = "",
    customer: _Text = "",
    model: _Text = "",
    chip: _Text = "",
    firmware: _Text = "",
    job: _Text = "",
    cause: _Text = "",
    outcome: _Text = "",
    ended: Annotated[str, Query(pattern="^(well|not)?$", description="Only those that ended well, or did not.")] = "",
    hour: Annotated[str, Query(max_length=2, description="Of the first day: 0 to 23.")] = "",
    counted: Annotated[str, Query(pattern="^(no)?$", description="no: also those that say nothing of a unit.")] = "",
) -> Filters:
    today = fleet.desk.settings.clock.local(ledger.now()).date()
    end = _day(last) or today
    begin = _day(first) or end - timedelta(days=DEFAULT_DAYS - 1)
    if begin > end:
        begin, end = end, begin
    if (end - begin).days >= MOST_DAYS or not _HOUR.match(hour):
        raise HTTPException(400, f"from, to and hour: at most {MOST_DAYS} days, and hours 0 to 23")
    texts = (bench, station, operator, lot, customer, model, chip, firmware, job, cause, outcome, ended)
    return Filters(begin, end, *texts, hour=hour, counted=counted != "no")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"{text[:10]!r} is no day: write 2026-11-29") from None
    if not 1990 <= day.year <= 2200:
        raise HTTPException(400, f"{text[:10]} is out of any record's time")
    return day


TheFilters = Annotated[Filters, Depends(_filters)]
