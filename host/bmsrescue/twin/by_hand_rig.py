"""A dongle without some of its parts on the unit of a scenario, and a person beside it who does their work."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.person import ScriptedPerson, by_button
from bmsrescue.twin.rig import TwinRig, Watcher
from bmsrescue.twin.scenarios.scenario import Scenario

RAILS = frozenset({"bplus", "v12", "v5iso", "v3v3", "vcap"})


@dataclass
class ByHand:
    """`rig.run()` is one press of the button; `person` has noted what they were asked."""

    rig: TwinRig
    person: ScriptedPerson


def lacking(scenario: Scenario, parts: Set[str], rails: Set[str]) -> Scenario:
    """The scenario with a helper that does without `parts` (`rescue.hal.ports.PARTS`) and sees only `rails`."""

    def breaks(unit: Unit) -> None:
        scenario.breaks(unit)
        traits = replace(unit.helper_traits, missing_parts=frozenset(parts), missing_rails=RAILS - rails)
        unit.break_board(helper=traits)

    return replace(scenario, breaks=breaks)


def dongle_by_hand(
    scenario: Scenario, card: ImageBytes | None, parts: Set[str], rails: Set[str], **of_person: Any
) -> ByHand:
    """`of_person`: fields of ScriptedPerson."""
    people: list[ScriptedPerson] = []

    def told(at_ms: int, name: str, data: object) -> None:
        people[0].event(at_ms, name, data)

    rig = TwinRig(lacking(scenario, parts, rails), card, watcher=Watcher(event=told))
    people.append(ScriptedPerson(rig.unit, by_button(rig.helper.press), **of_person))
    return ByHand(rig, people[0])
