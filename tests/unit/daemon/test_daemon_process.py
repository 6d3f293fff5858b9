"""`bmsrescue serve` as a process: what it weighs, how it is found, how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import bmsrescue.daemon
from bmsrescue.client.daemon_client import DaemonClient, running_daemon
from bmsrescue.config import DaemonAddress
from bmsrescue.daemon.serve import ADDRESS_FILE
from bmsrescue.door.sockets import listen
from daemon_process import started, wait_until
from fake_agents import greeting_helpers
from link_twin import PATIENCE_S
from rescuelink.errors import LinkError

MOST_KIB = 80 * 1024


def came_up(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening: "), line
    return line.removeprefix("listening: ").strip()


def states(daemon: DaemonClient) -> list[str]:
    return [helper["state"] for helper in daemon.helpers()]


def found(folder: Path) -> DaemonClient:
    daemon = running_daemon(folder)
    assert daemon is not None
    return daemon


def test_with_eight_helpers_idle_it_stays_under_80_mib(tmp_path: Path) -> None:
    with greeting_helpers(8) as ports:
        words = [word for port in ports for word in ("--helper", port)]
        with started(tmp_path, "serve", "--port", "0", *words) as process:
            came_up(process)
            daemon = found(tmp_path)
            wait_until(lambda: states(daemon) == ["ready"] * 8)
            status = Path(f"/proc/{process.pid}/status").read_text()
            daemon.close()
    resident_kib = int(status.partition("VmRSS:")[2].split()[0])
    assert resident_kib < MOST_KIB


def test_its_own_code_is_small() -> None:
    folder = Path(bmsrescue.daemon.__file__).parent
    lines = [line for path in folder.glob("*.py") for line in path.read_text(encoding="utf-8").splitlines()]
    assert len([line for line in lines if line.strip()]) < 800


def test_its_answers_do_not_wait_for_acknowledgements() -> None:
    # Nagle's algorithm and delayed acknowledgements together make 25 calls a second of a thousand.
    listener, _where = listen(DaemonAddress(port=0))
    with listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_agent_of_another_release_is_said_to_be_one(tmp_path: Path) -> None:
    refusal = LinkError("version", "the host speaks version 1 of the link, this agent version 2")
    with (
        greeting_helpers(1, refusal.to_dict()) as ports,
        started(tmp_path, "serve", "--port", "0", "--helper", ports[0]) as process,
    ):
        came_up(process)
        daemon = found(tmp_path)
        wait_until(lambda: daemon.helpers()[0]["error"] is not None)
        assert daemon.helpers()[0]["error"]["kind"] == "version"
        daemon.close()


def test_it_ends_on_sigterm_with_nothing_left_behind_and_status_0(tmp_path: Path) -> None:
    with greeting_helpers(1) as ports, started(tmp_path, "serve", "--port", "0", "--helper", ports[0]) as process:
        came_up(process)
        daemon = found(tmp_path)
        wait_until(lambda: states(daemon) == ["ready"])
        daemon.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert not (tmp_path / ADDRESS_FILE).exists()
    assert running_daemon(tmp_path) is None


def test_on_a_unix_socket_only_its_owner_may_ask_and_a_second_daemon_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    with greeting_helpers(1) as ports, started(tmp_path, "serve", "--uds", str(path), "--helper", ports[0]) as first:
        assert came_up(first) == f"unix:{path}"
        assert path.stat().st_mode & 0o077 == 0
        daemon = found(tmp_path)
        wait_until(lambda: states(daemon) == ["ready"])
        with daemon.open_events(after=0) as events:
            assert '"found"' in str(events.recv(PATIENCE_S))
        daemon.close()
        with started(tmp_path, "serve", "--uds", str(path)) as second:
            assert second.wait(PATIENCE_S) == 2
    assert not path.exists()


def test_a_killed_daemons_address_and_socket_do_not_stand_in_the_next_ones_way(tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    with started(tmp_path, "serve", "--uds", str(path)) as first:
        came_up(first)
        first.kill()
        first.wait(PATIENCE_S)
    assert path.exists()
    assert running_daemon(tmp_path) is None
    with started(tmp_path, "serve", "--uds", str(path)) as second:
        came_up(second)
        found(tmp_path).close()


def test_a_port_that_is_taken_is_one_sentence_and_a_usage_error(tmp_path: Path) -> None:
    with started(tmp_path / "a", "serve", "--port", "0") as first:
        port = came_up(first).rpartition(":")[2]
        with started(tmp_path / "b", "serve", "--port", port) as second:
            _out, errors = second.communicate(timeout=PATIENCE_S)
            assert second.returncode == 2
    assert f"127.0.0.1:{port}" in errors
    assert "Traceback" not in errors
