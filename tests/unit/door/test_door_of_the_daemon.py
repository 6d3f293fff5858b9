"""`bmsrescue serve` as a neighbour, a proxy, a foreign page and its owner meet it once there are accounts."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bmsrescue.client.daemon_client import DaemonClient, running_daemon
from bmsrescue.config import Config
from bmsrescue.daemon.serve import ADDRESS_FILE
from bmsrescue.door.sockets import OWNERS_SOCKET
from bmsrescue.fleet.fleet import Fleet
from daemon_process import started
from fake_agents import greeting_helpers
from rescuelink.errors import LinkError

PASSWORD = "correct horse battery"
CALL = {"method": "power.on", "params": []}


class Bench:
    """A daemon with one helper; an engineer and an operator have accounts."""

    def __init__(self, folder: Path, url: str, helper: str, tokens: dict[str, str]) -> None:
        self.folder, self.url, self.helper, self.tokens = folder, url, helper, tokens

    def ask(self, verb: str, path: str, who: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers |= more.pop("headers", {})
        return httpx.request(verb, self.url + path, headers=headers, trust_env=False, timeout=30, **more)

    @property
    def call(self) -> str:
        return f"/api/helpers/{self.helper}/call"

    def audited(self) -> list[tuple[str, str, str]]:
        found = self.ask("GET", "/api/fleet/audit", "eva").json()
        return [(one["actor"], one["action"], one["subject"]) for one in found]


def with_accounts(folder: Path) -> dict[str, str]:
    fleet = Fleet(Config(), folder)
    tokens = {}
    for name, role in (("eva", "engineer"), ("otto", "operator")):
        fleet.accounts.add(name, role, PASSWORD, "setup")
        tokens[name] = fleet.accounts.make_token(name, "test", 1, "setup")
    tokens["debugger"] = fleet.accounts.make_token("eva", "gdb", 1, "setup", ["helpers"])
    fleet.store.close()
    return tokens


@pytest.fixture(scope="module", params=["stations", "plain"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("b")
    tokens = with_accounts(folder)
    more = ["--stations"] if request.param == "stations" else []
    with (
        greeting_helpers(1) as (port,),
        started(folder, "serve", "--host", "0.0.0.0", "--port", "0", "--helper", port, *more) as process,
    ):
        assert process.stdout is not None
        where = process.stdout.readline().removeprefix("listening: ").strip().replace("0.0.0.0", "127.0.0.1")
        yield Bench(folder, where, f"pts-{Path(port).name}", tokens)


def test_nobody_moves_a_helper_without_log_in_from_this_machine_either(bench: Bench) -> None:
    for who, status in (("", 401), ("otto", 403), ("debugger", 200), ("eva", 200)):
        assert bench.ask("GET", "/api/helpers", who).status_code == status
        called = bench.ask("POST", bench.call, who, json=CALL)
        assert called.status_code == (status if status != 200 else called.status_code) != 500
    for verb, path in (
        ("POST", f"/api/helpers/{bench.helper}/job"),
        ("POST", f"/api/helpers/{bench.helper}/card"),
        ("POST", f"/api/helpers/{bench.helper}/hold"),
        ("POST", f"/api/helpers/{bench.helper}/cancel"),
        ("DELETE", f"/api/helpers/{bench.helper}/interrupted"),
        ("GET", f"/api/helpers/{bench.helper}/records"),
        ("GET", "/api/events"),
        ("GET", "/api/about"),
    ):
        answer = bench.ask(verb, path, json={} if verb == "POST" else None)
        assert (path, answer.status_code, answer.json()["error"]["kind"]) == (path, 401, "access")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_header_makes_nobody_somebody_else(bench: Bench, header: str) -> None:
    assert bench.ask("POST", bench.call, json=CALL, headers={header: "127.0.0.1"}).status_code == 401


def test_the_owners_command_line_needs_no_log_in(bench: Bench) -> None:
    address = json.loads((bench.folder / ADDRESS_FILE).read_text())["address"]
    path = Path(address.removeprefix("unix:"))
    assert path.name == OWNERS_SOCKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon = running_daemon(bench.folder)
    assert daemon is not None
    assert [one["name"] for one in daemon.helpers()] == [bench.helper]
    with daemon.open_events(after=0) as events:
        assert '"found"' in str(events.recv(30))
    daemon.close()


def test_a_program_elsewhere_takes_a_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    client = DaemonClient(bench.url)
    with pytest.raises(LinkError) as refused:
        client.helpers()
    assert refused.value.kind == "access"
    monkeypatch.setenv("BMSRESCUE_TOKEN", bench.tokens["debugger"])
    client = DaemonClient(bench.url)
    assert len(client.helpers()) == 1
    with client.open_events(after=0) as events:
        assert '"found"' in str(events.recv(30))
    client.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "bench.evil.example", "192.0.2.7", "[", ""])
def test_a_name_that_leads_here_is_not_the_benchs(bench: Bench, host: str) -> None:
    port = int(bench.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = raw.makefile("rb").readline()
    assert answer.split()[1] in (b"403", b"400")


def test_what_is_done_by_hand_is_in_the_audit_log_with_who_did_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = with_accounts(tmp_path)
    with (
        greeting_helpers(1) as (port,),
        started(tmp_path, "serve", "--port", "0", "--helper", port, "--stations") as process,
    ):
        assert process.stdout is not None
        where = process.stdout.readline().removeprefix("listening: ").strip()
        bench = Bench(tmp_path, where, f"pts-{Path(port).name}", tokens)
        for method, params in (
            ("flash.consent", ["erase sectors 0"]),
            ("rails.read", []),
            ("target.transfer", [[[0, 0]]]),
            ("target.transfer", [[[0, 4]]]),
            ("card.write", ["notes.txt", 0, {"base64": "aGE="}]),
            ("card.write", ["notes.txt", 2, {"base64": "aGE="}]),
            ("card.write", ["job.json", 0, {"base64": "e30="}]),
        ):
            bench.ask("POST", bench.call, "eva", json={"method": method, "params": params, "timeout_s": 2})
        bench.ask("DELETE", f"/api/helpers/{bench.helper}/interrupted", "eva")
        daemon = running_daemon(tmp_path)
        assert daemon is not None
        daemon.ask("POST", f"/api/helpers/{bench.helper}/cancel")
        daemon.close()
        told = [one for one in bench.audited() if one[1].startswith("called")]
        assert told[::-1] == [
            ("eva", "called flash.consent", bench.helper),
            ("eva", "called target.transfer", bench.helper),
            *[("eva", "called card.write", bench.helper)] * 2,
            ("eva", "called forget interrupted", bench.helper),
            ("owner", "called cancel", bench.helper),
        ]


def test_before_there_are_accounts_nobody_comes_in_by_a_proxy_that_says_so_nor_from_elsewhere(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--port", "0", "--stations") as process:
        assert process.stdout is not None
        bench = Bench(tmp_path, process.stdout.readline().removeprefix("listening: ").strip(), "none", {})
        assert bench.ask("GET", "/api/helpers").status_code == 200
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        assert bench.ask("GET", "/api/helpers", headers=forwarded).status_code == 401
        assert bench.ask("GET", "/api/fleet/stations", headers=forwarded).status_code == 401
