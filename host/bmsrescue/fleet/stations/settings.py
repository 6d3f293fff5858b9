"""How stations behave, from the configuration file.

[stations]
settle_s = 1.0                # a unit counts as inserted, or removed, when it has been so for as long as this
label = "BR16S-[0-9]{8}"      # what a label looks like; nothing else is taken
label_minutes = 10            # a label that is scanned before its unit comes waits so long for it
label_required = true         # false: begin as soon as a unit is there
golden = "GOLDEN-1"           # the label of the golden unit
rails_ms = 200                # while a station works its rails are told so often, for the plot; 0: only as measured
golden_hours = 8              # how long a golden check is good for; 0: no check is asked for
time_zone = "Europe/Berlin"   # of every time that the page shows; UTC by default
shifts = ["06:00", "14:00", "22:00"]   # when each shift begins, in that zone

[[stations.rules]]            # the first rule that fits says which released job; none: the job on the helper's card
label = "BR16S-24.*"
board = "pico"                # the helper's board model, where it matters
chip = "STM32H72[35]"         # the unit's chip, where it matters: looked at before the job when a rule asks for it
job = "bms-1.2.0"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from bmsrescue.errors import UsageError
from bmsrescue.fleet.line.clock import UTC_NAME, Clock, fault_of

MAX_LABEL = 64
_PRINTABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")


@dataclass(frozen=True)
class Rule:
    """A job for the units whose label and chip, and whose helper's board, fit. `label` and `chip` are patterns."""

    job: str
    label: str = ""
    board: str = ""
    chip: str = ""

    def may_fit(self, label: str | None, board: str) -> bool:
        """Whether this rule is for such a unit on such a helper, whatever the chip is."""
        return _matches(self.label, label) and self.board in ("", board)

    def fits(self, label: str | None, board: str, chip: str | None) -> bool:
        """Whether this rule is for such a unit on such a helper. A chip that nobody knows fits no pattern."""
        return self.may_fit(label, board) and _matches(self.chip, chip)


@dataclass(frozen=True)
class StationSettings:
    """See above."""

    settle_s: float = 1.0
    label: str = ""
    label_minutes: float = 10.0
    label_required: bool = True
    golden: str = ""
    golden_hours: float = 0.0
    rails_ms: int = 200
    time_zone: str = UTC_NAME
    shifts: tuple[str, ...] = Clock().shifts
    rules: tuple[Rule, ...] = ()

    @property
    def clock(self) -> Clock:
        return Clock(self.time_zone, tuple(self.shifts))

    def wrong_label(self, label: str) -> str:
        """Why this is no label; empty when it is one."""
        if not _PRINTABLE.match(label) or len(label) > MAX_LABEL:
            return f"a label has 1 to {MAX_LABEL} printable characters"
        if label != self.golden and self.label and not re.fullmatch(self.label, label):
            return f"{label} is no label of a unit that is known here"
        return ""

    def asks_for_chip(self, label: str | None, board: str) -> bool:
        """Whether the chip has to be known to say which job it is."""
        first = next((rule for rule in self.rules if rule.may_fit(label, board)), None)
        return first is not None and first.chip != ""

    def job_for(self, label: str | None, board: str, chip: str | None = None) -> str | None:
        """The released job to run; None is the one on the helper's card."""
        return next((rule.job for rule in self.rules if rule.fits(label, board, chip)), None)


def _matches(pattern: str, text: str | None) -> bool:
    return not pattern or re.fullmatch(pattern, text or "") is not None


def read_settings(table: dict[str, Any]) -> StationSettings:
    """Raises UsageError for what makes no sense."""
    given = dict(table)
    rules = given.pop("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise _wrong("stations.rules is no list of tables")
    try:
        settings = StationSettings(**given, rules=tuple(Rule(**rule) for rule in rules))
        for pattern in (settings.label, *(text for rule in settings.rules for text in (rule.label, rule.chip))):
            re.compile(pattern)
    except (TypeError, re.error) as error:
        known = ", ".join(field.name for field in fields(StationSettings))
        raise _wrong(f"stations: {error} (known: {known}; a rule has label, board, chip, job)") from error
    if fault := fault_of(settings.time_zone, settings.shifts):
        raise _wrong(fault)
    if not isinstance(settings.rails_ms, int) or not (settings.rails_ms == 0 or 50 <= settings.rails_ms <= 10_000):
        raise _wrong("stations.rails_ms is 0, or 50 to 10000")
    numbers = (settings.settle_s, settings.golden_hours, settings.label_minutes)
    if not all(isinstance(number, int | float) and 0 <= number <= 10_000 for number in numbers):
        raise _wrong("stations.settle_s, golden_hours and label_minutes are numbers of at least 0")
    return settings


def _wrong(what: str) -> UsageError:
    return UsageError(f"the configuration's {what}", "Correct it, or remove the line.")
