"""`make fuzz-page` adds runs to the table of docs/security.md, each of them once."""

from __future__ import annotations

import json
from pathlib import Path

from fuzzing.summary import BEGIN, END, PAGE, add, rows_of, table


def test_hours_add_up_over_runs_and_none_is_added_twice(tmp_path: Path) -> None:
    page, log = tmp_path / "page.md", tmp_path / "fuzz.jsonl"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    run = {
        "target": "jobs",
        "guided": True,
        "processor_s": 1800,
        "inputs": 2000,
        "covered": 9,
        "kept": 4,
        "find": False,
    }
    by_chance = run | {"guided": False}
    for _ in range(2):
        log.write_text(json.dumps(run) + "\n" + json.dumps(by_chance) + "\n", encoding="utf-8")
        add(log, page)
        assert not log.exists()
    text = page.read_text(encoding="utf-8")
    assert "| jobs | 60 | 4,000 | 9 | 4 | 0 |" in text
    assert text.startswith("before\n") and text.endswith("after\n")


def test_the_table_on_the_page_is_read_as_it_was_made() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert "\n".join(table(rows_of(text), [])) == text.strip()
