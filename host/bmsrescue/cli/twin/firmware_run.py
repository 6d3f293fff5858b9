"""`bmsrescue twin run --firmware FILE`: anybody's firmware on a bare chip, its serial ports and its pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bmsrescue.cli.common import address_of, print_json
from bmsrescue.cli.output import console, show_error, show_facts
from bmsrescue.errors import UsageError
from bmsrescue.image.read import load_firmware
from bmsrescue.twin.chip.config import ChipConfig, Supply
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS, find_part
from bmsrescue.twin.firmware_rig import FirmwareRig, FirmwareRun, Pin

_BFARVALID = 1 << 15
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "e": "\x1b", "\\": "\\"}


@dataclass(frozen=True)
class FirmwareRequest:
    """What the command line asks for."""

    file: Path
    base: str | None
    chip: str | None
    seconds: float
    typed: Sequence[str]
    crystal_mhz: float
    supply: str
    seed: int
    as_json: bool


def run_firmware(request: FirmwareRequest) -> int:
    """Run and report; the exit status is 0 where the firmware still ran at the end, otherwise 1.

    Raises:
        UsageError: an option says something that cannot be. ImageFileError: the file cannot be used.
    """
    config = ChipConfig(
        part=_part(request.chip),
        crystal_hz=round(request.crystal_mhz * 1_000_000),
        board_supply=_supply(request.supply),
    )
    firmware = load_firmware(request.file, None if request.base is None else address_of(request.base), only_flash=True)
    rig = FirmwareRig(firmware, config, request.seed, (lambda port, data: None) if request.as_json else _Terminal())
    run = rig.run(request.seconds, [_typed(text, rig) for text in request.typed])
    if request.as_json:
        print_json({"file": str(request.file), "format": firmware.format, "chip": config.part, **run.as_dict()})
    else:
        _report(run, config.part, firmware.format)
    return 0 if run.well else 1


class _Terminal:
    """Shows what the ports send, as it comes; says which port where there are several."""

    def __init__(self) -> None:
        self._port = ""

    def __call__(self, port: str, data: bytes) -> None:
        if port != self._port:
            console().print(f"{'' if not self._port else chr(10)}[{port}]", soft_wrap=True)
            self._port = port
        text = data.decode("latin-1").replace("\r", "")
        console().print(text, end="", soft_wrap=True)


def _report(run: FirmwareRun, part: str, file_format: str) -> None:
    if run.uart:
        console().print()
    rows = [
        ("firmware", f"{file_format} on an STM32{part}"),
        ("state", _state_in_words(run)),
        ("time", f"{run.virtual_ns / 1e9:.3f} s, core at {run.core_hz / 1e6:g} MHz"),
        *((name, _pin_in_words(pin)) for name, pin in sorted(run.pins.items())),
    ]
    show_facts(rows)
    if run.state == "no-core-supply":
        show_error(
            "the firmware has chosen another core supply than the board has (PWR_CR3)",
            "Give the one it is for: --supply smps, ldo, smps_1v8_ldo, smps_2v5_ldo or external.",
        )
    elif not run.well:
        show_error("the firmware does not run", _advice(run, part))


def _state_in_words(run: FirmwareRun) -> str:
    words = f"{run.state}, PC 0x{run.pc:08x}"
    if run.faults:
        words += "".join(f", {name} 0x{value:08x}" for name, value in run.faults.items())
    return words


def _advice(run: FirmwareRun, part: str) -> str:
    if run.faults.get("CFSR", 0) & _BFARVALID:
        return (
            f"A bus error at 0x{run.faults['BFAR']:08x}: nothing answers there on an STM32{part}. "
            "Is it for another chip (--chip)?"
        )
    return "Look at CFSR and HFSR, and at what lies at PC."


def _pin_in_words(pin: Pin) -> str:
    level = {None: "input", True: "high", False: "low"}[pin.level]
    if pin.changes == 1:
        return f"{level} since {pin.first_ns / 1e9:.6f} s"
    return f"{level}, {pin.changes} changes from {pin.first_ns / 1e9:.6f} to {pin.last_ns / 1e9:.6f} s"


def _typed(text: str, rig: FirmwareRig) -> tuple[str, bytes]:
    """ "USART3:1+1\\r" to its port and bytes. Raises UsageError."""
    port, colon, what = text.partition(":")
    if not colon or not rig.has_port(port.upper()):
        raise UsageError(
            f"--type {text} names no serial port of the chip",
            f"Write it as PORT:TEXT with one of {', '.join(rig.port_names)}.",
        )
    return port.upper(), _unescaped(what)


def _unescaped(text: str) -> bytes:
    pieces = iter(text)
    found = ""
    for character in pieces:
        found += _ESCAPES.get(next(pieces, "\\"), "\\") if character == "\\" else character
    return found.encode()


def _part(name: str | None) -> str:
    try:
        return DEFAULT_PART if name is None else find_part(name).name
    except KeyError:
        raise UsageError(f"the twin cannot be {name}", f"It can be {', '.join(PARTS)}.") from None


def _supply(name: str) -> Supply:
    known: dict[str, Supply] = {supply: supply for supply in get_args(Supply)}
    if name.lower() not in known:
        raise UsageError(f"--supply {name} is not known", f"One of {', '.join(known)}.")
    return known[name.lower()]
