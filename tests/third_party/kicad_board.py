"""Run by the Python that KiCad's own module is for: makes a board of parts and nets, and tells what is on it.

Standard input: {"parts": {reference: footprint}, "nets": {net: [[reference, pad], ..]}, "board", "library": paths}.
Standard output: {"version", "unknown": {reference: footprint}, "nets": as the board has them, saved and read again}.
"""

import json
import sys
from pathlib import Path

import pcbnew

asked = json.load(sys.stdin)
board = pcbnew.BOARD()
unknown = {}
for reference, name in asked["parts"].items():
    library, _, footprint = name.partition(":")
    folder = Path(asked["library"]) / f"{library}.pretty"
    found = pcbnew.FootprintLoad(str(folder), footprint) if (folder / f"{footprint}.kicad_mod").exists() else None
    if found is None:
        unknown[reference] = name
        continue
    found.SetReference(reference)
    board.Add(found)
for name, pins in asked["nets"].items():
    net = pcbnew.NETINFO_ITEM(board, name)
    board.Add(net)
    for reference, number in pins:
        part = board.FindFootprintByReference(reference)
        for pad in part.Pads() if part else ():
            if pad.GetNumber() == number:
                pad.SetNet(net)
pcbnew.SaveBoard(asked["board"], board)
nets = {}
for part in pcbnew.LoadBoard(asked["board"]).GetFootprints():
    for pad in part.Pads():
        if pad.GetNetname():
            pin = [part.GetReference(), pad.GetNumber()]
            if pin not in nets.setdefault(pad.GetNetname(), []):
                nets[pad.GetNetname()].append(pin)
print(json.dumps({"version": pcbnew.Version(), "unknown": unknown, "nets": nets}))
