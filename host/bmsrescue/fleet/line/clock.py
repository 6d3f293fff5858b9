"""The site's time: one zone for all that people read, and the shifts of its day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC_NAME = "UTC"
_DAY = timedelta(days=1)
_TIME = re.compile(r"([01][0-9]|2[0-3]):00\Z")


@dataclass(frozen=True)
class Clock:
    """`zone`: an IANA name. `shifts`: when each begins, full hours, ascending; the last one goes on over midnight."""

    zone: str = UTC_NAME
    shifts: tuple[str, ...] = ("06:00", "14:00", "22:00")

    @cached_property
    def info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def _shift_of_hour(self) -> tuple[tuple[str, int], ...]:
        """Of each hour of the day its shift, and how many days before that began."""
        begins = [int(one[:2]) for one in self.shifts]
        names = [f"{one} to {self.shifts[(number + 1) % len(begins)]}" for number, one in enumerate(self.shifts)]
        newest = [sum(begin <= hour for begin in begins) - 1 for hour in range(24)]  # -1: the last of the day before
        return tuple((names[number], 1 if number < 0 else 0) for number in newest)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.info)

    def begin(self, day: date) -> datetime:
        """The beginning of a day, in UTC."""
        return datetime.combine(day, time(), self.info).astimezone(UTC)

    def shift_of(self, at: datetime) -> tuple[date, str]:
        """The day on which the shift began, and its name: "06:00 to 14:00"."""
        local = self.local(at)
        name, before = self._shift_of_hour[local.hour]
        return local.date() - before * _DAY, name


def fault_of(zone: object, shifts: Any) -> str:
    """What is wrong with a zone and shifts from the configuration; empty where nothing is."""
    try:
        if not isinstance(zone, str) or not zone:
            raise ValueError(zone)
        ZoneInfo(zone)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return f"stations.time_zone {zone!r} is none: use a name like Europe/Berlin"
    good = isinstance(shifts, list | tuple) and all(isinstance(one, str) and _TIME.match(one) for one in shifts)
    if not good or not shifts or list(shifts) != sorted(set(shifts)):
        return 'stations.shifts are full hours in their order: ["06:00", "14:00", "22:00"]'
    return ""
