# The helper as board.json describes it: makes the real ports. The only module above the drivers that knows them all.

import binascii
import sys

from machine import I2C, Pin, unique_id

from rescue.hal.ports import Ports


def safe_pins(config):
    """Power off, everything let go: before anything else is imported or tried."""
    lines = config["lines"]
    Pin(lines["power"], Pin.OUT, value=0)
    Pin(lines["unit_button"], Pin.OUT, value=0)
    for number in (lines["nrst"], lines["boot0"], config["swd"]["swclk"], config["swd"]["swdio"]):
        Pin(number, Pin.IN)


def open(config):  # noqa: A001 - the name every ports module has
    """The Ports of this helper; `config` is board.json."""
    safe_pins(config)
    # Imported only now, so that the pins are safe while the rest loads.
    from rescue.hal.card import Card
    from rescue.hal.clock import Clock
    from rescue.hal.ina226 import Ina226
    from rescue.hal.lines import Lines
    from rescue.hal.panel import Panel
    from rescue.hal.rails import Rails
    from rescue.hal.store import Store
    from rescue.hal.stream import UsbStream

    bus = config["i2c"]
    # An STM32 names its buses and has their pins fixed.
    pins = {name: Pin(bus[name]) for name in ("sda", "scl") if name in bus}
    i2c = I2C(bus["id"], freq=bus["hz"], **pins)
    meter = config.get("ina226")
    current = Ina226(i2c, meter["address"], meter["shunt_mohm"]) if meter else None
    return Ports(
        clock=Clock(config["watchdog_ms"]),
        wire=_wire(config["swd"]),
        lines=Lines(config["lines"]),
        rails=Rails(config, current),
        card=Card(config["card"]),
        store=Store(),
        panel=Panel(config["panel"], i2c),
        stream=UsbStream(),
        helper_id=binascii.hexlify(unique_id()).decode(),
    )


def _wire(config):
    """The fastest Wire that this port of MicroPython has: PIO, GPIO registers in viper, or machine.Pin.

    `"wire": "gpio"` or "pin" in board.json asks for a slower one.
    """
    swclk, swdio, wanted = config["swclk"], config["swdio"], config.get("wire")
    if sys.platform == "rp2" and wanted is None:
        from rescue.hal.wire_rp2 import PioWire

        return PioWire(swclk, swdio)
    from rescue.hal.swd import SwdWire

    if wanted != "pin" and sys.platform in ("rp2", "esp32", "pyboard"):
        from rescue.hal.swd_gpio import GpioBits, registers

        if registers(swclk, swdio) is not None:
            return SwdWire(GpioBits(swclk, swdio))
    from rescue.hal.swd_pins import PinBits

    return SwdWire(PinBits(swclk, swdio))
