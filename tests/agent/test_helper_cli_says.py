"""A command does what it says and no more: looks change nothing, no file is replaced unasked, results are not lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.card.fat import read_files
from bmsrescue.client.helper import Helper
from bmsrescue.twin.firmware import image_bytes
from helper_command import Run, started_helper
from link_twin import WatchedTwin
from rescuelink.errors import PowerError

FLASH = "0x08000000"
RAM = "0x24010000"


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedTwin]:
    with started_helper("half-on") as started:
        monkeypatch.setenv("BMSRESCUE_HELPER", started.url)
        yield started


def card_of(twin: WatchedTwin) -> dict[str, bytes]:
    return read_files(twin.card)


@pytest.mark.parametrize("look", ["diagnose", "plan"])
def test_a_look_with_another_image_leaves_the_cards_own_job(
    bmsrescue: Run, twin: WatchedTwin, tmp_path: Path, look: str
) -> None:
    (tmp_path / "old.bin").write_bytes(image_bytes("1.1.0"))
    before = card_of(twin)
    said = bmsrescue(look, tmp_path / "old.bin", "--json")
    assert said.json["evidence"]["expected"]["chip"] == "STM32H725"
    assert said.json["diagnosis"] is not None
    assert card_of(twin) == before


def test_a_recovery_that_nobody_agrees_to_leaves_the_cards_own_job(
    bmsrescue: Run, twin: WatchedTwin, tmp_path: Path
) -> None:
    (tmp_path / "old.bin").write_bytes(image_bytes("1.1.0"))
    before = card_of(twin)
    refused = bmsrescue("recover", tmp_path / "old.bin", "--yes", "erase sectors 7", "--json")
    assert refused.status == 2
    assert card_of(twin) == before


def test_memory_is_read_back_and_flash_is_not_written_as_memory(bmsrescue: Run, twin: WatchedTwin) -> None:
    before = twin.unit.chip.flash.snapshot()
    refused = bmsrescue("mem", "write", FLASH, "11223344", "--json")
    assert (refused.status, refused.json["error"]["kind"]) == (2, "flash")
    assert twin.unit.chip.flash.snapshot() == before
    assert "read back and equal" in bmsrescue("mem", "write", RAM, "11223344").out
    ignored = bmsrescue("mem", "write", "0x5C001000", "ffffffff", "--json")  # DBGMCU_IDCODE: read only
    assert ignored.status == 1
    assert ignored.json["differing"] == [0x5C001000]


def test_no_file_is_replaced_and_no_folder_made_unless_asked(
    bmsrescue: Run, twin: WatchedTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = tmp_path / "new.bin"
    image.write_bytes(image_bytes("1.2.0"))
    kept = tmp_path / "kept"
    kept.write_bytes(b"kept")
    (tmp_path / "kept.svg").write_bytes(b"kept")
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "job.json").write_bytes(b"kept")
    commands = (
        ("backup", kept),
        ("mem", "read", FLASH, 64, "--out", kept),
        ("rails", "--plot", tmp_path / "kept.svg"),
        ("card", "get", "job.json", kept),
        ("records", "--out", kept),
        ("card", "build", image, "-o", tmp_path / "card"),
    )
    for command in commands:
        said = bmsrescue(*command, "--json")
        assert (said.status, said.json["error"]["kind"]) == (2, "usage"), command
        assert "--overwrite" in said.json["error"]["next_step"], command
        into = bmsrescue(*command[:-1], tmp_path / "none" / "file.svg", "--json")
        assert (into.status, into.json["error"]["kind"]) == (2, "usage"), command
    files = [kept, tmp_path / "kept.svg", tmp_path / "card" / "job.json"]
    assert {file.read_bytes() for file in files} == {b"kept"}
    assert not (tmp_path / "none").exists()
    assert bmsrescue("mem", "read", FLASH, 64, "--out", kept, "--overwrite").status == 0
    assert len(kept.read_bytes()) == 64
    assert not Path("kept.json").exists()


def test_what_was_found_is_told_although_the_power_does_not_go(
    bmsrescue: Run, twin: WatchedTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stays(_helper: Helper) -> None:
        raise PowerError("no_discharge", "v3v3 stays at 2100 mV with the power off", next_step="disconnect every cable")

    monkeypatch.setattr(Helper, "power_off", stays)
    said = bmsrescue("mem", "read", FLASH, 16, "--json")
    assert bytes.fromhex(said.json["data"]) == bytes(twin.unit.chip.flash.snapshot()[:16])
    assert said.status == 1
    assert "v3v3 stays at 2100 mV" in said.errors


def test_a_wait_for_the_next_power_cycle_is_announced(bmsrescue: Run, twin: WatchedTwin) -> None:
    for _ in range(5):
        assert bmsrescue("options").status == 0
    waited = bmsrescue("options")
    assert waited.status == 0
    assert "waiting" in waited.errors
    assert "power cycles a minute" in waited.errors
