"""What may come between a cut run and the one that ends well: another unit on the same helper, or a second cut."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.card.fat import read_files
from bmsrescue.twin.helper.block_device import PowerCut
from bmsrescue.twin.helper.helper import ENDED, POWER_CUT
from bmsrescue.twin.rig import TwinRig, Watcher
from sweep_cures import CURES, Cure

DRAIN_NS = 10_000_000_000
LOOK_NS = 1_000_000
ERASED, WRITING = "erased", "writing"
REGION = CURES["preserve"].preserve[0]


class Bench:
    """A unit whose helper can lose its supply in the act: when the first sector was erased, or is being written."""

    def __init__(self, cure: Cure, card: bytearray, seed: int = 0) -> None:
        self._cut = ""
        self.twin = TwinRig(cure.scenario(), card, seed=seed, watcher=Watcher(event=self._on_event))
        self.unit = self.twin.unit

    def _on_event(self, _at_ms: int, event: str, data: object) -> None:
        if self._cut == ERASED and event == "step" and isinstance(data, dict) and data["name"] == "act":
            self._look()
        if self._cut == WRITING and event == "progress" and isinstance(data, dict) and data["step"] == "act":
            raise PowerCut

    def _look(self) -> None:
        if self.unit.chip.flash.is_blank(0):
            raise PowerCut
        self.unit.clock.after(LOOK_NS, self._look)

    def run_cut(self, when: str) -> None:
        self._cut = when
        assert self.twin.run().how == POWER_CUT
        self._cut = ""
        self.unit.clock.advance(DRAIN_NS)

    def run(self) -> dict[str, Any]:
        result = self.twin.run()
        assert (result.how, result.output) == (ENDED, "")
        assert result.record is not None
        return result.record

    def region(self) -> bytes:
        return bytes(self.unit.chip.flash.snapshot()[REGION[1] :][: REGION[2]])


def journals(card: bytearray) -> list[str]:
    return [name for name in read_files(card) if "journal" in name]


def test_a_cut_unit_keeps_its_data_while_the_helper_brings_another_one_back() -> None:
    cure = CURES["preserve"]
    card = cure.card()
    waiting = Bench(cure, card)
    before = waiting.region()
    waiting.run_cut(ERASED)
    assert waiting.region() == b"\xff" * REGION[2], "only the backup has it now"

    other = Bench(cure, card, seed=1)
    other.twin.helper.flash = waiting.twin.helper.flash
    record = other.run()
    assert (record["outcome"], record["resumed"]) == ("RECOVERED", None)
    assert record["unit"]["uid"] not in journals(card)[0]

    record = waiting.run()
    assert (record["outcome"], record["resumed"]["uid"]) == ("RECOVERED", record["unit"]["uid"])
    assert waiting.region() == before
    assert journals(card) == []


@pytest.mark.parametrize(
    ("name", "first", "outcome"),
    [("rdp1", WRITING, "RECOVERED_CHECK_CONFIG"), ("preserve", ERASED, "RECOVERED")],
)
def test_a_unit_that_was_cut_twice_ends_as_one_that_was_not(name: str, first: str, outcome: str) -> None:
    cure = CURES[name]
    card = cure.card()
    bench = Bench(cure, card)
    before = bench.region()
    bench.run_cut(first)
    bench.run_cut(WRITING)
    record = bench.run()
    assert record["outcome"] == outcome
    assert name != "preserve" or bench.region() == before
    assert journals(card) == []
