"""The helper loses its supply in the middle of a card write; the next press of the button brings the unit back."""

from __future__ import annotations

import json

import pytest

from bmsrescue.card.fat import read_files
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import ENDED, POWER_CUT
from bmsrescue.twin.rig import TwinRig, default_card
from bmsrescue.twin.scenarios import find
from rescuelink.chain import verify_chain
from rescuelink.outcomes import exit_class

CALIBRATION = 7 * 128 * 1024
DRAIN_NS = 10_000_000_000


# The backup takes some 435 block writes, what pushes it out 66 more; behind them come the journal and the record.
@pytest.mark.parametrize("write", [200, 431, 478, 516, 522, 533])
def test_wherever_the_helper_is_cut_the_next_run_ends_well(write: int) -> None:
    card = default_card()
    faults = CardFaults(cut_at_write=write)
    bench = TwinRig(find("half-on"), card, faults=faults)
    before = bench.unit.chip.flash.snapshot()

    assert bench.run().how == POWER_CUT
    bench.unit.clock.advance(DRAIN_NS)
    assert max(bench.unit.true_mv(name) for name in bench.unit.rail_names) < 300

    faults.cut_at_write = None
    result = bench.run()
    assert (result.how, result.output) == (ENDED, "")
    assert result.record is not None and exit_class(str(result.record["outcome"])) == 0
    files = read_files(card)
    image = files[json.loads(files["job.json"])["image"]["file"]]
    after = bench.unit.chip.flash.snapshot()
    assert after[: len(image)] == image
    assert after[CALIBRATION:] == before[CALIBRATION:]
    assert verify_chain(files["records/records.jsonl"].decode().splitlines(), "") == []
