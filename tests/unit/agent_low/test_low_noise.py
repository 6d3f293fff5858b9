"""A line with steady noise: work goes on or stops with an error that says why; it never ends well with wrong flash."""

import hashlib
import random

import pytest
from low_chip import ALL_SECTORS, FLASH, Bench

from rescuelink.errors import RescueError

NEW = random.Random(9).randbytes(4096)


def noisy(bench: Bench, one_in: int, seed: int) -> None:
    """One bit of one field in `one_in` is turned over, whichever side drives it."""
    rng = random.Random(seed)

    def spoil(_direction: str, value: int, count: int) -> int:
        if rng.randrange(one_in):
            return value
        return value ^ 1 << rng.randrange(count)

    bench.bits.spoil = spoil


def recover(bench: Bench) -> None:
    h7 = bench.h7()
    h7.flash.unlock()
    h7.flash.erase(0, ALL_SECTORS)
    h7.flash.program(FLASH, NEW, ALL_SECTORS, erased=True)
    back = bytearray(len(NEW))
    torn = h7.flash.read(FLASH, back)
    assert torn == []
    assert back == NEW
    by_core = h7.digest.sha256(FLASH, len(NEW))
    assert by_core in (None, hashlib.sha256(NEW).digest())


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_field_in_three_thousand_does_not_stop_a_recovery(seed: int) -> None:
    bench = Bench()
    noisy(bench, 3000, seed)
    recover(bench)
    assert bench.chip.flash.snapshot()[: len(NEW)] == NEW


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("one_in", [10, 60, 300])
def test_under_any_noise_the_end_is_right_flash_or_an_error_with_a_reason(one_in: int, seed: int) -> None:
    bench = Bench()
    noisy(bench, one_in, seed)
    try:
        recover(bench)
    except RescueError as error:
        assert error.kind
        assert error.sentence()
    else:
        assert bench.chip.flash.snapshot()[: len(NEW)] == NEW
