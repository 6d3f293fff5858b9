"""docs/security.md claims nothing without a test that is there."""

from __future__ import annotations

import re

import pytest

from repository import ROOT

PAGE = ROOT / "docs" / "security.md"
CLAIM = re.compile(r"^\| (?P<tried>[^|]+) \| (?P<happens>[^|]+) \| (?P<held>[^|]+) \|$", re.M)
FIGURES = re.compile(r"<!-- fuzzers.*?end of the fuzzers -->", re.S)
LINK = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def claims(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(what is tried, the tests that hold it), of each row but the heads of the tables."""
    rows = [found for found in CLAIM.finditer(text) if found["tried"] not in ("what is tried", "---")]
    return [(row["tried"], LINK.findall(row["held"])) for row in rows]


def missing(text: str) -> list[str]:
    wrong = []
    for tried, held in claims(text):
        if not held:
            wrong.append(f"{tried}: no test")
        for place, name in held:
            path = ROOT / place
            if not path.is_file() or not re.search(rf"^ *def {name}\(", path.read_text(encoding="utf-8"), re.M):
                wrong.append(f"{tried}: {place}::{name}")
    return wrong


def test_each_claim_is_held_by_a_test_that_is_there() -> None:
    text = FIGURES.sub("", PAGE.read_text(encoding="utf-8"))
    assert not missing(text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what is tried")]
    assert len(claims(text)) == len(rows)


@pytest.mark.parametrize(
    "row",
    [
        "| a | b | nothing |",
        "| a | b | `tests/unit/docs/test_security_page.py::test_that_is_not_there` |",
        "| a | b | `tests/unit/docs/no_such_file.py::test_x` |",
    ],
)
def test_a_claim_without_one_is_found(row: str) -> None:
    assert len(missing(row)) == 1
