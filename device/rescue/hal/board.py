# The helper as board.json describes it: makes the real ports. The only module above the drivers that knows them all.

import binascii
import sys

from machine import I2C, Pin, unique_id

from rescue.hal.ports import PARTS, Ports

_WATCHDOG_MS = 8000


def safe_pins(config):
    """Power off, everything let go: before anything else is imported or tried."""
    lines = config.get("lines") or {}
    for name in lines:
        if name in ("power", "unit_button"):
            Pin(lines[name], Pin.OUT, value=0)
        else:
            Pin(lines[name], Pin.IN)
    for name in ("swclk", "swdio"):
        Pin(config["swd"][name], Pin.IN)


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

    i2c = _bus(config.get("i2c"))
    meter = config.get("ina226")
    current = Ina226(i2c, meter["address"], meter["shunt_mohm"]) if meter and i2c else None
    panel = Panel(config.get("panel") or {}, i2c)
    ports = Ports(
        clock=Clock(config.get("watchdog_ms", _WATCHDOG_MS)),
        wire=_wire(config["swd"]),
        lines=Lines(config.get("lines") or {}),
        rails=Rails(config, current),
        card=Card(config.get("card")),
        store=Store(),
        panel=panel,
        stream=UsbStream(),
        helper_id=binascii.hexlify(unique_id()).decode(),
        missing=_missing(config, panel),
    )
    if config.get("dap"):
        from rescue.hal import usb_dap

        ports.packets = usb_dap.packets  # made by boot.py, before USB started
    return ports


def _missing(config, panel):
    """What this helper does without, by the names of ports.PARTS."""
    front = config.get("panel") or {}
    there = list(config.get("lines") or ())
    there += [name for name in ("buzzer", "button") if name in front]
    if panel.has_display:
        there.append("display")
    if panel.has_light:
        there.append("leds")
    if config.get("card"):
        there.append("card")
    if config["swd"].get("pulls", True):
        there.append("pulls")
    return tuple([name for name in PARTS if name not in there])


def _bus(config):
    # An STM32 names its buses and has their pins fixed.
    if not config:
        return None
    pins = {name: Pin(config[name]) for name in ("sda", "scl") if name in config}
    return I2C(config["id"], freq=config["hz"], **pins)


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
