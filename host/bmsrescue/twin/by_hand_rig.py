"""A dongle without some of its parts on the unit of a scenario, and a person beside it who does their work."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.person import ScriptedPerson, by_button
from bmsrescue.twin.rig import TwinRig, Watcher
from bmsrescue.twin.scenarios.scenario import Scenario


@dataclass
class ByHand:
    """`rig.run()` is one press of the button; `person` has noted what they were asked."""

    rig: TwinRig
    person: ScriptedPerson


class Place:
    """Where the person stands, once the bench is there: `beside` what else watches the agent."""

    person: ScriptedPerson | None = None

    def beside(self, watcher: Watcher) -> Watcher:
        def told(at_ms: int, name: str, data: object) -> None:
            if watcher.event is not None:
                watcher.event(at_ms, name, data)
            if self.person is not None:
                self.person.event(at_ms, name, data)

        return replace(watcher, event=told)


def lacking(scenario: Scenario, parts: Set[str], rails: Set[str]) -> Scenario:
    """The scenario with a helper that does without `parts` (`rescue.hal.ports.PARTS`) and sees only `rails`."""

    def breaks(unit: Unit) -> None:
        scenario.breaks(unit)
        traits = replace(unit.helper_traits, missing_parts=frozenset(parts), missing_rails=frozenset(RAILS) - rails)
        unit.break_board(helper=traits)

    return replace(scenario, breaks=breaks)


def dongle_by_hand(
    scenario: Scenario, card: ImageBytes | None, parts: Set[str], rails: Set[str], **of_person: Any
) -> ByHand:
    """`of_person`: fields of ScriptedPerson."""
    place = Place()
    rig = TwinRig(lacking(scenario, parts, rails), card, watcher=place.beside(Watcher()))
    place.person = ScriptedPerson(rig.unit, by_button(rig.helper.press), **of_person)
    return ByHand(rig, place.person)
