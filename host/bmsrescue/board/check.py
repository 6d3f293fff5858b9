"""Whether a board.json can be: its keys, pins used twice or for what they cannot, and what missing parts cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from bmsrescue.board.keys import ANY_RAIL, PATHS
from bmsrescue.board.pins import Pins

BoardConfig = Mapping[str, Any]
_OURS = "rescue.hal.board"
_PINS = {
    "swd": ("swclk", "swdio"),
    "lines": ("power", "nrst", "boot0", "unit_button"),
    "i2c": ("sda", "scl"),
    "panel": ("red", "green", "blue", "led", "buzzer", "button"),
    "card": ("sck", "mosi", "miso", "cs"),
}
_NEEDED_WITH = {
    "mux": ("adc", "select"),
    "i2c": ("id", "hz"),
    "ina226": ("address", "shunt_mohm"),
}
_SPI_CARD = ("sck", "mosi", "miso", "cs", "hz")
_CHANNELS = 8
_LIKE = 0.8  # how near a key has to come to one that is meant
# What a helper may lack -> what it can then not promise.
COSTS = {
    "power": "it cannot switch the unit: a person does, and over-current is not cut",
    "nrst": "no connection under reset, and a chip that is held in reset is not seen",
    "boot0": "firmware that shuts the debug port off may keep it out",
    "unit_button": "a latch that needs the button needs a person",
    "bplus": "B+ is not seen: no word on the bench supply or its fuse",
    "v12": "12 V is not seen: no word on the first regulator",
    "v5iso": "the isolated 5 V is not seen: no word on the display's side",
    "v3v3": "3.3 V is not seen: it cannot say whether the chip has power",
    "vcap": "VCAP is not seen: no word on the core's own regulator",
    "current": "the supply's current is not seen: a short that the bench supply limits looks like a missing supply",
    "pulls": "a wire that is off is not told from a dead chip",
    "card": "no job without a host",
    "display": "no words: light, sound or a host tell the outcome",
    "leds": "no light",
    "buzzer": "no sound",
    "button": "a host starts the jobs",
}
_RAILS = ("bplus", "v12", "v5iso", "v3v3", "vcap")
NO_RAIL = "no rail at all is seen: nothing can be proven by a true power cycle"


@dataclass
class Checked:
    """`faults`: what cannot be. `doubts`: what can be, but is worth a look. `costs`: (part that is missing, what that
    costs)."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    costs: list[tuple[str, str]] = field(default_factory=list)


def check(config: BoardConfig, pins: Pins | None) -> Checked:
    """`pins`: of the board it is for, where they are known."""
    found = Checked()
    if config.get("ports", _OURS) != _OURS:
        found.doubts.append(f"its pins are those of the module {config['ports']}, which is not looked at")
        return found
    found.faults += _keys(config)
    if not found.faults:
        found.faults += _needed(config)
    if not found.faults:
        found.faults += _no_pins(config)
    if found.faults:
        return found
    found.faults += _pins_twice(config)
    found.faults += _channels(config)
    if pins is not None:
        found.faults += _cannot(config, pins)
    found.doubts += _calibrations(config)
    found.costs += _costs(config)
    return found


def _keys(config: BoardConfig) -> Iterator[str]:
    for group in sorted({path.split(".")[0] for path in PATHS if "." in path}):
        there = config.get(group)
        if there is not None and not isinstance(there, dict):
            yield f"{group} is {there!r}, and no object"
    rails = config.get("rails")
    for name, rail in rails.items() if isinstance(rails, dict) else ():
        if not isinstance(rail, dict):
            yield f"rails.{name} is {rail!r}, and no object"
        elif not isinstance(rail.get("mux"), int | None) or isinstance(rail.get("mux"), bool):
            yield f"rails.{name}.mux is {rail['mux']!r}, and no channel"
    for path in _paths(config):
        if path not in PATHS:
            close = get_close_matches(path, sorted(PATHS), 1, _LIKE)
            meant = f"; {close[0]} is one" if close else " (docs/board.md)"
            yield f"{path} is no key that anything reads{meant}"


def _paths(config: BoardConfig) -> Iterator[str]:
    for group, value in config.items():
        if not isinstance(value, dict):
            if value is not None or group in PATHS:
                yield group
        elif group == "rails":
            yield from (f"rails.{ANY_RAIL}.{key}" for rail in value.values() if isinstance(rail, dict) for key in rail)
        else:
            yield from (f"{group}.{key}" for key in value)


def _needed(config: BoardConfig) -> Iterator[str]:
    swd = config.get("swd") or {}
    yield from (f"swd.{name} is missing: without it there is no debug port" for name in _PINS["swd"] if name not in swd)
    for group, names in _NEEDED_WITH.items():
        there = config.get(group)
        if there:
            yield from (f"{group}.{name} is missing" for name in names if name not in there)
    card = config.get("card") or {}
    if "spi" in card:
        yield from (f"card.{name} is missing" for name in _SPI_CARD if name not in card)
    elif card and "sdcard" not in card:
        yield "card has neither spi nor sdcard"
    for name, rail in (config.get("rails") or {}).items():
        ways = [way for way in ("mux", "adc", "ina226") if rail.get(way) is not None]
        if len(ways) != 1:
            yield f"rails.{name} needs one of mux, adc, ina226, and has {', '.join(ways) or 'none'}"
        elif ways != ["ina226"] and not rail.get("bottom_ohm"):
            yield f"rails.{name} has no divider: bottom_ohm is missing"
        if rail.get("mux") is not None and not config.get("mux"):
            yield f"rails.{name} is on a multiplexer that is not there"
        if rail.get("ina226") and not config.get("ina226"):
            yield f"rails.{name} is read from an ina226 that is not there"


def _uses(config: BoardConfig) -> Iterator[tuple[str, Any]]:
    """(key, pin), of every pin."""
    for group, names in _PINS.items():
        there = config.get(group) or {}
        yield from ((f"{group}.{name}", there[name]) for name in names if there.get(name) is not None)
    mux = config.get("mux")
    if mux:
        yield "mux.adc", mux["adc"]
        yield from ((f"mux.select[{place}]", pin) for place, pin in enumerate(mux["select"]))
    for name, rail in (config.get("rails") or {}).items():
        if rail.get("adc") is not None:
            yield f"rails.{name}.adc", rail["adc"]


def _no_pins(config: BoardConfig) -> Iterator[str]:
    select = (config.get("mux") or {}).get("select", [])
    if not isinstance(select, list):
        yield f"mux.select is {select!r}, and no list"
        return
    for key, pin in _uses(config):
        if isinstance(pin, bool) or not isinstance(pin, int | str):
            yield f"{key} is {pin!r}, and no pin"


def _pins_twice(config: BoardConfig) -> Iterator[str]:
    users = defaultdict(list)
    for key, pin in _uses(config):
        users[pin].append(key)
    for pin, keys in users.items():
        if len(keys) > 1:
            yield f"pin {pin} is used by {' and '.join(keys)}"


def _channels(config: BoardConfig) -> Iterator[str]:
    mux = config.get("mux") or {}
    most = min(1 << len(mux.get("select", ())), _CHANNELS) if mux else 0
    users = defaultdict(list)
    if mux.get("zero") is not None:
        users[mux["zero"]].append("mux.zero")
    for name, rail in (config.get("rails") or {}).items():
        if rail.get("mux") is not None:
            users[rail["mux"]].append(f"rails.{name}")
    for channel, keys in users.items():
        if len(keys) > 1:
            yield f"channel {channel} of the multiplexer is used by {' and '.join(keys)}"
        if not 0 <= channel < most:
            yield f"{keys[0]} is on channel {channel}, and {len(mux.get('select', ()))} select lines reach {most}"


def _cannot(config: BoardConfig, pins: Pins) -> Iterator[str]:
    for key, pin in _uses(config):
        if not isinstance(pin, int) or not 0 <= pin < pins.count:
            yield f"{key}: a {pins.name} has no pin {pin}"
        elif pin in pins.taken:
            yield f"{key}: pin {pin} of a {pins.name} is taken by {pins.taken[pin]}"
        elif (key == "mux.adc" or key.endswith(".adc")) and pin not in pins.adc:
            yield f"{key}: pin {pin} has no ADC; {', '.join(map(str, sorted(pins.adc)))} have"
    for group, bus, table, names in (("i2c", "id", pins.i2c, ("sda", "scl")), ("card", "spi", pins.spi, _SPI_CARD[:3])):
        there = config.get(group) or {}
        for name in names:
            pin = there.get(name)
            if isinstance(pin, int) and there.get(bus) is not None and table.get((name, pin)) != there[bus]:
                kind = "I2C" if group == "i2c" else "SPI"
                yield f"{group}.{name}: pin {pin} is no {name.upper()} of {kind} {there[bus]}"


def _calibrations(config: BoardConfig) -> Iterator[str]:
    for name, rail in (config.get("rails") or {}).items():
        points = rail.get("calibration")
        if points and not rail.get("calibrated"):
            yield f"rails.{name} is calibrated, and nothing says when and how well"


def _costs(config: BoardConfig) -> Iterator[tuple[str, str]]:
    rails = config.get("rails") or {}
    panel, lines = config.get("panel") or {}, config.get("lines") or {}
    there = {*lines, *(name for name in ("buzzer", "button") if name in panel)}
    there |= {name for name, key in (("card", "card"), ("current", "ina226")) if config.get(key)}
    there |= {"display"} if "address" in panel and config.get("i2c") else set()
    there |= {"leds"} if {"red", "green", "blue"} <= set(panel) or "led" in panel else set()
    there |= {"pulls"} if config["swd"].get("pulls", True) else set()
    yield from costs_without(there, rails)


def costs_without(there: Container[str], rails: Collection[str]) -> Iterator[tuple[str, str]]:
    """(part, what it costs) of each part and rail that is not there."""
    is_ours = any(rail in rails for rail in _RAILS)  # another unit's rails have other names
    for part, cost in COSTS.items():
        if part in _RAILS:
            if is_ours and part not in rails:
                yield part, cost
        elif part not in there:
            yield part, cost
    if not rails:
        yield "rails", NO_RAIL
