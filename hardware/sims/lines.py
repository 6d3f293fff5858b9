"""The lines to the chip: what they do to a unit while the helper starts, resets, hangs or has no power."""

from __future__ import annotations

from hardware.bench import PIN_MAX, helper, supply, unit
from hardware.sims import Finding, simulation
from hardware.spice import Deck, operating_point
from hardware.stages import STAGES, design

_VDD = 3.3
_NRST_HIGH = 0.7 * _VDD
_STATES = (("reset", 50e3), ("reset", 80e3), ("latched", 80e3))


def _supply(stage: str) -> list[str]:
    return supply(18) if "power" in design(stage).board["lines"] else []


@simulation("nrst-in-reset", "A helper in reset, in BOOTSEL or without a program does not hold the unit's NRST down.")
def nrst_in_reset() -> list[Finding]:
    found = []
    for stage in STAGES:
        netlist = design(stage)
        lowest = min(
            operating_point(
                Deck(netlist, [*_supply(stage), *helper(netlist, "reset", pull), *unit(netlist, True, nrst)]),
                "v(u_nrst)",
            )["v(u_nrst)"]
            for pull, nrst in ((50e3, 50e3), (80e3, 30e3))
        )
        if stage == "four-wires":
            found.append(Finding("four wires: NRST is undefined: start the helper first", lowest, "V", 1.5, _NRST_HIGH))
        else:
            found.append(Finding(f"{stage}: NRST, a level that is high", lowest, "V", _NRST_HIGH))
    return found


@simulation("nrst-low", "The helper pulls NRST low, against the pull-ups of board and chip.")
def nrst_low() -> list[Finding]:
    netlist = design("card-and-display")
    deck = Deck(netlist, [*supply(18), *helper(netlist, "reset", nrst="0"), *unit(netlist, True, 30e3)])
    return [Finding("NRST while the helper pulls", operating_point(deck, "v(u_nrst)")["v(u_nrst)"], "V", 0, 0.3 * _VDD)]


@simulation("back-feed", "A helper in any state feeds nothing into a unit without power.")
def back_feed() -> list[Finding]:
    found = []
    for stage in STAGES:
        netlist = design(stage)
        for state, pull in _STATES:
            deck = Deck(netlist, [*_supply(stage), *helper(netlist, state, pull), *unit(netlist, False)], celsius=60)
            value = operating_point(deck, "v(u_3v3)")["v(u_3v3)"]
            if stage == "four-wires" and state == "latched":
                found.append(
                    Finding("four wires, RP2350 A2: a rest on 3.3 V; the lines go low first", value, "V", 0, 2.0)
                )
            else:
                found.append(Finding(f"{stage}, {state}: the unit's 3.3 V", value, "V", 0, 0.3))
    return found


@simulation(
    "helper-without-power",
    "A helper without USB takes little from a unit that runs, but holds its NRST down: take it off, or give it USB.",
)
def helper_without_power() -> list[Finding]:
    netlist = design("3v3")
    deck = Deck(netlist, [*helper(netlist, "unpowered"), *unit(netlist, True, 50e3)])
    seen = operating_point(deck, "v(u_nrst)", "v(p3v3)", "v(unit_33,u_3v3)/0.1")
    return [
        Finding(
            "3v3: NRST, low: the unit stays in reset",
            seen["v(u_nrst)"],
            "V",
            0,
            2.31,
        ),
        Finding("3v3: what the helper takes", 1e3 * seen["v(unit_33,u_3v3)/0.1"], "mA", 0, 10),
        Finding("3v3: the helper's own 3.3 V", seen["v(p3v3)"], "V", 0, 0.5),
    ]


@simulation("boot0-let-go", "BOOT0 falls when it is let go of, also where an RP2350 A2 holds its pin near 2 V.")
def boot0_let_go() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for state, pull in _STATES:
        deck = Deck(netlist, [*supply(18), *helper(netlist, state, pull), *unit(netlist, True)])
        value = operating_point(deck, "v(u_boot0)")["v(u_boot0)"]
        found.append(Finding(f"{state}, {pull / 1e3:g} k: BOOT0", value, "V", 0, 0.17 * _VDD))
    bare = [line.replace("Rboot0 u_boot0 0 10k", "Rboot0 u_boot0 0 1g") for line in unit(netlist, True)]
    deck = Deck(netlist, [*supply(18), *helper(netlist, "latched"), *bare])
    found.append(
        Finding("latched, no resistor at the unit", operating_point(deck, "v(u_boot0)")["v(u_boot0)"], "V", 0, 0.561)
    )
    deck = Deck(netlist, [*supply(18), *helper(netlist, "reset", boot0="3.3"), *unit(netlist, True)])
    found.append(
        Finding("BOOT0 while the helper raises it", operating_point(deck, "v(u_boot0)")["v(u_boot0)"], "V", 2.31)
    )
    return found


@simulation(
    "button-let-go", "The unit's button is not pressed while the helper starts; it is pressed when it is told to."
)
def button_let_go() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for state, pull in (*_STATES, ("open", 50e3)):
        deck = Deck(netlist, [*supply(18), *helper(netlist, state, pull), *unit(netlist, True)], celsius=60)
        found.append(
            Finding(
                f"{state}: current in the opto-coupler", 1e6 * operating_point(deck, "i(vu1)")["i(vu1)"], "uA", -1, 20
            )
        )
    deck = Deck(netlist, [*supply(18), *helper(netlist, "reset", unit_button="3.3"), *unit(netlist, True)])
    found.append(
        Finding("pressed: current in the opto-coupler", 1e3 * operating_point(deck, "i(vu1)")["i(vu1)"], "mA", 4, 10)
    )
    return found


@simulation(
    "line-short",
    "A line that is shorted to ground or to 3.3 V takes no more than a pin gives, and no pin leaves its limits.",
)
def line_short() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for role, ref, line in (("swclk", "R1", "u_swclk"), ("swdio", "R2", "u_swdio"), ("boot0", "R18", "u_boot0")):
        deck = Deck(
            netlist,
            [*supply(18), *helper(netlist, "reset", **{role: "3.3"}), *unit(netlist, True), f"Rshort {line} 0 0.01"],
        )
        ohm = float(netlist.values[ref].replace("k", "e3"))
        pin = f"gp{ {**netlist.board['swd'], **netlist.board['lines']}[role] }".replace(" ", "")
        expression = f"v({pin},{line})/{ohm:g}"
        found.append(
            Finding(
                f"{role} driven high into a short", 1e3 * operating_point(deck, expression)[expression], "mA", 0, 13
            )
        )
    return found


@simulation("wrong-voltage", "Nothing above 3.3 V on a line to the chip: neither 5 V nor 12 V is kept from the pin.")
def wrong_voltage() -> list[Finding]:
    netlist = design("four-wires")
    pin = netlist.board["swd"]["swdio"]
    found = []
    for volt in (5.0, 12.0):
        deck = Deck(netlist, [*helper(netlist, "reset"), f"Vwrong u_swdio 0 {volt:g}"])
        seen = operating_point(deck, f"v(u_swdio,gp{pin})/220", f"v(gp{pin})")
        into = 1e3 * seen[f"v(u_swdio,gp{pin})/220"]
        found.append(Finding(f"{volt:g} V on SWDIO: current into the pin's protection", into, "mA", 1, 60))
        found.append(Finding(f"{volt:g} V on SWDIO: the pin, above its maximum", seen[f"v(gp{pin})"], "V", PIN_MAX))
    return found


@simulation(
    "ground-last", "The supply's minus goes to the unit's B- by a wire of its own: then a missing ground harms no pin."
)
def ground_last() -> list[Finding]:
    netlist = design("card-and-display")
    pins = [f"gp{pin}" for pin in (*netlist.board["swd"].values(), netlist.board["lines"]["nrst"])]
    lines = ["u_swclk", "u_swdio", "u_nrst"]
    found = []
    for minus, wire in (("at the unit", 0.05), ("only through the helper", 1e9)):
        # The unit's own ground is `vss`; the helper's ground wire is missing. Supply's minus: `return`.
        unit_side = [
            line.replace(" 0 ", " vss ") for line in unit(netlist, False) if not line.startswith(("Vbutton", "Rbutton"))
        ]
        deck = Deck(
            netlist,
            [
                "Vsupply u_bplus return 18",
                f"Rreturn return vss {wire:g}",
                f"Rhelper_minus return 0 {1e9 if wire < 1 else 0.05:g}",
                "Rload u_bplus vss 300",
                *helper(netlist, "reset"),
                *unit_side,
            ],
            without=("Q1",),
        )
        ampere = [
            f"abs(v({line},{pin}))/{100 if 'nrst' in line else 220}" for line, pin in zip(lines, pins, strict=True)
        ]
        worst = 1e3 * max(operating_point(deck, *ampere).values())
        limits = (0.0, 2.0) if wire < 1 else (10.0, 100.0)
        found.append(Finding(f"ground wire missing, minus {minus}: current in a line", worst, "mA", *limits))
    return found
