"""Each broken unit is run once, for all tests that look at that run; and the command, on a healthy unit."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue import cli
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button
from helper_command import Run, Said, started_helper
from link_twin import WatchedTwin


@pytest.fixture(scope="session")
def scenario_run() -> Callable[[str], DongleRun]:
    """The run of a scenario with the default card and seed 0, made once."""
    made: dict[str, DongleRun] = {}

    def run(name: str) -> DongleRun:
        if name not in made:
            card = card_for(find(name))
            run = made[name] = press_button(TwinRig(find(name), card), card)
            # Its files were read: sixty cards of 32 MiB are not kept.
            run.bench.helper._card = None
            run.result = replace(run.result, card=None)
        return made[name]

    return run


@pytest.fixture
def bmsrescue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process, with a data folder of its own and nobody at the keyboard."""
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("BMSRESCUE_TRACEBACK", "1")
    monkeypatch.chdir(tmp_path)

    def run(*words: object, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["bmsrescue", *(str(word) for word in words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capfd.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 0
        out, errors = capfd.readouterr()
        return Said(status, out, errors)

    return run


@pytest.fixture(scope="module")
def healthy() -> Iterator[WatchedTwin]:
    with started_helper("healthy") as twin:
        yield twin
