"""The netlist, stage by stage, in SKiDL. Pins and dividers come from the stage's board.json: values stand in one place.

Net names: `GPn` is a pin of the helper, `U_...` goes to the unit, `SENSE_...` is a divider's middle, `SUPPLY` the bench
supply's plus. Each stage has all parts of those before it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bmsrescue.board.config import load_board
from hardware import parts
from hardware.parts import GPIO_PAD, Kind

for _name in ("KICAD", "KICAD6", "KICAD7", "KICAD8", "KICAD9"):  # SKiDL warns of each library folder that is not there
    os.environ.setdefault(f"{_name}_SYMBOL_DIR", os.curdir)
import skidl  # noqa: E402

logging.getLogger("skidl").setLevel(logging.ERROR)
for _log in (skidl.logger.rt_logger, skidl.logger.erc_logger):
    for _handler in _log.log_file_handlers[:]:
        # SKiDL would remove its empty log, of whose name there is one a folder: another process may have done so.
        _handler.close()
        Path(_handler.filename).unlink(missing_ok=True)
        _handler.filename = None
    _log.stop_file_output()

STAGES = {
    "four-wires": "pico-four-wires",
    "3v3": "pico-3v3",
    "switch": "pico-switch",
    "rails": "pico-rails",
    "card-and-display": "pico",
}
"""Stage -> the board.json that has it."""
RAIL_NET = {"bplus": "U_BPLUS", "v12": "U_12V", "v5iso": "ISO_OUT", "v3v3": "U_3V3", "vcap": "U_VCAP"}


@dataclass
class Design:
    """A stage's netlist. `values`: reference -> value as printed; `kinds`: reference -> what it is."""

    stage: str
    board: Mapping[str, Any]
    circuit: Any
    kinds: dict[str, Kind]
    values: dict[str, str]
    why: dict[str, str]
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    def pins_of(self, ref: str) -> dict[str, str]:
        """Pin name -> net name; pins that are left open are not there."""
        if ref not in self.known:  # SKiDL is slow at this
            self.known[ref] = {
                str(pin.name): str(pin.net.name)
                for pin in self.circuit_part(ref).pins
                if pin.is_connected() and pin.net.name != "__NOCONNECT"
            }
        return self.known[ref]

    def circuit_part(self, ref: str) -> Any:
        return next(part for part in self.circuit.parts if part.ref == ref)


class _Builder:
    def __init__(self, stage: str, board: Mapping[str, Any]) -> None:
        circuit = skidl.Circuit()
        circuit.no_files = True
        self.design = Design(stage, board, circuit, {}, {}, {})
        self._nets: dict[str, Any] = {}
        self.net("GND").drive = skidl.Pin.drives.POWER

    def net(self, name: str) -> Any:
        if name not in self._nets:
            self._nets[name] = skidl.Net(name, circuit=self.design.circuit)
        return self._nets[name]

    def add(self, ref: str, kind: Kind, value: str, why: str, **nets: str) -> None:
        """A part; nets by pin name, `p` before a name that begins with a digit, "+" and "-" as `plus` and `minus`."""
        types = skidl.Pin.types
        part = skidl.Part(
            name=kind.prefix,
            tool=skidl.SKIDL,
            ref_prefix=kind.prefix,
            ref=ref,
            value=value,
            footprint=kind.footprint,
            circuit=self.design.circuit,
            pins=[skidl.Pin(num=num, name=name, func=getattr(types, func)) for num, name, func in kind.pins],
            tag=ref,
        )
        by_name = {pin.name: pin for pin in part.pins}
        for name, net in nets.items():
            pin = by_name[
                name.removeprefix("p") if name[1:2].isdigit() else name.replace("plus", "+").replace("minus", "-")
            ]
            pin += self.net(net)
        for pin in part.pins:
            if not pin.is_connected():
                pin += self.design.circuit.NC
        self.design.kinds[ref], self.design.values[ref], self.design.why[ref] = kind, value, why

    def two(self, ref: str, kind: Kind, value: str, one: str, other: str, why: str) -> None:
        self.add(ref, kind, value, why, p1=one, p2=other)

    def diode(self, ref: str, kind: Kind, anode: str, cathode: str, why: str) -> None:
        self.add(ref, kind, kind.order.split(",")[0], why, A=anode, K=cathode)


def ohms(value: int) -> str:
    """1000 -> "1k"."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value}"


def _gp(pin: object) -> str:
    return f"GP{pin}"


@cache
def design(stage: str) -> Design:
    """The netlist of a stage, with every part of the stages before."""
    board = load_board(STAGES[stage])
    made = _Builder(stage, board)
    reached = list(STAGES).index(stage)
    used = {GPIO_PAD[pin] for pin in pins_used(board).values()}
    nets = {f"GP{gpio}": f"GP{gpio}" for gpio, pad in GPIO_PAD.items() if pad in used}
    nets |= {f"GND{pad}": "GND" for pad in (3, 8, 13, 18, 23, 28, 33, 38)}
    if reached >= 1:
        nets["p3V3"] = "3V3"
    made.add("A1", parts.PICO, "Pico 2", "the helper", **nets)
    for number, stage_parts in enumerate((_four_wires, _sense_3v3, _switch, _rails, _face)):
        if number <= reached:
            stage_parts(made, board, reached)
    return made.design


def pins_used(board: Mapping[str, Any]) -> dict[str, int]:
    """What a board.json uses each pin for: role -> GPIO."""
    found: dict[str, int] = dict(board["swd"].items() if "wire" not in board["swd"] else ())
    found |= dict(board.get("lines") or {})
    mux = board.get("mux")
    if mux:
        found["adc"] = mux["adc"]
        found |= {f"select {'ABC'[bit]}": pin for bit, pin in enumerate(mux["select"])}
    else:
        found |= {f"{name} adc": rail["adc"] for name, rail in (board.get("rails") or {}).items()}
    bus, panel, card = (board.get(name) or {} for name in ("i2c", "panel", "card"))
    found |= {name: bus[name] for name in ("sda", "scl") if name in bus}
    found |= {name: panel[name] for name in ("red", "green", "blue", "buzzer", "button") if name in panel}
    found |= {f"card {name}": card[name] for name in ("sck", "mosi", "miso", "cs") if name in card}
    return found


def _four_wires(made: _Builder, board: Mapping[str, Any], reached: int) -> None:
    swd, lines = board["swd"], board["lines"]
    made.add(
        "J1",
        parts.header("SWCLK", "SWDIO", "NRST", "GND"),
        "to the unit",
        "the four wires",
        SWCLK="U_SWCLK",
        SWDIO="U_SWDIO",
        NRST="U_NRST",
        GND="GND",
    )
    made.two("R1", parts.RESISTOR, "220", _gp(swd["swclk"]), "U_SWCLK", "limits what a short or a swapped wire takes")
    made.two("R2", parts.RESISTOR, "220", _gp(swd["swdio"]), "U_SWDIO", "the same")
    made.two("R3", parts.RESISTOR, "100", _gp(lines["nrst"]), "U_NRST", "the same; NRST must go below 0.3 VDD")


def _divider(made: _Builder, board: Mapping[str, Any], rail: str, refs: tuple[str, str, str], middle: str) -> None:
    values = board["rails"][rail]
    made.two(refs[0], parts.RESISTOR, ohms(values["top_ohm"]), RAIL_NET[rail], middle, f"divider of {rail}, above")
    made.two(refs[1], parts.RESISTOR, ohms(values["bottom_ohm"]), middle, "GND", f"divider of {rail}, below")
    made.two(refs[2], parts.CAPACITOR, "100n", middle, "GND", f"keeps {rail} still while the ADC samples")


def _sense_3v3(made: _Builder, board: Mapping[str, Any], reached: int) -> None:
    rail = board["rails"]["v3v3"]
    adc = _gp(board["mux"]["adc"] if "mux" in rail else rail["adc"])
    made.add("J2", parts.header("3V3"), "to the unit", "the unit's own 3.3 V, sensed", p3V3="U_3V3")
    _divider(made, board, "v3v3", ("R4", "R5", "C1"), "SENSE_3V3" if "mux" in rail else adc)
    made.diode("D1", parts.SCHOTTKY, adc, "3V3", "holds the ADC's pin near 3.3 V when a divider breaks")
    made.two(
        "R39", parts.RESISTOR, "680", "U_3V3", "GND", "bleeds 3.3 V, and holds it down against an RP2350 A2's leak"
    )
    made.two("R6", parts.RESISTOR, "10k", "U_3V3", "U_NRST", "holds NRST up while the helper is in reset or BOOTSEL")


def _switch(made: _Builder, board: Mapping[str, Any], reached: int) -> None:
    lines = board["lines"]
    power, boot0, button = (_gp(lines[name]) for name in ("power", "boot0", "unit_button"))
    supply = parts.header("supply +", "supply -", "unit B+", "unit B-")
    made.add(
        "J3",
        supply,
        "supply, unit",
        "in: the bench supply; out: the unit",
        **{"supply plus": "SUPPLY", "supply minus": "GND", "unit Bplus": "U_BPLUS", "unit Bminus": "GND"},
    )
    made.two("F1", parts.FUSE, "1A", "SUPPLY", "FUSED", "goes when B+ and B- are exchanged")
    made.diode("D2", parts.SUPPRESSOR, "GND", "FUSED", "takes reversed B+ and the overshoot of a plug")
    made.two("F2", parts.POLYFUSE, "0.2A", "FUSED", "LIMITED", "ends what lasts, with no program running")
    made.two("R7", parts.RESISTOR, "1.5", "LIMITED", "SOURCE", "shows the limiter the current")
    made.add("Q3", parts.PNP, "2N3906", "limits the current", E="LIMITED", B="LIMIT_BASE", C="GATE")
    made.two("R8", parts.RESISTOR, "100", "SOURCE", "LIMIT_BASE", "keeps the limiter's base current small")
    out = "SWITCHED" if board.get("ina226") else "U_BPLUS"
    made.add("Q1", parts.PMOS, "IRF9540N", "the switch in B+", G="GATE", D=out, S="SOURCE")
    made.two("R9", parts.RESISTOR, "100k", "SOURCE", "GATE", "switches off when nobody switches on")
    made.two("R41", parts.RESISTOR, "100k", "SOURCE", "GATE", "the same: where one breaks, the other still does it")
    made.diode("D3", parts.ZENER_12, "GATE", "SOURCE", "the gate takes 20 V at most")
    made.two("R10", parts.RESISTOR, "47k", "GATE", "PULL", "switches on, not too fast")
    made.add("Q2", parts.NPN_HIGH, "2N5551", "pulls the gate down", E="GND", B="BASE", C="PULL")
    made.two("R11", parts.RESISTOR, "1k", power, "ENABLE", "lets the three below win against the pin")
    made.two("R12", parts.RESISTOR, "4.7k", "ENABLE", "GND", "off while the helper starts; small enough for RP2350-E9")
    made.two("R13", parts.RESISTOR, "10k", "ENABLE", "BASE", "base current")
    made.two("R14", parts.RESISTOR, "10k", "BASE", "GND", "half a volt on ENABLE is still off")
    made.two("R15", parts.RESISTOR, "10k", "LIMITED", "OVER", "over-voltage lock-out")
    made.diode("D4", parts.ZENER_27, "OVER_BASE", "OVER", "begins at 28 V")
    made.two("R16", parts.RESISTOR, "10k", "OVER_BASE", "GND", "leakage alone does not lock")
    made.add("Q4", parts.NPN, "2N3904", "holds ENABLE down above 28 V", E="GND", B="OVER_BASE", C="ENABLE")
    made.two("R17", parts.POWER_RESISTOR, "2.2k", "U_BPLUS", "GND", "bleeds the unit's B+: off in 4 s, not minutes")
    made.diode("D5", parts.RECTIFIER, "GND", "U_BPLUS", "takes what the wires' inductance throws back")
    made.add("J4", parts.header("BOOT0", "button +", "button -"), "to the unit", "BOOT0, the unit's button",
             **{"BOOT0": "U_BOOT0", "button plus": "U_BUTTON_P", "button minus": "U_BUTTON_N"})  # fmt: skip
    made.two("R18", parts.RESISTOR, "1k", boot0, "U_BOOT0", "pulls BOOT0, never shorts it")
    made.two("R19", parts.RESISTOR, "4.7k", boot0, "GND", "BOOT0 falls when it is let go, RP2350-E9 included")
    made.two("R20", parts.RESISTOR, "330", button, "LED", "opto-coupler, 6 mA")
    made.two("R21", parts.RESISTOR, "4.7k", button, "GND", "not pressed while the helper starts")
    made.add("U1", parts.OPTO, "PC817", "presses the unit's button", A="LED", K="GND", C="U_BUTTON_P", E="U_BUTTON_N")


def _rails(made: _Builder, board: Mapping[str, Any], reached: int) -> None:
    mux, rails, bus = board["mux"], board["rails"], board["i2c"]
    names = {
        "bplus": "SENSE_BPLUS",
        "v12": "SENSE_12V",
        "v5iso": "SENSE_5VISO",
        "v3v3": "SENSE_3V3",
        "vcap": "SENSE_VCAP",
    }
    channels = {f"X{rails[rail]['mux']}": net for rail, net in names.items()}
    channels = {f"X{channel}": channels.get(f"X{channel}", "GND") for channel in range(8)}
    select = {letter: _gp(pin) for letter, pin in zip("ABC", mux["select"], strict=True)}
    made.add("U2", parts.MUX, "74HC4051", "one ADC pin for five rails; channel 7 is the ADC's zero",
             VCC="3V3", GND="GND", VEE="GND", INH="GND", X="MUX_OUT", **select, **channels)  # fmt: skip
    made.two("R40", parts.RESISTOR, "220", "MUX_OUT", _gp(mux["adc"]), "limits what a broken divider sends to the pin")
    made.two("C2", parts.CAPACITOR, "100n", "3V3", "GND", "beside U2")
    made.add("J5", parts.header("12V", "VCAP", "ISO"), "to the unit", "rails; ISO: output of an isolation amplifier",
             p12V="U_12V", VCAP="U_VCAP", ISO="ISO_OUT")  # fmt: skip
    for rail, refs in (
        ("bplus", ("R22", "R23", "C3")),
        ("v12", ("R24", "R25", "C4")),
        ("v5iso", ("R26", "R27", "C5")),
        ("vcap", ("R28", "R29", "C6")),
    ):
        _divider(made, board, rail, refs, names[rail])
    made.two("R30", parts.RESISTOR, "2.2k", "U_12V", "GND", "bleeds 12 V")
    made.add("A2", parts.INA226, "INA226", "the supply's current, and the trip",
             VS="3V3", GND="GND", SCL=_gp(bus["scl"]), SDA=_gp(bus["sda"]), ALERT="ALERT", VBUS="U_BPLUS",
             INplus="SWITCHED", INminus="U_BPLUS")  # fmt: skip
    made.diode("D6", parts.SCHOTTKY, "ENABLE", "ALERT", "ALERT switches off; the module's pull-up does not switch on")
    made.two("R31", parts.RESISTOR, "4.7k", "3V3", _gp(bus["sda"]), "I2C; leave out where a module has its own")
    made.two("R32", parts.RESISTOR, "4.7k", "3V3", _gp(bus["scl"]), "the same")


def _face(made: _Builder, board: Mapping[str, Any], reached: int) -> None:
    panel, card, bus = board["panel"], board["card"], board["i2c"]
    made.add(
        "A3", parts.DISPLAY, "SSD1306", "the display", GND="GND", VCC="3V3", SCL=_gp(bus["scl"]), SDA=_gp(bus["sda"])
    )
    for ref, colour in (("R33", "red"), ("R34", "green"), ("R35", "blue")):
        made.two(ref, parts.RESISTOR, "330", _gp(panel[colour]), f"LIGHT_{colour.upper()}", f"the light's {colour}")
    made.add("D7", parts.LIGHT, "RGB", "the light", R="LIGHT_RED", G="LIGHT_GREEN", B="LIGHT_BLUE", K="GND")
    made.two("R36", parts.RESISTOR, "100", _gp(panel["buzzer"]), "TONE", "a piezo is a capacitor")
    made.two("BZ1", parts.BUZZER, "piezo", "TONE", "GND", "the sound")
    made.two("SW1", parts.BUTTON, "button", _gp(panel["button"]), "GND", "the one button")
    to_card = {pin: _gp(card[pin.lower()]) for pin in ("CS", "MOSI", "SCK", "MISO")}
    made.add("J6", parts.CARD, "microSD", "the card", p3V3="3V3", GND="GND", **to_card)
    made.two("R37", parts.RESISTOR, "10k", "3V3", _gp(card["miso"]), "a card that is not there reads 0xFF")
    made.two("R38", parts.RESISTOR, "10k", "3V3", _gp(card["cs"]), "the card is not chosen while the helper starts")
    made.two("C7", parts.CAPACITOR, "100n", "3V3", "GND", "beside the card")
    made.two("C8", parts.CAPACITOR, "10u", "3V3", "GND", "a card takes 100 mA when it writes")
