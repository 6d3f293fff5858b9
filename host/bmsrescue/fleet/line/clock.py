"""The site's time: one zone for all that people read, and the shifts of its day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC_NAME = "UTC"
_TIME = re.compile(r"([01][0-9]|2[0-3]):00\Z")


@dataclass(frozen=True)
class Clock:
    """`zone`: an IANA name. `shifts`: when each begins, full hours, ascending; the last one goes on over midnight."""

    zone: str = UTC_NAME
    shifts: tuple[str, ...] = ("06:00", "14:00", "22:00")

    @property
    def info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.info)

    def begin(self, day: date) -> datetime:
        """The beginning of a day, in UTC."""
        return datetime.combine(day, time(), self.info).astimezone(UTC)

    def shift_of(self, at: datetime) -> tuple[date, str]:
        """The day on which the shift began, and its name: "06:00 to 14:00"."""
        local = self.local(at)
        hours = [int(one[:2]) for one in self.shifts]
        before = [index for index, hour in enumerate(hours) if hour <= local.hour]
        index = before[-1] if before else len(hours) - 1
        day = local.date() if before else local.date() - timedelta(days=1)
        return day, f"{self.shifts[index]} to {self.shifts[(index + 1) % len(self.shifts)]}"


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
