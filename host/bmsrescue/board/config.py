"""board.json: the helper's pins and dividers by the chosen board, its name and calibration by its owner."""

import json
from pathlib import Path
from typing import Any

from bmsrescue.agent.files import device_dir
from bmsrescue.board.check import check
from bmsrescue.board.pins import pins_of
from bmsrescue.errors import HostError, UsageError

NAME = "board.json"
# A calibration is of one divider on one channel: with other parts there it says nothing any more.
_WHAT_A_CALIBRATION_HOLDS_FOR = ("mux", "adc", "top_ohm", "bottom_ohm")

BoardConfig = dict[str, Any]


def known_boards() -> dict[str, Path]:
    """The boards that come with this release, by name. The Pico's serves Pico W, Pico 2 and Pico 2 W as well."""
    boards = {"pico": device_dir() / NAME}
    boards |= {path.stem: path for path in sorted((device_dir() / "boards").glob("*.json"))}
    # A Pico with a part of the wires (docs/wiring.md).
    boards |= {f"pico-{path.stem}": path for path in sorted((device_dir() / "boards" / "stages").glob("*.json"))}
    return boards


def load_board(choice: str) -> BoardConfig:
    """A board by name, or by the path of a file.

    Raises:
        UsageError: there is no such board, or the file does not describe one.
    """
    boards = known_boards()
    path = boards.get(choice, Path(choice))
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no board {choice}", f"Name one of these, or a board.json: {', '.join(boards)}."
        ) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise no_json(path, error) from error
    if not isinstance(config, dict):
        raise UsageError(f"{path} is no board.json", f"Begin with a copy of {boards['pico']}.")
    faults = check(config, pins_of(choice)).faults
    if faults:
        raise UsageError(f"{path}: {faults[0]}", "`bmsrescue board check` tells all; docs/board.md has every key.")
    chosen: BoardConfig = config
    return chosen


def no_json(path: Path, error: ValueError) -> UsageError:
    """For a file of somebody's own: where it goes wrong."""
    where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
    return UsageError(f"{path} is no JSON, {where}", "Look there, and at the line before: a comma too few or too many?")


def parse(text: str) -> BoardConfig | None:
    """A helper's own board.json; None when it is no JSON object (an interrupted write, say)."""
    try:
        config = json.loads(text)
    except ValueError:
        return None
    return config if isinstance(config, dict) else None


def merge(chosen: BoardConfig, present: BoardConfig) -> tuple[BoardConfig, list[str]]:
    """`chosen` with the name and the calibrations of `present`, and the names of rails whose calibration is lost."""
    merged: BoardConfig = json.loads(json.dumps(chosen))
    if "helper" in present:
        merged["helper"] = present["helper"]
    lost = []
    rails = present.get("rails")
    for name, before in rails.items() if isinstance(rails, dict) else ():
        if not isinstance(before, dict) or not before.get("calibration"):
            continue
        rail = (merged.get("rails") or {}).get(name)
        if rail and all(rail.get(key) == before.get(key) for key in _WHAT_A_CALIBRATION_HOLDS_FOR):
            rail |= {key: before[key] for key in ("calibration", "calibrated") if key in before}
        else:
            lost.append(name)
    return merged, lost


def render(config: BoardConfig) -> bytes:
    """As it is written to the helper."""
    try:
        return (json.dumps(config, indent=2) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise HostError(f"board.json cannot be written: {error}") from error
