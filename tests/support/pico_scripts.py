"""Scripts that run on the emulated Pico in place of the agent (tests/rp2040/on_board): what they find."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.rp2040.rig import PicoRig, agent_for_pico, board_config
from bmsrescue.twin.scenarios.scenario import build_unit

_SCRIPTS = Path(__file__).parents[1] / "rp2040" / "on_board"
SECTOR_BYTES = 128 * 1024


class Rates(NamedTuple):
    """What rates.py found, and the unit and the card after it."""

    found: dict[str, Any]
    unit: Unit
    files: dict[str, bytes]


def found_on_board(uf2: Path, script: str, unit: Unit, card: bytearray | None) -> dict[str, Any]:
    """The JSON object that a script prints; nothing that no wire may see has happened meanwhile."""
    output = output_on_board(uf2, script, unit, card)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    assert lines, output
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def output_on_board(uf2: Path, script: str, unit: Unit, card: bytearray | None) -> str:
    """All that it prints."""
    main = (_SCRIPTS / script).read_bytes()
    bench = PicoRig(uf2, unit, card, files=agent_for_pico(board_config(), uf2) | {"main.py": main})
    result = bench.run()
    assert bench.pico.wiring.violations == []
    return result.output


def rates_on_pico(uf2: Path) -> Rates:
    """What card, wire and flash reach: a sector of random data there and back. Minutes."""
    unit = build_unit(scenario_named("healthy"), 0)
    card = make_image({"random.bin": random.Random(1).randbytes(SECTOR_BYTES)})
    return Rates(found_on_board(uf2, "rates.py", unit, card), unit, read_files(card))
