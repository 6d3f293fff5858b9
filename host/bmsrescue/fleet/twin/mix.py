"""Which broken units come to a depot: a seeded mix of the catalogue, weighted by how often one meets them.

And what goes wrong around them: units are pulled out in the middle, labels are misread, exchanged, or a neighbour's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from bmsrescue.fleet.twin.mishaps import BACK, EXCHANGED, MISREAD, NEIGHBOUR, PULLED
from bmsrescue.twin.board.healthy import serial_number
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import Scenario

# Judgement, not statistics: what an update campaign that went wrong brings back.
_WEIGHTS = {
    "half-on": 30,
    "interrupted-program": 14,
    "interrupted-erase": 10,
    "blank": 6,
    "bad-vectors": 5,
    "healthy": 8,
    "display-only": 4,
    "lockup": 4,
    "fault-loop": 3,
    "no-vcap": 3,
    "short-3v3": 3,
    "low-3v3": 2,
    "rdp1": 2,
    "worn-sector": 2,
    "held-in-reset": 2,
    "no-supply": 1,
    "wrong-target": 1,
}

_MISHAPS = {"": 78, PULLED: 6, MISREAD: 4, NEIGHBOUR: 4, EXCHANGED: 3, BACK: 5}
_PULLED_IN = ("rails", "connect", "evidence", "map", "backup", "act", "verify", "proof")


@dataclass(frozen=True)
class ComingUnit:
    """A unit on the operator's pile. `pulled_in`: the step of the job in which it is pulled out, if it is."""

    scenario: Scenario
    seed: int
    label: str
    mishap: str = ""
    pulled_in: str = ""


def coming_units(seed: int) -> Iterator[ComingUnit]:
    """Without end; the same seed brings the same units."""
    rng, chance = Random(f"mix {seed}"), Random(f"mishaps {seed}")
    names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    before: list[ComingUnit] = []
    while True:
        unit_seed = rng.randrange(1_000_000)
        unit = ComingUnit(find(rng.choices(names, weights)[0]), unit_seed, serial_number(unit_seed))
        mishap = chance.choices(list(_MISHAPS), list(_MISHAPS.values()))[0]
        earlier = chance.choice(before) if before else unit
        if mishap == EXCHANGED:
            unit = replace(unit, seed=earlier.seed)
        elif mishap == BACK:
            unit = replace(unit, seed=earlier.seed, label=earlier.label)
        unit = replace(unit, mishap=mishap, pulled_in=chance.choice(_PULLED_IN) if mishap == PULLED else "")
        before.append(unit)
        yield unit
