"""docs/few-parts.md has a row for every broken unit, and says of those that are cured by hand that they are."""

from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue.twin.few_parts_page import TABLES, of_firmware, rows, with_tables
from bmsrescue.twin.scenarios import all_scenarios

TEXT = (Path(__file__).parents[3] / "docs" / "few-parts.md").read_text(encoding="utf-8")
MAKE_IT = "run: python -m bmsrescue.twin.few_parts_page docs/few-parts.md"


def test_every_broken_unit_is_there() -> None:
    for table, units in (("no job", all_scenarios()), ("by hand", of_firmware())):
        there, asked = set(rows(TEXT, table)), {scenario.name for scenario in units}
        assert there == asked, f"{MAKE_IT} {' '.join(sorted(asked ^ there))}"


def test_what_is_not_run_again_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, table in TABLES.items():
        there = [scenario for scenario in table.units() if scenario.name in rows(TEXT, name)]
        monkeypatch.setitem(TABLES, name, replace(table, units=there.copy))
    assert with_tables(TEXT, only=["none of them"]) == TEXT


def test_with_a_person_at_the_switch_every_unit_of_firmware_is_cured_and_something_was_seen_to_fall() -> None:
    found = rows(TEXT, "by hand")
    for scenario in of_firmware():
        assert scenario.name in found, f"{MAKE_IT} {scenario.name}"
        _cause, _asked, seen, outcome, _time = found[scenario.name]
        assert outcome == scenario.expected_outcome, scenario.name
        assert "v3v3 below 300 mV" in seen, scenario.name


def test_nothing_is_called_in_order_or_recovered_without_a_job() -> None:
    outcomes = {row[2] for row in rows(TEXT, "no job").values()}
    assert outcomes <= {"EXAMINED", "NOT_FIRMWARE", "CHECK_WIRES", "LOCKED", "UNSAFE", "WRONG_TARGET"}
