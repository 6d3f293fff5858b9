"""What the table of broken units cannot say in one line each: what comes after, and what a consent changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.image.contents import Segment
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from bmsrescue.twin.rig import TwinRig, Watcher, card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.unit_programs import STANDBY, UNDEFINED
from dongle_run import press_button
from sweep_cures import CURES, FLASH, Cure

DBGMCU_APB4FZ1, FREEZE_IWDG1 = 0x5C00_1054, 1 << 18
CALIBRATION = 7 * 128 * 1024
DRAIN_NS = 5_000_000_000


def test_a_brown_out_while_writing_is_named_and_the_next_press_brings_the_unit_back() -> None:
    card = card_for(find("brownout-during-flash"))
    bench = TwinRig(find("brownout-during-flash"), card)
    before = bench.unit.chip.flash.snapshot()
    first = bench.run().record
    assert first is not None and first["outcome"] == "INTERRUPTED"
    diagnosis: Any = first["diagnosis"]
    assert (diagnosis["cause"], diagnosis["sentence"][:5]) == ("brown-out", "v3v3 ")
    assert any("A firmware update was cut" in line for line in diagnosis["evidence"]), "what was found before it"
    assert "goes on where it was" in str(first["next_step"])
    assert not bench.unit.supply_on

    bench.unit.clock.advance(DRAIN_NS)
    second = bench.run().record
    assert second is not None and second["outcome"] == "RECOVERED"
    assert "sector" in json.dumps(second["resumed"])
    files = read_files(card)
    image = files[json.loads(files["job.json"])["image"]["file"]]
    after = bench.unit.chip.flash.snapshot()
    assert after[: len(image)] == image
    assert after[CALIBRATION:] == before[CALIBRATION:]


def test_a_sector_that_cannot_be_erased_is_tried_twice_and_named_by_its_address() -> None:
    cure = CURES["sectors"]
    card = cure.card()
    bench = TwinRig(cure.scenario(), card)
    bench.unit.chip.flash.worn[1] = "erase"
    run = press_button(bench, card)
    assert run.record["outcome"] == "NOT_FIRMWARE"
    assert 0x0802_0000 <= run.record["error"]["address"] < 0x0804_0000
    assert "replace the microcontroller" in run.record["next_step"]
    told = [json.loads(line) for line in run.card[f"journal-{run.record['unit']['uid']}.jsonl"].splitlines()]
    assert [line["event"] for line in told if line["sector"] == 1] == ["erase", "retry", "erase"]


def test_a_hardware_watchdog_is_frozen_before_anything_is_erased() -> None:
    card = card_for(find("watchdog-loop"))
    bench = TwinRig(find("watchdog-loop"), card)
    bank = bench.unit.chip.flash_controller.banks[0]
    start_erase, frozen = bank._start_erase, []

    def start(first: int, count: int, spans: Any) -> None:
        frozen.append(bool(bench.unit.chip.bus.read(DBGMCU_APB4FZ1, 4) & FREEZE_IWDG1))
        start_erase(first, count, spans)

    bank._start_erase = start
    assert press_button(bench, card).record["outcome"] == "RECOVERED"
    assert frozen and all(frozen)


@pytest.mark.parametrize(("rate", "seed"), [(5e-6, 0), (2e-5, 1), (1e-4, 2)])
def test_noise_on_the_wires_while_a_unit_is_cured_never_makes_a_wrong_byte_good(rate: float, seed: int) -> None:
    cure = CURES["sectors"]
    card = cure.card()
    scenario = cure.scenario()
    noisy = replace(scenario, breaks=lambda unit: scenario.breaks(unit) or unit.break_board(swd_bit_error_rate=rate))
    run = press_button(TwinRig(noisy, card, seed=seed), card)
    assert run.record["outcome"] in ("RECOVERED", "CHECK_WIRES")
    if rate >= 2e-5:  # below, each flipped bit may hit a word that is simply asked for again
        assert any(attempt["how"] == "slower" for attempt in run.record["evidence"]["swd"]["tries"])
    if run.record["outcome"] == "RECOVERED":
        for segment in cure.segments:
            at = segment.address - FLASH
            assert run.flash_after[at : at + len(segment.data)] == segment.data
    for start, length in cure.kept:
        assert run.flash_after[start:][:length] == run.flash_before[start:][:length]


@dataclass(frozen=True)
class OddImage(Cure):
    """The job's own image is on the chip, whole, and this is what it does."""

    code: bytes = b""

    @property
    def segments(self) -> list[Segment]:
        first, *others = super().segments
        at = int.from_bytes(first.data[4:8], "little") - 1 - FLASH
        return [Segment(FLASH, first.data[:at] + self.code + first.data[at + len(self.code) :]), *others]


@pytest.mark.parametrize(
    ("code", "cause", "outcome", "words"),
    [
        (UNDEFINED, "lockup", "NOT_FIRMWARE", "locked up after it executed an undefined instruction"),
        (STANDBY, "quiet", "NO_FAULT_FOUND", "answers only while it is reset"),
    ],
)
def test_an_image_that_is_whole_is_not_written_again_whatever_it_does(
    code: bytes, cause: str, outcome: str, words: str
) -> None:
    cure = OddImage("odd", lambda unit: None, code=code)
    card = cure.card()
    run = press_button(TwinRig(cure.scenario(), card), card)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == (cause, outcome)
    assert words in run.record["diagnosis"]["sentence"]
    assert run.flash_after == run.flash_before


def test_older_firmware_is_written_over_newer_where_the_job_consents() -> None:
    scenario = find("newer-firmware")
    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["policy"]["consent"] = ["newer-firmware"]
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    run = press_button(TwinRig(scenario, card), card)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("newer-firmware", "RECOVERED")
    image = files[job["image"]["file"]]
    assert run.flash_after[: len(image)] == image


def test_option_bytes_are_restored_bit_by_bit_and_only_those_of_the_job() -> None:
    scenario = find("option-corruption")
    card = card_for(scenario)
    bench = TwinRig(scenario, card)
    options = bench.unit.chip.options
    options.preset(replace(options.stored, optsr2=2))  # none of the job's business
    assert press_button(bench, card).record["outcome"] == "RECOVERED"
    assert options.stored == replace(OptionValues(), optsr2=2)


@pytest.mark.parametrize("name", ["wrp", "rdp1", "calibration"])
def test_every_act_under_consent_is_in_the_journal_with_who_gave_it(name: str) -> None:
    cure = CURES[name]
    card = cure.card()
    lines: list[dict[str, Any]] = []

    def look(_at_ms: int, event: str, data: Any) -> None:
        if event == "step-end" and data["name"] == "act":
            journal = next(text for path, text in read_files(card).items() if path.startswith("journal"))
            lines.extend(json.loads(line) for line in journal.splitlines())

    assert TwinRig(cure.scenario(), card, watcher=Watcher(event=look)).run().record is not None
    acts = [line for line in lines if line["event"] in ("begin", "regression", "unprotect", "protect")]
    assert {"wrp": 3, "rdp1": 2, "calibration": 1}[name] == len(acts)
    for line in acts:
        assert line["consent"]["by"] == "policy:sweep"
        assert line["consent"]["scopes"]


def test_without_consent_option_bytes_are_named_and_left() -> None:
    scenario = replace(find("option-corruption"), consent=())
    card = card_for(scenario)
    bench = TwinRig(scenario, card)
    before = bench.unit.chip.options.stored
    run = press_button(bench, card)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("option-corruption", "LOCKED")
    assert bench.unit.chip.options.stored == before
