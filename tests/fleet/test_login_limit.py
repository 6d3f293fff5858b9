"""Whoever tries out passwords has to wait; whoever knows theirs does not."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.config import Config
from bmsrescue.fleet.accounts import ENGINEER, AccessError, Accounts
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.web.access import Access
from bmsrescue.fleet.web.login_limit import _MOST_KEPT as MOST
from bmsrescue.fleet.web.login_limit import WAIT_S, WRONG_FROM_ONE_PLACE, WRONG_TRIES, LoginLimit

PASSWORD = "correct horse battery"


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


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    fleet = Fleet(Config(), tmp_path)
    fleet.accounts.add("eva", ENGINEER, PASSWORD, "setup")
    yield fleet.accounts
    fleet.store.close()


def wrong(limit: LoginLimit, times: int) -> None:
    for _ in range(times):
        limit.begin("eva", "here")


def test_after_some_wrong_passwords_one_has_to_wait(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES)
    with pytest.raises(AccessError) as slow:
        limit.begin("eva", "here")
    assert (slow.value.kind, slow.value.next_step) == ("slow", "Try again in 60 seconds.")
    clock.now += WAIT_S + 1
    limit.begin("eva", "here")


def test_a_try_that_has_to_wait_makes_nobody_wait_longer(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES)
    for _ in range(10):
        clock.now += 1
        with pytest.raises(AccessError):
            limit.begin("eva", "here")
    clock.now += WAIT_S - 9
    limit.begin("eva", "here")


def test_others_and_other_places_do_not_wait(limit: LoginLimit) -> None:
    wrong(limit, WRONG_TRIES)
    limit.begin("otto", "here")
    limit.begin("eva", "elsewhere")


def test_a_right_password_and_a_pause_make_good_for_wrong_ones(limit: LoginLimit, clock: Clock) -> None:
    wrong(limit, WRONG_TRIES - 1)
    limit.right("eva", "here")
    wrong(limit, WRONG_TRIES - 1)
    clock.now += WAIT_S + 1
    wrong(limit, WRONG_TRIES - 1)
    limit.begin("eva", "here")


def test_many_names_take_no_memory_without_end(limit: LoginLimit) -> None:
    for number in range(3 * MOST):
        limit.begin("eva", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._by_account._tries) == len(limit._by_place._tries) == MOST
    assert sys.getsizeof(limit._by_account._tries) < 1_000_000


def test_one_place_may_not_try_account_after_account(limit: LoginLimit, clock: Clock) -> None:
    for number in range(WRONG_FROM_ONE_PLACE):
        limit.begin(f"nobody{number}", "192.0.2.7")
    with pytest.raises(AccessError, match="too many wrong passwords"):
        limit.begin("eva", "192.0.2.7")
    limit.begin("eva", "192.0.2.8")
    clock.now += WAIT_S + 1
    limit.begin("eva", "192.0.2.7")


@pytest.mark.parametrize("other", ["2001:db8::2", "2001:db8:0:0:ffff::9", "2001:0DB8::1"])
def test_who_has_an_ipv6_network_is_one_place(limit: LoginLimit, other: str) -> None:
    for _ in range(WRONG_TRIES):
        limit.begin("eva", "2001:db8::1")
    with pytest.raises(AccessError):
        limit.begin("eva", other)
    limit.begin("eva", "2001:db8:0:1::1")


def test_many_at_once_are_no_more_tries_than_one_after_the_other(accounts: Accounts) -> None:
    access = Access(accounts)
    told: list[str] = []

    def guess(number: int) -> None:
        try:
            access.log_in("eva", f"wrong password {number}", "192.0.2.7")
        except AccessError as error:
            told.append(error.message)

    guesses = [threading.Thread(target=guess, args=(number,)) for number in range(60)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert told.count("name or password is wrong") <= WRONG_TRIES
    assert len(told) == 60
    assert access.log_in("eva", PASSWORD, "192.0.2.8")


def test_passwords_are_looked_at_one_at_a_time_and_few_wait(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(accounts)
    looking, most, gate = [0], [0], threading.Event()

    def log_in(_name: str, _password: str) -> None:
        looking[0] += 1
        most[0] = max(most[0], looking[0])
        gate.wait(60)
        looking[0] -= 1
        raise AccessError("who", "name or password is wrong")

    monkeypatch.setattr(accounts, "log_in", log_in)
    told: queue.Queue[str] = queue.Queue()

    def guess(number: int) -> None:
        try:
            access.log_in("eva", "wrong password", f"10.0.0.{number}")
        except AccessError as error:
            told.put(error.message)

    guesses = [threading.Thread(target=guess, args=(number,)) for number in range(40)]
    for one in guesses:
        one.start()
    first = [told.get(timeout=60) for _ in range(36)]  # these are told without having waited for their turn
    assert set(first) == {"too many log in at the same time"}
    gate.set()
    for one in guesses:
        one.join()
    assert most == [1]
