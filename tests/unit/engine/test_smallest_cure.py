"""The plan: the least that cures the unit, in an order that may be cut at any point."""

from typing import Any

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.plan.smallest_cure import make_plan  # noqa: E402
from rescuelink.job import Job, default_job, validate  # noqa: E402

SECTOR = 0x20000
BASE = 0x08000000


def job_of(length: int = 3 * SECTOR, mode: str = "repair", consent: tuple[str, ...] = ()) -> Job:
    document = default_job("a.bin", "0" * 64, [{"address": BASE, "length": length, "offset": 0, "sha256": "0" * 64}])
    document["policy"] = {"mode": mode, "consent": list(consent)}
    return validate(document)


def sector_map(*states: str, job: Job) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "address": BASE + index * SECTOR,
            "size": SECTOR,
            "state": state,
            "owned": job.owns(BASE + index * SECTOR, SECTOR),
            "torn": [],
        }
        for index, state in enumerate(states)
    ]


def steps_of(*states: str, **policy: Any) -> list[tuple[int, bool]]:
    job = job_of(**policy)
    return [(step["sector"], step["erase"]) for step in make_plan(sector_map(*states, job=job), job)["steps"]]


def test_sectors_that_match_are_left_alone() -> None:
    assert steps_of("match", "torn", "match", "unknown") == [(1, True)]


def test_blank_sectors_are_written_without_an_erase() -> None:
    assert steps_of("match", "blank", "blank", "unknown") == [(1, False), (2, False)]


def test_the_boot_sector_comes_last() -> None:
    assert steps_of("differs", "torn", "blank", "unknown") == [(1, True), (2, False), (0, True)]


def test_a_whole_image_leaves_nothing_to_do() -> None:
    job = job_of()
    plan = make_plan(sector_map("match", "match", "match", "unknown", job=job), job)
    assert plan["steps"] == []
    assert plan["lines"] == ["nothing to write"]


def test_a_rewrite_erases_what_matches_too_but_nobody_elses_sectors() -> None:
    assert steps_of("match", "match", "blank", "unknown", mode="rewrite") == [(1, True), (2, False), (0, True)]


def test_a_torn_sector_of_somebody_else_needs_consent_for_that_sector() -> None:
    assert steps_of("match", "match", "match", "torn") == []
    assert steps_of("match", "match", "match", "torn", consent=("sector:3",)) == [(3, True)]


def test_a_sector_the_last_run_was_cut_in_is_erased_even_if_it_reads_blank() -> None:
    job = job_of()
    plan = make_plan(sector_map("match", "blank", "match", job=job), job, dirty=(1,))
    assert plan["steps"][0]["erase"]


def test_the_plan_reads_as_a_person_would_say_it() -> None:
    job = job_of()
    lines = make_plan(sector_map("differs", "torn", "match", "unknown", job=job), job)["lines"]
    assert lines == [
        "erase sector 0 first: it holds the vector table",
        "erase and write sector 1 (torn)",
        "erase and write sector 0 (differs)",
        "write the first flash word at 0x08000000 last",
        "leave sector(s) 2, 3 as they are",
    ]
