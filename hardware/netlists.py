"""The netlist as KiCad reads it, and the electrical rules that it has to keep."""

from __future__ import annotations

import contextlib
import io
import re

from hardware.stages import Design, design, pins_used

import skidl  # isort: skip - after hardware.stages, which tells it where no libraries are


def kicad(stage: str) -> str:
    """The stage's netlist in KiCad's format: the same text each time."""
    with contextlib.redirect_stderr(io.StringIO()):
        netlist = design(stage).circuit.generate_netlist(tool=skidl.KICAD8, do_backup=False)
    text = re.sub(r"\(sheetpath \(names [^)]*\) \(tstamps [^)]*\)\)", "(sheetpath (names /) (tstamps /))", str(netlist))
    text = re.sub(r'\(source "[^"]*"\)', f'(source "hardware/stages.py, {stage}")', text)
    return re.sub(r'\n\s*\(date "[^"]*"\)', "", text).strip() + "\n"


def skidl_complaints(netlist: Design) -> tuple[int, int]:
    """(errors, warnings) of SKiDL's own check of the electrical rules."""
    with contextlib.redirect_stderr(io.StringIO()):
        netlist.circuit.ERC()
    return skidl.erc_logger.error.count, skidl.erc_logger.warning.count


def complaints(netlist: Design) -> list[str]:
    """Rules of our own: what a check of pin types does not know."""
    found = []
    ends: dict[str, list[tuple[str, str]]] = {}
    for ref in netlist.kinds:
        for pin, net in netlist.pins_of(ref).items():
            ends.setdefault(net, []).append((ref, pin))
    for net, at in ends.items():
        if len(at) < 2:
            found.append(f"{net} ends at {at[0][0]} alone")
        refs = {ref for ref, _pin in at}
        if net.startswith("U_") and "A1" in refs:
            found.append(f"{net} goes to the unit without a resistor")
        if net.startswith("U_") and not any(ref.startswith("J") for ref in refs):
            found.append(f"{net} is at no terminal")
    for role, pin in pins_used(netlist.board).items():
        if len(ends.get(f"GP{pin}", ())) < 2:
            found.append(f"GP{pin} ({role}) goes nowhere")
    for ref in ("U2", "A2", "A3", "J6"):
        supplies = {pin for pin, net in netlist.pins_of(ref).items() if net == "3V3"} if ref in netlist.kinds else {""}
        if not supplies:
            found.append(f"{ref} has no 3.3 V")
    high = {
        net
        for net in ends
        if net in ("SUPPLY", "FUSED", "LIMITED", "SOURCE", "GATE", "PULL", "SWITCHED", "U_BPLUS", "U_12V")
    }
    for net in high:
        found += [
            f"{net} lies at {ref}, which takes 3.3 V" for ref, _pin in ends[net] if ref in ("A1", "U2", "A3", "J6")
        ]
    return sorted(found)
