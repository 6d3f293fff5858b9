"""The virtual helper gives the agent every port, on a real MicroPython with a small board's heap."""

from pathlib import Path

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import CRASHED, ENDED, POWER_CUT, TIME_EXPIRED, WATCHDOG, RunResult, VirtualHelper
from rescuelink.errors import WireError

SCRIPTS = Path(__file__).parent / "scripts"


class BenchOfFour:
    """A unit of which only the lines exist: 3.3 V follows the supply at once."""

    rail_names = ("bplus", "v12", "v5iso", "v3v3", "vcap")

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.powered = False
        self.nrst_level = True
        self.nrst_falls = 0
        self.boot0: bool | None = False
        self.pressed = False

    @property
    def supply_ma(self) -> int:
        return 40 if self.powered else 0

    def rail_mv(self, name: str) -> int:
        return 3300 if self.powered and name == "v3v3" else 0

    def set_power(self, on: bool) -> None:
        self.powered = on

    def set_boot0(self, level: bool | None) -> None:
        self.boot0 = level

    def set_nrst(self, low: bool) -> None:
        self.nrst_falls += low and self.nrst_level
        self.nrst_level = not low

    def press_button(self, pressed: bool) -> None:
        self.pressed = pressed


class MemoryWire:
    """A wire to a chip that remembers the last block and answers FAULT at DP register 8."""

    def __init__(self) -> None:
        self.frequency_hz = 0
        self.cycles = 0
        self.engaged = False
        self.written: dict[tuple[int, int], bytes] = {}

    def set_frequency(self, hz: int) -> None:
        self.frequency_hz = min(hz, 12_500_000)

    def engage(self) -> None:
        self.engaged = True

    def release(self) -> None:
        self.engaged = False

    def line_reset(self) -> None:
        self.cycles += 64

    def jtag_to_swd(self) -> None:
        self.cycles += 136

    def dormant_to_swd(self) -> None:
        self.cycles += 212

    def read(self, ap: int, a32: int) -> int:
        if (ap, a32) == (0, 8):
            raise WireError("fault", "the chip answered FAULT", done=3)
        return 0x6BA02477

    def write(self, ap: int, a32: int, value: int) -> None:
        self.written[ap, a32] = value.to_bytes(4, "little")

    def read_block(self, ap: int, a32: int, buf: bytearray) -> None:
        buf[:] = self.written[ap, a32]

    def write_block(self, ap: int, a32: int, buf: bytes) -> None:
        self.written[ap, a32] = buf

    def idle(self, cycles: int) -> None:
        self.cycles += cycles


class Bench:
    def __init__(self, tmp_path: Path) -> None:
        self.unit = BenchOfFour()
        self.wire = MemoryWire()
        self.card = make_image({"job.json": b'{"a": 1}'}, size=4 << 20)
        self.tmp_path = tmp_path
        self.options: dict[str, object] = {}

    def helper(self) -> VirtualHelper:
        return VirtualHelper(self.unit, self.wire, self.card, **self.options)  # type: ignore[arg-type]

    def run(self, source: str, helper: VirtualHelper | None = None) -> RunResult:
        script = self.tmp_path / "script.py"
        opening = "import json, sys, os, twin_ports\nports = twin_ports.open(json.load(open(sys.argv[1])))\n"
        script.write_text(opening + source)
        return (helper or self.helper()).run(script)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_port_works_on_a_real_micropython(bench: Bench) -> None:
    result = bench.helper().run(SCRIPTS / "probe_ports.py")

    assert (result.how, result.output) == (ENDED, "")
    (_at_ms, name, seen) = result.events[-1]
    assert name == "seen" and isinstance(seen, dict)
    assert seen["implementation"] == "micropython"
    assert seen["heap_free"] < 2 * 192 * 1024  # 192 KiB of 32-bit words, on a 64-bit interpreter
    assert 250 <= seen["slept_ms"] <= 251
    assert seen["start_mv"] < 10
    assert abs(seen["on_mv"] - 3300) < 10
    assert seen["capture"]["v12"][0] < 50
    assert abs(seen["capture"]["v3v3"][1] - 3300) < 10
    assert abs(seen["current_ma"] - 40) <= 1
    assert (seen["held"], seen["falls"], seen["falls_again"]) == (False, 1, 0)
    assert seen["frequency_hz"] == 4_000_000
    assert seen["read"] == 0x6BA02477
    assert bench.wire.written[1, 4] == b"\xff\xff\xff\xff"
    assert seen["block_matches"]
    assert seen["wire_error"] == ["fault", "the chip answered FAULT", 3]
    assert seen["job"] == '{"a": 1}'
    assert 3_000_000 < seen["free_bytes"] < 4 << 20
    assert seen["journal"] == "line\n"
    assert 180 <= seen["pressed_ms"] <= 220
    assert result.panel.screens[-1][1] == b"\x81" * 1024
    assert result.panel.leds[-1][1] == (0, 255, 0)
    assert result.panel.beeps[-1][1] == 400
    assert read_files(bench.card)["records/long name of a record.jsonl"] == b"{}\n" * 500
    assert not result.left_powered and not bench.unit.powered


def test_the_internal_flash_keeps_its_files_from_one_run_to_the_next(bench: Bench) -> None:
    helper = bench.helper()
    bench.run("with open('/flash/journal', 'w') as file: file.write('first')", helper)
    result = bench.run("ports.observer.event('journal', open('/flash/journal').read())", helper)
    assert result.events[-1][1:] == ("journal", "first")


def test_a_crash_shows_its_trace_and_leaves_the_unit_off(bench: Bench) -> None:
    result = bench.run("ports.lines.power(True)\nports.lines.boot0(True)\nraise ValueError('broken')")
    assert result.how == CRASHED
    assert "ValueError: broken" in result.output
    assert result.left_powered
    assert not bench.unit.powered and bench.unit.boot0 is None


def test_the_watchdog_bites_an_agent_that_stops_feeding_it(bench: Bench) -> None:
    result = bench.run("ports.lines.power(True)\nports.clock.feed()\nwhile True: ports.clock.sleep_us(1000)")
    assert result.how == WATCHDOG
    assert 8_388 <= result.virtual_ms < 8_500
    assert not bench.unit.powered


def test_a_sleep_keeps_the_watchdog_fed(bench: Bench) -> None:
    assert bench.run("ports.clock.feed()\nports.clock.sleep_ms(20000)").how == ENDED


def test_an_agent_that_never_ends_is_ended(bench: Bench) -> None:
    bench.options["wall_limit_s"] = 1.0
    assert bench.run("while True: pass").how == TIME_EXPIRED


def test_an_empty_slot_is_a_card_error_with_a_next_step(bench: Bench) -> None:
    bench.options, bench.card = {}, None  # type: ignore[assignment]
    result = bench.run(
        "try:\n    ports.card.mount()\nexcept twin_ports.CardError as error:\n"
        "    ports.observer.event('error', [error.kind, error.next_step])"
    )
    assert result.events[-1][2] == ["no_card", "put in a card with a job"]


def test_a_card_without_a_file_system_is_unreadable(bench: Bench) -> None:
    bench.card = bytearray(1 << 20)
    result = bench.run(
        "try:\n    ports.card.mount()\nexcept twin_ports.CardError as error:\n"
        "    ports.observer.event('error', error.kind)"
    )
    assert result.events[-1][2] == "unreadable"


def test_a_card_can_be_pulled_in_the_middle_of_a_write(bench: Bench) -> None:
    bench.options["faults"] = CardFaults(pull_at_write=3)
    result = bench.run(
        "ports.card.mount()\ntry:\n    with open('/sd/new', 'w') as f: f.write('x' * 20000)\n"
        "except OSError as error:\n    ports.observer.event('errno', error.errno)"
    )
    assert result.how == ENDED
    assert result.counters["card_blocks_written"] == 3
    assert result.events[-1][2] in (5, 123)


def test_a_power_cut_in_a_write_ends_the_helper_there_and_then(bench: Bench) -> None:
    bench.options["faults"] = CardFaults(cut_at_write=2)
    result = bench.run(
        "ports.lines.power(True)\nports.card.mount()\nopen('/sd/new', 'w').write('x' * 20000)\n"
        "ports.observer.event('never', 0)"
    )
    assert result.how == POWER_CUT
    assert result.events == []
    assert not bench.unit.powered
    assert read_files(bench.card)["job.json"] == b'{"a": 1}'


def test_clocking_swd_with_released_pins_is_a_fault_of_the_agent() -> None:
    from bmsrescue.twin.helper.rpc import Refused
    from bmsrescue.twin.helper.wire import wire_over

    class Pins:
        frequency_hz = 0

        def clock_out(self, value: int, count: int) -> None:
            raise AssertionError("no clock may reach the chip")

        def clock_in(self, count: int) -> int:
            raise AssertionError("no clock may reach the chip")

    with pytest.raises(Refused):
        wire_over(Pins()).line_reset()
