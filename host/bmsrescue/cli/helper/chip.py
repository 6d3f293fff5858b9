"""`bmsrescue options`, `core`, `mem`: the chip itself."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, address_of, print_json, telling_errors
from bmsrescue.cli.exit_status import NOT_WELL
from bmsrescue.cli.helper.common import HelperOption, opened, progress_bar
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, in_words, show_error, show_facts
from bmsrescue.client.helper import Helper
from bmsrescue.client.session import CALL_S
from bmsrescue.errors import UsageError
from rescuelink.rpc import WINDOW_BYTES

# DCRSR's numbers (Armv7-M ARM, C1.6.3).
_REGISTERS = {**{f"r{n}": n for n in range(13)}, "sp": 13, "lr": 14, "pc": 15, "xpsr": 16}
_UNITS = {"mv": "mV", "hz": "Hz", "kib": "KiB"}
_SAMPLES = 32
_CLOCK_WINDOW_MS = 100
_MAX_BYTES = 1 << 20
_ROW_BYTES, _NARROW_ROW_BYTES = 16, 8
_NARROW = 64  # columns
_SHOWN_BYTES = 4096

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="A multiple of 4, e.g. 0x24000000.")]


class CoreAct(StrEnum):
    """What to do with the core."""

    STATE = "state"
    HALT = "halt"
    RESUME = "resume"
    STEP = "step"
    RESET = "reset"
    REGISTERS = "registers"
    SAMPLES = "samples"
    CLOCK = "clock"
    RELEASE = "release"


def options(wanted: HelperOption = None, as_json: JsonOption = False) -> None:
    """The option bytes in force."""
    with opened(wanted, as_json) as helper, helper.chip():
        _print_facts(helper.session.call("options.read"), as_json)


def core(
    act: Annotated[CoreAct, typer.Argument(help="What to do.")] = CoreAct.STATE,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """The target's core. It stays halted only through the daemon, on a unit that is powered; `release` lets it go."""
    with opened(wanted, as_json) as helper, helper.chip():
        _print_facts(_core_facts(helper, act), as_json)


def _core_facts(helper: Helper, act: CoreAct) -> dict[str, Any]:
    call = helper.session.call
    match act:
        case CoreAct.SAMPLES:
            return {"pc_samples": call("core.samples", _SAMPLES)}
        case CoreAct.CLOCK:
            return {"clock_hz": call("core.clock", _CLOCK_WINDOW_MS)}
        case CoreAct.RELEASE:
            call("target.disconnect")
            return {"state": "released"}
        case CoreAct.STATE:
            state: dict[str, Any] = call("core.state")
            return state
        case CoreAct.REGISTERS:
            running = call("core.state")["state"] != "halted"
            if running:
                call("core.halt")
            found = {name: call("core.register", number) for name, number in _REGISTERS.items()}
            if running:
                call("core.resume")
            return found
    call(f"core.{act.value}", timeout_s=CALL_S)
    return {"state": call("core.state")["state"]}


def read(
    address: AddressArgument,
    length: Annotated[str, typer.Argument(metavar="BYTES", help="A multiple of 4.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the bytes to a file.")] = None,
    overwrite: OverwriteOption = False,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read memory: RAM, registers, or flash."""
    start, count = _range(address, length)
    if out is not None:
        with telling_errors(as_json):
            check_new(out, overwrite)
    with opened(wanted, as_json) as helper, helper.chip(), progress_bar(as_json) as tell:
        data = bytearray()
        while len(data) < count:
            data += helper.read_memory(start + len(data), min(WINDOW_BYTES, count - len(data)))
            tell("read", len(data), count)
    if out is not None:
        write_atomically(out, data)
    if as_json:
        print_json(
            {"address": start, "bytes": count, "data": None if out else data.hex(), "file": str(out) if out else None}
        )
    elif out is None:
        for line in _dump(start, bytes(data[:_SHOWN_BYTES])):
            typer.echo(line)
        if len(data) > _SHOWN_BYTES:
            typer.echo(f"... {len(data) - _SHOWN_BYTES} bytes more; write them to a file with --out")


def write(
    address: AddressArgument,
    data: Annotated[str, typer.Argument(metavar="HEX|@FILE", help="Bytes in hex, @FILE, or @- for standard input.")],
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write RAM or registers, whole words. Flash is written with `bmsrescue flash`."""
    content = _content(data)
    start, count = _range(address, str(len(content)))
    found = bytearray()
    with opened(wanted, as_json) as helper, helper.chip(), progress_bar(as_json) as tell:
        for offset in range(0, count, WINDOW_BYTES):
            piece = content[offset : offset + WINDOW_BYTES]
            helper.write_memory(start + offset, piece)
            found += helper.read_memory(start + offset, len(piece))
            tell("write", min(offset + WINDOW_BYTES, count), count)
    differing = [at for at in range(0, count, 4) if found[at : at + 4] != content[at : at + 4]]
    if as_json:
        print_json({"address": start, "bytes": count, "differing": [start + at for at in differing]})
    elif not differing:
        console().print(f"{count} bytes written to 0x{start:08x}, read back and equal.")
    if not differing:
        return
    at = differing[0]
    if not as_json:
        read, wrote = (int.from_bytes(words[at : at + 4], "little") for words in (found, content))
        show_error(
            f"0x{start + at:08x} reads 0x{read:08x} after 0x{wrote:08x} was written; {len(differing)} word(s) differ",
            "A register may keep only some of its bits; RAM must keep all.",
        )
    raise typer.Exit(NOT_WELL)


def _range(address: str, length: str) -> tuple[int, int]:
    start, count = address_of(address), address_of(length)
    if start % 4 or count % 4 or not 0 < count <= _MAX_BYTES or start + count > 1 << 32:
        raise UsageError(
            f"{length} bytes at {address} are not whole words", "Address and length: multiples of 4, at most 1 MiB."
        )
    return start, count


def _content(data: str) -> bytes:
    try:
        if data == "@-":
            return sys.stdin.buffer.read()
        if data.startswith("@"):
            return Path(data[1:]).read_bytes()
        return bytes.fromhex(data.removeprefix("0x"))
    except OSError as error:
        raise UsageError(f"cannot read {data[1:]}: {error.strerror}", "Check the name.") from error
    except ValueError:
        raise UsageError(f"{data} is no hex", "Write bytes in the order of their addresses, e.g. 78563412.") from None


def _dump(address: int, data: bytes) -> list[str]:
    lines = []
    size = _ROW_BYTES if console().width >= _NARROW else _NARROW_ROW_BYTES
    for offset in range(0, len(data), size):
        row = data[offset : offset + size]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{address + offset:08x}  {row.hex(' ', 4):<{size * 9 // 4 - 1}}  {text}")
    return lines


def _print_facts(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    # MicroPython's dicts come in any order; the registers' own order is ours.
    rows = facts.items() if facts.keys() >= _REGISTERS.keys() else sorted(facts.items())
    show_facts([(name, _shown(name, value)) for name, value in rows])


def _shown(name: str, value: Any) -> str:
    if name == "pc_samples":
        return ", ".join(f"0x{pc:08x} {count} times" for pc, count in Counter(value).most_common())
    if isinstance(value, list):
        return " ".join(_shown(name, item) for item in value) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        quantity, _, unit = name.rpartition("_")
        if quantity and unit in _UNITS:
            return f"{value:,} {_UNITS[unit]}"
        return f"0x{value:08x}" if value > 9 or name in _REGISTERS else str(value)
    return in_words(value)
