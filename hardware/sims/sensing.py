"""What the ADC sees of each rail, with its own resistance, and what `adc_ohm` makes of it."""

from __future__ import annotations

from hardware.bench import helper, supply, unit
from hardware.sims import Finding, simulation
from hardware.spice import Deck, node, operating_point, transient
from hardware.stages import RAIL_NET, design

_RAILS = {"bplus": 18.0, "v12": 12.0, "v5iso": 5.0, "v3v3": 3.3, "vcap": 1.2}
_HIGHEST_ADC_OHM = 1e9  # the data sheet has a least value only: it may be anything above


def shown_at_pin(rail: str, volt: float, adc_ohm: float = 100e3) -> float:
    """The ADC's pin with a rail at `volt`, its channel selected."""
    netlist = design("card-and-display")
    values = netlist.board["rails"][rail]
    channel = values["mux"]
    around = [
        line.replace(" 100k", f" {adc_ohm:g}") if line.startswith("Radc") else line for line in helper(netlist, "reset")
    ]
    dropped = ("R12v", "Rvcap", "Riso", "Vunit", "Runit")
    unit_lines = [line for line in unit(netlist, True) if not line.startswith(dropped)]
    deck = Deck(
        netlist, [*supply(18), *around, *unit_lines, f"Vrail {node(RAIL_NET[rail])} 0 {volt:g}"], channel=channel
    )
    pin = f"v(gp{netlist.board['mux']['adc']})"
    return operating_point(deck, pin)[pin]


def shown(rail: str, volt: float, adc_ohm: float) -> float:
    """What the agent makes of a rail at `volt`: as rails.line_through computes it."""
    netlist = design("card-and-display")
    values = netlist.board["rails"][rail]
    top, bottom = values["top_ohm"], values["bottom_ohm"]
    span = (top + bottom) / bottom
    span *= 1 + (top * bottom / (top + bottom) + values["source_ohm"]) / netlist.board["adc_ohm"]
    return shown_at_pin(rail, volt, adc_ohm) * span


@simulation(
    "adc-error", "The ADC's own resistance makes a reading wrong by no more than a resistor's tolerance, 1.1 %."
)
def adc_error() -> list[Finding]:
    found = []
    for rail, volt in _RAILS.items():
        for ohm, name in ((100e3, "100 kohm"), (_HIGHEST_ADC_OHM, "none")):
            error = 100 * (shown(rail, volt, ohm) / volt - 1)
            found.append(Finding(f"{rail} at {volt:g} V, an ADC of {name}: error", error, "%", -1.1, 1.1))
    return found


@simulation("full-scale", "The highest voltage that a rail may have without harm is inside the ADC's range.")
def full_scale() -> list[Finding]:
    netlist = design("card-and-display")
    found = []
    for rail, danger in (("bplus", 60.0), ("v12", 18.0), ("v3v3", 4.0), ("vcap", 1.5)):
        values = netlist.board["rails"][rail]
        at_pin = danger * values["bottom_ohm"] / (values["top_ohm"] + values["bottom_ohm"])
        found.append(Finding(f"{rail} at its ceiling of {danger:g} V: at the pin", at_pin, "V", 0, 3.3))
    return found


@simulation(
    "sense-settles",
    "A divider has settled long before the agent's 50 us after a change of channel, and follows a rail within 1 ms.",
)
def settles() -> list[Finding]:
    netlist = design("card-and-display")
    dropped = ("R12v", "Rvcap", "Riso", "Vunit", "Runit")
    found = []
    for rail, volt in _RAILS.items():
        channel = netlist.board["rails"][rail]["mux"]
        unit_lines = [line for line in unit(netlist, True) if not line.startswith(dropped)]
        source = f"Vrail {node(RAIL_NET[rail])} 0 PULSE(0 {volt:g} 100u 1u 1u 1 2)"
        deck = Deck(netlist, [*supply(18), *helper(netlist, "reset"), *unit_lines, source], channel=channel)
        pin = f"v(gp{netlist.board['mux']['adc']})"
        end = shown_at_pin(rail, volt)
        when = transient(deck, "20u", "3m", {"there": f"when {pin}={0.99 * end:g} rise=1"})["there"]
        found.append(Finding(f"{rail}: within 1 % after", 1e3 * (when - 1e-4), "ms", 0, 1.0))
    return found
