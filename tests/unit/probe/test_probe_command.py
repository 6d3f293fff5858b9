"""`--probe` as somebody types it, on a unit of the twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bmsrescue.cli import app
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.signing import sign_files
from bmsrescue.keys.store import KeyStore
from p256_cases import derived_key
from probe_bench import write_card
from rescuelink.manifest import NAME, key_id

UNIT = "display-only"
"""A unit that is in order: a run over it changes nothing, and so is short."""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_unit_is_diagnosed_with_nothing_but_a_probe() -> None:
    ended = CliRunner().invoke(app, ["diagnose", "--probe", f"twin:{UNIT}:cmsisdap"])
    assert ended.exit_code == 0, ended.output
    assert "no job.json on the card" in ended.output
    assert "cannot see or switch the unit's 3.3 V (VTref)" in ended.output


def test_a_record_goes_into_the_history_of_this_bench(tmp_path: Path, data: Path) -> None:
    card = tmp_path / "card"
    write_card(card, UNIT)
    ended = CliRunner().invoke(app, ["recover", "--probe", f"twin:{UNIT}", "--card", str(card), "--json"])
    record = json.loads(ended.stdout)
    assert record["outcome"] == "NO_FAULT_FOUND"
    again = CliRunner().invoke(app, ["records", "import", str(card), "--json"])
    (report,) = json.loads(again.stdout)
    assert (report["taken"]["known"], report["taken"]["new"]) == (1, 0)
    assert (data / "records.sqlite3").exists()


def test_where_keys_are_trusted_a_probe_runs_signed_jobs_only(tmp_path: Path, data: Path) -> None:
    card, key = tmp_path / "card", derived_key(1001)
    write_card(card, UNIT)
    KeyStore(data / "keys").trust("eva", public_of(key))
    typed = ["recover", "--probe", f"twin:{UNIT}", "--card", str(card), "--json"]
    refused = json.loads(CliRunner().invoke(app, typed).stdout)
    assert refused["error"]["kind"] == "unsigned"
    record = json.loads(CliRunner().invoke(app, [*typed, "--development"]).stdout)
    assert (record["outcome"], record["job"]["release"]) == ("NO_FAULT_FOUND", None)
    files = {path.name: path.read_bytes() for path in card.iterdir() if path.is_file()}
    (card / NAME).write_bytes(sign_files(key, files, "BR16S", 7))
    record = json.loads(CliRunner().invoke(app, typed).stdout)
    assert record["job"]["release"] == {"series": "BR16S", "number": 7, "key": key_id(public_of(key))}


def test_the_flash_is_read_and_compared(tmp_path: Path) -> None:
    out = tmp_path / "flash.bin"
    ended = CliRunner().invoke(app, ["backup", str(out), "--probe", f"twin:{UNIT}:stlink-v3"])
    assert ended.exit_code == 0, ended.output
    assert out.stat().st_size == 1 << 20
    part = tmp_path / "part.bin"
    part.write_bytes(out.read_bytes()[: 128 * 1024])
    ended = CliRunner().invoke(app, ["verify", str(part), "--base", "0x08000000", "--probe", f"twin:{UNIT}"])
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--power", "ask"], "--power is for a probe"),
        (["--development"], "--development is for a probe"),
        (["--probe", "twin:no-such-unit"], "no-such-unit"),
        (["--probe", "twin:healthy:no-such-probe"], "the twin has no probe no-such-probe"),
        (["--probe", "twin:healthy", "--power", "perhaps"], "--power cannot be perhaps"),
        (["--probe", "twin:healthy", "--helper", "bench"], "--helper and --probe name two things"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(typed: list[str], said: str) -> None:
    ended = CliRunner().invoke(app, ["diagnose", *typed, "--json"])
    assert ended.exit_code == 2
    assert said in json.loads(ended.stdout)["error"]["message"]
