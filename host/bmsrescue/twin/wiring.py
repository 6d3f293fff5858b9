"""A scenario's helper with the parts of a board.json only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bmsrescue.board.check import check
from bmsrescue.board.config import load_board
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.rig import scenario_named
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


def wired_scenario(name: str, chip: str | None, wiring: str | None) -> Scenario:
    """A scenario by its name, with the helper of a board by name or file where one is wanted. Raises UsageError."""
    scenario = scenario_named(name, chip)
    return scenario if wiring is None else wired(scenario, load_board(wiring))
