"""The story of a run, told in a plain pipe."""

import io

from rich.console import Console

from bmsrescue.cli.render.story import Story


def told(*events: tuple[int, str, dict[str, object]]) -> list[str]:
    stream = io.StringIO()
    story = Story(Console(file=stream, width=120, highlight=False))
    for at_ms, name, data in events:
        story.event(at_ms, name, data)
    text = stream.getvalue()
    assert "\x1b" not in text and "\r" not in text
    return [line.rstrip() for line in text.splitlines()]


def step(name: str, index: int) -> dict[str, object]:
    return {"name": name, "index": index, "count": 14}


def progress(done: int) -> dict[str, object]:
    return {"step": "backup", "what": "backup", "done": done, "total": 1 << 20, "unit": "bytes"}


def test_a_step_has_its_time_its_number_and_a_title() -> None:
    lines = told((800, "step", step("job", 0)), (3300, "step", step("connect", 4)))
    assert lines[1] == "   2.50 s  5/14 connect over SWD"


def test_progress_says_how_much_and_how_long_in_quarters_when_nobody_watches_live() -> None:
    lines = told(*((1000 + done * 100, "progress", progress(done << 15)) for done in range(33)))
    assert len(lines) == 4
    assert lines[-1].endswith("100 %  1,024 of 1,024 KiB  3.2 s")


def test_a_bar_is_full_when_its_step_ended_well_and_only_then() -> None:
    ended = {"name": "backup", "ms": 500}
    lines = told((0, "progress", progress(1 << 19)), (900, "step-end", {**ended, "outcome": "ok"}))
    assert lines[-1].endswith("100 %  1,024 of 1,024 KiB  0.9 s")
    lines = told((0, "progress", progress(1 << 19)), (900, "step-end", {**ended, "outcome": "no_ack"}))
    assert "50 %" in lines[0] and "stopped: no_ack" in lines[-1]


def test_rails_that_moved_are_drawn_when_their_step_ends() -> None:
    def rails(mv: int) -> dict[str, object]:
        return {"rails": {"v12": {"mv": mv, "min_mv": mv, "max_mv": mv}}, "on": True, "ma": 40}

    ended = {"name": "energise", "ms": 500, "outcome": "ok"}
    lines = told(
        (0, "rails", rails(0)), (250, "rails", rails(6000)), (500, "rails", rails(12000)), (500, "step-end", ended)
    )
    assert "12 V" in lines[0] and lines[0].endswith("12.00 V") and "█" in lines[0]
    assert "0.26 s" in lines[1], "the quiet time in front is left out"
    assert told((0, "rails", rails(12000)), (500, "rails", rails(12050)), (500, "step-end", ended)) == []


def test_a_diagnosis_comes_with_its_evidence_and_the_next_step() -> None:
    lines = told(
        (
            0,
            "diagnosis",
            {
                "cause": "update-cut",
                "confidence": "certain",
                "sentence": "The update was cut.",
                "evidence": ["sector 0 is blank"],
                "next_step": "program it",
            },
        )
    )
    assert [line.strip() for line in lines] == [
        "The update was cut.  (update-cut, certain)",
        "- sector 0 is blank",
        "next: program it",
    ]


def test_what_the_story_does_not_know_is_left_out() -> None:
    assert told((0, "something-new", {"a": 1})) == []
