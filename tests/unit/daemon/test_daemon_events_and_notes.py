"""Events are numbered without gaps for who keeps up, and notes survive the death of the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.job_notes import FILE_NAME, JobNotes


def test_events_are_numbered_from_one_and_kept_for_those_who_come_later() -> None:
    log = EventLog()
    for step in ("job", "sense", "energise"):
        log.add("one", "step", {"name": step})
    log.add("two", "rails", {})
    assert [event["number"] for event in log.after(0)] == [1, 2, 3, 4]
    assert [event["number"] for event in log.after(2)] == [3, 4]
    assert [event["number"] for event in log.after(0, "two")] == [4]
    assert log.after(4) == []
    assert log.after(99) == []


def test_who_comes_too_late_sees_it_by_a_gap_in_the_numbers() -> None:
    log = EventLog()
    for number in range(9000):
        log.add("one", "progress", number)
    newest = log.after(10)
    assert newest[0]["number"] > 11
    assert newest[-1]["number"] == 9000


def test_whoever_waits_is_woken_by_the_next_event() -> None:
    async def scenario() -> None:
        log = EventLog()
        waiting = [asyncio.create_task(log.wait_beyond(0)) for _ in range(3)]
        await asyncio.sleep(0)
        log.add("one", "step", None)
        await asyncio.wait_for(asyncio.gather(*waiting), 5)

    asyncio.run(scenario())


def test_a_killed_daemons_job_is_told_by_the_next_one_until_somebody_has_seen_it(tmp_path: Path) -> None:
    killed = JobNotes(tmp_path)
    killed.begin("one", "job.run", [False])
    killed.step("one", "act")
    after = JobNotes(tmp_path)
    assert after.interrupted["one"]["step"] == "act"
    # It is still told after one more restart, and no more once it has been seen.
    assert JobNotes(tmp_path).interrupted.keys() == {"one"}
    after.forget("one")
    assert JobNotes(tmp_path).interrupted == {}


def test_a_job_that_ended_leaves_no_note(tmp_path: Path) -> None:
    notes = JobNotes(tmp_path)
    notes.begin("one", "job.run", [False])
    notes.end("one")
    assert JobNotes(tmp_path).interrupted == {}


def test_a_damaged_note_does_not_keep_the_daemon_from_starting_but_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"running": {"one"')
    assert JobNotes(tmp_path).interrupted != {}
