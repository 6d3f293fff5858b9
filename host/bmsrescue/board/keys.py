"""Every key of board.json, and the page of them: `python -m bmsrescue.board.keys docs/board.md`.

A test holds it to what the agent reads.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ANY_RAIL = "NAME"


@dataclass(frozen=True)
class Key:
    """`path`: with dots. `kind`: what stands there. `without`: what a helper does that has it not."""

    path: str
    kind: str
    what: str
    without: str


KEYS = (
    Key("helper", "text", "the helper's name, a label: in records, `scan`, on its screen", '"helper"'),
    Key("ports", "text", "the module that makes the ports", '"rescue.hal.board"'),
    Key("watchdog_ms", "number", "so long without a sign of life, and the helper starts anew", "8000"),
    Key("swd.swclk", "pin", "SWCLK", "**needed**"),
    Key("swd.swdio", "pin", "SWDIO", "**needed**"),
    Key("swd.pulls", "true or false", "whether the pins have weak pulls, which explain a silent chip", "true"),
    Key("swd.wire", '"gpio" or "pin"', "a slower way than the fastest that the board has", "the fastest"),
    Key("lines.power", "pin", "high switches the unit on", "the person switches"),
    Key("lines.nrst", "pin", "NRST, open drain", "no connection under reset; a chip that holds its reset is not seen"),
    Key("lines.boot0", "pin", "BOOT0", "a chip whose firmware shuts the port off may not be reached"),
    Key("lines.unit_button", "pin", "high presses the unit's button", "the person presses, where the latch needs it"),
    Key("vref_mv", "number", "the ADC's reference, mV", "3300"),
    Key("adc_ohm", "number", "the ADC's input resistance", "not counted: 3.3 V may read 4.8 % low"),
    Key("atten", "number", "ESP32: the ADC's range, as `ADC.atten` takes it", "the port's own"),
    Key("mux.adc", "pin", "the ADC behind the multiplexer", "each rail needs an `adc` of its own"),
    Key("mux.select", "list of pins", "its select lines, the lowest bit first", "**needed** with `mux`"),
    Key("mux.zero", "channel", "one that is tied to ground: the ADC's zero", "the lowest rail is taken as zero"),
    Key("rails.NAME.mux", "channel", "where the multiplexer has this rail", "`adc` or `ina226`"),
    Key("rails.NAME.adc", "pin", "an ADC of its own", "`mux` or `ina226`"),
    Key("rails.NAME.ina226", "true", "read from that part's bus voltage", "`mux` or `adc`"),
    Key("rails.NAME.top_ohm", "number", "the divider's upper resistor; 0: none", "**needed** with `mux` or `adc`"),
    Key("rails.NAME.bottom_ohm", "number", "its lower resistor", "**needed** with `mux` or `adc`"),
    Key("rails.NAME.source_ohm", "number", "what else lies between rail and ADC, with `adc_ohm`", "0"),
    Key(
        "rails.NAME.calibration",
        "null, or [[raw, mV], [raw, mV]]",
        "two points, by `bmsrescue rails --calibrate NAME`",
        "the divider's nominal values: good to 1.6 %",
    ),
    Key(
        "rails.NAME.calibrated",
        "object",
        "when that was (`date`; null from a dongle whose clock nobody has set), and how good it is (`uncertainty_mv`); "
        "for people",
        "nothing",
    ),
    Key("i2c.id", "number or name", "the bus of display and current sensor", "neither of the two"),
    Key("i2c.sda", "pin", "its data", "the port's own pins"),
    Key("i2c.scl", "pin", "its clock", "the port's own pins"),
    Key("i2c.hz", "number", "its speed", "**needed** with `i2c`"),
    Key("ina226.address", "number", "the current sensor's address; 64 is 0x40", "the supply's current is not seen"),
    Key("ina226.shunt_mohm", "number", "its shunt, milliohm", "**needed** with `ina226`"),
    Key("panel.address", "number", "the SSD1306's address; 60 is 0x3C", "no display"),
    Key("panel.red", "pin", "the light's red", "no light, unless all three are there"),
    Key("panel.green", "pin", "the light's green", "the same"),
    Key("panel.blue", "pin", "the light's blue", "the same"),
    Key("panel.led", "pin", "a single light in place of the three, which blinks the codes of face.md", "no light"),
    Key("panel.buzzer", "pin", "the buzzer", "no sound"),
    Key("panel.button", "pin", "the dongle's button, to ground", "only a host can start a job"),
    Key("panel.timer", "number", "a hardware timer for the buzzer, where there are no virtual ones", "a virtual one"),
    Key("card.spi", "number", "the SPI bus of the card", "no card: jobs come from a host"),
    Key("card.sck", "pin", "its clock", "**needed** with `card.spi`"),
    Key("card.mosi", "pin", "to the card", "**needed** with `card.spi`"),
    Key("card.miso", "pin", "from the card", "**needed** with `card.spi`"),
    Key("card.cs", "pin", "its select", "**needed** with `card.spi`"),
    Key("card.hz", "number", "its speed, once it is known", "**needed** with `card.spi`"),
    Key("card.sdcard", "null or list", "arguments of `machine.SDCard`, a slot of the board's own", "`card.spi`"),
    Key("lacks", "list of texts", "what this kind of board lacks; for people, told by `deploy`", "nothing"),
    Key("language", '"en", "de" or "zh"', "of the display, until somebody chooses another in its settings", '"en"'),
    Key("sound", "true or false", "whether results are beeped, until the settings say otherwise", "true"),
    Key(
        "self_test", "true or false", "card, ADC zero and clock are tested at each start; told where one fails", "false"
    ),
    Key("pile_limit", "number", "so many units that end well, and a pile has ended", "no limit"),
    Key(
        "dap",
        '"v1" or "v2"',
        "the helper is a CMSIS-DAP probe as well, by HID or by bulk transfers: [cmsis-dap.md](cmsis-dap.md)",
        "no such interface on USB",
    ),
    Key("once", "true or false", "one run, then the end; of the virtual bench", "false"),
)
PATHS = {key.path for key in KEYS}

_HEAD = """\
# board.json

What the helper has, and on which pins. Made by `python -m bmsrescue.board.keys docs/board.md` from
`host/bmsrescue/board/keys.py`; a test holds it to what the agent reads. A part that is not named is missing from the
helper: all but SWCLK and SWDIO may be. What each stage of the wiring adds: [wiring.md](wiring.md).

    bmsrescue board check mine.json        a file, against these keys and the board's pins
    bmsrescue board check                  the attached helper's own, with what it sees of its parts
    bmsrescue deploy --board mine.json     onto the helper; its name and calibrations stay

A pin is its number, or its name where the board has names ("X12"). `NAME` is a rail: `bplus`, `v12`, `v5iso`, `v3v3`,
`vcap`, or one of the job's own (`board` in [job-format.md](job-format.md)).

| key | what stands there | what it is | without it |
|---|---|---|---|
"""


def page() -> str:
    """The reference, as Markdown."""
    return _HEAD + "".join(f"| `{key.path}` | {key.kind} | {key.what} | {key.without} |\n" for key in KEYS)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
