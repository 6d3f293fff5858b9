"""pyOCD's own probe server and client between the engine and a probe: remote:HOST:PORT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyocd.probe.tcp_probe_server import DebugProbeServer

from bmsrescue.probe.find import find_probe, options
from bmsrescue.probe.managed_wire import ManagedWire
from bmsrescue.probe.open import OpenProbe, open_probe
from bmsrescue.probe.raw_wire import RawWire
from probe_bench import probe_bench


class Served:
    """The probe on the bus behind a server of this process."""

    def __init__(self) -> None:
        session = options()
        probe = find_probe(None)
        probe.session = session
        self._server = DebugProbeServer(session, probe, port=0, serve_local_only=True)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server._server.socket.getsockname()[1])

    def close(self) -> None:
        self._server.stop()
        self._server._server.server_close()


@contextmanager
def served() -> Iterator[list[Served]]:
    """What was started in it is ended at its end."""
    started: list[Served] = []
    try:
        yield started
    finally:
        for server in started:
            server.close()


@pytest.mark.parametrize(
    ("kind", "wire"), [("cmsisdap", RawWire), ("stlink-v3", ManagedWire)], ids=["registers", "by-address"]
)
def test_a_probe_behind_pyocds_server_diagnoses_without_a_job(kind: str, wire: type, tmp_path: Path) -> None:
    with served() as servers:

        def remote() -> OpenProbe:
            servers.append(Served())
            return open_probe(find_probe(f"remote:localhost:{servers[0].port}"))

        with probe_bench("half-on", kind, tmp_path, switched=False, with_card=False, opener=remote) as bench:
            assert isinstance(bench.opened.wire, wire)
            found = bench.session.run("job.until", "diagnosis")
    assert found["error"] is None
    assert found["diagnosis"]["cause"] == "start-erased"
    assert found["diagnosis"]["ends_as"] == "EXAMINED"
    assert "power" in found["evidence"]["unseen"]


def test_a_bare_probe_behind_pyocds_server_cures_and_does_not_say_proven(tmp_path: Path) -> None:
    with served() as servers:

        def remote() -> OpenProbe:
            servers.append(Served())
            return open_probe(find_probe(f"remote:localhost:{servers[0].port}"))

        with probe_bench("half-on", "cmsisdap-fast", tmp_path, switched=False, opener=remote) as bench:
            record = bench.session.run("job.run")
    assert record["diagnosis"]["cause"] == "update-cut"
    assert record["outcome"] == "VERIFIED_UNPROVEN"
