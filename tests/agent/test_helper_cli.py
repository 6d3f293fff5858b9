"""Every bench command, on a helper behind a pty whose agent runs on a real MicroPython, wired to a unit of the twin."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.firmware.limits import LFP, NMC, limits_block
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find
from daemon_process import started, wait_until
from helper_command import Run, started_helper
from link_twin import PATIENCE_S, WatchedTwin, records_on

FLASH = 0x08000000


@pytest.fixture
def on_healthy(bmsrescue: Run, healthy: WatchedTwin, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("BMSRESCUE_HELPER", healthy.url)
    return bmsrescue


@contextmanager
def a_disk_with_room_for(file_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond that: what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_scan_and_info_say_which_agent_is_there(on_healthy: Run, healthy: WatchedTwin) -> None:
    rows = on_healthy("scan", "--json").json
    assert [row["url"] for row in rows] == [healthy.url]
    assert rows[0]["about"]["protocol"] == 1
    info = on_healthy("info", "--json").json
    assert info["capabilities"]
    assert info["power"]["on"] is False


def test_a_port_without_an_agent_is_told_apart_from_no_port_at_all(bmsrescue: Run) -> None:
    master, slave = os.openpty()
    try:
        silent = bmsrescue("info", "--json", "--helper", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert (silent.status, silent.json["error"]["kind"]) == (3, "no_agent")
    assert "deploy" in silent.json["error"]["next_step"]
    missing = bmsrescue("info", "--json", "--helper", "/dev/does-not-exist")
    assert (missing.status, missing.json["error"]["kind"]) == (3, "port")


def test_without_a_daemon_the_power_lasts_as_long_as_the_command(on_healthy: Run, healthy: WatchedTwin) -> None:
    said = on_healthy("power", "on", "--for", 0.2, "--json")
    assert said.status == 0
    assert 3200 < said.json["rails"]["v3v3"]["mv"] < 3400
    assert not healthy.powered
    assert on_healthy("rails", "--json").json["rails"]["v3v3"] < 300
    assert on_healthy("power", "off", "--json").status == 0
    assert on_healthy("power", "status", "--json").json["on"] is False


def test_the_power_up_curve_is_drawn_as_svg_and_as_png(on_healthy: Run, healthy: WatchedTwin, tmp_path: Path) -> None:
    said = on_healthy("rails", "--plot", tmp_path / "curve.svg", "--json")
    assert said.status == 0
    first, last = said.json["points"][0], said.json["points"][-1]
    assert first[1]["v3v3"] < 300
    assert 3200 < last[1]["v3v3"] < 3400
    assert (tmp_path / "curve.svg").read_text().count("<polyline") == 5
    assert on_healthy("rails", "--plot", tmp_path / "curve.png").status == 0
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not healthy.powered


def test_rails_are_watched_as_a_stream(on_healthy: Run) -> None:
    said = on_healthy("rails", "--watch", "--seconds", 1, "--json")
    assert said.status == 0
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert lines
    assert lines[0]["rails"].keys() == {"bplus", "v12", "v5iso", "v3v3", "vcap"}


def test_rails_are_drawn_live_on_a_terminal(healthy: WatchedTwin, tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "BMSRESCUE_DATA": str(tmp_path), "BMSRESCUE_HELPER": healthy.url, "TERM": "xterm"}
    command = [Path(sys.executable).parent / "bmsrescue", "rails", "--watch", "--seconds", "1"]
    drawn = b""
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while select.select([leader], [], [], PATIENCE_S)[0]:
                drawn += os.read(leader, 4096)
        os.close(leader)
        assert process.wait(PATIENCE_S) == 0
    assert drawn.count(b"3.3 V") >= 2
    assert b"\x1b[1A" in drawn  # over what was there


def test_options_core_and_memory_are_read_and_ram_is_written(on_healthy: Run, tmp_path: Path) -> None:
    assert on_healthy("options", "--json").json["rdp"] == 0
    assert on_healthy("core", "--json").json["state"] == "running"
    assert on_healthy("core", "clock", "--json").json["clock_hz"] > 1_000_000
    assert FLASH < on_healthy("core", "registers", "--json").json["pc"] < FLASH + 0x100000
    assert on_healthy("mem", "write", "0x24010000", "0011223344556677").status == 0
    start = on_healthy("mem", "read", hex(FLASH), 64, "--json").json
    assert bytes.fromhex(start["data"]) == image_bytes("1.2.0")[:64]
    assert on_healthy("mem", "read", hex(FLASH), 8192, "--out", tmp_path / "start.bin").status == 0
    assert (tmp_path / "start.bin").read_bytes() == image_bytes("1.2.0")[:8192]
    assert on_healthy("mem", "read", "0x08000001", 4).status == 2


def test_the_card_is_listed_read_and_written(on_healthy: Run, tmp_path: Path) -> None:
    names = [entry["name"] for entry in on_healthy("card", "ls", "--json").json["entries"]]
    assert "job.json" in names
    data = bytes(range(256)) * 40
    (tmp_path / "note.bin").write_bytes(data)
    assert on_healthy("card", "put", tmp_path / "note.bin", "notes/note.bin", "--json").json["copied"] is True
    assert on_healthy("card", "put", tmp_path / "note.bin", "notes/note.bin", "--json").json["copied"] is False
    assert on_healthy("card", "get", "notes/note.bin", tmp_path / "back.bin").status == 0
    assert (tmp_path / "back.bin").read_bytes() == data
    missing = on_healthy("card", "get", "nothing.bin", "--json")
    assert (missing.status, missing.json["error"]["kind"]) == (1, "missing")


def test_the_shell_calls_methods_and_survives_their_errors(on_healthy: Run) -> None:
    script = 'helper.echo x"0102"\nrails.nothing\nlines.level\nhelp\n'
    said = on_healthy("shell", typed=script)
    assert said.status == 0
    lines = said.out.splitlines()
    assert json.loads(lines[0]) == "0102"
    assert json.loads(lines[1])["nrst"] in (0, 1, True, False)
    assert any(line.startswith("flash.program") for line in lines)
    assert "no method rails.nothing" in said.errors
    said = on_healthy("shell", "--json", typed=script)
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert (answers[0], answers[1]["error"]["kind"]) == ("0102", "unknown_method")
    assert answers[3]["power.off"].startswith("Off, and the proof of it")


def test_a_healthy_unit_is_diagnosed_so_and_a_recovery_of_it_changes_nothing(
    on_healthy: Run, healthy: WatchedTwin, tmp_path: Path
) -> None:
    before = healthy.unit.chip.flash.snapshot()
    diagnosed = on_healthy("diagnose", "--json")
    assert (diagnosed.status, diagnosed.json["diagnosis"]["cause"]) == (0, "healthy")
    record = on_healthy("recover", "--json")
    assert (record.status, record.json["outcome"]) == (0, "NO_FAULT_FOUND")
    assert healthy.unit.chip.flash.snapshot() == before
    # The record is on the card, sound, and judged the same again without any helper.
    listed = on_healthy("records", "--json", "--out", tmp_path / "records.jsonl").json
    assert listed["breaks"] == []
    assert listed["records"][-1]["outcome"] == "NO_FAULT_FOUND"
    again = on_healthy("diagnose", "--record", tmp_path / "records.jsonl", "--json", "--helper", "/dev/none")
    assert again.json == record.json["diagnosis"]


def test_a_wrong_yes_and_no_yes_change_nothing(on_healthy: Run, healthy: WatchedTwin, tmp_path: Path) -> None:
    before = healthy.unit.chip.flash.snapshot()
    (tmp_path / "old.bin").write_bytes(image_bytes("1.1.0"))
    unasked = on_healthy("flash", tmp_path / "old.bin")
    assert unasked.status == 2
    assert "erase sectors 0" in unasked.errors
    assert on_healthy("flash", tmp_path / "old.bin", "--yes", "erase sectors 7").status == 2
    assert healthy.unit.chip.flash.snapshot() == before
    assert not healthy.powered


def test_without_a_daemon_the_log_is_the_helpers_own(on_healthy: Run) -> None:
    on_healthy("diagnose", "--json")
    lines = [json.loads(line) for line in on_healthy("log", "--json").out.splitlines()]
    assert [(line["name"], line["data"]) for line in lines if line["name"] == "look"][-1] == ("look", "healthy")
    assert lines[-1]["name"] == "opened"
    assert lines[-1]["data"].startswith("bmsrescue-")
    assert (lines[-2]["name"], lines[-2]["data"]) == ("ended", "the host has ended the session")
    followed = on_healthy("log", "--follow", "--json")
    assert (followed.status, followed.json["error"]["kind"]) == (2, "usage")


def test_flash_saves_what_was_there_writes_what_differs_and_verify_and_backup_agree(
    bmsrescue: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = image_bytes("1.1.0"), image_bytes("1.2.0")
    (tmp_path / "old.bin").write_bytes(old)
    (tmp_path / "new.bin").write_bytes(new)
    with started_helper("healthy") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        before = twin.unit.chip.flash.snapshot()
        assert bmsrescue("verify", tmp_path / "new.bin").status == 0
        wanted = bmsrescue("flash", tmp_path / "old.bin").errors
        scope = wanted[wanted.index("--yes") :].split('"')[1]
        with a_disk_with_room_for(16_384):
            full = bmsrescue("flash", tmp_path / "old.bin", "--yes", scope, "--json")
            assert (full.status, bmsrescue("backup", tmp_path / "none.bin").status) == (1, 1)
        assert "space on the disk" in full.json["error"]["next_step"]
        assert twin.unit.chip.flash.snapshot() == before
        assert not (tmp_path / "none.bin").exists()
        flashed = bmsrescue("flash", tmp_path / "old.bin", "--yes", scope, "--json")
        assert flashed.status == 0, flashed
        assert flashed.json["differing"] == []
        assert bmsrescue("verify", tmp_path / "old.bin", "--json").status == 0
        assert bmsrescue("verify", tmp_path / "new.bin", "--json").status == 1
        saved = bmsrescue("backup", tmp_path / "flash.bin", "--json").json
        after = twin.unit.chip.flash.snapshot()
    assert after[: len(old)] == old
    sector = 0x20000
    erased = [int(number) for number in scope.rpartition(" ")[2].split(",")]
    for index in range(8):
        if index not in erased:
            assert after[index * sector : (index + 1) * sector] == before[index * sector : (index + 1) * sector]
        else:
            kept = Path(flashed.json["saved"]) / f"sector-{index}.bin"
            assert kept.read_bytes() == before[index * sector : (index + 1) * sector]
    assert (tmp_path / "flash.bin").read_bytes() == after
    assert saved["sha256"] == hashlib.sha256(after).hexdigest()


def test_a_recovery_is_shown_as_it_happens_and_needs_the_scope_spelled_out(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started_helper("half-on") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        planned = bmsrescue("plan")
        assert planned.status == 0
        rising = planned.out.partition("switch the supply on")[2].partition("judge the rails")[0]
        assert len(set(rising.partition("B+ ")[2].partition("  17.9")[0].strip())) > 4  # a curve, not a step
        assert "erase sectors 1,2" in planned.out
        assert not twin.powered
        said = bmsrescue("recover", "--yes", "erase sectors 1,2")
        flash = twin.unit.chip.flash.snapshot()
    assert said.status == 0, said
    assert "RECOVERED" in said.out
    for step in ("erase and program", "prove it by a true power cycle", "write the record"):
        assert step in said.out
    assert flash[: len(image_bytes("1.2.0"))] == image_bytes("1.2.0")


def test_a_consent_that_the_job_leaves_to_a_person_has_to_be_spelled_out(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = read_files(card_for(find("wrp")))
    job = json.loads(files["job.json"])
    job["policy"]["ask"] = ["wrp"]
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    with started_helper("wrp", card=card) as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        refused = bmsrescue("recover", "--yes", "write sectors 0")
        assert refused.status != 0
        assert '--yes "allow wrp and write sectors 0"' in refused.errors
        assert twin.unit.chip.flash.is_blank(0)
        record = bmsrescue("recover", "--yes", "allow wrp and write sectors 0", "--json").json
    assert (record["outcome"], record["consent"]["by"]) == ("RECOVERED", "operator:typed on the host")


def test_ctrl_c_in_a_recovery_stops_it_safely_and_says_how_it_ended(tmp_path: Path) -> None:
    acting, noted = threading.Event(), threading.Event()

    def hold(name: str, data: Any) -> None:
        if name == "progress" and data["step"] == "act" and not acting.is_set():
            acting.set()
            noted.wait(PATIENCE_S)

    with started_helper("half-on") as twin:
        twin.on_told = hold
        words = ("recover", "--helper", twin.url, "--yes", "erase sectors 1,2", "--json")
        with started(tmp_path, *words) as process:
            assert acting.wait(PATIENCE_S)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "next safe point" not in process.stderr.readline():
                assert process.poll() is None
            noted.set()
            out, errors = process.communicate(timeout=PATIENCE_S)
        wait_until(lambda: not twin.powered)
        card = twin.cards_image
    assert process.returncode == 1, errors
    assert json.loads(out)["outcome"] == records_on(card)[-1]["outcome"] == "INTERRUPTED"


def test_a_sealed_siblings_image_is_not_held_and_an_odd_length_is_no_matter(bmsrescue: Run, tmp_path: Path) -> None:
    firmware = image_bytes()
    theirs, ours = tmp_path / "theirs.bin", tmp_path / "ours.bin"
    theirs.write_bytes(firmware + limits_block(LFP))
    ours.write_bytes(firmware + limits_block(NMC) + b"odd")
    with started_helper("sealed-sibling") as twin:
        assert bmsrescue("verify", theirs, "--helper", twin.url, "--json").json == {
            "verified_by": "sha256",
            "differing": [],
        }
        assert bmsrescue("verify", ours, "--helper", twin.url).status == 1
        done = bmsrescue("flash", ours, "--helper", twin.url, "--yes", "erase sectors 2", "--json")
        assert done.status == 0, done
        assert done.json["verified_by"] == "sha256"
        assert done.json["written"] == [2]
        assert bmsrescue("verify", ours, "--helper", twin.url).status == 0
        assert bmsrescue("verify", theirs, "--helper", twin.url).status == 1
        flash = twin.unit.chip.flash.snapshot()
        twin.unit.chip.flash.tear(FLASH)
        assert bmsrescue("verify", ours, "--helper", twin.url, "--json").json["verified_by"] == "reading"
    assert flash[: len(ours.read_bytes())] == ours.read_bytes()
