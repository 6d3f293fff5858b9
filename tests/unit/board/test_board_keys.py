"""docs/board.md has every key that the agent reads from board.json, and no other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.board.check import check
from bmsrescue.board.config import known_boards, load_board
from bmsrescue.board.keys import KEYS, PATHS, page
from bmsrescue.board.pins import PICO
from bmsrescue.board.wiring_pictures import STAGES, pictures
from bmsrescue.twin.board.parts import RAILS
from repository import ROOT

# Which part of board.json a name holds, in each file that reads one: the agent's own words for it.
_READERS = {
    "main.py": {"config": ""},
    "rescue/front/menu.py": {"config": ""},
    "rescue/front/app.py": {"config": ""},
    "rescue/front/piles.py": {"config": ""},
    "rescue/front/settings.py": {"config": ""},
    "rescue/link/hello.py": {"config": ""},
    "rescue/hal/board.py": {"config": "", "lines": "lines.", "meter": "ina226.", "front": "panel."},
    "rescue/hal/rails.py": {"config": ""},
    "rescue/hal/board_rails.py": {"config": "", "mux": "mux.", "rail": "rails.NAME."},
    "rescue/hal/panel.py": {"config": "panel."},
    "rescue/hal/card.py": {"config": "card."},
    "rescue/hal/lines.py": {"config": "lines."},
}
# Functions of board.py that get a part of it under the same name.
_PARTS = {"_bus": "i2c.", "_wire": "swd."}
_GROUPS = {path.split(".")[0] for path in PATHS if "." in path}


def keys_read(file: str) -> Iterator[str]:
    tree = ast.parse((device_dir() / file).read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = dict(_READERS[file])
        if file.endswith("board.py") and function.name in _PARTS:
            names["config"] = _PARTS[function.name]
        for node in ast.walk(function):
            yield from _read_by(node, names)


def _read_by(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    of, key = None, None
    if isinstance(node, ast.Subscript):
        of, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        of, key = node.func.value, node.args[0]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
        of, key = node.comparators[0], node.left
    if isinstance(of, ast.Attribute):
        of = ast.Name(of.attr)  # self.config, bench.config
    if isinstance(of, ast.Subscript) and isinstance(of.slice, ast.Constant):
        yield f"{of.slice.value}.{ast.literal_eval(key)}" if isinstance(key, ast.Constant) else ""
    elif isinstance(of, ast.Name) and of.id in names and isinstance(key, ast.Constant):
        yield names[of.id] + str(key.value)


def test_every_key_that_the_agent_reads_is_told() -> None:
    found = {key for file in _READERS for key in keys_read(file)} - {""} - _GROUPS
    assert len(found) > 20
    assert found <= PATHS, "a key of board.json that host/bmsrescue/board/keys.py does not tell"


def test_no_key_is_told_that_nothing_reads() -> None:
    found = {key for file in _READERS for key in keys_read(file)}
    # Read by loops over names, or by people.
    looped = {"panel.red", "panel.green", "panel.blue", "panel.led", "panel.buzzer", "i2c.sda", "i2c.scl", "lacks"}
    people = {"rails.NAME.calibrated"}
    lines = {path for path in PATHS if path.startswith("lines.")}
    assert PATHS - found - looped - people - lines == set()


def test_the_page_is_made_from_the_keys() -> None:
    assert (ROOT / "docs" / "board.md").read_text(encoding="utf-8") == page()
    assert len({key.path for key in KEYS}) == len(KEYS)


def test_each_picture_of_the_wires_is_that_of_its_board_and_in_the_document() -> None:
    text = (ROOT / "docs" / "wiring.md").read_text(encoding="utf-8")
    for name, picture in pictures().items():
        assert (ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8") == picture
        assert f"pictures/{name}" in text
    for board in STAGES.values():
        assert f"bmsrescue deploy --board {board}" in text


def test_each_stage_has_the_parts_of_the_one_before() -> None:
    costs = [dict(check(load_board(board), PICO).costs).keys() for board in STAGES.values()]
    counts = [len(one | (set(RAILS) if "rails" in one else set())) for one in costs]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == len(STAGES) and counts[-1] == 0


@pytest.mark.parametrize("path", known_boards().values(), ids=lambda path: Path(path).stem)
def test_each_board_that_comes_with_a_release_has_only_such_keys(path: Path) -> None:
    assert check(json.loads(path.read_text(encoding="utf-8")), None).faults == []
