"""What several tests of the chip look at."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.swd.port import SwdPort


@pytest.fixture
def taken_in_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many words each write of a block took as a run, from now on."""
    taken: list[int] = []
    as_run = SwdPort.write_run

    def noted(port: SwdPort, request: int, data: bytes) -> int:
        taken.append(as_run(port, request, data))
        return taken[-1]

    monkeypatch.setattr(SwdPort, "write_run", noted)
    return taken
