"""The agent on a real MicroPython: one press of the button of a dongle that has waited. Its steps are measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from megabyte import Cost, Meter

from bmsrescue.card.build import describe_job
from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.image.contents import Segment
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, Watcher
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.targets import FLASH_BASE

WALL_LIMIT_S = 1800.0
"""A machine that is busy with other things shall not end a run."""
_PRESS_MS = 9000
"""The card has been checked by then, as it is where nobody presses within the first seconds."""


@dataclass
class Rescue:
    """steps: by name; "map" compares, "backup" reads, "act" erases, programs and verifies, "verify" verifies again.

    whole: from the press to the record, its writing included."""

    outcome: str
    whole: Cost
    steps: dict[str, Cost] = field(default_factory=dict)
    flash: bytes = b""


def rescue(image: bytes, part: Scenario, swclk_hz: int) -> Rescue:
    files = describe_job("megabyte", "bench", [Segment(FLASH_BASE, image)])
    job = json.loads(files[JOB_FILE])
    job.setdefault("limits", {})["swd_hz"] = swclk_hz
    found = rescue_with(make_image({**files, JOB_FILE: json.dumps(job).encode()}), part)
    if found.outcome == "RECOVERED" and found.flash != image:
        found.outcome = "the flash does not hold the image"
    return found


def rescue_with(card: bytearray, part: Scenario) -> Rescue:
    """The same with a card of another job."""
    steps: dict[str, Cost] = {}
    began: list[tuple[int, int, float]] = []

    def watch(_at_ms: int, name: str, data: object) -> None:
        if name == "step" and not began:
            began.append(meter.now())
        cost = meter.lap() if name in ("step", "step-end") else None
        if name == "step-end" and cost is not None and isinstance(data, dict):
            steps[str(data["name"])] = cost

    bench = TwinRig(part, card, watcher=Watcher(event=watch), presses=(Press(_PRESS_MS),))
    bench.helper._wall_limit_s = WALL_LIMIT_S
    meter = Meter(bench.unit)
    result = bench.run()
    outcome = str(result.record["outcome"]) if result.record else result.how
    return Rescue(outcome, meter.since(began[0]), steps, bench.unit.chip.flash.snapshot())
