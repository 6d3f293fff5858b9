"""docs/troubleshooting.md is made from the words that are shown, and leaves none of them out."""

from __future__ import annotations

from bmsrescue.board.troubleshooting_page import errors_of, page
from repository import ROOT
from rescuelink import diagnoses, outcomes

TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MAKE_IT = "run: python -m bmsrescue.board.troubleshooting_page docs/troubleshooting.md"


def test_the_page_is_made_from_the_words_of_today() -> None:
    assert page(ROOT) == TEXT, MAKE_IT


def test_every_cause_and_every_outcome_has_its_row() -> None:
    assert all(f'<a id="{cause.name}"></a>' in TEXT or f"| {cause.name} |" in TEXT for cause in diagnoses.all_causes())
    assert all(f"| {name.replace('_', ' ')} |" in TEXT for name in outcomes.OUTCOMES)


def test_an_error_is_found_with_what_to_do() -> None:
    source = 'raise PowerError("no_vtref", "3.3 V is %d mV" % mv, next_step="look at it")\nraise ValueError("no")\n'
    assert list(errors_of(source)) == [("no_vtref", "3.3 V is *...* mV", "look at it")]


def test_the_errors_of_a_helper_that_cannot_switch_are_among_them() -> None:
    assert "`no_switch`" in TEXT and "`no_discharge`" in TEXT
