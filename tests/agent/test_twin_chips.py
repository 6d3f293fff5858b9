"""The dongle on the family's other chips: the same stories end as on the H725, in both banks and in small sectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from bmsrescue.image.contents import Segment
from bmsrescue.twin import chips_page
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.builds import Build, firmware_of
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, Watcher, card_for, scenario_named
from dongle_run import DongleRun, press_button

BASE = 0x08000000
BANK2 = 0x08100000
DRAIN_NS = 10_000_000_000
RECOVERED = "RECOVERED"


def bench_for(story: str, part: str, watcher: Watcher | None = None) -> tuple[TwinRig, bytearray]:
    scenario = scenario_named(story, part)
    card = card_for(scenario)
    return TwinRig(scenario, card, watcher=watcher), card


def build_of(unit: Unit) -> Build:
    build = firmware_of(unit.chip)
    assert build is not None
    return build


def assert_holds_image_and_its_own_data(unit: Unit, before: bytes) -> None:
    flash, build = unit.chip.flash, build_of(unit)
    after = flash.snapshot()
    assert [s for s in build.segments() if after[s.address - BASE : s.end - BASE] != s.data] == []
    assert not any(flash.is_torn(BASE + at) for at in range(0, flash.geometry.size, flash.geometry.word_size))
    kept = build.calibration_address - BASE
    assert after[kept : kept + 0x400] == before[kept : kept + 0x400]


def sectors_changed(run: DongleRun) -> set[int]:
    size = run.bench.unit.chip.flash.geometry.sector_size
    numbers = range(len(run.flash_before) // size)
    return {n for n in numbers if run.flash_before[n * size :][:size] != run.flash_after[n * size :][:size]}


def sectors_of(segments: list[Segment], size: int) -> set[int]:
    return {n for s in segments for n in range((s.address - BASE) // size, (s.end - BASE - 1) // size + 1)}


PARTS = ["H723", "H743", "H7A3", "H7B0"]


def test_the_document_claims_the_parts_that_are_recovered_here() -> None:
    assert {*PARTS, "H725"} == chips_page.RECOVERED


@pytest.mark.parametrize("part", PARTS)
def test_a_half_on_unit_is_recovered_on_each_die(part: str) -> None:
    bench, card = bench_for("half-on", part)
    run = press_button(bench, card)
    assert (run.result.how, run.result.output) == (ENDED, "")
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("update-cut", RECOVERED)
    assert_holds_image_and_its_own_data(bench.unit, run.flash_before)
    size = bench.unit.chip.flash.geometry.sector_size
    assert sectors_changed(run) <= sectors_of(build_of(bench.unit).segments(), size)
    assert "image" in run.record["proof"]["lines"][1]


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_a_blank_unit_gets_its_image_in_both_banks(part: str) -> None:
    bench, card = bench_for("blank", part)
    run = press_button(bench, card)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("blank", RECOVERED)
    assert_holds_image_and_its_own_data(bench.unit, run.flash_before)
    assert run.flash_after[BANK2 - BASE :][:32] != b"\xff" * 32
    assert not any("erase" in line for line in run.record["plan"]), "what is blank is not erased"


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_a_torn_word_in_the_second_bank_costs_the_sectors_that_are_wrong_and_no_other(part: str) -> None:
    bench, card = bench_for("interrupted-program", part)
    geometry = bench.unit.chip.flash.geometry
    word = geometry.word_size
    torn = [at for at in range(0, geometry.size, word) if bench.unit.chip.flash.is_torn(BASE + at)]
    assert len(torn) == 1 and torn[0] >= BANK2 - BASE
    run = press_button(bench, card)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("interrupted-program", RECOVERED)
    assert_holds_image_and_its_own_data(bench.unit, run.flash_before)
    first = torn[0] // geometry.sector_size
    assert min(sectors_changed(run), default=first) >= first, "the sectors before it were right"
    blank = b"\xff" * word
    wanted = run.flash_before[: torn[0]] + blank + run.flash_before[torn[0] + word :]
    assert run.backups == [wanted], "the backup is the whole flash, the torn word as blank"


@pytest.mark.parametrize("part", ["H743", "H7A3"])
@pytest.mark.parametrize("share", [0.35, 0.8])
def test_a_cut_of_the_units_supply_leaves_a_blank_start_and_the_next_run_recovers(part: str, share: float) -> None:
    act = times_of_act("half-on", part)
    bench, card = bench_for("half-on", part)
    unit = bench.unit
    before = unit.chip.flash.snapshot()
    cut_at = act.start + int((act.stop - act.start) * share)
    unit.clock.at(cut_at, lambda: unit.break_board(supply_absent=True))
    bench.run()
    left = unit.chip.flash.snapshot()
    word = unit.chip.flash.geometry.word_size
    segments = build_of(unit).segments()
    whole = all(left[s.address - BASE : s.end - BASE] == s.data for s in segments)
    assert whole or left[:word] == b"\xff" * word, "nothing is left that could start half"

    unit.break_board(supply_absent=False)
    unit.clock.advance(DRAIN_NS)
    second = press_button(bench, card)
    assert second.record["outcome"] == ("NO_FAULT_FOUND" if whole else RECOVERED)
    assert_holds_image_and_its_own_data(unit, before)


@cache
def times_of_act(story: str, part: str) -> range:
    """From the start of the step "act" to the start of the one after it, in ns of the unit's clock."""
    seen: dict[str, int] = {}
    now: Callable[[], int] = lambda: 0  # noqa: E731 - there is no clock yet

    def note(_ms: int, name: str, data: object) -> None:
        if name == "step" and isinstance(data, dict):
            seen[data["name"]] = now()

    bench, _card = bench_for(story, part, Watcher(event=note))
    now = lambda: bench.unit.clock.now_ns  # noqa: E731
    bench.run()
    return range(seen["act"], seen["verify"])
