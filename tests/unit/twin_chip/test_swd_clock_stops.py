"""SWCLK that stops: eight idle cycles have to come first, so that the last transfer is clocked through (B4.1.1)."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.clock import VirtualClock
from swd_host import AHB_WORD_INC, CSW, DRW, DTCM, TAR, SwdHost

WORD = 0x5EED_CAFE
TOO_SOON = "clock stopped too soon"
PAUSE_NS = 1_000_000


class Pauses:
    """A debugger on a chip, whose clock stands still when it is told."""

    def __init__(self, config: ChipConfig, hz: int = 4_000_000) -> None:
        self.clock = VirtualClock()
        self.chip = Stm32H7(self.clock, seed=1, config=config)
        self.chip.set_vdd_mv(3300)
        self.clock.advance(20_000_000)
        self.chip.swd.frequency_hz = hz
        self.host = SwdHost(self.chip.swd)
        self.host.connect()
        self.host.write32(DTCM, 0)
        self.host.idle()

    def pause(self) -> None:
        self.clock.advance(PAUSE_NS)

    @property
    def too_soon(self) -> int:
        return self.chip.counters.violation_counts[TOO_SOON]


def post(bench: Pauses, idle: int) -> int:
    """A posted write, so many idle cycles and a pause; what the word is afterwards."""
    host = bench.host
    host.write(1, CSW, AHB_WORD_INC)
    host.write(1, TAR, DTCM)
    host.write(1, DRW, WORD)
    if idle:
        host.idle(idle)
    bench.pause()
    value = host.read32(DTCM)
    host.idle()
    return value


@pytest.mark.parametrize("hz", [4_000_000, 1_000_000, 3_000_000])
@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize(("idle", "clean"), [(0, False), (4, False), (7, False), (8, True), (20, True)])
def test_a_posted_write_is_lost_only_where_the_clock_stops_too_soon_and_the_switch_says_so(
    hz: int, loses: bool, idle: int, clean: bool
) -> None:
    bench = Pauses(ChipConfig(stopped_clock_loses_write=loses), hz)
    assert post(bench, idle) == (0 if loses and not clean else WORD)
    assert bench.too_soon == (0 if clean else 1)


def test_a_read_wants_its_idle_cycles_too() -> None:
    bench = Pauses(ChipConfig())
    bench.host.read32(DTCM)
    bench.pause()
    bench.host.idle()
    assert bench.too_soon == 1


def test_idle_cycles_bit_by_bit_are_the_same() -> None:
    bench = Pauses(ChipConfig(stopped_clock_loses_write=True))
    bench.host.write(1, TAR, DTCM)
    bench.host.write(1, DRW, WORD)
    for _ in range(8):
        bench.host.idle(1)
    bench.pause()
    assert bench.host.read32(DTCM) == WORD
    assert bench.too_soon == 0


def test_a_clock_that_goes_on_with_the_next_transfer_needs_none() -> None:
    bench = Pauses(ChipConfig(stopped_clock_loses_write=True))
    bench.host.write(1, TAR, DTCM)
    bench.host.write(1, DRW, WORD)
    assert bench.host.read32(DTCM) == WORD
    assert bench.too_soon == 0


@pytest.mark.parametrize(("pause_ns", "idle", "clean"), [(20_000, 0, True), (100_000, 7, False), (100_000, 8, True)])
def test_a_helper_that_keeps_time_itself_may_clock_slowly_but_not_stop(pause_ns: int, idle: int, clean: bool) -> None:
    bench = Pauses(ChipConfig())
    bench.chip.swd.frequency_hz = 1_000_000_000_000  # a cycle takes no time of its own: the emulated Pico's
    bench.host.write(1, TAR, DTCM)
    bench.host.write(1, DRW, WORD)
    if idle:
        bench.host.idle(idle)
    bench.clock.advance(pause_ns)
    assert bench.host.read32(DTCM) == WORD
    assert bench.too_soon == (0 if clean else 1)
