"""The report of a silicon-check: what was found, beside what the twin takes for true, and the switches that follow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bmsrescue.errors import UsageError

if TYPE_CHECKING:
    from bmsrescue.twin.chip.config import ChipConfig

FORMAT: Final = 1
_MAKE_ONE = "Make one with: bmsrescue silicon-check -o REPORT.json"


@dataclass(frozen=True)
class Finding:
    """One fact. `switch`: of the twin's `ChipConfig`, "" where there is none; `value`: what it should be, None where
    that could not be told. `source`: where docs/reference has the fact."""

    name: str
    source: str
    said: str
    switch: str = ""
    value: int | bool | None = None

    @property
    def usual(self) -> Any:
        """What the twin takes for true."""
        from bmsrescue.twin.chip.config import ChipConfig  # late: each command would load the twin's chip

        return getattr(ChipConfig(), self.switch) if self.switch else None

    @property
    def differs(self) -> bool:
        return self.value is not None and self.usual is not None and self.value != self.usual


def as_document(findings: Iterable[Finding], unit: dict[str, Any], helper: dict[str, Any]) -> dict[str, Any]:
    """What is written."""
    return {"silicon-check": FORMAT, "unit": unit, "helper": helper, "findings": [asdict(one) for one in findings]}


def with_silicon(config: ChipConfig, report: Path) -> ChipConfig:
    """The chip as the report has found it. Raises UsageError: the file is no report, or of a later version."""
    try:
        document = json.loads(report.read_text(encoding="utf-8"))
        version, findings = document["silicon-check"], document["findings"]
        switches = {one["switch"]: one["value"] for one in findings if one["switch"] and one["value"] is not None}
    except OSError as error:
        raise UsageError(f"cannot read {report}: {error.strerror}", _MAKE_ONE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{report} is no report of a silicon-check", _MAKE_ONE) from error
    known = {field.name for field in fields(config)}
    if version != FORMAT or not set(switches) <= known:
        raise UsageError(f"{report} is a report of another version", _MAKE_ONE)
    if not all(isinstance(value, (bool, int)) for value in switches.values()):
        raise UsageError(f"{report} has values that no chip has", _MAKE_ONE)
    return replace(config, **switches)
