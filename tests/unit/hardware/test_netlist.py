"""The netlist: electrical rules, KiCad's format read back by another's parser, pins and dividers of board.json."""

from __future__ import annotations

import csv
import os
import re
import shutil
from functools import cache
from itertools import pairwise
from typing import Any

import kinparse
import pytest
from hardware import make, netlists, tables
from hardware.stages import GPIO_PAD, STAGES, design

from bmsrescue.board.config import load_board
from repository import ROOT

MAKE_IT = "run: python -m hardware.make"
LINES = {
    "swclk": "U_SWCLK",
    "swdio": "U_SWDIO",
    "nrst": "U_NRST",
    "boot0": "U_BOOT0",
    "power": "ENABLE",
    "unit_button": "LED",
}
RAILS = {"bplus": "U_BPLUS", "v12": "U_12V", "v5iso": "ISO_OUT", "v3v3": "U_3V3", "vcap": "U_VCAP"}
CHANNEL_PAD = (13, 14, 15, 12, 1, 5, 2, 4)  # CD74HC4051E, data sheet SCHS122: A0 to A7 of a DIP-16
CENT = {"k": 1e3, "": 1.0}


@cache  # kinparse takes seconds for a whole board
def parsed(stage: str) -> Any:
    return kinparse.parse_netlist((ROOT / "hardware" / "out" / f"{stage}.net").read_text(encoding="utf-8"))


def read_back(stage: str) -> dict[str, set[tuple[str, str]]]:
    """Net -> (reference, pad), as kinparse reads the KiCad netlist that is in the repository."""
    return {net.name: {(pin.ref, pin.num) for pin in net.pins} for net in parsed(stage).nets}


def parts_of(stage: str) -> dict[str, str]:
    return {part.ref: part.value for part in parsed(stage).parts}


def between(nets: dict[str, set[tuple[str, str]]], one: str, other: str) -> set[str]:
    """References of two-legged parts that lie between two nets."""
    return {ref for ref, _pad in nets[one]} & {ref for ref, _pad in nets[other]} - {"A1", "A2", "U2"}


def ohm(value: str) -> float:
    match = re.fullmatch(r"([\d.]+)(k?)", value)
    assert match is not None, value
    return float(match[1]) * CENT[match[2]]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_keeps_the_electrical_rules(stage: str) -> None:
    assert netlists.skidl_complaints(design(stage)) == (0, 0)
    assert netlists.complaints(design(stage)) == []


def test_a_line_without_its_resistor_is_a_complaint() -> None:
    design.cache_clear()
    broken = design("four-wires")
    try:
        pin = broken.circuit_part("A1")["GP6"]
        pin.disconnect()
        net = broken.circuit_part("J1")["SWCLK"].net
        net += pin
        assert any("without a resistor" in one for one in netlists.complaints(broken))
    finally:
        design.cache_clear()


@pytest.mark.parametrize("stage", STAGES)
def test_another_parser_reads_each_line_at_the_pin_of_board_json(stage: str) -> None:
    board, nets = load_board(STAGES[stage]), read_back(stage)
    for role, pin in {**board["swd"], **board["lines"]}.items():
        (series,) = between(nets, f"GP{pin}", LINES[role])
        assert 100 <= ohm(parts_of(stage)[series]) <= 1000, role
        assert ("A1", str(GPIO_PAD[pin])) in nets[f"GP{pin}"]


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "four-wires"])
def test_another_parser_reads_each_divider_and_channel_of_board_json(stage: str) -> None:
    board, nets, values = load_board(STAGES[stage]), read_back(stage), parts_of(stage)
    for name, rail in board["rails"].items():
        if "mux" in rail:
            pad = str(CHANNEL_PAD[rail["mux"]])
            (middle,) = (net for net, pins in nets.items() if ("U2", pad) in pins)
        else:
            middle = f"GP{rail['adc']}"
        tops = {ref for ref in between(nets, RAILS[name], middle) if ref.startswith("R")}
        bottoms = {ref for ref in between(nets, middle, "GND") if ref.startswith("R")}
        assert [ohm(values[ref]) for ref in tops] == [rail["top_ohm"]], name
        assert [ohm(values[ref]) for ref in bottoms] == [rail["bottom_ohm"]], name


def test_the_adcs_zero_is_tied_to_ground() -> None:
    board, nets = load_board("pico"), read_back("card-and-display")
    assert ("U2", str(CHANNEL_PAD[board["mux"]["zero"]])) in nets["GND"]


def test_each_stage_has_the_parts_of_the_one_before() -> None:
    stages = list(STAGES)
    for before, after in pairwise(stages):
        assert set(parts_of(before)) < set(parts_of(after))


def test_a_pico_2_is_wired_like_a_pico() -> None:
    assert tables.boards_agree() == []


@pytest.mark.skipif(shutil.which("ngspice") is None and not os.environ.get("CI"), reason="ngspice is not installed")
def test_what_is_made_is_that_of_the_netlist() -> None:
    for name, text in make.files().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name}: {MAKE_IT}"


def test_every_part_is_in_the_list_with_what_to_order() -> None:
    rows = list(csv.DictReader((ROOT / "hardware" / "out" / "parts.csv").read_text(encoding="utf-8").splitlines()))
    listed = [ref for row in rows for ref in row["references"].split()]
    assert sorted(listed) == sorted(design("card-and-display").kinds)
    assert all(row["order"] and row["instead"] and "{" not in row["order"] for row in rows)


def test_the_netlist_is_the_same_each_time() -> None:
    first = netlists.kicad("switch")
    design.cache_clear()
    assert netlists.kicad("switch") == first
