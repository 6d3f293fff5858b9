"""Who works at the virtual stations: the same pile for the same seed, and what goes wrong around units."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import Any

import pytest

from bmsrescue.fleet.twin import people
from bmsrescue.fleet.twin.mishaps import BACK, EXCHANGED, MISREAD, NEIGHBOUR, PULLED
from bmsrescue.fleet.twin.mix import ComingUnit, coming_units
from bmsrescue.fleet.twin.nest import Nest
from bmsrescue.fleet.twin.people import PileWorker
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.scenarios import find

LABEL = "BR16S-24000001"


class Watched:
    """A worker at a nest whose helper looks each second of `now`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *units: ComingUnit) -> None:
        self.now = 0.0
        monkeypatch.setattr(people, "monotonic", lambda: self.now)
        self.said: list[dict[str, Any]] = []
        self.worker = PileWorker(iter(units), 3.0, self.said.append)
        self.nest = Nest(VirtualClock(), self.worker.look)

    def wait(self, seconds: int) -> None:
        for _second in range(seconds):
            self.now += 1.0
            _level = self.nest.nrst_level

    def scans(self) -> list[str]:
        return [told["scanned"] for told in self.said if "scanned" in told]

    def steps(self, *names: str) -> None:
        for name in names:
            self.worker.watch(0, "step", {"name": name})


def test_the_same_seed_brings_the_same_units_and_each_mishap() -> None:
    pile, again, other = (list(islice(coming_units(seed), 300)) for seed in (1, 1, 2))
    assert pile == again != other
    assert {unit.mishap for unit in pile} == {"", PULLED, MISREAD, NEIGHBOUR, EXCHANGED, BACK}
    labels: dict[int, set[str]] = defaultdict(set)
    for unit in pile:
        if unit.mishap in (EXCHANGED, BACK) and len(labels) > 0:
            assert labels[unit.seed], "a chip that was here before"
            assert (unit.label in labels[unit.seed]) == (unit.mishap == BACK)
        labels[unit.seed].add(unit.label)


def test_a_unit_is_put_in_scanned_until_the_work_begins_and_taken_out_after_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Watched(monkeypatch, ComingUnit(find("healthy"), 1, LABEL))
    place.wait(20)
    assert place.said[0] == {"inserted": LABEL, "scenario": "healthy", "mishap": ""}
    assert place.scans() == [LABEL] * 4, "every five seconds, because the station may not be ready"
    place.steps("job", "rails")
    place.wait(60)
    assert (len(place.scans()), place.nest.unit is None) == (4, False)
    place.worker.watch(0, "record", {})
    place.wait(4)
    assert (place.said[-1], place.nest.unit) == ({"removed": LABEL}, None)


@pytest.mark.parametrize(("mishap", "first"), [(MISREAD, 5 * LABEL), (NEIGHBOUR, NEIGHBOUR)])
def test_a_wrong_scan_is_followed_by_the_right_one(monkeypatch: pytest.MonkeyPatch, mishap: str, first: str) -> None:
    place = Watched(monkeypatch, ComingUnit(find("healthy"), 1, LABEL, mishap))
    place.wait(15)
    assert place.scans()[:2] == [first, LABEL]


def test_a_unit_that_was_pulled_out_comes_again_as_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Watched(monkeypatch, ComingUnit(find("healthy"), 1, LABEL, PULLED, pulled_in="map"))
    place.wait(5)
    unit = place.nest.unit
    place.steps("job", "rails")
    assert place.nest.unit is unit is not None
    place.steps("map")
    assert place.nest.unit is None
    place.wait(20)
    assert place.nest.unit is None, "not while the job is still at it"
    place.worker.watch(0, "record", {})
    place.wait(5)
    assert place.nest.unit is unit
    place.steps("job", "rails", "map")
    assert place.nest.unit is unit, "once is enough"


def test_a_unit_with_which_nothing_is_begun_is_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Watched(monkeypatch, *(ComingUnit(find("healthy"), seed, f"BR16S-2400000{seed}") for seed in (1, 2)))
    place.wait(75)
    told = [told for told in place.said if "scanned" not in told]
    assert [told.get("inserted") or told.get("removed") for told in told] == [LABEL, LABEL, "BR16S-24000002"]
