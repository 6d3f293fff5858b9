"""Schematics of each stage by schemdraw, and the modules' wiring by WireViz: path in the repository -> SVG.

References and values are those of the netlist; a test holds that each part of a stage is in its picture, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import schemdraw
import schemdraw.elements as elm

from hardware.stages import STAGES, Design, design
from hardware.wiring import harness

schemdraw.use("svg")
schemdraw.svgconfig.text = "text"
_UNIT = 2.4
_ROW = 2.0
_PAD = 130
_BOX = re.compile(r'viewBox="([^"]*)"')


class Sheet:
    """A drawing with words for parts of the netlist: `label("R1")` is "R1  220"."""

    def __init__(self, netlist: Design) -> None:
        self.netlist = netlist
        self.d = schemdraw.Drawing(show=False, unit=_UNIT, fontsize=11, font="sans-serif", inches_per_unit=0.42, lw=1.4)

    def label(self, ref: str) -> str:
        return f"{ref}  {self.netlist.values[ref]}"

    def net(self, ref: str, pin: str) -> str:
        """The net at a part's pin, in a person's words."""
        return self.netlist.pins_of(ref)[pin].removeprefix("U_").replace("_", " ")

    def word(self, x: float, y: float, words: str, side: str = "left") -> None:
        self.d.add(elm.Label().theta(0).at((x, y)).label(words, loc="center", halign=side))

    def line(self, *points: tuple[float, float]) -> None:
        for begin, end in pairwise(points):
            self.d.add(elm.Line().at(begin).to(end))

    def dot(self, x: float, y: float) -> None:
        self.d.add(elm.Dot().at((x, y)))

    def across(
        self, kind: Callable[..., elm.Element], ref: str, begin: tuple[float, float], end: tuple[float, float]
    ) -> None:
        """A part from one point to another, its name above or to the right."""
        flat = begin[1] == end[1]
        self.d.add(kind().at(begin).to(end).label(self.label(ref), loc="top" if flat else "bottom", fontsize=10))

    def ground(self, x: float, y: float) -> None:
        self.d.add(elm.Ground().at((x, y)))

    def row(self, y: float, pin: str, ref: str, goes: str, x: float = 0.0, wide: float = 6.0) -> None:
        """A pin, a resistor, and where the wire goes."""
        self.word(x - 0.2, y, pin, "right")
        self.d.add(elm.Dot(open=True).at((x, y)))
        self.line((x, y), (x + wide * 0.3, y))
        self.across(elm.Resistor, ref, (x + wide * 0.3, y), (x + wide * 0.7, y))
        self.line((x + wide * 0.7, y), (x + wide, y))
        self.d.add(elm.Dot(open=True).at((x + wide, y)))
        self.word(x + wide + 0.2, y, goes)

    def svg(self) -> str:
        text = self.d.get_imagedata("svg").decode()
        text = re.sub(r"<\?xml.*?\?>\s*", "", text)
        x, y, wide, high = (float(one) for one in _BOX.findall(text)[0].split())
        x, y, wide, high = x - _PAD, y - _PAD / 6, wide + 2 * _PAD, high + _PAD / 3  # words stand over the edges
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:g} {y:g} {wide:g} {high:g}" style="background:white">'
        )
        return re.sub(r"<svg[^>]*>", head, text, count=1).strip() + "\n"


def _pin(sheet: Sheet, ref: str, pin: str = "1") -> str:
    return sheet.netlist.pins_of(ref)[pin]


def _four_wires(sheet: Sheet) -> None:
    for at, (ref, goes) in enumerate((("R1", "SWCLK, PA14"), ("R2", "SWDIO, PA13"), ("R3", "NRST"))):
        sheet.row(-at * _ROW, _pin(sheet, ref), ref, f"J1  {goes}")
    sheet.line((0, -3 * _ROW), (6, -3 * _ROW))
    sheet.word(-0.2, -3 * _ROW, "GND", "right")
    sheet.word(6.2, -3 * _ROW, "J1  GND, B- beside the SWD pads")
    sheet.word(-1.6, 1.3, "A1  Pico 2 or Pico", "left")
    sheet.word(6.2, 1.3, "unit")


def _sense(sheet: Sheet) -> None:
    adc = _pin(sheet, "R4", "2")
    sheet.word(-0.2, 0, f"A1  {adc}", "right")
    sheet.line((0, 0), (6, 0))
    sheet.across(elm.Schottky, "D1", (1, 0), (1, 2.4))
    sheet.line((1, 2.4), (1, 2.6))
    sheet.d.add(elm.Vdd().at((1, 2.6)).label("3V3, pad 36"))
    sheet.dot(1, 0)
    sheet.across(elm.Capacitor, "C1", (2.6, 0), (2.6, -2.4))
    sheet.ground(2.6, -2.4)
    sheet.dot(2.6, 0)
    sheet.across(elm.Resistor, "R5", (5, 0), (5, -2.4))
    sheet.ground(5, -2.4)
    sheet.dot(5, 0)
    sheet.across(elm.Resistor, "R4", (6, 0), (8.6, 0))
    sheet.line((8.6, 0), (13.4, 0))
    sheet.across(elm.Resistor, "R39", (9.4, 0), (9.4, -2.4))
    sheet.ground(9.4, -2.4)
    sheet.dot(9.4, 0)
    sheet.across(elm.Resistor, "R6", (12.2, 0), (12.2, -2.4))
    sheet.dot(12.2, 0)
    sheet.line((12.2, -2.4), (13.4, -2.4))
    sheet.word(13.6, 0, "J2  unit's 3.3 V, VDD")
    sheet.word(13.6, -2.4, "J1  NRST (stage 1)")


def _switch(sheet: Sheet) -> None:
    top = 0.0
    sheet.word(-0.2, top, "J3  supply +", "right")
    sheet.across(elm.Fuse, "F1", (0, top), (2.4, top))
    sheet.across(elm.Zener, "D2", (3.0, -2.4), (3.0, top))
    sheet.ground(3.0, -2.4)
    sheet.line((2.4, top), (3.4, top))
    sheet.dot(3.0, top)
    sheet.across(elm.Fuse, "F2", (3.4, top), (5.8, top))
    sheet.line((5.8, top), (8.2, top))
    sheet.across(elm.Resistor, "R7", (8.2, top), (10.8, top))
    sheet.line((10.8, top), (16.0, top))
    # the limiter: emitter before R7, base behind it
    sheet.line((7.6, top), (7.6, -1.4))
    sheet.dot(7.6, top)
    q3 = sheet.d.add(
        elm.BjtPnp(circle=True)
        .theta(0)
        .at((8.6, -2.0))
        .anchor("base")
        .reverse()
        .label(sheet.label("Q3"), loc="bottom", ofst=(1.5, -0.2))
    )
    sheet.line((7.6, -1.4), (q3.emitter[0], -1.4), (q3.emitter[0], q3.emitter[1]))
    sheet.across(elm.Resistor, "R8", (8.6, -2.0), (11.2, -2.0))
    sheet.line((11.2, -2.0), (11.6, -2.0), (11.6, top))
    sheet.dot(11.6, top)
    # the switch
    gate = -4.4
    sheet.line((q3.collector[0], q3.collector[1]), (q3.collector[0], gate), (21.6, gate))
    for x, kind, ref in ((12.6, elm.Resistor, "R9"), (15.2, elm.Resistor, "R41")):
        sheet.line((x, top), (x, -1.0))
        sheet.across(kind, ref, (x, -1.0), (x, gate + 0.6))
        sheet.line((x, gate + 0.6), (x, gate))
        sheet.dot(x, top)
        sheet.dot(x, gate)
    sheet.line((17.8, gate), (17.8, gate + 0.6))
    sheet.across(elm.Zener, "D3", (17.8, gate + 0.6), (17.8, -1.0))
    sheet.line((17.8, -1.0), (17.8, top))
    sheet.dot(17.8, gate)
    sheet.dot(17.8, top)
    q1 = sheet.d.add(elm.PFet(bulk=False).theta(90).reverse().at((21.6, -2.0)).anchor("gate"))
    sheet.line((21.6, gate), (21.6, -2.0))
    sheet.line((16.0, top), (q1.source[0], top), (q1.source[0], q1.source[1]))
    sheet.word(21.6, top + 0.7, sheet.label("Q1"), "center")
    right = max(q1.drain[0], 23.0)
    sheet.line((q1.drain[0], q1.drain[1]), (right, q1.drain[1]), (right, top), (28.0, top))
    sheet.across(elm.Resistor, "R17", (24.0, top), (24.0, -2.4))
    sheet.ground(24.0, -2.4)
    sheet.dot(24.0, top)
    sheet.across(elm.Diode, "D5", (26.4, -2.4), (26.4, top))
    sheet.ground(26.4, -2.4)
    sheet.dot(26.4, top)
    sheet.word(28.2, top, "J3  unit B+")
    # what switches on
    low = -8.6
    sheet.across(elm.Resistor, "R10", (21.6, gate), (21.6, gate - 2.4))
    q2 = sheet.d.add(
        elm.BjtNpn(circle=True)
        .theta(0)
        .at((20.9, low))
        .anchor("base")
        .label(sheet.label("Q2"), loc="right", ofst=(0.3, 0))
    )
    sheet.line((21.6, gate - 2.4), (q2.collector[0], gate - 2.4), (q2.collector[0], q2.collector[1]))
    sheet.ground(q2.emitter[0], q2.emitter[1] - 0.2)
    sheet.line((q2.emitter[0], q2.emitter[1]), (q2.emitter[0], q2.emitter[1] - 0.2))
    sheet.word(-0.2, low, f"A1  {_pin(sheet, 'R11')}", "right")
    sheet.across(elm.Resistor, "R11", (0, low), (2.6, low))
    sheet.line((2.6, low), (12.0, low))
    sheet.across(elm.Resistor, "R12", (4.0, low), (4.0, low - 2.4))
    sheet.ground(4.0, low - 2.4)
    sheet.dot(4.0, low)
    sheet.word(3.0, low + 0.4, "ENABLE")
    sheet.across(elm.Resistor, "R13", (12.0, low), (14.4, low))
    sheet.line((14.4, low), (20.9, low))
    sheet.across(elm.Resistor, "R14", (15.0, low), (15.0, low - 2.4))
    sheet.ground(15.0, low - 2.4)
    sheet.dot(15.0, low)
    # the lock at 28 V
    sheet.line((6.4, top), (6.4, -2.6))
    sheet.dot(6.4, top)
    sheet.across(elm.Resistor, "R15", (6.4, -2.6), (6.4, -4.8))
    sheet.across(elm.Zener, "D4", (6.4, -7.0), (6.4, -4.8))
    sheet.line((6.4, -7.0), (6.4, -7.6), (5.2, -7.6))
    sheet.word(5.0, -7.6, "a", "right")
    base = low - 4.4
    sheet.word(3.6, base, "a", "right")
    sheet.line((3.8, base), (8.0, base))
    sheet.across(elm.Resistor, "R16", (5.4, base), (5.4, base - 2.4))
    sheet.ground(5.4, base - 2.4)
    sheet.dot(5.4, base)
    q4 = sheet.d.add(
        elm.BjtNpn(circle=True)
        .theta(0)
        .at((8.0, base))
        .anchor("base")
        .label(sheet.label("Q4"), loc="right", ofst=(0.3, 0))
    )
    sheet.line((q4.collector[0], q4.collector[1]), (q4.collector[0], low))
    sheet.dot(q4.collector[0], low)
    sheet.line((q4.emitter[0], q4.emitter[1]), (q4.emitter[0], base - 2.4))
    sheet.ground(q4.emitter[0], base - 2.4)
    # BOOT0 and the button
    boot0 = low - 9.6
    sheet.row(boot0, f"A1  {_pin(sheet, 'R18')}", "R18", "J4  BOOT0")
    sheet.across(elm.Resistor, "R19", (0.9, boot0), (0.9, boot0 - 2.4))
    sheet.ground(0.9, boot0 - 2.4)
    sheet.dot(0.9, boot0)
    left = 12.6
    sheet.word(left - 0.2, boot0, f"A1  {_pin(sheet, 'R20')}", "right")
    sheet.across(elm.Resistor, "R20", (left + 1.6, boot0), (left + 4.0, boot0))
    sheet.line((left, boot0), (left + 1.6, boot0))
    sheet.across(elm.Resistor, "R21", (left + 0.9, boot0), (left + 0.9, boot0 - 2.4))
    sheet.ground(left + 0.9, boot0 - 2.4)
    sheet.dot(left + 0.9, boot0)
    u1 = sheet.d.add(
        elm.Optocoupler(base=False).theta(0).at((left + 4.6, boot0)).anchor("anode").label(sheet.label("U1"), loc="top")
    )
    sheet.line((left + 4.0, boot0), (left + 4.6, boot0))
    sheet.line((u1.cathode[0], u1.cathode[1]), (left + 4.2, u1.cathode[1]), (left + 4.2, boot0 - 2.4))
    sheet.ground(left + 4.2, boot0 - 2.4)
    for end, words in ((u1.collector, "J4  button +"), (u1.emitter, "J4  button -")):
        sheet.line((end[0], end[1]), (end[0] + 1.2, end[1]))
        sheet.word(end[0] + 1.4, end[1], words)


def _rails(sheet: Sheet) -> None:
    mux = sheet.netlist.pins_of("U2")
    pads = {"B+, behind the switch": ("R22", "R23", "C3"), "J5  12 V": ("R24", "R25", "C4"),
            "J5  ISO, by isolation amplifier": ("R26", "R27", "C5"), "J2  unit's 3.3 V": (),
            "J5  VCAP": ("R28", "R29", "C6")}  # fmt: skip
    middle = {0: "SENSE_BPLUS", 1: "SENSE_12V", 2: "SENSE_5VISO", 3: "SENSE_3V3", 4: "SENSE_VCAP"}
    step = 3.2
    for at, (goes, refs) in enumerate(pads.items()):
        y = -at * step
        channel = next(pin for pin, net in mux.items() if net == middle[at])
        sheet.word(8.4, y, channel, "right")
        sheet.line((8.6, y), (13.2, y))
        if not refs:
            sheet.word(13.4, y, "R4, R5, C1 of stage 2: their middle")
            continue
        top, bottom, capacitor = refs
        sheet.across(elm.Resistor, bottom, (11.8, y), (11.8, y - 2.0))
        sheet.ground(11.8, y - 2.0)
        sheet.dot(11.8, y)
        sheet.across(elm.Capacitor, capacitor, (9.4, y), (9.4, y - 2.0))
        sheet.ground(9.4, y - 2.0)
        sheet.dot(9.4, y)
        sheet.across(elm.Resistor, top, (13.2, y), (17.8, y))
        sheet.line((17.8, y), (18.2, y))
        if goes == "J5  12 V":
            sheet.across(elm.Resistor, "R30", (17.0, y), (17.0, y - 2.0))
            sheet.ground(17.0, y - 2.0)
            sheet.dot(17.0, y)
        sheet.word(18.4, y, goes)
    height = 4 * step
    sheet.d.add(elm.Rect(corner1=(5.0, -height - 0.8), corner2=(8.6, 0.8)).theta(0).at((0, 0)))
    sheet.word(5.2, 1.1, sheet.label("U2"))
    sheet.word(5.2, -1.0, "X")
    sheet.word(5.2, -5.0, f"A: {mux['A']}")
    sheet.word(5.2, -5.8, f"B: {mux['B']}")
    sheet.word(5.2, -6.6, f"C: {mux['C']}")
    sheet.word(5.2, -8.2, "VCC: 3V3")
    sheet.word(5.2, -10.6, "GND, VEE,")
    sheet.word(5.2, -11.3, "INH: GND")
    sheet.word(5.2, -12.0, "X5 to X7:")
    sheet.word(5.2, -12.7, "GND")
    sheet.across(elm.Resistor, "R40", (1.4, -1.0), (4.0, -1.0))
    sheet.line((4.0, -1.0), (5.0, -1.0))
    sheet.line((0, -1.0), (1.4, -1.0))
    sheet.word(-0.2, -1.0, f"A1  {_pin(sheet, 'R40', '2')}, and D1", "right")
    sheet.across(elm.Capacitor, "C2", (3.0, -8.2), (3.0, -10.2))
    sheet.d.add(elm.Vdd().at((3.0, -8.2)).label("3V3"))
    sheet.ground(3.0, -10.2)
    y = -height - 3.6
    ina = sheet.netlist.pins_of("A2")
    sheet.d.add(elm.Rect(corner1=(5.0, y - 3.6), corner2=(8.6, y + 0.8)).theta(0).at((0, 0)))
    sheet.word(5.2, y + 0.35, sheet.label("A2"))
    for at, (pin, words) in enumerate((("IN+", "Q1, drain"), ("IN-", "J3  unit B+"), ("VBUS", "J3  unit B+"))):
        sheet.word(8.4, y - 0.6 - at, pin, "right")
        sheet.line((8.6, y - 0.6 - at), (10.4, y - 0.6 - at))
        sheet.word(10.6, y - 0.6 - at, words)
    for at, (pin, ref) in enumerate((("SDA", "R31"), ("SCL", "R32"))):
        level = y - 0.6 - 1.0 * at
        sheet.word(5.2, level, pin)
        sheet.line((0, level), (5.0, level))
        sheet.word(-0.2, level, f"A1  {ina[pin]}", "right")
        sheet.line((1.2 + 2.2 * at, level), (1.2 + 2.2 * at, y + 0.2))
        sheet.across(elm.Resistor, ref, (1.2 + 2.2 * at, y + 0.2), (1.2 + 2.2 * at, y + 2.2))
        sheet.d.add(elm.Vdd().at((1.2 + 2.2 * at, y + 2.2)).label("3V3"))
        sheet.dot(1.2 + 2.2 * at, level)
    sheet.word(5.2, y - 2.8, "ALERT")
    sheet.line((5.0, y - 2.8), (4.0, y - 2.8))
    sheet.across(elm.Schottky, "D6", (1.4, y - 2.8), (4.0, y - 2.8))
    sheet.line((0, y - 2.8), (1.4, y - 2.8))
    sheet.word(-0.2, y - 2.8, "ENABLE (stage 3)", "right")
    sheet.word(8.4, y - 3.3, "VS: 3V3", "right")


def _face(sheet: Sheet) -> None:
    step = 1.9
    for at, (ref, goes) in enumerate(
        (("R33", "D7  red"), ("R34", "D7  green"), ("R35", "D7  blue; cathode to GND"), ("R36", "BZ1  piezo, to GND"))
    ):
        sheet.row(-at * step, f"A1  {_pin(sheet, ref)}", ref, goes)
    y = -4 * step
    sheet.word(-0.2, y, f"A1  {_pin(sheet, 'SW1')}", "right")
    sheet.d.add(elm.Button().at((0, y)).to((6, y)).label("SW1"))
    sheet.ground(6, y)
    left = 13.0
    card = sheet.netlist.pins_of("J6")
    sheet.d.add(elm.Rect(corner1=(left + 6.0, -6.6), corner2=(left + 9.6, 1.0)).theta(0).at((0, 0)))
    sheet.word(left + 6.2, 0.5, sheet.label("J6"))
    pulls = {"MISO": "R37", "CS": "R38"}
    for at, pin in enumerate(("SCK", "MOSI", "MISO", "CS")):
        level = -0.6 - at * 1.1
        sheet.word(left + 6.2, level, pin)
        sheet.word(left - 0.2, level, f"A1  {card[pin]}", "right")
        sheet.line((left, level), (left + 6.0, level))
        if pin in pulls:
            x = left + (1.4 if pin == "MISO" else 3.6)
            sheet.line((x, level), (x, 0.8))
            sheet.across(elm.Resistor, pulls[pin], (x, 0.8), (x, 2.8))
            sheet.d.add(elm.Vdd().at((x, 2.8)).label("3V3"))
            sheet.dot(x, level)
    sheet.word(left + 6.2, -5.2, "3V3, GND")
    for at, ref in enumerate(("C7", "C8")):
        x = left + 0.6 + 2.6 * at
        sheet.d.add(elm.Vdd().at((x, -6.2)).label("3V3"))
        sheet.across(elm.Capacitor, ref, (x, -6.2), (x, -8.2))
        sheet.ground(x, -8.2)
    display = sheet.netlist.pins_of("A3")
    sheet.word(left + 6.2, -7.6, f"{sheet.label('A3')}: SDA {display['SDA']}, SCL {display['SCL']}, 3V3, GND")


_DRAWN = {"four-wires": _four_wires, "3v3": _sense, "switch": _switch, "rails": _rails, "card-and-display": _face}


def schematic(stage: str) -> str:
    """What the stage adds, as SVG."""
    sheet = Sheet(design(stage))
    _DRAWN[stage](sheet)
    return sheet.svg()


def pictures() -> dict[str, str]:
    made = {f"docs/pictures/board-{stage}.svg": schematic(stage) for stage in STAGES}
    made["docs/pictures/board-modules.svg"] = harness()
    return made
