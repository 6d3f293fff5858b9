"""`bmsrescue twin run` with the agent behind it: what it prints, how it exits, and what it leaves on the card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.card.fat import read_files
from bmsrescue.card.storage import write_new_card
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.twin.rig import default_card_files
from rescuelink.chain import verify_chain
from rescuelink.outcomes import OUTCOMES

COMMAND = Path(sys.executable).parent / "bmsrescue"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, "twin", "run", *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def card(tmp_path: Path) -> Path:
    write_new_card(tmp_path / "card", default_card_files())
    return tmp_path / "card"


def test_json_is_the_record_and_nothing_else() -> None:
    done = run("--scenario", "half-on", "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert record["outcome"] == "RECOVERED"
    assert record["diagnosis"]["cause"] == "update-cut"
    assert record["sentence"] == OUTCOMES["RECOVERED"].sentence


def test_the_same_seed_gives_the_same_record() -> None:
    first, second = (json.loads(run("--scenario", "healthy", "--seed", "7", "--json").stdout) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("scenario", "status"), [("healthy", 0), ("no-supply", 1), ("short-3v3", 1)])
def test_the_exit_status_says_how_the_unit_ended(scenario: str, status: int) -> None:
    done = run("--scenario", scenario)
    assert done.returncode == status
    assert done.stderr == ""


def test_the_story_in_a_pipe_is_plain_text() -> None:
    done = run("--scenario", "half-on")
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    for words in ("12.00 V", "100 %", "KiB", "RECOVERED", "SWCLK cycles"):
        assert words in done.stdout


def test_a_folder_gets_its_records_and_backups_and_keeps_the_rest(card: Path) -> None:
    (card / "notes.txt").write_text("mine")
    for _ in range(2):
        assert run("--scenario", "half-on", "--card", card, "--json").returncode == 0
    lines = (card / "records" / "records.jsonl").read_text().splitlines()
    assert len(lines) == 2 and verify_chain(lines, "") == []
    assert [len(whole_flash(path.read_bytes(), path.name)) for path in card.glob("backups/*.elf")] == [1 << 20] * 2
    assert (card / "notes.txt").read_text() == "mine"
    assert not list(card.glob("journal*"))


def test_an_image_is_brought_up_to_date(card: Path, tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    write_new_card(image, default_card_files())
    assert run("--scenario", "half-on", "--card", image, "--json").returncode == 0
    files = read_files(bytearray(image.read_bytes()))
    assert len(files["records/records.jsonl"].splitlines()) == 1


def test_no_card_at_all_ends_with_a_record_and_says_what_to_do(tmp_path: Path) -> None:
    done = run("--scenario", "half-on", "--card", tmp_path / "nowhere", "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["outcome"]) == (1, "EXAMINED")
    assert "bmsrescue card build" in record["next_step"]
    assert "does not exist" in done.stderr


def test_the_dongle_s_last_picture_and_the_wire_can_be_kept(card: Path, tmp_path: Path) -> None:
    picture, waveform = tmp_path / "end.png", tmp_path / "swd.vcd"
    done = run("--scenario", "healthy", "--card", card, "--png", picture, "--vcd", waveform)
    assert done.returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert waveform.read_text(encoding="ascii").startswith("$timescale")


def test_a_run_needs_nothing_but_the_installed_interpreter(tmp_path: Path) -> None:
    interpreter = shutil.which("micropython", path=str(COMMAND.parent))
    assert interpreter is not None
    environment = {"PATH": "/usr/bin:/bin", "BMSRESCUE_MICROPYTHON": str(tmp_path / "gone")}
    done = subprocess.run(
        [COMMAND, "twin", "run", "--scenario", "healthy"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 1
    assert "BMSRESCUE_MICROPYTHON" in done.stderr


def test_a_person_at_the_virtual_bench_switches_for_a_helper_without_a_switch(tmp_path: Path) -> None:
    board = json.loads((device_dir() / "board.json").read_text())
    del board["lines"]["power"]
    (tmp_path / "board.json").write_text(json.dumps(board))
    done = run("--scenario", "half-on", "--wiring", tmp_path / "board.json", "--by-hand", "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["outcome"]) == (0, "RECOVERED"), record["sentence"]
    assert record["proof"]["lines"][0].startswith("the power was away")
