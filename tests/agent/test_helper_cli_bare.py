"""The bench's commands on a helper of five wires: SWDIO, SWCLK, GND, NRST and 3.3 V, on a unit that others have
switched on. They do their work, and its result stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.board.config import load_board
from bmsrescue.cli.helper import job
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.keys.pem import public_of
from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.wiring import wired
from helper_command import Run
from link_twin import Host, WatchedTwin
from p256_cases import derived_key

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


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "fw.bin").write_bytes(image_bytes("1.2.0"))
    return tmp_path / "fw.bin"


def helper_of(board: str, **options: Any) -> WatchedTwin:
    """On the unit whose update was cut, with what that board.json names."""
    return WatchedTwin(wired(find("half-on"), load_board(board)), default_card(), **options)


def test_without_a_card_of_its_own_the_unit_is_cured_with_one_on_this_computer(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Path
) -> None:
    with helper_of("pico-switch") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        said = bmsrescue("recover", image, "--yes", "erase sectors 1,2")
    assert (said.status, "RECOVERED" in said.out) == (0, True), said
    assert "this helper has no card" in said.errors
    card = tmp_path / "data" / "probe" / "card"
    assert str(card) in said.out
    assert [len(whole_flash(path.read_bytes(), path.name)) for path in card.glob("backups/*.elf")] == [1 << 20]
    assert (card / "records" / "records.jsonl").read_text().count("\n") == 1


def test_four_wires_are_enough_for_a_plan(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Path
) -> None:
    with helper_of("pico-four-wires") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        said = bmsrescue("plan", image, "--json")
    assert (said.status, said.json["diagnosis"]["cause"]) == (0, "update-cut"), said
    assert [step["sector"] for step in said.json["plan"]["steps"] if step["erase"]] == [1, 2]


def test_a_helper_with_keys_and_no_card_runs_no_job_from_this_computer(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    twin = helper_of("pico-four-wires")
    twin.helper.deployed = {"trust.txt": f"{public_of(derived_key(1001)).hex()}\n"}
    with twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        said = bmsrescue("plan", image, "--json")
    assert (said.status, said.json["error"]["kind"]) == (1, "signed_only")


def test_records_of_a_helper_without_a_card_are_its_own(bmsrescue: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with helper_of("pico-four-wires") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        said = bmsrescue("recover")
        assert "EXAMINED" in said.out
        assert "Record 1 in the helper: written." in said.out
        assert [record["outcome"] for record in bmsrescue("records", "--json").json["records"]] == ["EXAMINED"]


def test_who_reads_along_and_leaves_stops_no_work(bmsrescue: Run, monkeypatch: pytest.MonkeyPatch, image: Path) -> None:
    """`bmsrescue plan ... | head`: the work goes on to its end, and the command ends."""
    told = job.Story.event

    def event(story: job.Story, at_ms: int, name: str, data: object) -> None:
        if name == "diagnosis":
            raise SystemExit(1)  # what rich makes of a broken pipe
        told(story, at_ms, name, data)

    monkeypatch.setattr(job.Story, "event", event)
    said = bmsrescue("plan", image, "--probe", "twin:half-on")
    assert (said.status, "would erase sectors 1,2" in said.out) == (0, True), said
