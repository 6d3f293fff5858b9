"""Writes that cannot fail go along with the call after them: unit, time and what is seen stay what they were."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.rig import TwinRig, card_for, scenario_named


def press(name: str, *, tapped: bool) -> tuple[TwinRig, Any]:
    scenario = scenario_named(name)
    seen: list[int] = []
    tap = (lambda opcode, *_rest: seen.append(opcode)) if tapped else None
    rig = TwinRig(scenario, card_for(scenario), seed=1, tap=tap)
    result = rig.run()
    assert op.WIRE_POST not in seen
    return rig, result


@pytest.mark.parametrize("name", ["healthy", "noisy-swd"])
def test_a_press_is_the_same_with_each_write_waited_for(name: str) -> None:
    rig, result = press(name, tapped=False)
    waiting, each = press(name, tapped=True)
    assert result.swclk_cycles == each.swclk_cycles
    assert rig.unit.clock.now_ns == waiting.unit.clock.now_ns
    assert result.counters["calls"] == each.counters["calls"]
    assert result.panel == each.panel
    assert rig.unit.chip.flash.snapshot() == waiting.unit.chip.flash.snapshot()
    assert each.counters["writes_posted"] == 0
    # On a healthy line some writes are posted; where bits may be damaged none can be promised.
    assert (result.counters["writes_posted"] > 500) == (name == "healthy")
