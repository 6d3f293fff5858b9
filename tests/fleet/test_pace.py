"""Progress over the whole job, and about how long it still takes."""

from bmsrescue.fleet.stations.pace import JobPace, Pace


def run(pace: Pace, course: list[str], steps: list[tuple[str, float]]) -> JobPace:
    """A whole job: each step with its seconds."""
    now = 0.0
    job = JobPace(pace, course, now)
    for step, seconds in steps:
        job.at(step, now)
        now += seconds
    job.at(None, now)
    return job


def test_the_first_job_tells_nothing_and_the_next_one_what_is_left() -> None:
    pace, course = Pace(), []
    first = JobPace(pace, course, 0.0)
    first.at("backup", 0.0)
    assert first.told(5.0) == {"left_s": None, "share": None}
    run(pace, course, [("backup", 10.0), ("act", 20.0), ("proof", 30.0)])
    job = JobPace(pace, course, 100.0)
    job.at("backup", 100.0)
    # 4 of 10 s are over: 6 + 20 + 30 s are left, said as 60.
    assert job.told(104.0) == {"left_s": 60, "share": round(4 / 60, 2)}
    job.at("act", 110.0)
    assert job.told(110.0) == {"left_s": 50, "share": round(10 / 60, 2)}
    assert job.told(150.0) == {"left_s": 30, "share": round(50 / 80, 2)}, "a step that takes longer has nothing left"


def test_the_newest_jobs_weigh_most_and_a_step_that_nobody_knows_is_not_guessed() -> None:
    pace, course = Pace(), []
    run(pace, course, [("act", 10.0)])
    run(pace, course, [("act", 20.0)])
    assert pace.left_s("act", 0.0, course) == 13.0  # 10 + 0.3 * 10
    assert pace.left_s("other", 0.0, course) is None
