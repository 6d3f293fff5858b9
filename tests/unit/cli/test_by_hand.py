"""What a person types who is asked to do something by hand."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bmsrescue.cli.helper.by_hand import AtTerminal, meaning
from rescuelink.errors import LinkError


@pytest.mark.parametrize(
    ("typed", "is_meter", "sent"),
    [
        ("", False, "done"),
        (" Done ", False, "done"),
        ("no", False, "cannot"),
        ("I cannot", True, "cannot"),
        ("what?", False, None),
        ("3.28", True, "3280"),
        ("3,28 V", True, "3280"),
        ("3280 mV", True, "3280"),
        ("0", True, "0"),
        ("", True, None),
        ("500", True, None),  # volts: nothing here has so many
        ("-3", True, None),
    ],
)
def test_a_line_means_what_a_person_would_mean(typed: str, is_meter: bool, sent: str | None) -> None:
    assert meaning(typed, is_meter) == sent


class Session:
    def __init__(self, gone: bool = False) -> None:
        self.answers: list[tuple[int, str]] = []
        self.heard = threading.Event()
        self._gone = gone

    def answer(self, number: int, text: str) -> None:
        self.answers.append((number, text))
        self.heard.set()
        if self._gone:
            raise LinkError("lost", "the helper has gone")


def asked(lines: list[str], **data: Any) -> Session:
    session = Session(gone=bool(data.pop("gone", False)))
    terminal = AtTerminal(session, lambda _over: lines.pop(0) if lines else None)  # type: ignore[arg-type]
    terminal.event("ask", {"number": 7, "words": ["power"], "scope": "switch it off", **data})
    session.heard.wait(10)
    return session


def test_what_says_nothing_is_asked_again() -> None:
    assert asked(["hm", "done"]).answers == [(7, "done")]


def test_a_meter_is_read_in_volts() -> None:
    assert asked(["12.1"], words=["meter"]).answers == [(7, "12100")]


def test_a_helper_that_has_gone_meanwhile_is_no_fault_of_the_terminal() -> None:
    assert asked([""], gone=True).answers == [(7, "done")]


def test_an_event_that_is_no_question_is_left_alone() -> None:
    terminal = AtTerminal(Session(), lambda _over: pytest.fail("nobody was to be asked"))  # type: ignore[arg-type]
    for data in (None, {"words": ["wrp"], "by": "operator"}, {"number": True, "words": []}):
        terminal.event("ask", data)
