"""Sealed lines: a changed, dropped or reordered record is found."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rescuelink.chain import damage, verify_chain
from rescuelink.seal import line_hash, seal


def chain_of(*records: dict[str, object]) -> list[str]:
    lines: list[str] = []
    for record in records:
        lines.append(seal(record, line_hash(lines[-1]) if lines else ""))
    return lines


THREE = chain_of({"unit": "A", "n": 1}, {"unit": "B", "n": 2}, {"unit": "C", "n": 3})


def test_an_untouched_chain_has_no_breaks() -> None:
    assert verify_chain(THREE, "") == []


def test_each_line_is_json_with_its_own_facts() -> None:
    assert [json.loads(line)["unit"] for line in THREE] == ["A", "B", "C"]


def test_an_altered_record_is_named() -> None:
    altered = [THREE[0], THREE[1].replace('"B"', '"X"'), THREE[2]]
    assert verify_chain(altered, "")[0] == (2, "checksum wrong")


def test_a_record_sealed_anew_after_a_change_breaks_the_next_link() -> None:
    forged = [THREE[0], seal({"unit": "X", "n": 2}, line_hash(THREE[0])), THREE[2]]
    assert verify_chain(forged, "") == [(3, "does not follow the line before")]


def test_a_dropped_record_is_found() -> None:
    assert verify_chain([THREE[0], THREE[2]], "") == [(2, "does not follow the line before")]


def test_swapped_records_are_found() -> None:
    assert verify_chain([THREE[0], THREE[2], THREE[1]], "")


def test_a_missing_beginning_is_found_only_where_the_whole_chain_is_claimed() -> None:
    assert verify_chain(THREE[1:], "") == [(1, "does not follow the line before")]
    assert verify_chain(THREE[1:]) == []


def test_a_line_cut_short_is_damaged() -> None:
    for length in range(len(THREE[0])):
        assert damage(THREE[0][:length])


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers()), max_size=5))
def test_any_record_survives_sealing(record: dict[str, object]) -> None:
    line = seal(record, "")
    assert damage(line) == ""
    stored = json.loads(line)
    kept = {key: value for key, value in record.items() if key not in ("previous", "crc32")}
    assert {key: stored[key] for key in kept} == kept
