"""Putting the state before back after a failed proof, cut in the middle: the next press goes on with it."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.twin.field.physics import look_alone
from bmsrescue.twin.helper.block_device import PowerCut
from bmsrescue.twin.helper.helper import ENDED, POWER_CUT
from bmsrescue.twin.rig import TwinRig, Watcher, card_for, scenario_named

DRAIN_NS = 10_000_000_000


class Bench:
    """A unit whose image will not run. At that progress report of the step "put-back" one of both loses its supply."""

    def __init__(self, report: int, loses: str) -> None:
        scenario = scenario_named("fault-image-put-back")
        self._left, self._loses = report, loses
        self.twin = TwinRig(scenario, card_for(scenario), watcher=Watcher(event=self._on_event))
        self.unit = self.twin.unit

    def _on_event(self, _at_ms: int, event: str, data: object) -> None:
        if event != "progress" or not isinstance(data, dict) or data["step"] != "put-back":
            return
        self._left -= 1
        if self._left:
            return
        if self._loses == "helper":
            raise PowerCut
        self.unit.break_board(supply_absent=True)

    def press(self) -> tuple[str, dict[str, Any]]:
        result = self.twin.run()
        assert result.output == ""
        return result.how, result.record or {}


@pytest.mark.parametrize(("report", "loses"), [(3, "helper"), (3, "unit"), (25, "helper")])
def test_a_unit_that_was_cut_while_it_was_put_back_ends_as_it_was(report: int, loses: str) -> None:
    bench = Bench(report, loses)
    before = bench.unit.chip.flash.snapshot()
    how, record = bench.press()
    assert (how, record.get("outcome")) in ((POWER_CUT, None), (ENDED, "INTERRUPTED"))
    assert bench.unit.chip.flash.snapshot() != before
    bench.unit.break_board(supply_absent=False)
    bench.unit.clock.advance(DRAIN_NS)
    how, record = bench.press()
    assert (how, record["outcome"], record["proof"]["holds"]) == (ENDED, "NOT_FIRMWARE", "before")
    assert bench.unit.chip.flash.snapshot() == before
    assert look_alone(bench.unit).runs
