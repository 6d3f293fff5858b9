"""The switch in B+: off whatever the helper's pin does, on when told to, and locked where the supply is too high."""

from __future__ import annotations

from hardware.bench import helper, load, supply, unit
from hardware.sims import Finding, simulation
from hardware.spice import Deck, operating_point, transient
from hardware.stages import design

STAGES = ("switch", "rails", "card-and-display")
_STATES = (("reset", 50e3), ("reset", 80e3), ("latched", 80e3), ("open", 50e3), ("unpowered", 50e3))
_HOT = 60


@simulation(
    "power-stays-off", "The unit stays off while the helper starts, resets, is in BOOTSEL, hangs, or has a wire off."
)
def power_stays_off() -> list[Finding]:
    found = []
    for stage in STAGES[:1] + STAGES[2:]:
        netlist = design(stage)
        for state, pull in _STATES:
            around = [*supply(18), *helper(netlist, state, pull), *unit(netlist, False), *load(2200)]
            seen = operating_point(Deck(netlist, around, celsius=_HOT), "v(u_bplus)", "v(source,gate)")
            found.append(Finding(f"{stage}, {state}: the unit's B+", seen["v(u_bplus)"], "V", 0, 0.3))
            found.append(Finding(f"{stage}, {state}: what opens the switch", seen["v(source,gate)"], "V", -0.1, 1.0))
    return found


@simulation("power-on", "The pin switches on, and the switch loses little.")
def power_on() -> list[Finding]:
    found = []
    for volt in (15, 18, 24):
        netlist = design("card-and-display")
        around = [*supply(volt), *helper(netlist, "reset", power="3.0"), *unit(netlist, True), *load(volt / 0.12)]
        seen = operating_point(Deck(netlist, around, celsius=-5), "v(supply,u_bplus)", "v(source,gate)")
        found.append(Finding(f"{volt} V, 120 mA: lost on the way", seen["v(supply,u_bplus)"], "V", 0, 0.7))
        found.append(Finding(f"{volt} V: at the gate", seen["v(source,gate)"], "V", 5, 14))
    return found


@simulation("alert-cuts", "ALERT of the INA226 switches the unit off, with the helper's pin still high.")
def alert_cuts() -> list[Finding]:
    netlist = design("card-and-display")
    around = [line for line in unit(netlist, True) if not line.startswith("Ralert")]
    deck = Deck(
        netlist,
        [
            *supply(18),
            *helper(netlist, "reset", power="3.3"),
            *around,
            *load(60),
            "Salert alert 0 tell 0 ALERT",
            ".model ALERT SW(RON=60 ROFF=1g VT=0.5 VH=0.1)",
            "Vtell tell 0 PULSE(0 1 1m 1u 1u 1 2)",
        ],
    )
    seen = transient(
        deck,
        "20u",
        "4m",
        {
            "on": "find v(u_bplus) at=0.9m",
            "fell": "when v(u_bplus)=1 fall=1",
            "after": "find v(u_bplus) at=3.9m",
            "enable": "find v(enable) at=3.9m",
        },
    )
    return [
        Finding("before: the unit's B+", seen["on"], "V", 16),
        Finding("from ALERT to below 1 V, without a capacitor", 1e6 * (seen["fell"] - 1e-3), "us", 0, 500),
        Finding("after: the unit's B+", seen["after"], "V", 0, 0.3),
    ]


@simulation(
    "58-volts",
    "58 V at B+ (a whole pack, by mistake) reaches neither the unit nor a pin: above 28 V nothing is switched on.",
)
def pack_voltage() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for volt in (26, 30, 58):
        around = [*supply(volt), *helper(netlist, "reset", power="3.3"), *unit(netlist, False), *load(1000)]
        wanted = ("v(u_bplus)", "v(source,gate)", "v(enable)", "v(gp2)", "v(gp26)", "v(limited,over)^2/10k")
        seen = operating_point(Deck(netlist, around), *wanted)
        if volt == 26:
            found.append(Finding("26 V: still switched on", seen["v(u_bplus)"], "V", 25))
            continue
        found.append(
            Finding(f"{volt} V: the unit's B+, and so the INA226 (36 V at most)", seen["v(u_bplus)"], "V", 0, 0.3)
        )
        found.append(Finding(f"{volt} V: gate to source", seen["v(source,gate)"], "V", -0.1, 13))
        found.append(Finding(f"{volt} V: the helper's pin", seen["v(gp2)"], "V", 0, 3.8))
        found.append(Finding(f"{volt} V: R15 takes", 1e3 * seen["v(limited,over)^2/10k"], "mW", 0, 200))
    return found


@simulation(
    "hot-plug",
    "A supply that is plugged in with its output on does not switch the unit on, and overshoots no part's limit.",
)
def hot_plug() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for volt in (18, 58):
        deck = Deck(
            netlist,
            [
                f"Vsupply bench 0 PULSE(0 {volt} 100u 1u 1u 1 2)",
                "Lwire bench wire 1u",
                "Rwire wire supply 0.05",
                "Cwire supply 0 2n",
                *helper(netlist, "reset"),
                *unit(netlist, False),
                *load(1000, 470e-6),
            ],
        )
        seen = transient(
            deck, "500n", "400u", {"top": "max v(supply)", "out": "max v(u_bplus)", "gate": "max v(source,gate)"}
        )
        found.append(
            Finding(f"{volt} V plugged in: highest at the input (the switch takes 100 V)", seen["top"], "V", 0, 95)
        )
        found.append(Finding(f"{volt} V plugged in: the unit's B+, with 470 uF", seen["out"], "V", 0, 0.3))
        found.append(Finding(f"{volt} V plugged in: gate to source", seen["gate"], "V", 0, 20))
    return found
