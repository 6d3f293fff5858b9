"""The bench's commands on a helper of five wires: SWDIO, SWCLK, GND, NRST and 3.3 V, on a unit that others have
switched on. They do their work, and its result stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import default_card
from helper_command import Run
from link_twin import Host, WatchedTwin

FLASH = 0x08000000
FIVE_WIRES = HelperTraits(
    missing_rails=frozenset(("bplus", "v12", "v5iso", "vcap")),
    missing_parts=frozenset(("power", "boot0", "unit_button", "current")),
)


@pytest.fixture
def bare(bmsrescue: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    twin = WatchedTwin("healthy", default_card())
    twin.unit.break_board(helper=FIVE_WIRES)
    with twin:
        with Host(twin.url) as host:
            assert set(host.about["missing"]) == set(FIVE_WIRES.missing_parts) - {"current"}
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        yield bmsrescue
        assert twin.unit.supply_on, "nobody here has switched it off"


def test_memory_backup_verify_and_flash_work_and_say_nothing_of_a_power_off(bare: Run, tmp_path: Path) -> None:
    read = bare("mem", "read", hex(FLASH), "16", "--json")
    assert (read.status, read.errors) == (0, "")
    assert bare("backup", tmp_path / "unit.bin").status == 0
    held = (tmp_path / "unit.bin").read_bytes()
    image = tmp_path / "image.bin"
    image.write_bytes(image_bytes("1.2.0"))
    assert held.startswith(image.read_bytes()[:1024])
    assert bare("verify", image).status == 0
    calibration = 0x080E0000
    (tmp_path / "own.bin").write_bytes(bytes(range(64)))
    said = bare("flash", tmp_path / "own.bin", "--base", hex(calibration), "--yes", "erase sectors 7", "--json")
    assert (said.status, said.errors) == (0, ""), said


def test_power_says_that_there_is_no_switch(bare: Run) -> None:
    assert set(bare("rails", "--json").json["rails"]) == {"v3v3"}
    said = bare("power", "off", "--json")
    assert (said.status, said.json["error"]["kind"]) == (1, "no_switch")
    assert bare("power", "status", "--json").json["switch"] is False


def test_recover_finds_nothing_wrong_as_far_as_seen(bare: Run) -> None:
    said = bare("recover", "--json")
    assert said.json["outcome"] == "NO_FAULT_FOUND", (
        said.json["diagnosis"]["sentence"],
        said.json["diagnosis"]["evidence"],
    )
    assert said.json["diagnosis"]["confidence"] == "likely"
