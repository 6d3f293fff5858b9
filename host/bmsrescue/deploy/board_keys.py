"""Every key of board.json: what it means, and whether a helper needs it. What is missing there is missing from the
helper; only SWDIO, SWCLK (and GND) cannot be."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class BoardKey:
    """`path`: `*` stands for the name of a rail. `required`: where the part that it belongs to is there."""

    path: str
    meaning: str
    required: bool = False


KEYS: Final = (
    BoardKey("helper", "the helper's name, in records and on the page; a label. Default: helper"),
    BoardKey("ports", "the module that opens the ports. Default: rescue.hal.board"),
    BoardKey("watchdog_ms", "the helper's watchdog: 0 for none, at most 8388 on an RP2040. Default: 8000"),
    BoardKey("once", "leave after the first result, for tests"),
    BoardKey("lacks", "what this board cannot do, in words, for who chooses it"),
    BoardKey("swd.swclk", "GPIO of SWCLK", required=True),
    BoardKey("swd.swdio", "GPIO of SWDIO", required=True),
    BoardKey("swd.wire", '"gpio" or "pin": a slower way to drive SWD than the fastest that the port has'),
    BoardKey(
        "swd.pulls", "false: the two pins have no weak pulls of their own (or stronger ones outside). Default: true"
    ),
    BoardKey("lines.power", "GPIO that switches the unit's supply"),
    BoardKey("lines.nrst", "GPIO of NRST, open drain"),
    BoardKey("lines.boot0", "GPIO of BOOT0"),
    BoardKey("lines.unit_button", "GPIO across the unit's own power button"),
    BoardKey("mux.adc", "GPIO of the ADC behind the analogue multiplexer", required=True),
    BoardKey("mux.select", "its select lines, lowest bit first", required=True),
    BoardKey("mux.zero", "a channel that is tied to ground, to read the ADC's zero"),
    BoardKey("vref_mv", "the ADC's reference. Default: 3300"),
    BoardKey("adc_ohm", "the ADC's input resistance, which makes readings low"),
    BoardKey("atten", "the ADC's input range on an ESP32"),
    BoardKey("rails.*.mux", "the rail's channel of the multiplexer"),
    BoardKey("rails.*.adc", "or the GPIO of an ADC of its own"),
    BoardKey("rails.*.ina226", "or true: the current sensor's bus voltage"),
    BoardKey("rails.*.top_ohm", "the divider's resistor to the rail; 0: direct", required=True),
    BoardKey("rails.*.bottom_ohm", "the divider's resistor to ground", required=True),
    BoardKey("rails.*.calibration", "null, or [[raw, mV], [raw, mV]] from a meter"),
    BoardKey("rails.*.source_ohm", "what else lies between the rail and the ADC"),
    BoardKey("i2c.id", "the bus of display and current sensor", required=True),
    BoardKey("i2c.hz", "its clock", required=True),
    BoardKey("i2c.sda", "its GPIOs, where the port can choose them"),
    BoardKey("i2c.scl", "its GPIOs, where the port can choose them"),
    BoardKey("ina226.address", "the current sensor's I2C address", required=True),
    BoardKey("ina226.shunt_mohm", "its shunt", required=True),
    BoardKey("panel.address", "the display's I2C address"),
    BoardKey("panel.red", "GPIO of the light"),
    BoardKey("panel.green", "GPIO of the light"),
    BoardKey("panel.blue", "GPIO of the light"),
    BoardKey("panel.buzzer", "GPIO of the buzzer"),
    BoardKey("panel.button", "GPIO of the button, to ground"),
    BoardKey("panel.timer", "a hardware timer for the buzzer, where there are no virtual ones"),
    BoardKey("card.spi", "the SPI bus of the card's slot"),
    BoardKey("card.sck", "its GPIOs", required=True),
    BoardKey("card.mosi", "its GPIOs", required=True),
    BoardKey("card.miso", "its GPIOs", required=True),
    BoardKey("card.cs", "its GPIOs", required=True),
    BoardKey("card.hz", "its clock once the card is awake", required=True),
    BoardKey("card.sdcard", "in place of the six: arguments of the port's own driver, or null"),
)
