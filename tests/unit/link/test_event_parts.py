"""An event larger than a frame arrives whole, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmsrescue.link.event_parts import EventParts

LINES = [f"line {number}" for number in range(100)]


def parts_of(name: str, data: Any, size: int = 100) -> list[list[Any]]:
    text = json.dumps([name, data]).encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [[index, index == len(pieces) - 1, piece] for index, piece in enumerate(pieces)]


def told(parts: list[Any]) -> list[tuple[str, Any]]:
    assembly = EventParts()
    return [event for event in map(assembly.add, parts) if event is not None]


@given(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=40), st.integers(1, 300))
def test_an_event_in_parts_is_the_event(name: str, data: list[str], size: int) -> None:
    assert told(parts_of(name, data, size)) == [(name, data)]


@given(st.data())
def test_a_missing_part_costs_its_event_and_not_the_next(data: st.DataObject) -> None:
    first = parts_of("record", LINES)
    lost = data.draw(st.integers(0, len(first) - 1))
    second = parts_of("plan", {"lines": LINES})
    assert told([*first[:lost], *first[lost + 1 :], *second]) == [("plan", {"lines": LINES})]


@pytest.mark.parametrize(
    "noise", [None, [], [0, True], ["0", True, b""], [0, True, "text"], [0, True, b"{"], [0, True, b"5"]]
)
def test_what_is_no_part_is_passed_over(noise: object) -> None:
    assert told([noise, *parts_of("plan", 1)]) == [("plan", 1)]


def test_parts_without_end_are_not_collected_for_ever() -> None:
    assembly = EventParts()
    for index in range(3_000):
        assert assembly.add([index, False, bytes(1_000)]) is None
    assert len(assembly._data) < 2_000_000
