"""How the modules are wired to each other and to the unit, by WireViz: the connections come from the netlist."""

from __future__ import annotations

import re
from typing import Any

from wireviz import wireviz

from hardware.stages import design

_BOARD = "perfboard"
_COLOURS = {"GND": "BK", "3V3": "RD", "SWITCHED": "OG", "U_BPLUS": "OG"}
_OTHERS = ("YE", "GN", "BU", "VT", "WH", "TQ", "BN", "GY", "PK")
_MODULES = {"A1": "Pico 2 or Pico", "A2": "INA226", "A3": "SSD1306", "J6": "microSD"}
_TERMINALS = {
    "J1": "unit: SWD",
    "J2": "unit: 3.3 V",
    "J3": "supply and B+",
    "J4": "unit: BOOT0, button",
    "J5": "unit: rails",
}


def source() -> dict[str, Any]:
    """What WireViz takes: each module is a connector, the perfboard is one, and a bundle goes between the two."""
    netlist = design("card-and-display")
    connectors: dict[str, Any] = {}
    cables: dict[str, Any] = {}
    connections = []
    board: list[str] = []
    bundles = []
    for ref, words in {**_MODULES, **_TERMINALS}.items():
        nets = netlist.pins_of(ref)
        if ref == "A1":  # its pads in the order of the board; one ground is enough for the picture
            nets = {pin: net for pin, net in nets.items() if not pin.startswith("GND") or pin == "GND38"}
        pads = {pin.name: pin.num for pin in netlist.circuit_part(ref).pins}
        connectors[ref] = {
            "type": words,
            "pins": [int(pads[pin]) if ref == "A1" else at for at, pin in enumerate(nets, 1)],
            "pinlabels": ["GND" if pin.startswith("GND") else pin for pin in nets],
        }
        first = len(board) + 1
        board += list(nets.values())
        bundles.append((ref, nets, first))
        others = iter(_OTHERS * 3)
        cables[f"W{ref}"] = {
            "category": "bundle",
            "colors": [_COLOURS.get(net) or next(others) for net in nets.values()],
            "wirecount": len(nets),
        }
    connectors[_BOARD] = {"type": "perfboard", "pinlabels": board}
    for ref, nets, first in bundles:
        count = len(nets)
        pins = list(connectors[ref]["pins"])
        wires = list(range(1, count + 1))
        places = list(range(first, first + count))
        if ref in _MODULES:
            connections.append([{ref: pins}, {f"W{ref}": wires}, {_BOARD: places}])
        else:
            connections.append([{_BOARD: places}, {f"W{ref}": wires}, {ref: pins}])
    return {"connectors": connectors, "cables": cables, "connections": connections}


def harness() -> str:
    """The picture, as SVG."""
    made = wireviz.parse(source(), return_types="svg")
    text = made if isinstance(made, str) else made.decode()
    return re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", "", text, flags=re.DOTALL).strip() + "\n"
