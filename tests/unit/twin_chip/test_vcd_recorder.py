"""The waveform is what was on the wire."""

from __future__ import annotations

import io
import itertools

from bmsrescue.twin.vcd import VcdRecorder
from swd_host import SwdHost, make_chip


def bits_at_rising_edges(text: str) -> tuple[list[int], list[int]]:
    """SWDIO at each rising edge of SWCLK, and the times of those edges."""
    bits, times, level, now, previous = [], [], 1, 0, -1
    for line in text.splitlines():
        if line.startswith("#"):
            now = int(line[1:])
            assert now > previous
            previous = now
        elif line in ('0"', '1"'):
            level = int(line[0])
        elif line == "1!":
            bits.append(level)
            times.append(now)
    return bits, times


def test_each_cycle_is_recorded_with_the_level_both_sides_sampled():
    chip = make_chip()
    chip.swd.frequency_hz = 1_000_000
    stream = io.StringIO()
    recorder = VcdRecorder(chip.swd, chip.clock, stream)
    host = SwdHost(recorder)
    host.jtag_to_swd()
    cycles = chip.counters.swclk_cycles
    value = host.read(0, 0)
    bits, times = bits_at_rising_edges(stream.getvalue())
    assert len(bits) == cycles + 46
    transfer = bits[cycles:]
    assert transfer[:8] == [1, 0, 1, 0, 0, 1, 0, 1]
    assert transfer[9:12] == [1, 0, 0]
    assert sum(bit << n for n, bit in enumerate(transfer[12:44])) == value
    assert {after - before for before, after in itertools.pairwise(times)} == {100}


def test_other_signals_are_written_in_order_of_time():
    chip = make_chip()
    stream = io.StringIO()
    recorder = VcdRecorder(chip.swd, chip.clock, stream, digital=("NRST",), analog=("v3v3",))
    chip.clock.after(5_000, lambda: recorder.set_digital("NRST", False))
    recorder.set_analog("v3v3", 3.3)
    recorder.clock_out(0, 100)
    text = stream.getvalue()
    assert "$var wire 1 # NRST $end" in text
    assert "r3.3 $" in text
    bits_at_rising_edges(text)
    assert "0#" in text
