"""The commands of the bench through a daemon that owns the port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bmsrescue.twin.helper.serial_port import PtyPort
from daemon_process import daemon, wait_until
from helper_command import Run, started_helper
from link_twin import PATIENCE_S, WatchedTwin, records_on


def ready(bmsrescue: Run) -> None:
    wait_until(lambda: [row["state"] for row in bmsrescue("scan", "--json").json] == ["ready"])


def test_through_the_daemon_power_and_connection_last_from_command_to_command(
    bmsrescue: Run, healthy: WatchedTwin, tmp_path: Path
) -> None:
    with daemon(healthy.url, tmp_path / "data"):
        ready(bmsrescue)
        assert bmsrescue("power", "on").status == 0
        assert healthy.powered
        assert bmsrescue("core", "halt", "--json").json["state"] == "halted"
        assert bmsrescue("core", "--json").json["state"] == "halted"
        assert bmsrescue("core", "resume", "--json").json["state"] == "running"
        assert bmsrescue("core", "release").status == 0
        assert bmsrescue("power", "off").status == 0
        names = [json.loads(line)["name"] for line in bmsrescue("log", "--all", "--json").out.splitlines()]
        assert names[:2] == ["found", "connected"]
        assert "rails" in names
        assert bmsrescue("power", "on").status == 0
    # The daemon has ended: nobody holds the unit.
    wait_until(lambda: not healthy.powered)


def test_a_port_that_the_daemon_has_and_a_full_disk_are_told_and_change_nothing(
    bmsrescue: Run, healthy: WatchedTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with daemon(healthy.url, tmp_path / "data"):
        ready(bmsrescue)
        switched = len(healthy.power_log)
        (tmp_path / "data" / "daemon-jobs.json").mkdir()  # what is to be noted there cannot be written
        refused = bmsrescue("recover", "--json")
        assert (refused.status, refused.json["error"]["kind"]) == (1, "host_disk")
        assert "room" in refused.json["error"]["next_step"]
        monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "elsewhere"))  # a command that knows of no daemon
        refused = bmsrescue("rails", "--json", "--helper", healthy.url)
        assert (refused.status, refused.json["error"]["kind"]) == (3, "port")
        assert len(healthy.power_log) == switched


def test_a_daemon_killed_in_a_recovery_leaves_a_safe_unit_and_the_next_one_tells_and_goes_on(
    bmsrescue: Run, tmp_path: Path
) -> None:
    from bmsrescue.client.daemon_client import running_daemon

    with started_helper("half-on") as twin:
        with daemon(twin.url, tmp_path / "data") as first:
            ready(bmsrescue)
            client = running_daemon(tmp_path / "data")
            assert client is not None
            name = client.helpers()[0]["name"]
            client.ask("POST", f"/api/helpers/{name}/job", {"method": "job.run", "params": [False]})
            busy = bmsrescue("rails", "--json")
            assert (busy.status, busy.json["error"]["kind"]) == (3, "busy")
            wait_until(lambda: bool(twin.told("progress", lambda data: data["step"] == "act")))
            assert client.helpers()[0]["state"] == "busy"
            first.kill()
            client.close()
        wait_until(lambda: not twin.powered)
        with daemon(twin.url, tmp_path / "data"):
            ready(bmsrescue)
            interrupted = bmsrescue("scan", "--json").json[0]["interrupted"]
            assert (interrupted["method"], interrupted["step"]) == ("job.run", "act")
            planned = bmsrescue("plan", "--json")
            scope = "erase sectors " + ",".join(
                str(number)
                for number in sorted(step["sector"] for step in planned.json["plan"]["steps"] if step["erase"])
            )
            recovered = bmsrescue("recover", "--yes", scope, "--json")
            assert (recovered.status, recovered.json["outcome"]) == (0, "RECOVERED"), recovered
            assert recovered.json["resumed"]
            assert bmsrescue("scan", "--json").json[0]["interrupted"] is None
        card = twin.cards_image
    assert [record["outcome"] for record in records_on(card)] == ["INTERRUPTED", "RECOVERED"]


def test_a_helper_pulled_out_in_a_recovery_is_told_with_the_step_it_was_in(bmsrescue: Run, tmp_path: Path) -> None:
    from bmsrescue.client.daemon_client import running_daemon

    port = PtyPort()
    with started_helper("half-on", port=port) as twin, daemon(twin.url, tmp_path / "data"):
        ready(bmsrescue)
        client = running_daemon(tmp_path / "data")
        assert client is not None
        name = client.helpers()[0]["name"]
        client.ask("POST", f"/api/helpers/{name}/job", {"method": "job.run", "params": [False]})
        wait_until(lambda: bool(twin.told("progress", lambda data: data["step"] == "act")))
        twin.stop()
        wait_until(lambda: not twin._thread.is_alive())
        port.close()
        job = client.ask("GET", f"/api/helpers/{name}/job?wait_s=60", timeout_s=PATIENCE_S)
        assert (job["state"], job["error"]["kind"]) == ("failed", "lost")
        wait_until(lambda: client.helpers()[0]["state"] == "absent")
        assert client.helpers()[0]["interrupted"]["step"] == "act"
        client.close()
