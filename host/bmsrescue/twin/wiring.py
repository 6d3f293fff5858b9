"""A scenario's helper with the parts of a board.json only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bmsrescue.board.check import check
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.scenarios.scenario import Scenario


def wired(scenario: Scenario, config: Mapping[str, Any]) -> Scenario:
    """The same unit, and a helper that has what `config` names."""
    missing = {part for part, _cost in check(config, None).costs}
    rails = set(RAILS) if "rails" in missing else missing & set(RAILS)
    parts = missing - set(RAILS) - {"rails"}

    def breaks(unit: Unit) -> None:
        scenario.breaks(unit)
        helper = replace(unit.faults.helper, missing_rails=frozenset(rails), missing_parts=frozenset(parts))
        unit.break_board(helper=helper)

    return replace(scenario, breaks=breaks)
