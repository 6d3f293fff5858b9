"""A Pico has 8 KiB of stack, room for some 32 plain calls within each other; this interpreter would not notice.

Counted where the agent asks something of its ports, in units of a plain call on this interpreter. Both kinds of job
came to their end on the emulated Pico (docs/rp2040.md) with 25.3 and 28.8; a host's needs 27.2 now, and a
part of a call more where a frame comes in at a deep place.
"""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path

from bmsrescue.twin.helper.helper import RunResult, VirtualHelper
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from link_twin import PATIENCE_S, Host

SCRIPT = Path(__file__).with_name("scripts") / "stack_depth.py"
SCENARIO = "half-on"
BUTTON_CALLS, HOST_CALLS = 26.5, 28.5


def calls_deep(run: RunResult) -> float:
    found = re.search(r"deepest: ([\d.]+) calls", run.output)
    assert found, run.output
    return float(found[1])


def test_a_job_that_the_button_starts_needs_no_more_stack_than_when_a_pico_ran_it() -> None:
    unit = build_unit(find(SCENARIO), 0)
    helper = VirtualHelper(unit, wire_over(unit.swd), card_for(find(SCENARIO)))
    helper.deployed = {"helper.key": "11" * 32}  # its record is signed, too
    run = helper.run(SCRIPT)
    assert run.record is not None
    assert run.record["outcome"] == "RECOVERED"
    assert 20 < calls_deep(run) < BUTTON_CALLS


def test_a_job_that_a_host_starts_needs_no_more_stack_than_when_a_pico_ran_it() -> None:
    unit = build_unit(find(SCENARIO), 0)
    card = card_for(find(SCENARIO))
    helper = VirtualHelper(unit, wire_over(unit.swd), card, presses=(), wall_limit_s=math.inf)
    runs: list[RunResult] = []
    with PtyPort() as port:
        thread = threading.Thread(target=lambda: runs.append(helper.run(SCRIPT, {"once": False}, port.fd)))
        thread.start()
        try:
            with Host(port.url) as host:
                assert host.call("job.run", False, "", timeout_s=PATIENCE_S)["outcome"] == "RECOVERED"
                host.call("helper.repl", timeout_s=PATIENCE_S)
            thread.join(PATIENCE_S)
        finally:
            helper.stop()
            thread.join()
    assert 20 < calls_deep(runs[0]) < HOST_CALLS
