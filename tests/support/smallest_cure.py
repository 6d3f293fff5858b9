"""What bringing `interrupted-program` back costs: the agent's smallest cure beside OpenOCD's `program ... verify`.

The same twin, the same image, both with SWCLK at 4 MHz, counted at the chip's pins and on its clock. OpenOCD's run is
counted whole, from its first to its last SWCLK cycle. The agent's is counted three times: the cure alone (steps "act"
and "verify": erase, program, verify); the same work as OpenOCD's session (connect, look what is there, erase, program,
verify: all from the first contact on but the backup); and the whole of what it does with the unit between the first
power-on and the last look at the flash, backup to the card and back included (not the power cycle of the proof, which
OpenOCD has nothing like).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bmsrescue.twin.firmware import image_path
from bmsrescue.twin.rig import TwinRig, Watcher, default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from openocd_judge import build_shim, run_openocd
from served_unit import ServedUnit

SCENARIO = "interrupted-program"
_ADDRESS = "0x08000000"
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Cost:
    what: str
    swclk_cycles: int
    virtual_ms: float
    sectors_erased: int


def by_agent(scenario: str = SCENARIO) -> dict[str, Cost]:
    """ "cure", "session" and "whole" of one press of the dongle's button."""
    marks: dict[str, tuple[int, int]] = {}

    def note(_at_ms: int, name: str, data: object) -> None:
        if name in ("step", "step-end") and isinstance(data, dict):
            chip = bench.unit.chip
            marks[f"{name} {data['name']}"] = (chip.counters.swclk_cycles, bench.unit.clock.now_ns)

    bench = TwinRig(find(scenario), default_card(), watcher=Watcher(event=note))
    record = bench.run().record
    assert record is not None and record["outcome"] == "RECOVERED", record
    plan = record["plan"]
    assert isinstance(plan, list)
    erased = sum(line.startswith("erase and write") for line in plan)

    def between(what: str, first: str, last: str) -> Cost:
        (cycles, ns), (end_cycles, end_ns) = marks[f"step {first}"], marks[f"step-end {last}"]
        return Cost(what, end_cycles - cycles, (end_ns - ns) / _NS_PER_MS, erased)

    cure = between("cure: act, verify", "act", "verify")
    looked = between("", "connect", "plan")
    session = Cost(
        "the same work: connect, look, cure",
        looked.swclk_cycles + cure.swclk_cycles,
        looked.virtual_ms + cure.virtual_ms,
        erased,
    )
    return {"cure": cure, "session": session, "whole": between("whole, with backup", "energise", "verify")}


def by_openocd(folder: Path, scenario: str = SCENARIO) -> Cost:
    """`program ... verify` of the same image. Raises FileNotFoundError without openocd and a C compiler."""
    program, compiler = shutil.which("openocd"), shutil.which("cc")
    if program is None or compiler is None:
        raise FileNotFoundError("openocd or cc is not installed")
    served = ServedUnit(build_unit(find(scenario)))
    try:
        chip, clock = served.unit.chip, served.unit.clock
        cycles, ns = chip.counters.swclk_cycles, clock.now_ns
        text = run_openocd(
            program, build_shim(compiler, folder), served, f"program {image_path()} verify {_ADDRESS}", ahead=True
        )
    finally:
        served.close()
    assert "** Verified OK **" in text, text
    return Cost("program ... verify", chip.counters.swclk_cycles - cycles, (clock.now_ns - ns) / _NS_PER_MS, 3)
