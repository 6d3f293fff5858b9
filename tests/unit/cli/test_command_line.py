"""The command `bmsrescue`, as a person types it: sentences, next steps and exit codes, never a traceback."""

from __future__ import annotations

import configparser
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "bmsrescue"
VECTORS = struct.pack("<II", 0x2002_0000, 0x0800_0041)


def bmsrescue(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "unit.bin"
    path.write_bytes(VECTORS + bytes(range(256)) * 8)
    return path


def test_it_says_its_version() -> None:
    from bmsrescue import __version__

    assert bmsrescue("--version").stdout == f"bmsrescue {__version__}\n"


def test_help_tells_the_exit_statuses() -> None:
    said = " ".join(bmsrescue("--help").stdout.split())
    assert "0 well; 1 the unit or the work did not end well; 2 used wrongly; 3 trouble with a helper" in said


def test_a_card_is_made_and_checked_as_json_too(tmp_path: Path, image: Path) -> None:
    made = json.loads(bmsrescue("card", "build", image, "-o", tmp_path / "card", "--json").stdout)
    checked = json.loads(bmsrescue("card", "check", tmp_path / "card", "--json").stdout)
    assert made == checked
    assert made["job"]["image"]["bytes"] == image.stat().st_size
    missing = bmsrescue("card", "check", tmp_path / "none", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["kind"]) == (2, "usage")


@pytest.mark.parametrize(("options", "keys"), [([], {"host", "bitbang", "control"}), (["--serial"], {"pty"})])
def test_a_served_twin_tells_its_ports_as_json(options: list[str], keys: set[str]) -> None:
    command = [COMMAND, "twin", "serve", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            assert json.loads(served.stdout.readline()).keys() == keys
        finally:
            served.terminate()
            assert served.wait(30) == 0


def test_the_demo_brings_a_dead_unit_back_and_tells_it_as_json() -> None:
    done = bmsrescue("twin", "demo", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["record"]["outcome"]) == (0, "RECOVERED")
    assert (told["before"]["button_switches_off"], told["after"]["button_switches_off"]) == (False, True)
    assert any(name.startswith("records") for name in told["card"])


def test_an_error_of_any_command_is_json_when_asked_for() -> None:
    done = bmsrescue("twin", "run", "--scenario", "no-such", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["kind"], done.stderr) == (2, "usage", "")


def test_the_systemd_unit_starts_this_installations_daemon() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(bmsrescue("serve", "--print-unit").stdout)
    assert unit["Service"]["ExecStart"] == f"{COMMAND.resolve()} serve"
    assert (unit["Service"]["Restart"], unit["Install"]["WantedBy"]) == ("on-failure", "default.target")


def test_the_shell_completes_commands() -> None:
    environment = {
        **os.environ,
        "_BMSRESCUE_COMPLETE": "complete_bash",
        "COMP_WORDS": "bmsrescue rec",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([COMMAND], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.split() == ["recover", "records"]


def test_the_scenarios_are_listed_one_a_line() -> None:
    lines = bmsrescue("twin", "scenarios").stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert {"healthy", "blank", "half-on", "interrupted-program", "no-supply", "short-3v3"} <= set(names)
    listed = json.loads(bmsrescue("twin", "scenarios", "--json").stdout)
    assert [scenario["name"] for scenario in listed] == names


def test_an_unknown_scenario_names_the_nearest() -> None:
    done = bmsrescue("twin", "run", "--scenario", "halfon")
    assert (done.returncode, done.stdout) == (2, "")
    assert "half-on" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["twin", "run"], "--scenario"),
        (["twin", "run", "--scenario", "healthy", "--target", "bitbang:h:1", "--control", "h:2"], "exclude"),
        (["twin", "run", "--control", "h:2"], "--target"),
        (["twin", "run", "--target", "bitbang:h:1"], "--control"),
        (["twin", "run", "--target", "jlink:1", "--control", "h:2"], "bitbang:HOST:PORT"),
        (["twin", "run", "--target", "bitbang:h", "--control", "h:2"], "HOST:PORT"),
        (["twin", "run", "--target", "bitbang:h:99999", "--control", "h:2"], "HOST:PORT"),
        (["twin", "run", "--scenario", "healthy", "--seed", "x"], "--seed"),
        (["twin", "serve", "--scenario", "nothing-like-it"], "o scenario is called"),
        (["twin", "serve", "--chip", "H999"], "It can be one of H723, H725"),
        (["twin", "run", "--scenario", "healthy", "--chip", "H730"], "no firmware for the H730"),
        (["card", "check", "/nowhere/card"], "no card"),
        (["card", "build"], "JOB|IMAGE"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_status_2(arguments: list[str], word: str) -> None:
    done = bmsrescue(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_a_target_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    done = bmsrescue("twin", "run", "--target", f"bitbang:127.0.0.1:{free}", "--control", f"127.0.0.1:{free}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"127.0.0.1:{free}" in done.stderr


def test_a_taken_port_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = bmsrescue("twin", "serve", "--scenario", "healthy", "--bitbang-port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "port" in done.stderr


@pytest.mark.parametrize("out", ["card", "card.img"])
def test_a_built_card_checks_good(image: Path, tmp_path: Path, out: str) -> None:
    built = bmsrescue("card", "build", image, "-o", tmp_path / out)
    assert (built.returncode, built.stderr) == (0, "")
    checked = bmsrescue("card", "check", tmp_path / out)
    assert checked.returncode == 0
    assert "good" in checked.stdout and "STM32H725" in checked.stdout


def test_a_card_is_built_for_the_chip_that_is_named(image: Path, tmp_path: Path) -> None:
    built = bmsrescue("card", "build", image, "-o", tmp_path / "card", "--chip", "h743vit6")
    assert (built.returncode, built.stderr) == (0, "")
    assert "for STM32H743" in built.stdout
    target = json.loads((tmp_path / "card" / "job.json").read_text())["target"]
    assert target == {"chip": "STM32H743", "dev_id": "0x450", "flash_kib": 2048}
    unknown = bmsrescue("card", "build", image, "-o", tmp_path / "other", "--chip", "F407")
    assert unknown.returncode == 1
    assert "STM32H7A3" in unknown.stderr


def test_an_image_that_cannot_work_makes_no_card(image: Path, tmp_path: Path) -> None:
    image.write_bytes(bytes(1024))
    done = bmsrescue("card", "build", image, "-o", tmp_path / "card")
    assert done.returncode == 1
    assert "no vector table" in done.stderr
    assert not (tmp_path / "card").exists()


def test_a_card_whose_image_was_changed_checks_bad(image: Path, tmp_path: Path) -> None:
    bmsrescue("card", "build", image, "-o", tmp_path / "card")
    (tmp_path / "card" / "unit.bin").write_bytes(VECTORS + bytes(range(256)) * 7 + bytes(256))
    done = bmsrescue("card", "check", tmp_path / "card")
    assert done.returncode == 1
    assert "SHA-256" in done.stderr


def test_a_base_that_is_no_number_is_wrong_use(image: Path, tmp_path: Path) -> None:
    done = bmsrescue("card", "build", image, "-o", tmp_path / "card", "--base", "start")
    assert done.returncode == 2
    assert "0x08000000" in done.stderr
