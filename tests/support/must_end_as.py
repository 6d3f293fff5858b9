"""What each broken unit must end as beyond its outcome: the words a person is told, and what was done or left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from dongle_run import DongleRun
from rescuelink.chain import verify_chain

POWER_ON_LIMIT_MS = 400  # inrush budget and the time to see a short (rescuelink.limits)


def told(run: DongleRun) -> str:
    """All that the screen, the record and the page say about the unit."""
    diagnosis, record = run.record["diagnosis"], run.record
    parts = [diagnosis["sentence"], *diagnosis["evidence"], diagnosis["next_step"], record["sentence"]]
    return " / ".join([*parts, record["next_step"] or "", *(record["plan"] or [])])


def only_damaged_sectors(run: DongleRun) -> None:
    damaged = {s["index"] for s in run.record["evidence"]["sectors"] if s["owned"] and s["state"] != "match"}
    planned = [re.match(r"(?:erase and )?write sector (\d+)", line) for line in run.record["plan"]]
    assert {int(match[1]) for match in planned if match} == damaged
    before = {s["index"]: s["state"] for s in run.record["evidence"]["sectors"]}
    erased = {int(line.split()[4]) for line in run.record["plan"] if line.startswith("erase and write")}
    assert all(before[index] != "blank" for index in erased), "what is blank is not erased"


def proven_by_power(run: DongleRun) -> None:
    proof = run.record["proof"]
    assert proof["passed"]
    assert proof["lines"][0].startswith("the power was away: all rails fell (")
    assert "v3v3 below 300 mV" in proof["lines"][0]
    assert proof["lines"][-1] == "debug enables taken back, power removed once more"


def nothing_written(run: DongleRun) -> None:
    assert run.flash_after == run.flash_before
    assert run.record["backup"] is None
    assert not {"act", "proof"} & {step["name"] for step in run.record["steps"]}


def nothing_driven(run: DongleRun) -> None:
    nothing_written(run)
    assert run.record["swclk_cycles"] == 0


def held_by_the_button(run: DongleRun) -> None:
    proven_by_power(run)
    assert any("button was let go: v12 stays" in line for line in run.record["proof"]["lines"])
    assert run.record["evidence"]["rails"]["button"]["by"] == "found"


def zero_is_told(run: DongleRun) -> None:
    nothing_written(run)
    rails = run.record["evidence"]["rails"]
    assert abs(rails["zero"]["raw"] - 16 * run.bench.unit.faults.helper.adc_zero_lsb) < 16
    assert rails["off"]["bplus"]["mv"] < 50


def without_a_power_cycle(run: DongleRun) -> None:
    nothing_written(run)
    assert run.record["power_cycles"] == 1
    assert [attempt["result"] for attempt in run.record["evidence"]["swd"]["tries"]] == ["other_family"]


def reached_by(how: str) -> Callable[[DongleRun], None]:
    def check(run: DongleRun) -> None:
        swd = run.record["evidence"]["swd"]
        assert swd["how"] == how
        assert swd["tries"][-1]["result"] == "ok" or swd["tries"][-1]["how"] == "slower"
        assert [attempt["result"] for attempt in swd["tries"][:-1]].count("ok") == 0
        proven_by_power(run)

    return check


def image_does_not_run(run: DongleRun) -> None:
    proof = run.record["proof"]
    assert (proof["passed"], proof["holds"], proof["offer"]) == (False, "image", True)
    assert run.flash_after != run.flash_before


def state_before_is_back(run: DongleRun) -> None:
    proof = run.record["proof"]
    assert (proof["passed"], proof["holds"], proof["offer"]) == (False, "before", False)
    assert run.flash_after == run.flash_before
    assert run.record["sectors"]["after"] == run.record["sectors"]["before"]


def cut_in_time(run: DongleRun) -> None:
    nothing_written(run)
    trip = run.record["evidence"]["rails"]["trip"]
    assert trip is None or trip["ms"] <= POWER_ON_LIMIT_MS


def options_as_golden(run: DongleRun) -> None:
    proven_by_power(run)
    stored = run.bench.unit.chip.options.stored
    factory = run.bench.unit.chip.options.factory
    assert stored == factory


def loss_is_said_first(run: DongleRun) -> None:
    proven_by_power(run)
    assert run.record["plan"][0].endswith("calibration and serial included")


def at_a_slower_clock(run: DongleRun) -> None:
    nothing_written(run)
    swd = run.record["evidence"]["swd"]
    assert any(attempt["how"] == "slower" for attempt in swd["tries"])
    assert swd["hz"] <= 1_000_000


def all_but_protected(run: DongleRun) -> None:
    only_damaged_sectors(run)
    proven_by_power(run)
    assert [s["index"] for s in run.record["evidence"]["sectors"] if s["state"] == "protected"] == [5]
    facts = next(json.loads(data) for path, data in run.card.items() if re.match(r"backups/.*\.json", path))
    assert facts["protected"] == [[0x080A0000, 0x20000]]


def disturbed_and_cured(run: DongleRun) -> None:
    only_damaged_sectors(run)
    proven_by_power(run)
    assert run.record["evidence"]["swd"]["disturbed"] > 0, "the wires are named, not the chip"
    assert "of SWD were noticed" in told(run)
    assert "replace" not in told(run)


def at_slower_clocks_only(run: DongleRun) -> None:
    disturbed_and_cured(run)
    swd = run.record["evidence"]["swd"]
    assert [attempt["how"] for attempt in swd["tries"]].count("slower") >= 2
    assert swd["hz"] <= 250_000


def contact_found_again_in_the_backup(run: DongleRun) -> None:
    disturbed_and_cured(run)
    backup = [step["outcome"] for step in run.record["steps"] if step["name"] == "backup"]
    assert len(backup) > 1
    assert backup[-1] == "ok"
    assert "ok" not in backup[:-1]


def calibration_is_put_back(run: DongleRun) -> None:
    disturbed_and_cured(run)
    assert run.flash_after[7 * 0x20000 :] == run.flash_before[7 * 0x20000 :]
    after = {entry["index"]: entry for entry in run.record["sectors"]["after"]}
    assert [index for index, entry in after.items() if entry.get("put_back")] == [7]


def tried_twice_and_named_by_its_address(run: DongleRun) -> None:
    assert run.record["error"]["address"] == 0x0804_0000
    assert "replace the microcontroller" in run.record["next_step"]
    journal = run.card[f"journal-{run.record['unit']['uid']}.jsonl"].decode().splitlines()
    assert verify_chain(journal, "") == []
    lines = [json.loads(line) for line in journal]
    assert [(line["event"], line["sector"]) for line in lines] == [("begin", 2), ("retry", 2), ("erase", 2)]


def protection_is_lifted_for_the_cure_only(run: DongleRun) -> None:
    proven_by_power(run)
    assert run.bench.unit.chip.options.stored == replace(OptionValues(), wpsn=0xFC)
    assert run.record["plan"][0] == "lift the write protection of sector(s) 0"
    assert run.record["plan"][-1] == "write-protect sector(s) 0 again"


def row_of(name: str) -> Row:
    """The row of a scenario; where there is none, a failure that says where to write it."""
    if name not in ROWS:
        raise AssertionError(
            f"write a row for {name!r} into ROWS of tests/support/must_end_as.py: "
            "what must hold of flash, wires and record afterwards, and words that a person must be told"
        )
    return ROWS[name]


@dataclass(frozen=True)
class Row:
    words: tuple[str, ...]
    check: Callable[[DongleRun], None]


def _row(check: Callable[[DongleRun], None], *words: str) -> Row:
    return Row(words, check)


ROWS = {
    "blank": _row(only_damaged_sectors, "erased"),
    "half-on": _row(only_damaged_sectors, "update was cut"),
    "interrupted-erase": _row(only_damaged_sectors, "cut while writing", "unreadable flash word at 0x"),
    "interrupted-program": _row(only_damaged_sectors, "cut while writing", "unreadable flash word at 0x"),
    "bad-vectors": _row(only_damaged_sectors, "vector table is damaged"),
    "torn-calibration": _row(nothing_written, "sector(s) 7", "calibration", "needs consent"),
    "torn-calibration-consent": _row(proven_by_power, "sector(s) 7", "readable words from the backup"),
    "bootloader-waiting": _row(nothing_written, "bootloader", "waits for an update", "0x080a0000"),
    "bootloader-waiting-consent": _row(proven_by_power, "the flash word at 0x080a0000 left blank"),
    "wrong-supply": _row(reached_by("power-cycle-under-reset"), "VCAP collapses", "BOOT0"),
    "wrong-supply-boot0": _row(reached_by("boot0"), "VCAP collapses", "BOOT0"),
    "swd-reused": _row(reached_by("under-reset"), "only while it is reset"),
    "low-power": _row(reached_by("under-reset"), "only while it is reset"),
    "watchdog-loop": _row(proven_by_power, "watchdog", "IWDG1RSTF"),
    "lockup": _row(proven_by_power, "locked up after it executed an undefined instruction"),
    "fault-loop": _row(proven_by_power, "HardFault handler", "0xa0000000"),
    "wrong-boot-address": _row(nothing_written, "0x1ff00000 instead of 0x08000000"),
    "wrong-boot-address-consent": _row(options_as_golden, "set option bytes boot"),
    "option-corruption": _row(options_as_golden, "optsr", "set option bytes optsr"),
    "wrp": _row(nothing_written, "Sectors 0 are write-protected"),
    "wrp-consent": _row(
        protection_is_lifted_for_the_cure_only, "lift the write protection", "write-protect sector(s) 0 again"
    ),
    "rdp1": _row(
        nothing_written, "erases everything, calibration included", "consent", "no sign of firmware that runs"
    ),
    "rdp1-running": _row(nothing_written, ": the firmware runs", "stands, until the power has been off"),
    "rdp1-consent": _row(loss_is_said_first, "Read protection level 1"),
    "rdp2": _row(nothing_written, "level 2", "Do not try again"),
    "secure": _row(nothing_written, "never touched"),
    "worn-sector": _row(tried_twice_and_named_by_its_address, "0x08040000", "replace the microcontroller"),
    "latch-shorted": _row(nothing_written, "12 V stays", "The firmware is in order", "MOSFET"),
    "display-only": _row(nothing_written, "the core runs it", "look at the display, the AFE"),
    "no-supply": _row(cut_in_time, "B+"),
    "short-3v3": _row(cut_in_time, "a short on 3.3 V"),
    "short-12v": _row(cut_in_time, "a short on 12 V"),
    "low-3v3": _row(cut_in_time, "3.3 V rail reads 2"),
    "no-vcap": _row(nothing_written, "the core has no power", "VCAP"),
    "over-vcap": _row(cut_in_time, "vcap reached 2"),
    "reverse": _row(cut_in_time, "short at the input"),
    "backfeed": _row(cut_in_time, "v3v3 stays at", "with the power off"),
    "slow-ramp": _row(cut_in_time, "B+ reads"),
    "brownout-during-flash": _row(lambda run: None, "v3v3 dipped", "goes on where it was"),
    "held-in-reset": _row(nothing_driven, "held low", "NRST low for 21"),
    "reset-loop": _row(nothing_written, "every 100 ms", "5 times in 500 ms"),
    "wrong-target": _row(nothing_written, "0x450 with 2048 KiB", "STM32H725"),
    "other-h7": _row(nothing_written, "512 KiB", "1024 KiB"),
    "noisy-swd": _row(at_a_slower_clock, "matches the image"),
    "swapped-lines": _row(nothing_written, "SWDIO and SWCLK are exchanged"),
    "open-swdio": _row(nothing_written, "SWDIO wire is open"),
    "stuck-nrst": _row(nothing_written, "NRST is shorted to 3.3 V"),
    "no-vtref": _row(nothing_driven, "VTref", "sense wire"),
    "already-done": _row(nothing_written, "matches the image"),
    "newer-firmware": _row(nothing_written, "1.2.0", "newer", "consents to newer-firmware"),
    "older-firmware": _row(nothing_written, "1.1.0", "older", "nothing shows that it is damaged", "target.marker"),
    "sealed-sibling": _row(proven_by_power, "2 differs"),
    "older-build": _row(proven_by_power, "marker at 0x08000400: the job's product", "version 1.1.0"),
    "unknown-application": _row(nothing_written, "does not know", "the core runs it", "unknown-application"),
    "unknown-application-consent": _row(proven_by_power, "does not know", "the core runs it"),
    "sister-product": _row(nothing_written, "another product: 'PACEP16S' at 0x08000400", "BMSIMAGE"),
    "app-behind-bootloader": _row(nothing_written, "matches the image"),
    "app-behind-bootloader-cut": _row(only_damaged_sectors, "update was cut"),
    "wrong-boot-address-other": _row(nothing_written, "0x24000000 instead of 0x08000000"),
    "factory-options": _row(nothing_written, "matches the image"),
    "pcrop": _row(nothing_written, "PCROP, 0x08000000..0x080fffff", "DMEP", "owner's consent"),
    "pcrop-elsewhere": _row(all_but_protected, "update was cut"),
    "secure-area": _row(nothing_written, "secure-only area (0x08000000..0x0800ffff)", "zeros", "owner's consent"),
    "dead-crystal": _row(nothing_written, "stuck in a loop of", "HSE asked for and not ready: look at the crystal"),
    "dead-crystal-half-on": _row(image_does_not_run, "HSE asked for and not ready", "update was cut", "put-back"),
    "fault-image": _row(image_does_not_run, "HardFault handler", "0xa0000000", "PRECISERR"),
    "fault-image-put-back": _row(state_before_is_back, "HardFault handler", "it holds what it held before"),
    "boot0-strap": _row(nothing_written, "BOOT0 is high at reset", "jumper or bridge"),
    "watchdog-unfed": _row(nothing_written, "IWDG1RSTF", "does not feed it", "start the watchdog at reset"),
    "vcap-sense": _row(nothing_written, "core supply is out of its window, or its sense wire"),
    "v12-sense": _row(nothing_written, "12 V reads", "3.3 V, which is made of it, is good"),
    "other-supply-image": _row(image_does_not_run, "VCAP", "a core supply that this board does not have"),
    "supervisor-500ms": _row(proven_by_power, "update was cut"),
    "slow-nrst": _row(proven_by_power, "update was cut"),
    "latch-by-button": _row(held_by_the_button, "update was cut"),
    "adc-zero": _row(zero_is_told, "matches the image"),
    "adc-zero-backfeed": _row(cut_in_time, "v3v3 stays at 5", "with the power off"),
    "swd-pulled": _row(nothing_written, "matches the image"),
    "swd-translator": _row(proven_by_power, "only while it is reset"),
    "other-family-h5": _row(without_a_power_cycle, "Cortex-M33", "DPIDR 0x6ba02477", "AP0 0x54770002", "AP1 0x8477"),
    "cortex-m4-clone": _row(without_a_power_cycle, "Cortex-M4", "DPIDR 0x2ba01477", "AP0 0x24770011"),
    "ringing-swclk": _row(at_slower_clocks_only, "update was cut"),
    "contact-lost-in-backup": _row(contact_found_again_in_the_backup, "update was cut"),
    "erase-command-flipped": _row(calibration_is_put_back, "update was cut", "put sector 7 back", "calibration"),
    "start-ignored": _row(disturbed_and_cured, "update was cut"),
    "keys-flipped": _row(disturbed_and_cured, "update was cut"),
    "healthy": _row(nothing_written, "matches the image"),
}
