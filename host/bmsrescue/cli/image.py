"""`bmsrescue image`: what a firmware file is, before anything is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, address_of, print_json, telling_errors
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, show_facts
from bmsrescue.errors import UsageError
from bmsrescue.image.inspect import inspect as look_into
from bmsrescue.image.picture import entropy_picture
from bmsrescue.image.read import load_firmware


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ELF, HEX, S-record, UF2, DfuSe, MCUboot, BIN, ZIP.")],
    base: Annotated[str | None, typer.Option(help="Address of the first byte of a BIN.")] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Draw how dense its bytes are, KiB by KiB.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a firmware file is: format, addresses, vectors, compiler, versions, sealed blocks."""
    with telling_errors(as_json):
        if not file.exists():
            raise UsageError(f"there is no file {file}", "Check the name.")
        if picture is not None:
            if picture.suffix.lower() != ".png":
                raise UsageError(f"{picture} is no .png", "Give it that name.")
            check_new(picture, overwrite)
        found = look_into(load_firmware(file, None if base is None else address_of(base), only_flash=True))
        if picture is not None:
            write_atomically(picture, entropy_picture(found["entropy"]))
    if as_json:
        print_json(found)
        return
    show_facts(_facts(found))
    if picture is not None:
        console().print(f"The picture is {picture}.", soft_wrap=True)


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("format", found["format"]), ("bytes", f"{found['bytes']:,}"), ("SHA-256", found["sha256"])]
    if found["version"]:
        rows.append(("version", found["version"]))
    rows += [("segment", f"0x{s['address']:08x}, {s['bytes']:,} bytes") for s in found["segments"]]
    vectors, linked = found["vectors"], found["linked_at"]
    if vectors:
        rows.append(("vectors", f"0x{vectors['address']:08x}: SP 0x{vectors['sp']:08x}, PC 0x{vectors['pc']:08x}"))
    else:
        rows.append(("vectors", "none found: no application that the chip could start"))
    if linked:
        rows += [("linked at", f"0x{linked['address']:08x}"), *(("", line) for line in linked["evidence"])]
    rows.append(("chip", found["chip"] or "not told by it"))
    rows.append(("compiler", found["compiler"] or "not told by it"))
    if found["system"]:
        rows.append(("system", ", ".join(found["system"])))
    rows += [(marker["kind"], f"{marker['text']} at 0x{marker['address']:08x}") for marker in found["markers"]]
    rows += [
        ("sealed", f"0x{block['address']:08x}, {block['bytes']:,} bytes with their CRC-32") for block in found["sealed"]
    ]
    rows.append(("density", _density(found["entropy"])))
    rows += [("note", note) for note in found["notes"]]
    return rows


def _density(entropy: list[dict[str, Any]]) -> str:
    bits = [value for part in entropy for value in part["bits"]]
    packed = sum(1 for value in bits if value > 7.7)
    share = f", {packed} of {len(bits)} KiB look packed or encrypted" if packed else ""
    return f"{sum(bits) / max(len(bits), 1):.1f} bits a byte{share}"
