"""What the board ends at, for ngspice: the helper's pins in each state, the unit, the bench supply.

Sources: RP2040 data sheet 5.5.3 (pulls of 50 to 80 kohm, ADC of 100 kohm at least), RP2350 data sheet, erratum E9
(some 120 uA out of an input pad between 0.8 and 2.2 V, stepping A2), DS13313 (NRST's pull-up of 30 to 50 kohm).
"""

from __future__ import annotations

from hardware.spice import node
from hardware.stages import Design, pins_used

IOVDD = 3.3
PIN_MAX = IOVDD + 0.5  # RP2040 data sheet 5.5.1, absolute maximum of a pin; the same holds below ground, -0.5 V
E9_AMPERE, E9_VOLT = 120e-6, 2.2
_OUTPUT_OHM = 40


def supply(volt: float, ohm: float = 0.05) -> list[str]:
    """A stiff supply: the worst that can be at hand."""
    return [f"Vsupply bench 0 {volt:g}", f"Rsupply bench supply {ohm:g}"]


def limited_supply(volt: float, ampere: float, farad: float = 220e-6) -> list[str]:
    """A bench supply that gives no more than `ampere`, with the capacitor at its output."""
    return [
        f"Bsupply 0 bench I={ampere:g}*min(1,max(0,({volt:g}-V(bench))/0.05))",
        f"Csupply bench 0 {farad:g} ic={volt:g}",
        "Rsupply bench supply 0.05",
    ]


def helper(design: Design, state: str, pull_ohm: float = 50e3, **driven: str) -> list[str]:
    """The helper's 3.3 V and pins.

    state: "reset" (pull-downs, as in reset and BOOTSEL), "latched" (RP2350-E9 at every pin), "open" (wires off),
    "unpowered". `driven`: role of a pin -> a source's value ("3.3", or "PULSE(...)") in place of that state.
    """
    lines = ["Rhelper p3v3 0 100" if state == "unpowered" else f"Vhelper p3v3 0 {IOVDD}"]
    for role, pin in pins_used(design.board).items():
        name = f"gp{pin}"
        lines.append(f"Dpad{pin} {name} p3v3 CLAMP")
        lines.append(f"Dlow{pin} 0 {name} CLAMP")
        if role in driven:
            lines += [f"Vdrive{pin} drive{pin} 0 {driven[role]}", f"Rdrive{pin} drive{pin} {name} {_OUTPUT_OHM}"]
        elif role.endswith("adc"):
            lines.append(f"Radc{pin} {name} 0 100k")
        elif state == "latched":
            # Below 0.8 V the leak ends on silicon. Here it goes on: the worst, and no question of what was before.
            shape = f"max(0,min(1,({E9_VOLT}-V({name}))/0.3))"
            lines += [f"Be9_{pin} 0 {name} I={E9_AMPERE:g}*{shape}", f"Rpull{pin} {name} 0 80k"]
        else:
            lines.append(f"Rpull{pin} {name} 0 {1e9 if state == 'open' else pull_ohm:g}")
    return lines


def unit(design: Design, powered: bool, nrst_ohm: float = 40e3) -> list[str]:
    """The unit's chip at the four wires, its 3.3 V, BOOT0 with 10 kohm to ground; without power a load of 100 kohm."""
    lines = [
        "Vunit unit_33 0 3.3" if powered else "Runit_dead unit_33 0 100k",
        "Runit unit_33 u_3v3 0.1",
        f"Rnrst u_3v3 u_nrst {nrst_ohm:g}",
        "Rswdio u_3v3 u_swdio 40k",
        "Rswclk u_swclk 0 40k",
        "Rboot0 u_boot0 0 10k",
    ]
    for name in ("nrst", "swdio", "swclk", "boot0"):
        lines += [f"Dup_{name} u_{name} u_3v3 CLAMP", f"Ddown_{name} 0 u_{name} CLAMP"]
    if "power" in design.board["lines"]:
        lines += ["Vbutton button 0 3.3", "Rbutton button u_button_p 10k", "Rbutton_n u_button_n 0 0.1"]
    if design.board.get("ina226"):
        # What modules carry: a pull-up at ALERT. And the rails that have no supply of their own here.
        lines += ["Riso iso_out 0 1meg", "Ralert alert p3v3 4.7k", "R12v u_12v 0 10k", "Rvcap u_vcap 0 10k"]
    return lines


def load(ohm: float, farad: float = 0.0) -> list[str]:
    """What the unit takes at B+."""
    return [f"Rload u_bplus 0 {ohm:g}", *([f"Cload u_bplus 0 {farad:g}"] if farad else [])]


def volt(net: str) -> str:
    return f"v({node(net)})"
