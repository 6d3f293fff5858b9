"""Wire, flash and reset are told apart, on the real MicroPython: what the wires do is never blamed on the chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.twin.board.faults import ContactLoss, HelperTraits
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.flash_commands import first_erase, first_key, without_start
from dongle_run import DongleRun, press_button
from sweep_cures import CURES, FLASH, SECTOR

CURE = CURES["sectors"]


def bench_with(fault: Callable[[Unit], Any], seed: int = 0) -> tuple[TwinRig, bytearray]:
    card = CURE.card()
    scenario = CURE.scenario()
    broken = replace(scenario, breaks=lambda unit: scenario.breaks(unit) or fault(unit))
    return TwinRig(broken, card, seed=seed), card


def image_is_there(run: DongleRun) -> bool:
    return all(run.flash_after[s.address - FLASH :][: len(s.data)] == s.data for s in CURE.segments)


def kept_is_kept(run: DongleRun, before: bytes | None = None) -> bool:
    was = run.flash_before if before is None else before
    return all(run.flash_after[at:][:size] == was[at:][:size] for at, size in CURE.kept)


def told(run: DongleRun) -> str:
    record = run.record
    return " / ".join(filter(None, [record["sentence"], record["next_step"], record["diagnosis"]["next_step"]]))


def blamed_on_the_wires_at_most(run: DongleRun) -> None:
    assert run.record["outcome"] in ("RECOVERED", "CHECK_WIRES"), told(run)
    assert "replace" not in told(run).lower()
    if run.record["outcome"] == "RECOVERED":
        assert image_is_there(run)
        assert kept_is_kept(run)
    else:
        assert "SWCLK" in run.record["next_step"]


@pytest.mark.parametrize(("rate", "seed"), [(1e-4, 1), (2e-4, 2), (3e-4, 3), (3e-4, 4)])
def test_clocks_counted_twice_are_the_wires_and_never_a_worn_chip(rate: float, seed: int) -> None:
    bench, card = bench_with(lambda unit: unit.break_board(swd_extra_clock_rate=rate), seed)
    run = press_button(bench, card)
    blamed_on_the_wires_at_most(run)
    tries = run.record["evidence"]["swd"]["tries"]
    assert run.record["evidence"]["swd"]["disturbed"] > 0
    assert tries


@pytest.mark.parametrize("wire", ["swdio_open", "swclk_open"])
@pytest.mark.parametrize(
    ("unseen_rails", "translator", "latches"),
    [
        (("vcap",), True, True),
        (("v3v3", "vcap"), False, False),
        (RAILS, True, False),
        ((), False, True),
    ],
)
def test_an_open_wire_is_the_wires_whatever_the_helper_does_not_see(
    wire: str, unseen_rails: tuple[str, ...], translator: bool, latches: bool
) -> None:
    helper = HelperTraits(missing_rails=frozenset(unseen_rails), pull_down_latches=latches)
    bench, card = bench_with(lambda unit: unit.break_board(**{wire: True}, swd_translator=translator, helper=helper))
    run = press_button(bench, card)
    found = run.record["diagnosis"]
    assert run.record["outcome"] == "CHECK_WIRES"
    assert "open-swd" in (found["cause"], *found["alternatives"])
    assert run.record["error"] is None


@pytest.mark.parametrize("at_ms", [900.0, 1_300.0, 1_600.0])
def test_a_contact_that_is_lost_for_half_a_second_is_found_again(at_ms: float) -> None:
    bench, card = bench_with(lambda unit: unit.break_board(contact_loss=ContactLoss(at_ms=at_ms, for_ms=500.0)))
    blamed_on_the_wires_at_most(press_button(bench, card))


def test_a_contact_that_is_lost_after_the_first_erase_is_named_and_the_next_press_goes_on() -> None:
    loss = ContactLoss(at_ms=100.0, for_ms=60_000.0, in_flash_work=True)
    bench, card = bench_with(lambda unit: unit.break_board(contact_loss=loss))
    first = press_button(bench, card)
    assert first.record["outcome"] == "CHECK_WIRES"
    assert "nothing is lost" in first.record["next_step"]
    bench.unit.break_board(contact_loss=None)
    again = press_button(bench, card)
    assert again.record["outcome"] == "RECOVERED"
    assert again.record["resumed"] is not None
    assert image_is_there(again)
    assert kept_is_kept(again, first.flash_before)


@pytest.mark.parametrize(
    "change",
    [lambda cr: cr & ~0x700 | 3 << 8, lambda cr: cr ^ (reg.SER | reg.BER)],
    ids=["another sector", "the whole bank"],
)
def test_what_a_flipped_erase_command_hit_is_put_back_and_said(change: Callable[[int], int]) -> None:
    bench, card = bench_with(lambda unit: None)
    assert bench.unit.chip.flash.snapshot()[3 * SECTOR :][:32] != b"\xff" * 32
    seen = first_erase(bench.unit, change)
    run = press_button(bench, card)
    assert seen
    assert run.record["outcome"] == "RECOVERED_CHECK_CONFIG"
    assert image_is_there(run)
    assert kept_is_kept(run)
    after = {entry["index"]: entry for entry in run.record["sectors"]["after"]}
    assert after[3].get("put_back") is True
    assert any("put sector 3 back" in line for line in run.record["plan"])


def test_a_start_that_the_chip_ignores_is_found_before_anything_is_programmed() -> None:
    bench, card = bench_with(lambda unit: None)
    seen = first_erase(bench.unit, without_start(bench.unit))
    run = press_button(bench, card)
    assert seen
    assert run.record["outcome"] == "RECOVERED"
    assert image_is_there(run)
    assert kept_is_kept(run)
    assert not any(bench.unit.chip.flash.is_torn(FLASH + at) for at in range(0, 2 * SECTOR, 32))


def test_keys_that_were_flipped_lock_the_controller_until_a_reset_which_the_agent_makes() -> None:
    bench, card = bench_with(lambda unit: None)
    seen = first_key(bench.unit, 0x11)
    run = press_button(bench, card)
    assert seen
    assert run.record["outcome"] == "RECOVERED"
    assert image_is_there(run)
    assert kept_is_kept(run)


def test_a_digest_that_was_disturbed_in_the_map_is_asked_anew_and_blames_nobody() -> None:
    bench, card = bench_with(lambda unit: None)
    answers = turn_two_bits_of_the_first_digest(bench, FLASH + 3 * SECTOR)
    run = press_button(bench, card)
    assert answers
    assert run.record["outcome"] == "RECOVERED"
    assert [step["outcome"] for step in run.record["steps"] if step["name"] == "backup"] == ["ok"]
    assert run.record["evidence"]["swd"]["disturbed"] > 0
    assert image_is_there(run)
    assert kept_is_kept(run)


@pytest.mark.parametrize("name", ["half-on", "worn-sector"])
def test_an_answer_that_was_asked_for_again_is_told_and_then_no_flash_is_worn(name: str) -> None:
    card = card_for(find(name))
    bench = TwinRig(find(name), card)
    turned = turn_a_bit_of_one_answer(bench, 2_000)
    run = press_button(bench, card)
    assert turned and bench.wire.resends == 1
    assert run.record["evidence"]["swd"]["disturbed"] >= 1
    assert any("of SWD were noticed" in line for line in run.record["diagnosis"]["evidence"])
    assert run.record["outcome"] == ("RECOVERED" if name == "half-on" else "CHECK_WIRES")
    assert "replace" not in told(run)


def turn_a_bit_of_one_answer(bench: TwinRig, number: int) -> list[int]:
    """That many single answers into the run a data bit arrives turned, which its parity shows."""
    wire: Any = bench.wire
    listen, seen, turned = wire._acknowledged_read, [0], list[int]()

    def arrives(request: int) -> int:
        bits = int(listen(request))
        seen[0] += 1
        if seen[0] == number:
            turned.append(bits)
            return bits ^ 0x100
        return bits

    wire._acknowledged_read = arrives
    return turned


def turn_two_bits_of_the_first_digest(bench: TwinRig, low: int) -> list[int]:
    """The first digest of flash from `low` on arrives with two bits turned, which no parity shows."""
    wire: Any = bench.wire
    read_block, seen = wire.read_block, list[int]()

    def arrives(ap: int, a32: int, buf: bytearray) -> None:
        read_block(ap, a32, buf)
        if len(buf) != 48 or seen:
            return
        address, _size, length, _blank = (int.from_bytes(buf[at : at + 4], "little") for at in range(0, 16, 4))
        if low <= address < FLASH + 4 * SECTOR and length and any(buf[16:]):
            seen.append(address)
            buf[20] ^= 0x11

    wire.read_block = arrives
    return seen
