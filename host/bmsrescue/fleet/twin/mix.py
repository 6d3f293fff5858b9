"""Which broken units come to a depot: a seeded mix of the catalogue, weighted by how often one meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

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


@dataclass(frozen=True)
class ComingUnit:
    """A unit on the operator's pile."""

    scenario: Scenario
    seed: int
    label: str


def coming_units(seed: int) -> Iterator[ComingUnit]:
    """Without end; the same seed brings the same units."""
    rng = Random(f"mix {seed}")
    names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    while True:
        unit_seed = rng.randrange(1_000_000)
        scenario = find(rng.choices(names, weights)[0])
        yield ComingUnit(scenario, unit_seed, serial_number(unit_seed))
