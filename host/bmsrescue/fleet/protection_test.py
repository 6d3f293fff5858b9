"""The maker's protection test: values with their limits, entered by hand or from a file of lines.

    over-voltage, 3.651, V, 3.60, 3.70

name, value, unit, lowest, highest, separated by commas, semicolons or tabs; a limit may be empty. bmsrescue does not
make this test: it keeps what a tester measured, beside the unit's other records.
"""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass
from typing import Any

from bmsrescue.errors import HostError
from bmsrescue.fleet.records.fields import clean

MAX_VALUES = 64
MAX_CHARACTERS = 16_000
_HEADINGS = ("name", "test", "parameter")


class ProtectionFileError(HostError):
    """A line that is no value."""


@dataclass(frozen=True)
class ProtectionValue:
    """One measurement of the test."""

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None

    @property
    def passed(self) -> bool:
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)

    def told(self) -> dict[str, Any]:
        """For the ledger and the page."""
        return asdict(self) | {"verdict": "pass" if self.passed else "fail"}


def read_values(text: str) -> list[ProtectionValue]:
    """Each line a value; empty lines, `#` and a line of headings are left out.

    Raises:
        ProtectionFileError: a line that is none, with its number.
    """
    if len(text) > MAX_CHARACTERS:
        raise ProtectionFileError(
            f"a protection test of more than {MAX_CHARACTERS:,} characters", "Send one unit's values."
        )
    found: list[ProtectionValue] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        separator = next((one for one in ("\t", ";") if one in line), ",")
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        if not found and cells[0].lower() in _HEADINGS:
            continue
        found.append(_value(number, cells, decimal_comma=separator != ","))
        if len(found) > MAX_VALUES:
            raise ProtectionFileError(f"more than {MAX_VALUES} values", "Send one unit's values.")
    return found


def summary(values: list[ProtectionValue]) -> tuple[bool, str]:
    """Whether all are within their limits, and in words."""
    wrong = [value.name for value in values if not value.passed]
    if wrong:
        return False, f"{len(wrong)} of {len(values)} values outside: {', '.join(wrong[:5])}"
    return True, f"all {len(values)} values within their limits"


def _value(number: int, cells: list[str], decimal_comma: bool) -> ProtectionValue:
    name, unit = clean(cells[0], 64), clean(cells[2], 16) if len(cells) > 2 else None
    if name is None or len(cells) < 2:
        raise ProtectionFileError(f"line {number} is no value", "Write: name, value, unit, lowest, highest.")
    numbers = [_number(number, cell, decimal_comma) for cell in (cells[1], *cells[3:5])]
    value, low, high = (*numbers, None, None)[:3]
    if value is None:
        raise ProtectionFileError(f"line {number} ({name}) has no value", "Write: name, value, unit, lowest, highest.")
    if low is not None and high is not None and low > high:
        raise ProtectionFileError(f"line {number} ({name}): the lowest is above the highest", "Exchange them.")
    return ProtectionValue(name, value, unit or "", low, high)


def _number(line: int, cell: str, decimal_comma: bool) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ProtectionFileError(f"line {line}: {cell[:20]!r} is no number", "Write it with a point, like 3.65.")
    return value
