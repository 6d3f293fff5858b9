"""sigrok's SWD decoder reads the waveform of the agent's own traffic and finds nothing malformed in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from bmsrescue.twin.vcd import VcdRecorder
from openocd_judge import run_program
from third_party.conftest import need

RECORDED_CYCLES = 150_000
TRANSFER_CYCLES = 46


class PulledPlug:
    """The helper's SWD plug: recorded for so many cycles, and then pulled, so that the run ends soon."""

    def __init__(self, unit: Unit, recorder: VcdRecorder) -> None:
        self._unit = unit
        self._recorder = recorder
        self._left = RECORDED_CYCLES
        self.pulled_at: dict[str, int] | None = None
        """Transfers answered OK until then."""

    @property
    def frequency_hz(self) -> int:
        return self._recorder.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._recorder.frequency_hz = hz

    def _in(self, count: int) -> bool:
        self._left -= count
        if self._left < 0 and self.pulled_at is None:
            self.pulled_at = dict(self._unit.chip.counters.transfers)
        return self.pulled_at is None

    def clock_out(self, value: int, count: int) -> None:
        if self._in(count):
            self._recorder.clock_out(value, count)
        else:
            self._unit.clock.advance(count * 1_000)

    def clock_in(self, count: int) -> int:
        if self._in(count):
            return self._recorder.clock_in(count)
        self._unit.clock.advance(count * 1_000)
        return (1 << count) - 1


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The start of the agent's rescue of a half-on unit as VCD, and the transfers that the chip answered OK in it."""
    path = tmp_path_factory.mktemp("vcd") / "rescue.vcd"
    unit = build_unit(find("half-on"))
    with path.open("w", encoding="ascii") as stream:
        plug = PulledPlug(unit, VcdRecorder(unit.swd, unit.clock, stream))
        VirtualHelper(unit, wire_over(plug), default_card()).run()
    assert plug.pulled_at is not None
    return path, plug.pulled_at


@pytest.fixture(scope="module")
def decoded(recording: tuple[Path, dict[str, int]]) -> list[str]:
    """The decoder's annotations, in order."""
    command = [need("sigrok-cli"), "-I", "vcd", "-i", str(recording[0]), "-P", "swd:swclk=SWCLK:swdio=SWDIO"]
    return [line.removeprefix("swd-1: ") for line in run_program(command).stdout.splitlines()]


def test_it_finds_the_switch_to_swd_and_the_chips_identity(decoded: list[str]) -> None:
    assert "JTAG->SWD" in decoded
    first_answered = decoded.index("OK")
    assert decoded[first_answered - 1 : first_answered + 2] == ["IDCODE", "OK", "0x6ba02477"]


def test_it_finds_no_malformed_transfer(decoded: list[str]) -> None:
    counts = Counter(decoded)
    # Two digits in place of a value mean a parity error. One request goes unanswered: the first, in JTAG mode.
    assert not {"ERROR", "01", "10", "FAULT", "WAIT"} & counts.keys()
    assert counts["NOREPLY"] == 1
    for index, text in enumerate(decoded):
        if text == "OK" and index + 1 < len(decoded):
            assert decoded[index + 1].startswith("0x"), decoded[index - 1 : index + 3]


def test_it_finds_every_transfer_that_the_chip_answered(
    decoded: list[str], recording: tuple[Path, dict[str, int]]
) -> None:
    answered = sum(recording[1].values())
    assert answered > RECORDED_CYCLES // TRANSFER_CYCLES // 2
    # The plug may have been pulled between an acknowledge and its data.
    assert abs(decoded.count("OK") - answered) <= 1


def test_it_reads_the_values_that_were_sent(decoded: list[str]) -> None:
    power_up = decoded.index("W CTRL/STAT")
    assert decoded[power_up : power_up + 3] == ["W CTRL/STAT", "OK", "0x50000000"]
    assert "0x84770001" in decoded  # AP0's identity
