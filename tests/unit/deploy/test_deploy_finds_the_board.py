"""Which port `bmsrescue deploy` takes when nobody names one."""

from __future__ import annotations

import pytest

from bmsrescue.cli import deploy
from bmsrescue.cli.exit_status import HELPER, USAGE, status_of
from bmsrescue.client.finding import Found
from bmsrescue.errors import UsageError
from rescuelink.errors import LinkError


def boards(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    found = [Found(url, url, "MicroPython on RP2040 or RP2350", usb=True) for url in urls]
    monkeypatch.setattr(deploy, "find_helpers", lambda config: found)


def test_the_only_board_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    boards(monkeypatch, "/dev/ttyACM3")
    assert deploy._the_only_helper() == "/dev/ttyACM3"


def test_without_a_board_a_person_hears_what_a_drive_means(monkeypatch: pytest.MonkeyPatch) -> None:
    boards(monkeypatch)
    with pytest.raises(LinkError, match="shows up as a drive") as caught:
        deploy._the_only_helper()
    assert status_of(caught.value) == HELPER


def test_several_boards_are_named_and_none_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    boards(monkeypatch, "/dev/ttyACM0", "/dev/ttyACM1")
    with pytest.raises(UsageError) as caught:
        deploy._the_only_helper()
    assert "/dev/ttyACM0" in caught.value.next_step
    assert "/dev/ttyACM1" in caught.value.next_step
    assert status_of(caught.value) == USAGE
