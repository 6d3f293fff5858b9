"""The table of board.json's keys is that of the boards and of the code that reads them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.deploy.board_keys import KEYS

BOARDS = [device_dir() / "board.json", *sorted((device_dir() / "boards").glob("*.json"))]
KNOWN = {key.path for key in KEYS}
READERS = ("board", "rails", "lines", "panel", "card")


def paths(config: dict[str, Any]) -> Iterator[str]:
    for name, value in config.items():
        if name == "rails":
            yield from {f"rails.*.{key}" for rail in value.values() for key in rail}
        elif isinstance(value, dict):
            yield from (f"{name}.{key}" for key in value)
        else:
            yield name


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_each_key_of_a_board_is_in_the_table(board: Path) -> None:
    assert set(paths(json.loads(board.read_text(encoding="utf-8")))) <= KNOWN


def test_each_key_that_the_drivers_read_is_in_the_table() -> None:
    leaves = {part for path in KNOWN for part in path.split(".")}
    read = set()
    for name in READERS:
        text = (device_dir() / "rescue" / "hal" / f"{name}.py").read_text(encoding="utf-8")
        read |= set(re.findall(r"(?:config|rail|mux|meter|lines|bus)(?:\[|\.get\()\"(\w+)\"", text))
    assert {"swclk", "top_ohm", "shunt_mohm", "hz"} <= read, "the expression still finds them"
    assert read - leaves == set()


def test_each_key_of_the_table_is_read() -> None:
    text = (device_dir() / "main.py").read_text(encoding="utf-8")
    for path in (device_dir() / "rescue").rglob("*.py"):
        text += path.read_text(encoding="utf-8")
    unread = {path for path in KNOWN if f'"{path.split(".")[-1]}"' not in text}
    assert unread == {"lacks"}, "for people alone"
