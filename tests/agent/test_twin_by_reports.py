"""Units after public reports of people who do this job; what is right comes from the fault that is put in."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.field.case import Case
from bmsrescue.twin.scenarios import unit_programs as programs
from hand_units import Pressed, on_board, unit_of, with_code, with_flash

RESETS_ITSELF = struct.pack("<HHHHII", 0x4801, 0x4902, 0x6001, 0xE7FE, 0xE000ED0C, 0x05FA0004)
"""Asks for a system reset at once: ldr r0, AIRCR; ldr r1, key and SYSRESETREQ; str; b ."""
SLEEPS_FOR_GOOD = struct.pack("<HHH", 0xB672, 0xBF30, 0xE7FD)
"""cpsid i; wfi; and again."""
WAITS_FOR_BYPASS = struct.pack(
    "<HHHHHHHHII", 0x4803, 0x4904, 0x6001, 0x6801, 0x0389, 0xD5FC, 0xE7FE, 0xBF00, 0x58024400, 0x00050001
)
"""Asks for an oscillator that feeds HSE (HSEBYP, HSEON) and waits for it: the board has a crystal."""
CODE = {
    "software reset loop": RESETS_ITSELF,
    "WFI with interrupts off": SLEEPS_FOR_GOOD,
    "HSE bypass on a board with a crystal": WAITS_FOR_BYPASS,
    "Standby at once": programs.STANDBY,
    "SWD pins made outputs": programs.SWD_PINS,
}


@pytest.mark.parametrize("words", CODE)
def test_a_build_that_goes_wrong_at_once_is_replaced(words: str) -> None:
    cured(Pressed(with_code(unit_of("H7B0", "in-order"), CODE[words], words)))


def cured(pressed: Pressed) -> None:
    assert pressed.record["outcome"] == "RECOVERED", pressed.told
    assert pressed.holds_image() and pressed.keeps_own_data() and pressed.runs_alone()


def _flash_of(words: str, case: Case) -> Callable[[Unit], None]:
    image, base = case.image.data(), case.image.base

    def breaks(unit: Unit) -> None:
        flash = unit.chip.flash
        if words == "written 32 bytes too far":
            flash.load(base + 32, image)
        elif words == "written over with zeros":
            flash.load(base, bytes(len(image)))
        elif words == "its last flash words missing":
            flash.load(base, image[: len(image) // 2 // 32 * 32])
        else:  # a double error in the vectors
            flash.load(base, image)
            flash.tear(base)

    return breaks


@pytest.mark.parametrize(
    "words",
    [
        "written 32 bytes too far",
        "written over with zeros",
        "its last flash words missing",
        "a double error in the vectors",
    ],
)
def test_an_image_that_somebodys_tool_has_written_wrongly_is_written_again(words: str) -> None:
    case = unit_of("H7B0", "in-order")
    cured(Pressed(with_flash(case, _flash_of(words, case), words)))


def test_an_image_with_the_bytes_of_each_half_word_exchanged_names_a_product_nobody_knows_and_is_left() -> None:
    case = unit_of("H7B0", "in-order")
    image = case.image.data()
    other = bytes(byte for at in range(0, len(image), 2) for byte in (image[at + 1], image[at]))
    pressed = Pressed(with_flash(case, lambda unit: unit.chip.flash.load(case.image.base, other), "exchanged"))
    assert pressed.ends == ("WRONG_TARGET", "other-product"), "a sister whose start is damaged looks no different"
    assert pressed.record["backup"] is None


def with_options(case: Case, **changed: int) -> Case:
    before = case.history.breaks

    def breaks(unit: Unit) -> None:
        before(unit)
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, **changed))

    return replace(case, history=replace(case.history, breaks=breaks))


def test_a_boot_address_in_ram_is_named_before_anything_is_written() -> None:
    pressed = Pressed(with_options(unit_of("H7B0", "blank"), boot=0x1FF02000))
    assert pressed.ends == ("LOCKED", "wrong-boot-address")
    assert "0x20000000 instead of 0x08000000" in pressed.told
    assert pressed.record["backup"] is None


@pytest.mark.parametrize(
    ("bit", "words"),
    [(29, "IO_HSLV is set"), (7, "reset the chip when its firmware enters Standby")],
    ids=["IO_HSLV", "nRST_STDBY"],
)
def test_a_unit_in_order_with_an_option_bit_that_others_have_not_is_left_and_told(bit: int, words: str) -> None:
    case = unit_of("H7B0", "in-order")
    optsr = case.build_unit().chip.options.stored.optsr ^ 1 << bit
    pressed = Pressed(with_options(case, optsr=optsr))
    assert pressed.ends == ("NO_FAULT_FOUND", "healthy")
    assert words in pressed.told


def test_a_single_error_in_the_vectors_is_none() -> None:
    case = unit_of("H7B0", "in-order")

    def breaks(unit: Unit) -> None:
        case.history.breaks(unit)
        unit.chip.flash.weaken(case.image.base)

    pressed = Pressed(with_flash(case, breaks, "a weak cell in the vectors"))
    assert pressed.ends == ("NO_FAULT_FOUND", "healthy")


def test_edges_that_ring_at_any_clock_are_the_wires_with_what_helps_against_it() -> None:
    pressed = Pressed(unit_of("H7B0", "blank", on_board("wire-rings", swd_ringing_rate=2e-3)))
    assert pressed.record["outcome"] == "CHECK_WIRES"
    assert "33 to 100 ohm in series with SWCLK" in pressed.told or pressed.record["error"] is None
    assert pressed.keeps_own_data()
