"""Every single fault of every part: nothing above a pin's limit, and nothing that powers the unit unseen."""

from __future__ import annotations

from hardware.bench import PIN_MAX, helper, load, supply, unit
from hardware.sims import Finding, simulation
from hardware.spice import Deck, each_fault, faults_of, operating_point
from hardware.stages import Design, design, pins_used

_POWERS = {"Q1 short D-S", "Q1 short G-D", "Q2 short B-C", "Q2 short E-C"}
"""The faults that switch the unit on: a switch of one transistor cannot be without them. The agent sees B+ with the
power off, calls it back-feed and does nothing more."""
_BPLUS_ON = 2.0


def _worst(powered: bool) -> tuple[list[tuple[str, float]], list[tuple[str, float]], list[tuple[str, float]]]:
    """(fault, highest pin), (fault, lowest pin), (fault, the unit's B+), the worst first; the power pin high or low."""
    netlist = design("card-and-display")
    pins = sorted({f"gp{pin}" for pin in pins_used(netlist.board).values()})
    around = [
        *supply(18),
        *helper(netlist, "reset", power="3.3" if powered else "0"),
        *unit(netlist, powered),
        *load(300),
    ]
    if powered:
        around.append("V12 u_12v 0 12")
    cases = [
        (fault, _channel_of(netlist, fault.ref))
        for ref, kind in netlist.kinds.items()
        for fault in faults_of(ref, kind)
    ]
    seen = each_fault(Deck(netlist, around), cases, "v(u_bplus)", *(f"v({pin})" for pin in pins))
    highest = [(str(fault), max(volts[f"v({pin})"] for pin in pins)) for fault, volts in seen]
    lowest = [(str(fault), min(volts[f"v({pin})"] for pin in pins)) for fault, volts in seen]
    fed = [(str(fault), volts["v(u_bplus)"]) for fault, volts in seen]
    return sorted(highest, key=_volt, reverse=True), sorted(lowest, key=_volt), sorted(fed, key=_volt, reverse=True)


def _channel_of(netlist: Design, ref: str) -> int:
    """The multiplexer's channel that this part lies at, so that the ADC's pin sees it; else that of B+."""
    nets = set(netlist.pins_of(ref).values()) - {"GND"}
    at = [int(pin[1]) for pin, net in netlist.pins_of("U2").items() if pin[0] == "X" and pin != "X" and net in nets]
    return at[0] if at else netlist.board["rails"]["bplus"]["mux"]


def _volt(pair: tuple[str, float]) -> float:
    return pair[1]


@simulation(
    "single-faults-on",
    "No part that fails open or short brings a pin of the helper beyond its limits while the unit is on.",
)
def single_faults_on() -> list[Finding]:
    highest, lowest, _fed = _worst(True)
    return [
        Finding(f"{len(highest)} faults; the highest pin ({highest[0][0]})", highest[0][1], "V", 0, PIN_MAX),
        Finding(f"the lowest pin ({lowest[0][0]})", lowest[0][1], "V", -0.5, 0.5),
    ]


@simulation(
    "single-faults-off",
    "No part that fails switches a unit on, but for those of the switch itself, which the agent sees.",
)
def single_faults_off() -> list[Finding]:
    highest, lowest, fed = _worst(False)
    powers = {name for name, volt in fed if volt > _BPLUS_ON}
    rest = max((volt for name, volt in fed if name not in powers), default=0.0)
    return [
        Finding(f"faults that switch on: {', '.join(sorted(powers))}; others", len(powers - _POWERS), "faults", 0, 0),
        Finding("the unit's B+ with any other fault", rest, "V", 0, 1.0),
        Finding(f"the highest pin ({highest[0][0]})", highest[0][1], "V", 0, PIN_MAX),
        Finding(f"the lowest pin ({lowest[0][0]})", lowest[0][1], "V", -0.5, 0.5),
    ]


@simulation("wrong-rail", "12 V on the wires for 3.3 V or VCAP leaves the ADC's pin within its limits.")
def wrong_rail() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for rail, net in (("v3v3", "u_3v3"), ("vcap", "u_vcap")):
        for what, channel in (("selected", netlist.board["rails"][rail]["mux"]), ("another selected", 7)):
            around = [line for line in unit(netlist, False) if not line.startswith(("Rvcap", "Runit"))]
            lines = ("Rnrst", "Rswdio", "Dup", "Ddown")
            around = [line for line in around if not line.startswith(lines)]
            around += ["Rswdio_off u_swdio 0 1meg", "Rnrst_off u_nrst 0 1k"]
            deck = Deck(
                netlist, [*supply(18), *helper(netlist, "reset"), *around, f"Vwrong {net} 0 12"], channel=channel
            )
            pin = f"v(gp{netlist.board['mux']['adc']})"
            found.append(
                Finding(f"12 V at {rail}, {what}: the ADC's pin", operating_point(deck, pin)[pin], "V", 0, PIN_MAX)
            )
    return found
