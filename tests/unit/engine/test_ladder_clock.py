"""The clock that the ladder takes for a helper's own is the one of a job that names none."""

from bmsrescue.agent.files import make_importable
from rescuelink.limits import default_limits

make_importable()

from rescue.engine.unit import ladder  # noqa: E402


def test_a_job_without_a_clock_means_the_helpers() -> None:
    assert default_limits().swd_hz == ladder._HELPERS_HZ
