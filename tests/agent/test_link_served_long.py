"""A twin that is served for weeks keeps the newest of what was shown and told, not all of it."""

from __future__ import annotations

import pytest

from bmsrescue.twin import serial_twin
from bmsrescue.twin.helper.helper import RunResult
from link_twin import PATIENCE_S, Host, helper_on, wait_until


def test_only_the_newest_events_and_pictures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_twin, "_LOG_MOST", 5)
    with helper_on("healthy") as twin, Host(twin.url) as host:
        host.call("job.until", "plan", timeout_s=PATIENCE_S)
        host.call("helper.repl")
    run = twin.runs[0]
    told = len(twin.events)
    assert told > 5
    assert run.events == twin.events[told - 5 :]
    assert len(run.panel.leds) <= 5
    assert len(run.panel.screens) <= 5


def test_only_the_newest_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_twin, "_RUNS_KEPT", 2)
    ended: list[RunResult] = []
    with helper_on("healthy") as twin:
        for _ in range(4):
            with Host(twin.url) as host:
                host.call("helper.reset")
            wait_until(lambda: twin.runs and twin.runs[-1] not in ended)
            ended.append(twin.runs[-1])
        assert twin.runs == ended[-2:]
