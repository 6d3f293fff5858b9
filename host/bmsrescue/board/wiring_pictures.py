"""The wires of each stage, drawn: `python -m bmsrescue.board.wiring_pictures docs/pictures`.

A row is a wire: the helper's pin, what lies in it, and where it goes. Pads are those of the LQFP100
(docs/reference/chip.md#lqfp100). Pins are those of the stage's board.json.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bmsrescue.board.config import load_board

# The stages in turn, each with the board that has it.
STAGES = {
    "four-wires": "pico-four-wires",
    "3v3": "pico-3v3",
    "switch": "pico-switch",
    "rails": "pico-rails",
    "card-and-display": "pico",
}
_NEW, _OLD, _INK, _PAPER = "#0072B2", "#8A8A8A", "#222222", "#F4F4F4"
_ROW, _HEAD, _GAP = 30, 34, 22
_WIDTH = 900
_LEFT, _LEFT_WIDE = 16, 170  # the helper
_RIGHT, _RIGHT_WIDE = 640, 244  # what the wires go to
_LETTER = 7.1  # width of one, about, at 13 px


@dataclass(frozen=True)
class Wire:
    """`pin`: at the helper. `through`: what lies in the wire, from the helper on. `to`: where it ends."""

    pin: str
    through: tuple[str, ...]
    to: str


@dataclass(frozen=True)
class Place:
    """What wires go to."""

    name: str
    wires: tuple[Wire, ...]


def places(config: Mapping[str, Any]) -> list[Place]:
    """All wires of a board.json."""
    found = [Place("unit: STM32H725, LQFP100", tuple(_to_chip(config)))]
    rails = config.get("rails") or {}
    if set(rails) - {"v3v3"}:
        found.append(Place("unit: rails", tuple(_to_rails(config))))
    if "power" in (config.get("lines") or {}):
        found.append(Place("bench supply, 18 V, 150 mA", tuple(_to_supply(config))))
    panel, bus = config.get("panel") or {}, config.get("i2c") or {}
    if "address" in panel:
        wires = (Wire(_gp(bus["sda"]), (), "SDA"), Wire(_gp(bus["scl"]), (), "SCL"))
        found.append(Place("SSD1306 display (and INA226)", wires))
    if "button" in panel:
        lights = tuple(Wire(_gp(panel[name]), ("330 Ω",), f"light, {name}") for name in ("red", "green", "blue"))
        found.append(
            Place(
                "face",
                (*lights, Wire(_gp(panel["buzzer"]), (), "buzzer"), Wire(_gp(panel["button"]), (), "button, to GND")),
            )
        )
    card = config.get("card") or {}
    if card:
        pads = (("sck", "SCK"), ("mosi", "MOSI, DI"), ("miso", "MISO, DO; 10 kΩ up"), ("cs", "CS; 10 kΩ up"))
        found.append(Place("microSD card", tuple(Wire(_gp(card[name]), (), pad) for name, pad in pads)))
    return found


def _to_chip(config: Mapping[str, Any]) -> list[Wire]:
    lines, swd, rails = config.get("lines") or {}, config["swd"], config.get("rails") or {}
    wires = [
        Wire("GND", (), "VSS 45, 58, 73, 98; B-"),
        Wire(_gp(swd["swclk"]), ("220 Ω",), "SWCLK  PA14  pad 77"),
        Wire(_gp(swd["swdio"]), ("220 Ω",), "SWDIO  PA13  pad 71"),
    ]
    if "nrst" in lines:
        wires.append(Wire(_gp(lines["nrst"]), ("100 Ω",), "NRST  pad 15"))
    if "boot0" in lines:
        wires.append(Wire(_gp(lines["boot0"]), ("1 kΩ",), "BOOT0  pad 94"))
    if "unit_button" in lines:
        wires.append(Wire(_gp(lines["unit_button"]), ("330 Ω", "opto-coupler"), "across the unit's button"))
    if set(rails) == {"v3v3"}:
        wires.append(Wire(f"{_gp(rails['v3v3']['adc'])} ADC", ("10 kΩ / 10 kΩ",), "VDD 47, 59, 75, 100: 3.3 V"))
    return wires


def _to_rails(config: Mapping[str, Any]) -> list[Wire]:
    rails, mux = config["rails"], config["mux"]
    goes = {
        "bplus": "B+, behind the switch",
        "v12": "12 V",
        "v5iso": "isolated 5 V, by isolation amplifier",
        "v3v3": "VDD 47, 59, 75, 100: 3.3 V",
        "vcap": "VCAP 44, 72, 97",
    }
    wires = [
        Wire(f"{_gp(mux['adc'])} ADC", (f"4051, channel {rail['mux']}", _divider(rail)), goes[name])
        for name, rail in rails.items()
    ]
    return [*wires, Wire(", ".join(_gp(pin) for pin in mux["select"]), (), "the 4051's A, B, C")]


def _to_supply(config: Mapping[str, Any]) -> list[Wire]:
    wires = [Wire(_gp(config["lines"]["power"]), ("4.7 kΩ down", "high-side switch"), "in B+, with a 1 A fuse")]
    if config.get("ina226"):
        wires.append(Wire("SDA, SCL", ("INA226", "0.1 Ω"), "in B+; ALERT to the gate"))
    return wires


def _divider(rail: Mapping[str, Any]) -> str:
    top, bottom = rail["top_ohm"], rail["bottom_ohm"]
    return f"{top // 1000} kΩ / {bottom // 1000} kΩ" if top else f"{bottom // 1000} kΩ to GND"


def _gp(pin: object) -> str:
    return f"GP{pin}"


def picture(config: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """The SVG; wires that the stage before has not are in colour."""
    known = {wire for place in places(before) for wire in place.wires} if before else set()
    drawn = _Drawing()
    for place in places(config):
        drawn.place(place, known)
    return drawn.svg()


class _Drawing:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._y = _GAP

    def place(self, place: Place, known: set[Wire]) -> None:
        top = self._y
        height = _HEAD + _ROW * len(place.wires)
        colour = _OLD if known.issuperset(place.wires) else _NEW
        self._box(_RIGHT, top, _RIGHT_WIDE, height, colour)
        self._words(_RIGHT + 10, top + 21, place.name, _INK, bold=True)
        for number, wire in enumerate(place.wires):
            self._wire(wire, top + _HEAD + _ROW * number + _ROW // 2 - 4, _OLD if wire in known else _NEW)
        self._y += height + _GAP

    def svg(self) -> str:
        height = self._y
        helper = [
            f'<rect x="{_LEFT}" y="{_GAP}" width="{_LEFT_WIDE}" height="{height - 2 * _GAP}" rx="6" fill="{_PAPER}" '
            f'stroke="{_INK}"/>',
            f'<text x="{_LEFT + 10}" y="{_GAP + 21}" font-weight="bold">Raspberry Pi Pico</text>',
        ]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
                f'font-size="13" fill="{_INK}">',
                f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
                *helper,
                *self._parts,
                "</svg>\n",
            ]
        )

    def _wire(self, wire: Wire, y: int, colour: str) -> None:
        begin, end = _LEFT + _LEFT_WIDE, _RIGHT
        wide = 1 if colour == _OLD else 2
        self._parts.append(f'<path d="M{begin} {y}H{end}" stroke="{colour}" stroke-width="{wide}"/>')
        self._words(begin - 8, y + 4, wire.pin, _INK, anchor="end")
        self._words(end + 10, y + 4, wire.to, _INK)
        room = (end - begin) / (len(wire.through) + 1)
        for number, part in enumerate(wire.through, 1):
            width = len(part) * _LETTER + 14
            x = begin + room * number
            self._box(x - width / 2, y - 11, width, 22, colour, "white")
            self._words(x, y + 4, part, _INK, anchor="middle")

    def _box(self, x: float, y: float, width: float, height: float, colour: str, fill: str = _PAPER) -> None:
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{fill}" stroke="{colour}"/>'
        )

    def _words(self, x: float, y: float, words: str, colour: str, anchor: str = "start", bold: bool = False) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(words)}</text>'
        )


def pictures() -> dict[str, str]:
    """File name -> SVG, of every stage."""
    boards: Sequence[str] = list(STAGES.values())
    made = {}
    for number, (stage, board) in enumerate(STAGES.items()):
        before = load_board(boards[number - 1]) if number else None
        made[f"wiring-{stage}.svg"] = picture(load_board(board), before)
    return made


if __name__ == "__main__":
    for name, text in pictures().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
