"""A card whose records and journals somebody made up: it costs that card's use, and nothing of the helper's own."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.card.fat import make_image
from bmsrescue.fleet.records.reading import read_line
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, default_card_files
from bmsrescue.twin.scenarios import find
from lost_chains import lose_chain
from rescuelink.seal import seal
from sealed_records import chain, sample

_RECORDS = "records/records.jsonl"
_UID = sample()["unit"]["uid"]
_JOURNAL = f"journal-{_UID}.jsonl"
MIB = 1024 * 1024


def press(card: bytearray) -> dict[str, Any]:
    result = TwinRig(find("half-on"), card).run()
    assert result.how == ENDED, result.output
    assert result.record is not None
    return result.record


def with_file(name: str, data: bytes) -> bytearray:
    return make_image({**default_card_files(), name: data})


@pytest.mark.parametrize("name", [b'"' + b"x" * 8000 + b'"', b"[" * 2000 + b"]" * 2000, b"9" * 8000])
def test_a_job_of_any_name_ends_no_helper_that_waits(name: bytes) -> None:
    """The idle screen says what is on the card: it did so, and was started anew by the watchdog, for ever."""
    card = with_file("job.json", b'{"name": ' + name + b"}")
    result = TwinRig(find("half-on"), card, presses=(Press(after_ms=4000),)).run()
    assert result.how == ENDED, result.output
    assert result.record is not None
    assert result.record["error"]["kind"] == "job"


@pytest.mark.parametrize("number", [2**53, 10**40])
def test_no_card_makes_a_helper_count_on_to_where_nobody_counts(number: int) -> None:
    """The number goes into the helper's own flash: each later record, on whatever card, would be set aside."""
    line = seal(sample() | {"sequence": number}, "")
    rig = TwinRig(find("half-on"), with_file(_RECORDS, line.encode() + b"\n"))
    assert rig.run().record is not None
    rig.helper._card = make_image(default_card_files())
    record = rig.helper.run().record
    assert record is not None
    assert record["sequence"] == 2
    assert read_line(seal(record, "")).sequence == 2


def test_a_helper_counts_on_from_another_ones_card() -> None:
    line = seal(sample() | {"sequence": 999_999_999}, "")
    assert press(with_file(_RECORDS, line.encode() + b"\n"))["sequence"] == 1_000_000_000


def test_records_without_end_are_no_reason_to_look_for_their_end() -> None:
    record = press(with_file(_RECORDS, b"x" * (8 * MIB)))
    assert (record["outcome"], record["record_saved"], record["sequence"]) == ("RECOVERED", True, 1)


def test_names_without_end_are_not_looked_through() -> None:
    files = {f"records/records-aside-{number}.jsonl": b"." for number in range(1, 400)}
    lines = "\n".join(chain("pocket-1", 12)).encode() + b"\n"
    card = make_image({**default_card_files(), **files, _RECORDS: lines})
    assert lose_chain(card, _RECORDS)
    record = press(card)
    assert (record["unit_outcome"], record["record_saved"]) == ("RECOVERED", False)
    assert "Replace the card" in record["next_step"]


@pytest.mark.parametrize("line", [b"\n", seal({"event": "begin", "n": 1}, "").encode() + b"\n"])
def test_a_journal_without_end_is_told_with_what_to_do(line: bytes) -> None:
    record = press(with_file(_JOURNAL, line * (2 * MIB // len(line))))
    assert (record["outcome"], record["error"]["kind"]) == ("TOOL_ERROR", "journal")
    assert "remove journal-UID.jsonl" in record["next_step"]


MADE_UP: dict[str, dict[str, Any]] = {
    "no event": {"uid": _UID, "sector": 1},
    "a sector that is none": {"event": "erase", "uid": _UID, "sector": "x"},
    "a backup that is none": {"event": "erase", "uid": _UID, "sector": 1, "backup": "x"},
    "a backup without a name": {"event": "erase", "uid": _UID, "sector": 1, "backup": {"file": 5}},
    "option bytes that are none": {"event": "options", "uid": _UID, "restore": True, "before": {"optsr": "x"}},
}


def test_a_sealed_journal_that_makes_no_sense_is_none() -> None:
    lines = "".join(seal(record, "") + "\n" for record in MADE_UP.values())
    record = press(with_file(_JOURNAL, lines.encode()))
    assert (record["outcome"], record["resumed"]) == ("RECOVERED", None)
