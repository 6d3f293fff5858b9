"""However a debugger chops its bits, the chip must see the same line: the fast paths are not another model."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.swd.port import SwdPort
from bmsrescue.twin.helper.wire import wire_over
from rescuelink.errors import WireError
from swd_host import ONES, SwdHost, make_chip, parity, request_byte

# A run is (driven, value, bits). Listening runs carry value 0.
Run = tuple[bool, int, int]


class Recorder:
    """SwdPins that only writes down what was done, answering with what the real chip answers."""

    def __init__(self, pins):
        self.pins = pins
        self.frequency_hz = pins.frequency_hz
        self.runs: list[Run] = []

    def clock_out(self, value, count):
        self.runs.append((True, value & ((1 << count) - 1), count))
        self.pins.clock_out(value, count)

    def clock_in(self, count):
        self.runs.append((False, 0, count))
        return self.pins.clock_in(count)


def replay(runs: list[Run], cuts: list[int], frequency_hz: int, config: ChipConfig):
    """Run them, each cut into pieces of the given sizes in turn; returns all that can be seen afterwards."""
    chip = make_chip(config)
    chip.swd.frequency_hz = frequency_hz
    chip.flash.load(0x08000000, bytes(range(256)) * 8)
    sampled = []
    turn = 0
    for driven, value, count in runs:
        while count:
            piece = min(count, cuts[turn % len(cuts)])
            turn += 1
            if driven:
                chip.swd.clock_out(value & ((1 << piece) - 1), piece)
                value >>= piece
            else:
                answer = chip.swd.clock_in(piece)
                sampled.extend(answer >> bit & 1 for bit in range(piece))
            count -= piece
    registers = (chip._debug_port._control, chip._debug_port._sticky, chip.ap0._tar, chip.ap0._csw)
    return sampled, chip.counters.as_dict(), chip.clock.now_ns, registers, bytes(chip.rams["DTCM"].data[:64])


def merge(runs: list[Run]) -> list[Run]:
    """Neighbouring runs of the same direction in one."""
    merged: list[Run] = []
    for driven, value, count in runs:
        if merged and merged[-1][0] == driven:
            _, before, bits = merged[-1]
            merged[-1] = (driven, before | value << bits, bits + count)
        else:
            merged.append((driven, value, count))
    return merged


def session() -> list[Run]:
    """A real debugger's traffic with reads, writes, WAITs, FAULTs and a flash word being programmed."""
    chip = make_chip()
    chip.flash.load(0x08000000, bytes(range(256)) * 8)
    recorder = Recorder(chip.swd)
    host = SwdHost(recorder)
    host.connect()
    host.write32(0xE000EDF0, 0xA05F0003)
    host.write32(0x20000000, 0xFFFFFFFF)
    host.write32(0x20000004, 0x00000001)
    host.read32(0x20000000)
    host.unlock()
    host.write32(0x5200200C, 0x32)
    host.write_word(0x080FFFE0, [0x11111111 * n for n in range(8)])
    host.try_read(1, 0xC)
    host.try_read(1, 0xC)
    host.try_read(0, 0xC)
    host.idle(3)
    host.write(0, 0, 0x1F)
    host.write(0, 0, 0x1E)
    host.write(1, 0x4, 0xA0000000)
    host.try_write(1, 0xC, 5)
    host.idle(2)
    host.try_read(1, 0xC)
    host.try_read(0, 0x4)
    host.write(0, 0, 0x1E)
    host.write(0, 0x4, 0x50000001)
    host.overrun = True
    host.write(1, 0x4, 0xA0000000)
    host.try_read(1, 0xC)
    host.try_read(1, 0xC)
    host.try_write(1, 0xC, 0)
    host.try_read(0, 0x4)
    host.write(0, 0, 0x1E)
    host.try_write(1, 0xC, 1, parity_bit=0)
    host.line_reset()
    host.read(0, 0)
    return recorder.runs


SESSION = session()
ONE_BY_ONE = replay(SESSION, [1], 4_000_000, ChipConfig())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=20), st.booleans())
def test_any_chopping_of_a_session_gives_the_same_answers_and_counters(cuts, merged):
    runs = merge(SESSION) if merged else SESSION
    assert replay(runs, cuts, 4_000_000, ChipConfig()) == ONE_BY_ONE


field = st.one_of(
    st.builds(
        lambda ap, read, a: (True, request_byte(ap, read, a << 2), 8), *[st.integers(0, 1)] * 2, st.integers(0, 3)
    ),
    st.builds(lambda v: (True, v | parity(v) << 32, 33), st.integers(0, 0xFFFFFFFF)),
    st.builds(lambda v, n: (True, v & ((1 << n) - 1), n), st.integers(0, (1 << 40) - 1), st.integers(1, 40)),
    st.builds(lambda n: (False, 0, n), st.integers(1, 80)),
    st.sampled_from([(False, 0, 4), (False, 0, 5), (False, 0, 34), (True, 0, 8), (True, 0, 2)]),
    st.sampled_from([(True, ONES, 56), (True, 0xE79E, 16), (True, 0xE73C, 16), (True, 0xE3BC, 16)]),
)
PREFIX: list[Run] = [(True, ONES, 56), (True, 0xE79E, 16), (True, ONES, 56), (True, 0, 8)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(field, max_size=60),
    st.lists(st.integers(1, 70), min_size=1, max_size=8),
    st.sampled_from([4_000_000, 3_000_000, 7_777_777]),
    st.sampled_from([8, 0, 3, 20]),
)
def test_any_chopping_of_any_bits_gives_the_same_line(fields, cuts, frequency_hz, drain):
    runs = PREFIX + fields
    config = ChipConfig(ap_write_drain_cycles=drain)
    assert replay(merge(runs), cuts, frequency_hz, config) == replay(runs, [1], frequency_hz, config)


def read_blocks(*, whole: bool, frequency_hz: int, blocks: list[tuple[int, int]], torn: int | None, due_us: int):
    """Block reads by the agent's own wire, over pins that take runs of reads whole or not; all that can be seen."""
    chip = make_chip()
    chip.swd.frequency_hz = frequency_hz
    chip.flash.load(0x08000000, bytes(range(251)) * 17)
    if torn is not None:
        chip.flash.tear(0x08000000 + 32 * torn)
    host = SwdHost(chip.swd)
    host.connect()
    host.write32(0xE000EDF0, 0xA05F0003)
    wire = wire_over(chip.swd if whole else Recorder(chip.swd))
    wire.set_frequency(frequency_hz)
    wire.engage()
    happened: list[int] = []
    chip.clock.at(chip.clock.now_ns + due_us * 1000, lambda: happened.append(chip.swd._counters.ap_reads))
    seen = []
    for address, words in blocks:
        wire.write(1, 0x4, address)
        data = bytearray(4 * words)
        try:
            wire.read_block(1, 0xC, data)
            seen.append(bytes(data))
        except WireError as error:
            seen.append((error.kind, error.done, bytes(data[: 4 * error.done])))
            host.write(0, 0, 0x1E)
    return seen, happened, chip.counters.as_dict(), chip.clock.now_ns, wire.cycles, chip.swd._ones


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from([4_000_000, 7_777_777]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 256)), min_size=1, max_size=3),
    st.one_of(st.none(), st.integers(0, 60)),
    st.integers(1, 4000),
)
def test_reads_taken_as_one_run_are_the_same_reads(frequency_hz, blocks, torn, due_us):
    blocks = [(0x08000000 + 4 * first, min(words, 0x100 - first % 0x100)) for first, words in blocks]
    given_ = {"frequency_hz": frequency_hz, "blocks": blocks, "torn": torn, "due_us": due_us}
    assert read_blocks(whole=True, **given_) == read_blocks(whole=False, **given_)


def test_a_long_read_is_taken_as_a_run(monkeypatch):
    taken: list[int] = []
    as_run = SwdPort.read_run

    def noted(port: SwdPort, request: int, count: int) -> bytes:
        answers = as_run(port, request, count)
        taken.append(len(answers) // 4)
        return answers

    monkeypatch.setattr(SwdPort, "read_run", noted)
    read_blocks(whole=True, frequency_hz=4_000_000, blocks=[(0x08000000, 256)], torn=None, due_us=10_000)
    assert taken[0] == 254, "the last two by themselves: the end of the address counter, and RDBUFF"


def write_blocks(
    *, whole: bool, frequency_hz: int, blocks: list[tuple[int, bytes]], running: bool, drain: int, due_us: int
):
    """Block writes to RAM and flash by the agent's own wire, taken whole or not; all that can be seen."""
    chip = make_chip(ChipConfig(ap_write_drain_cycles=drain))
    chip.swd.frequency_hz = frequency_hz
    host = SwdHost(chip.swd)
    host.connect()
    if not running:
        host.write32(0xE000EDF0, 0xA05F0003)
    wire = wire_over(chip.swd if whole else Recorder(chip.swd))
    wire.set_frequency(frequency_hz)
    chip.swd.frequency_hz = frequency_hz  # a new period begins, through a recorder, too
    wire.engage()
    happened: list[int] = []
    chip.clock.at(chip.clock.now_ns + due_us * 1000, lambda: happened.append(chip.swd._counters.ap_writes))
    failed = []
    for address, data in blocks:
        wire.write(1, 0x4, address)
        try:
            wire.write_block(1, 0xC, data)
        except WireError as error:
            failed.append((error.kind, error.done))
        failed.append(wire.read(0, 0x4))
        host.write(0, 0, 0x1E)
        failed.append(wire.read(1, 0x4))
    line = chip.swd._ones, chip.swd._drain_left, wire.cycles, chip.clock.now_ns
    return failed, happened, chip.counters.as_dict(), line, bytes(chip.rams["DTCM"].data[:4096])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from([4_000_000, 7_777_777]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 256), st.integers(0, 99)), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from([8, 0, 3, 20]),
    st.integers(1, 4000),
)
def test_writes_taken_as_one_run_are_the_same_writes(frequency_hz, places, running, drain, due_us):
    blocks = [
        (0x20000000 + 4 * first if odd % 9 else 0xA0000000, bytes((odd * n) & 0xFF for n in range(4 * words)))
        for first, words, odd in places
    ]
    given_ = {"frequency_hz": frequency_hz, "blocks": blocks, "running": running, "drain": drain, "due_us": due_us}
    assert write_blocks(whole=True, **given_) == write_blocks(whole=False, **given_)


def test_a_long_write_to_a_halted_chip_is_taken_as_a_run(taken_in_runs):
    blocks = [(0x20000000, bytes(range(256)) * 4)]
    write_blocks(whole=True, frequency_hz=4_000_000, blocks=blocks, running=False, drain=8, due_us=10_000)
    assert taken_in_runs[0] == 256
