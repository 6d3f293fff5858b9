"""The agent on a real MicroPython: one press of the dongle's button. Its steps are what is measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from megabyte import Cost, Meter

from bmsrescue.card.build import describe_job
from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.image.contents import Segment
from bmsrescue.twin.rig import TwinRig, Watcher
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.targets import FLASH_BASE

WALL_LIMIT_S = 1800.0
"""A machine that is busy with other things shall not end a run."""


@dataclass
class Rescue:
    """steps: by name; "map" compares, "backup" reads, "act" erases, programs and verifies, "verify" verifies again."""

    outcome: str
    whole: Cost
    steps: dict[str, Cost] = field(default_factory=dict)


def rescue(image: bytes, part: Scenario, swclk_hz: int) -> Rescue:
    files = describe_job("megabyte", "bench", [Segment(FLASH_BASE, image)])
    job = json.loads(files[JOB_FILE])
    job.setdefault("limits", {})["swd_hz"] = swclk_hz
    steps: dict[str, Cost] = {}

    def watch(_at_ms: int, name: str, data: object) -> None:
        cost = meter.lap() if name in ("step", "step-end") else None
        if name == "step-end" and cost is not None and isinstance(data, dict):
            steps[str(data["name"])] = cost

    bench = TwinRig(part, make_image({**files, JOB_FILE: json.dumps(job).encode()}), watcher=Watcher(event=watch))
    bench.helper._wall_limit_s = WALL_LIMIT_S
    meter = Meter(bench.unit)
    result = bench.run()
    outcome = str(result.record["outcome"]) if result.record else result.how
    if outcome == "RECOVERED" and bench.unit.chip.flash.snapshot() != image:
        outcome = "the flash does not hold the image"
    return Rescue(outcome, Cost(result.swclk_cycles, result.virtual_ms / 1000, result.wall_s), steps)
