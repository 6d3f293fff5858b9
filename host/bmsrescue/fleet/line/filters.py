"""Which attempts a view is about: a range of days and what they have in common. It lives in the view's address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, select

from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.models import Attempt, Unit, UnitCard
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED

DEFAULT_DAYS = 7
MOST_DAYS = 3660
NONE = "-"
"""In an address: what has no station, operator, lot and so on."""

BY_ATTEMPT = {
    "bench": ("Bench", Attempt.bench),
    "station": ("Station", Attempt.station),
    "operator": ("Operator", Attempt.operator),
    "firmware": ("Firmware before", Attempt.firmware),
    "job": ("Job", Attempt.job),
    "cause": ("Cause", Attempt.cause),
    "outcome": ("Outcome", Attempt.outcome),
}
BY_CARD = {
    "lot": ("Lot", UnitCard.lot),
    "customer": ("Customer", UnitCard.customer),
    "model": ("Board model", UnitCard.model),
}
COUNTS = (Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED))
WORDS = {name: words for name, (words, _column) in (BY_ATTEMPT | BY_CARD).items()} | {"chip": "Chip"}


@dataclass(frozen=True)
class Filters:
    """`first` and `last` are days in the site's zone, both counted. Every text is "" for any, "-" for none.

    `hour`: 0 to 23, of the first day only. `ended`: "well" or "not" for those that did or did not end well.
    `counted`: only attempts that say something of a unit; else all of them.
    """

    first: date
    last: date
    bench: str = ""
    station: str = ""
    operator: str = ""
    lot: str = ""
    customer: str = ""
    model: str = ""
    chip: str = ""
    firmware: str = ""
    job: str = ""
    cause: str = ""
    outcome: str = ""
    ended: str = ""
    hour: str = ""
    counted: bool = True

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def plain(self) -> bool:
        """Whether all attempts of the range that count are meant."""
        return self.counted and not self.ended and not self.named()

    def before(self) -> Filters:
        """The same over as many days right before."""
        length = timedelta(days=self.days)
        return replace(self, first=self.first - length, last=self.last - length)

    def moments(self, clock: Clock) -> tuple[datetime, datetime]:
        """From, and up to but not with."""
        begin, end = clock.begin(self.first), clock.begin(self.last + timedelta(days=1))
        if self.hour:
            begin += timedelta(hours=int(self.hour))
            end = begin + timedelta(hours=1)
        return begin, end

    def on(self, day: date, hour: str = "") -> Filters:
        """The same on one day, or in one of its hours."""
        return replace(self, first=day, last=day, hour=hour)

    def named(self) -> list[tuple[str, str, str]]:
        """What is asked for besides the days: (name, words, value)."""
        return [(name, WORDS[name], getattr(self, name)) for name in WORDS if getattr(self, name)]

    def query(self, **changes: str) -> str:
        """As it stands in an address, with changes; "" takes one away."""
        told = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        told |= {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("first", "last")}
        told["counted"] = "" if self.counted else "no"
        told |= changes
        return urlencode({name: value for name, value in told.items() if value})

    def where(self, clock: Clock) -> Sequence[ColumnElement[bool]]:
        """Of `Attempt`."""
        begin, end = self.moments(clock)
        wanted: list[ColumnElement[bool]] = [Attempt.at >= begin, Attempt.at < end]
        if self.counted:
            wanted += COUNTS
        for name, (_words, column) in BY_ATTEMPT.items():
            if value := getattr(self, name):
                wanted.append(_is(column, value))
        carded = [_is(column, value) for name, (_words, column) in BY_CARD.items() if (value := getattr(self, name))]
        if carded:
            # A unit that nobody wrote a card for has none of them.
            of = select(Unit.id).join(UnitCard, UnitCard.unit_id == Unit.id, isouter=True).where(*carded)
            wanted.append(Attempt.unit_id.in_(of))
        if self.chip:
            wanted.append(Attempt.unit_id.in_(select(Unit.id).where(_is(Unit.chip, self.chip))))
        if self.ended:
            wanted.append(Attempt.outcome.in_(GOOD) if self.ended == "well" else Attempt.outcome.not_in(GOOD))
        return wanted


def _is(column: Any, value: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.is_(None) | (column == "") if value == NONE else column == value
    return found
