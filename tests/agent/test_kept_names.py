"""The interpreter keeps every name it has met. When its table of them is full it takes one of twice the size, in one
piece: the seventh takes 15 KiB here, 9 KiB with a board's words. The agent takes it when it starts, while there is such
a piece (`rescue/names.py`). The eighth would be twice as large: all that the agent can load has to fit into the
seventh, with some hundred places for what a host sends and a card's files are called.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from bmsrescue.agent.files import agent_files, device_dir
from bmsrescue.agent.fold_constants import register_map
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit

SCRIPT = Path(__file__).with_name("scripts") / "all_names.py"
# py/qstr.c: each table has room for twice as many as the one before.
TABLES, ROOM = 7, 20 + 40 + 80 + 160 + 320 + 640 + 1280
TO_SPARE = 100
ON_BOARDS = ("rescue.hal.",)  # drivers that need a board's `machine`


def modules() -> list[str]:
    """Those that are ever loaded here: register maps are put into the code of who uses them."""
    loaded = []
    for place, source in agent_files().items():
        name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
        runs_here = name == "rescue.hal.ports" or not name.startswith(ON_BOARDS)
        if runs_here and register_map(source.read_text(encoding="utf-8")) is None:
            loaded.append(name)
    return loaded


@pytest.mark.parametrize(("maxsize", "sizes"), [(2**31 - 1, (6, 7)), (2**63 - 1, (10, 11, 12))])
def test_the_table_that_is_wanted_is_told_from_the_one_before_it(
    monkeypatch: pytest.MonkeyPatch, maxsize: int, sizes: tuple[int, ...]
) -> None:
    """A place is a pointer, a length and a hash of none to two bytes; a Pico's has 6 bytes, the unix port's 11."""
    monkeypatch.setattr(sys, "maxsize", maxsize)
    found = runpy.run_path(str(device_dir() / "rescue" / "names.py"))["_TABLE_BYTES"]
    for size in sizes:
        assert 640 * size < found < 1280 * size


def test_all_that_the_agent_can_load_fits_into_the_table_of_names() -> None:
    unit = build_unit(find("healthy"), 0)
    helper = VirtualHelper(unit, wire_over(unit.swd), None, presses=(), heap_kib=4096)
    names = modules()
    assert "rescue.link.methods.flash" in names
    run = helper.run(SCRIPT, {"modules": names})
    (first_tables, _first_names), (tables, kept) = re.findall(r"n_pool=(\d+), n_qstr=(\d+)", run.output)
    assert int(first_tables) == TABLES, "taken while the heap is whole"
    assert int(tables) == TABLES
    assert 1000 < int(kept) < ROOM - TO_SPARE
