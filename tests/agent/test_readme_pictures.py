"""The first page's pictures are what the agent draws and the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmsrescue.cli.twin import readme_pictures

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def test_the_dongle_shows_what_the_agent_draws() -> None:
    kept = (PICTURES / "dongle.svg").read_text(encoding="utf-8")
    assert kept == readme_pictures.dongle(), "make screens, and look at them"


def test_the_terminal_shows_what_the_demo_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the test runs in."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("TERM", "dumb")
    lines = readme_pictures.demo_lines()
    assert max(len(line) for line in lines) <= readme_pictures.COLUMNS
    kept = (PICTURES / "terminal.svg").read_text(encoding="utf-8")
    assert kept == readme_pictures.terminal(lines), "make screens, and look at them"
