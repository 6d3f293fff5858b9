"""ngspice runs the board: every value within its limits; every rule of docs/wiring.md has its simulation."""

from __future__ import annotations

import os
import re
import shutil

import pytest
from hardware.bench import helper, load, supply, unit
from hardware.sims import load_all
from hardware.spice import Deck, Fault, each_fault, operating_point
from hardware.stages import design

from repository import ROOT

SIMULATIONS = load_all()
pytestmark = pytest.mark.skipif(
    shutil.which("ngspice") is None and not os.environ.get("CI"), reason="ngspice is not installed"
)


@pytest.mark.parametrize("name", SIMULATIONS)
def test_every_value_is_within_its_limits(name: str) -> None:
    found = SIMULATIONS[name].run()
    assert found
    beyond = [f"{one.what}: {one.value:.4g} {one.unit}, not {one.low} to {one.high}" for one in found if not one.holds]
    assert not beyond
    assert all(one.low is not None or one.high is not None for one in found)


def test_each_rule_of_the_wiring_names_its_simulation_and_each_simulation_has_a_rule() -> None:
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("wiring.md", "build.md")]
    rules = pages[0].partition("## What ngspice says")[0]
    named = set(re.findall(r"#sim-([\w-]+)\)", rules + pages[1]))
    assert named <= set(SIMULATIONS)
    unnamed = set(SIMULATIONS) - named - {"nrst-low", "power-on", "line-short", "full-scale", "sense-settles"}
    assert not unnamed, "no rule in docs/wiring.md names these"


def test_the_agents_trip_and_the_limiter_leave_room_for_a_healthy_unit() -> None:
    """20 to 120 mA are a healthy unit's (docs/reference/unit.md#half-on-current): the limiter is off there."""
    netlist = design("card-and-display")
    around = [*supply(18), *helper(netlist, "reset", power="3.3"), *unit(netlist, True)]
    wanted = "v(u_bplus)"
    light = operating_point(Deck(netlist, [*around, *load(18 / 0.12)]), wanted)[wanted]
    heavy = operating_point(Deck(netlist, [*around, *load(18 / 1.0)]), wanted)[wanted]
    assert light > 17.0
    assert heavy < 9.0


def test_the_old_pull_down_of_100_kohm_would_not_have_held_an_rp2350_a2() -> None:
    """What the simulation is for: with R12 open the same bench shows the unit switched on."""
    netlist = design("switch")
    around = [*supply(18), *helper(netlist, "latched"), *unit(netlist, False), *load(2200)]
    deck = Deck(netlist, around, celsius=60)
    ((_fault, seen),) = each_fault(deck, [(Fault("R12", "open", ("1",)), 0)], "v(u_bplus)")
    assert seen["v(u_bplus)"] > 10
    assert operating_point(deck, "v(u_bplus)")["v(u_bplus)"] < 0.3


def test_a_broken_divider_would_harm_a_pin_without_its_diode() -> None:
    netlist = design("card-and-display")
    around = [*supply(18), *helper(netlist, "reset"), *unit(netlist, True), "V12 u_12v 0 12"]
    around = [line for line in around if not line.startswith("Dpad26")]
    channel = netlist.board["rails"]["v12"]["mux"]
    cases = [(Fault("R24", "short", ("1", "2")), channel)]
    ((_one, kept),) = each_fault(Deck(netlist, around), cases, "v(gp26)")
    ((_two, bare),) = each_fault(Deck(netlist, around, without=("D1",)), cases, "v(gp26)")
    assert kept["v(gp26)"] < 3.8 < bare["v(gp26)"]
