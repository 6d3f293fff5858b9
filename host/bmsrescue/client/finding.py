"""Finds helpers: those the configuration names by URL, and those on USB by vendor and product ID."""

import re
from dataclasses import dataclass

from serial.tools import list_ports

from bmsrescue.config import Config, UsbId

# MicroPython's USB CDC: ports/rp2/mpconfigport.h, and the boards' own IDs (boards/*/mpconfigboard.h, esp32's TinyUSB).
USB_IDS = (
    UsbId(0x2E8A, 0x0005, "MicroPython on RP2040 or RP2350"),
    UsbId(0x303A, 0x4001, "MicroPython on ESP32-S2 or S3"),
    UsbId(0x303A, 0x1001, "ESP32 with USB serial/JTAG"),
    UsbId(0xF055, 0x9800, "MicroPython on STM32"),
)


@dataclass(frozen=True)
class Found:
    """A helper that can be opened. `name` stays the same when it is plugged in again."""

    name: str
    url: str
    what: str
    usb: bool


def find_helpers(config: Config, urls: tuple[str, ...] = ()) -> list[Found]:
    """Every helper: the given URLs, the configured ones, then what is on USB. Each URL once."""
    found = [Found(name_for(url), url, "given", usb=False) for url in urls]
    found += [Found(name, url, "configured", usb=False) for name, url in config.helpers.items()]
    found += _on_usb((*USB_IDS, *config.usb))
    by_url: dict[str, Found] = {}
    for helper in found:
        by_url.setdefault(helper.url, helper)
    return list(by_url.values())


def name_for(url: str) -> str:
    """A name for a URL: what a path in the API and a shell argument may hold."""
    return re.sub(r"[^A-Za-z0-9]+", "-", url.removeprefix("/dev/")).strip("-") or "helper"


def _on_usb(known: tuple[UsbId, ...]) -> list[Found]:
    kinds = {(kind.vid, kind.pid): kind.what for kind in known}
    found = []
    for port in sorted(list_ports.comports(), key=lambda port: port.device):
        what = kinds.get((port.vid, port.pid))
        if what is not None:
            name = f"usb-{port.serial_number}" if port.serial_number else name_for(port.device)
            found.append(Found(name_for(name), port.device, what, usb=True))
    return found
