"""Whoever tries out passwords has to wait; whoever knows theirs does not."""

from __future__ import annotations

import pytest

from bmsrescue.fleet.accounts import AccessError
from bmsrescue.fleet.web.login_limit import WAIT_S, WRONG_TRIES, LoginLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> LoginLimit:
    return LoginLimit(clock)


def wrong(limit: LoginLimit, times: int) -> None:
    for _ in range(times):
        limit.check("eva", "here")
        limit.wrong("eva", "here")


def test_after_some_wrong_passwords_one_has_to_wait(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES)
    with pytest.raises(AccessError) as slow:
        limit.check("eva", "here")
    assert (slow.value.kind, slow.value.next_step) == ("slow", "Try again in 60 seconds.")
    clock.now += WAIT_S + 1
    limit.check("eva", "here")


def test_a_try_that_has_to_wait_makes_nobody_wait_longer(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES)
    for _ in range(10):
        clock.now += 1
        with pytest.raises(AccessError):
            limit.check("eva", "here")
    clock.now += WAIT_S - 9
    limit.check("eva", "here")


def test_others_and_other_places_do_not_wait(limit: LoginLimit) -> None:
    wrong(limit, WRONG_TRIES)
    limit.check("otto", "here")
    limit.check("eva", "elsewhere")


def test_a_right_password_and_a_pause_make_good_for_wrong_ones(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES - 1)
    limit.right("eva", "here")
    wrong(limit, WRONG_TRIES - 1)
    clock.now += WAIT_S + 1
    wrong(limit, WRONG_TRIES - 1)
    limit.check("eva", "here")


def test_many_names_take_no_memory_without_end(limit: LoginLimit) -> None:
    wrong(limit, WRONG_TRIES)
    for number in range(1000):
        limit.wrong(f"nobody{number}", "here")
    limit.check("eva", "here")
