"""Somebody else's STM32H725, from the chip's documents alone: that it is sound, and that the helper rescues it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foreign_chip.selftest_client import FAULT, SILENT, WAIT, ControlPort, Debugger, SwdFailure

SERVER = Path(__file__).parents[1] / "foreign_chip" / "server.py"
FLASH, CR1, KEYR1, SR1, CCR1 = 0x0800_0000, 0x5200_200C, 0x5200_2004, 0x5200_2010, 0x5200_2014
DHCSR, DEMCR, PCSR = 0xE000_EDF0, 0xE000_EDFC, 0xE000_101C


class Chip:
    def __init__(self, *options: str) -> None:
        command = [sys.executable, str(SERVER), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ports = json.loads(self.process.stdout.readline())
        self.bitbang_port, self.control_port = ports["bitbang_port"], ports["control_port"]
        self.control = ControlPort(self.control_port)

    def debugger(self, **options: int) -> Debugger:
        assert self.control("power 1")["ok"]
        return Debugger(self.bitbang_port, **options)

    def connected(self) -> Debugger:
        debugger = self.debugger()
        assert debugger.connect() == 0x6BA0_2477
        return debugger

    def flash(self, path: Path) -> bytes:
        assert self.control(f"dump {path}")["ok"]
        return path.read_bytes()


@pytest.fixture
def chip() -> Iterator[Callable[..., Chip]]:
    """Starts chips with the given server options and ends them."""
    started: list[Chip] = []

    def start(*options: str) -> Chip:
        started.append(Chip(*options))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.wait(10)


def unlock(debugger: Debugger) -> None:
    debugger.write(KEYR1, 0x4567_0123)
    debugger.write(KEYR1, 0xCDEF_89AB)
    assert debugger.read(CR1) & 1 == 0


def until_idle(debugger: Debugger) -> int:
    for _ in range(10_000):
        status = debugger.read(SR1)
        if not status & 4:
            return status
    raise AssertionError("flash stays busy")


def program(debugger: Debugger, address: int, words: list[int]) -> int:
    debugger.write(CCR1, 0x1FEF_0000)
    debugger.write(CR1, 0x32)
    debugger.write(address, *words)
    return until_idle(debugger)


def test_it_is_silent_until_it_is_switched_to_serial_wire(chip: Callable[..., Chip]) -> None:
    debugger = chip().debugger()
    debugger.line_reset()
    with pytest.raises(SwdFailure) as silence:
        debugger.transfer(False, 0)
    assert silence.value.ack == SILENT
    assert debugger.connect() == 0x6BA0_2477


def test_a_line_reset_or_switch_on_a_live_port_is_no_error_but_a_malformed_request_is(
    chip: Callable[..., Chip],
) -> None:
    server = chip()
    debugger = server.connected()
    debugger.connect()
    debugger.line_reset()
    debugger.transfer(False, 0)
    assert server.control("stats")["protocol_errors"] == {}
    debugger.out(0b1110_0101, 8)
    with pytest.raises(SwdFailure):
        debugger.transfer(False, 0)
    assert sum(server.control("stats")["protocol_errors"].values()) == 1


def characters_of(request: int, word: int | None) -> bytes:
    """A transfer as remote_bitbang characters: a read, or a write of 33 bits."""

    def out(value: int, count: int) -> bytes:
        return b"".join(b"eg" if value >> bit & 1 else b"df" for bit in range(count))

    if word is None:
        return out(request, 8) + b"odf" + b"dcf" * 36 + b"dfO"
    return out(request, 8) + b"odf" + b"dcf" * 3 + b"dfO" + out(word, 33)


def test_a_transfer_in_one_piece_is_what_it_is_bit_by_bit(chip: Callable[..., Chip], tmp_path: Path) -> None:
    rng = random.Random(5)
    control, select, csw, tar = 0xA9, 0xB1, 0xA3, 0x8B
    drw_read, drw_write, rdbuff = 0x9F, 0xBB, 0xBD
    transfers: list[tuple[int, int | None]] = [(0xA5, None), (0x81, 0x1E), (control, 0x5000_0000), (select, 0)]
    transfers += [(csw, 0x0300_0012), (tar, 0x2400_0000)]
    transfers += [(drw_write, rng.getrandbits(32)) for _ in range(20)] + [(drw_write, 0xFFFF_FFFF), (drw_write, 0)]
    transfers += [(tar, 0x2400_0000), *[(drw_read, None)] * 23, (rdbuff, None)]
    # An access that goes nowhere leaves a FAULT, flash that is erased WAITs; each is refused until a line reset.
    refused: list[list[tuple[int, int | None]]] = [[(tar, 0x6000_0000), (drw_read, None), (drw_read, None)], []]
    for address, value in ((KEYR1, 0x4567_0123), (KEYR1, 0xCDEF_89AB), (CR1, 0x24), (CR1, 0xA4)):
        refused[1] += [(tar, address), (drw_write, value)]
    refused[1] += [(tar, FLASH), (drw_read, None), (drw_read, None)]

    def sent(some: list[tuple[int, int | None]]) -> bytes:
        idle = [b"df" * rng.choice((0, 1, 2, 8, 70)) for _ in some]
        words = [None if value is None else value | (value.bit_count() & 1) << 32 for _request, value in some]
        each = zip(some, words, idle, strict=True)
        return b"".join(characters_of(request, word) + between for (request, _), word, between in each)

    again = b"eg" * 56 + b"df" * 4 + sent([(0xA5, None), (0x81, 0x1E)])
    wrong_parity = characters_of(drw_write, 3 | 1 << 32)
    stream = again.join([sent(transfers) + wrong_parity, *map(sent, refused), sent([(rdbuff, None)])])
    seen = []
    for pieces in (stream, b"b".join(stream[at : at + 1] for at in range(len(stream)))):
        server = chip("--state", "image", "--time", "swclk", "--alive")
        debugger = server.connected()
        answers = debugger.exchange(pieces, stream.count(b"c"))
        seen.append((answers, server.control("stats"), server.flash(tmp_path / "flash.bin")))
    assert seen[0] == seen[1]
    assert seen[0][1]["faults"] > 0 and seen[0][1]["waits"] > 0
    assert seen[0][1]["protocol_errors"]["write data with wrong parity"] == 1


def test_it_names_itself_and_its_access_ports(chip: Callable[..., Chip]) -> None:
    debugger = chip().connected()
    assert [debugger.ap_register(index, 0xFC) for index in range(4)] == [0x8477_0001, 0x8477_0001, 0x5477_0002, 0]
    assert debugger.read(0x5C00_1000) & 0xFFF == 0x483
    assert debugger.read(0x1FF1_E880) & 0xFFFF == 1024
    assert debugger.read(0x1FF1_E8C0) == 0x4837_3235
    assert debugger.read(0xE000_ED00) & 0xFFF0 == 0xC270


def test_a_sector_is_erased_programmed_and_read_back(chip: Callable[..., Chip], tmp_path: Path) -> None:
    # In clocks, not by the wall: an erase of 50 ms is over before a busy computer looks.
    server = chip("--state", "image", "--time", "swclk", "--scale", "200")
    debugger = server.connected()
    unlock(debugger)
    debugger.write(CR1, 0x34)
    debugger.write(CR1, 0xB4)
    assert debugger.read(SR1) & 4
    assert until_idle(debugger) & 0x07EE_0000 == 0
    words = [0x2002_0000, 0x0800_0101, *range(6)]
    assert program(debugger, FLASH, words) & 0x07EE_0000 == 0
    assert [debugger.read(FLASH + 4 * i) for i in range(9)] == [*words, 0xFFFF_FFFF]
    stats = server.control("stats")
    assert (stats["erases"][0], stats["words_programmed"]) == (1, 1)
    assert stats["protocol_errors"] == {} and stats["double_programmed"] == []
    assert server.flash(tmp_path / "flash.bin")[32:] == b"\xff" * (0x10_0000 - 32)


def test_reading_flash_during_an_erase_waits_and_an_abort_frees_the_bus(chip: Callable[..., Chip]) -> None:
    server = chip("--scale", "0.001")
    debugger = server.debugger(waits_to_bear=3)
    debugger.connect()
    unlock(debugger)
    debugger.write(CR1, 0xB4)
    with pytest.raises(SwdFailure) as busy:
        debugger.read(FLASH)
    assert busy.value.ack == WAIT
    debugger.transfer(False, 0, 1)
    assert debugger.ctrl_stat() & 1 << 5
    debugger.clear_sticky()
    assert debugger.read(SR1) & 4


def test_a_word_programmed_twice_is_broken_and_reported(chip: Callable[..., Chip]) -> None:
    server = chip()
    debugger = server.connected()
    unlock(debugger)
    program(debugger, FLASH, [0x1234_5678] * 8)
    program(debugger, FLASH, [0x8765_4321] * 8)
    with pytest.raises(SwdFailure) as broken:
        debugger.read(FLASH)
    assert broken.value.ack == FAULT
    debugger.clear_sticky()
    debugger.select_ap(0)
    assert debugger.read(SR1) & 1 << 26
    assert server.control("stats")["double_programmed"] == [FLASH]


def test_power_lost_during_a_program_tears_the_word(chip: Callable[..., Chip], tmp_path: Path) -> None:
    server = chip("--scale", "0.001")
    debugger = server.connected()
    unlock(debugger)
    debugger.write(CR1, 0x32)
    debugger.write(FLASH + 32, *range(8))
    debugger.out(0, 8)
    debugger.sync()
    server.control("power 0")
    assert debugger.into(4) == 0
    assert server.control(f"dump {tmp_path / 'flash.bin'}")["torn"] == [FLASH + 32]


def test_a_line_driven_high_into_an_unpowered_chip_is_noticed(chip: Callable[..., Chip]) -> None:
    server = chip()
    debugger = Debugger(server.bitbang_port)
    debugger.out(0, 8)
    assert debugger.into(4) == 0
    assert "swdio_high" not in server.control("stats")["driven_while_unpowered"]
    debugger.line_reset()
    debugger.sync()
    assert server.control("stats")["driven_while_unpowered"]["swdio_high"] > 0


def test_vector_catch_holds_the_core_at_the_end_of_reset(chip: Callable[..., Chip]) -> None:
    debugger = chip("--state", "image").debugger()
    debugger.nrst(True)
    debugger.connect()
    with pytest.raises(SwdFailure):
        debugger.read(FLASH)
    debugger.clear_sticky()
    debugger.select_ap(0)
    debugger.write(DEMCR, 0x0100_0001)
    debugger.write(DHCSR, 0xA05F_0001)
    debugger.nrst(False)
    assert debugger.read(DHCSR) & 0x0202_0000 == 0x0202_0000
    debugger.write(0xE000_EDF4, 15)
    assert debugger.read(0xE000_EDF8) == 0x0800_02C0


def test_overrun_detection_clocks_the_data_phase_of_every_answer(chip: Callable[..., Chip]) -> None:
    debugger = chip().connected()
    debugger.transfer(False, 4, 0x5000_0001)
    assert debugger.ctrl_stat() & 1
    debugger.transfer(True, 4, 0xC000_0000)
    debugger.transfer(True, 0xC)
    for is_read in (True, False):
        with pytest.raises(SwdFailure) as fault:
            debugger.transfer(True, 0xC, None if is_read else 0, data_phase_always=True)
        assert fault.value.ack == FAULT
    assert debugger.ctrl_stat() & 0x22 == 0x22


def test_a_chip_without_overrun_detection_reads_back_zero(chip: Callable[..., Chip]) -> None:
    debugger = chip("--no-orundetect").connected()
    debugger.transfer(False, 4, 0x5000_0001)
    assert debugger.ctrl_stat() & 1 == 0


def test_random_waits_change_nothing_but_the_time(chip: Callable[..., Chip]) -> None:
    server = chip("--wait-rate", "0.2", "--time", "swclk")
    debugger = server.connected()
    words = [random.Random(3).getrandbits(32) for _ in range(64)]
    debugger.write(0x2000_0000, *words)
    assert [debugger.read(0x2000_0000 + 4 * i) for i in range(64)] == words
    stats = server.control("stats")
    assert stats["waits"] > 20 and stats["protocol_errors"] == {}


def test_a_word_sampled_in_one_go_is_the_word_sampled_bit_by_bit(chip: Callable[..., Chip]) -> None:
    server = chip()
    debugger = server.connected()
    words = [0, 0xFFFF_FFFF, 0x8000_0001, 0x7FFF_FFFF, *(random.Random(5).getrandbits(32) for _ in range(12))]
    debugger.write(0x2000_0000, *words)
    for sample in (b"dcf", b"dcBf", b"dcf"):
        debugger.sample = sample
        before = server.control("stats")["swclk_cycles"]
        assert [debugger.read(0x2000_0000 + 4 * i) for i in range(16)] == words
        assert server.control("stats")["swclk_cycles"] - before == 16 * 3 * 46
    assert server.control("stats")["protocol_errors"] == {}


def test_a_live_core_counts_and_moves_and_a_dead_one_does_not(chip: Callable[..., Chip]) -> None:
    for options, moves in ((("--state", "image", "--alive"), True), (("--state", "image"), False)):
        debugger = chip(*options).connected()
        debugger.write(DEMCR, 0x0100_0000)
        debugger.write(0xE000_1000, 1)
        assert (debugger.read(0xE000_1004) != debugger.read(0xE000_1004)) is moves
        assert (len({debugger.read(PCSR) for _ in range(8)}) > 1) is moves


def test_a_protected_chip_shows_no_flash_and_takes_none(chip: Callable[..., Chip]) -> None:
    debugger = chip("--state", "rdp1").connected()
    assert debugger.read(0x5200_201C) >> 8 & 0xFF == 0x55
    with pytest.raises(SwdFailure):
        debugger.read(FLASH)


# -- the helper on this chip

BMSRESCUE = Path(sys.executable).parent / "bmsrescue"
RECORD_KEYS = {
    "diagnosis",
    "outcome",
    "evidence",
    "steps",
    "rails",
    "sectors",
    "backup",
    "swclk_cycles",
    "virtual_ms",
    "heap_free_min",
}
WELL_ENDED = {"RECOVERED", "RECOVERED_CHECK_CONFIG", "NO_FAULT_FOUND"}


@dataclass
class Rescue:
    record: dict[str, Any]
    exit_code: int
    stats: dict[str, Any]
    before: bytes
    after: bytes


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 KiB of noise behind a vector table that a core would accept."""
    path = tmp_path_factory.mktemp("image") / "unit.bin"
    vectors = (0x2002_0000).to_bytes(4, "little") + (0x0800_02C1).to_bytes(4, "little")
    path.write_bytes(vectors + random.Random(2).randbytes(0x1_0000 - len(vectors)))
    return path


@pytest.fixture(scope="module")
def blank_card(image: Path) -> Path:
    card = image.parent / "card"
    subprocess.run([BMSRESCUE, "card", "build", image, "-o", card], check=True, timeout=60, capture_output=True)
    return card


@pytest.fixture
def rescue(chip: Callable[..., Chip], image: Path, blank_card: Path, tmp_path: Path) -> Callable[..., Rescue]:
    """One button press on the helper wired to a chip with the given options; four minutes at most."""

    def press(*options: str) -> Rescue:
        card = shutil.copytree(blank_card, tmp_path / "card")
        server = chip("--image", str(image), *options)
        before = server.flash(tmp_path / "before.bin")
        target, control = f"bitbang:127.0.0.1:{server.bitbang_port}", f"127.0.0.1:{server.control_port}"
        command = [BMSRESCUE, "twin", "run", "--target", target, "--control", control, "--card", card, "--json"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert run.returncode in (0, 1), run.stderr
        stats = server.control("stats")
        return Rescue(json.loads(run.stdout), run.returncode, stats, before, server.flash(tmp_path / "after.bin"))

    return press


def assert_well_behaved(one: Rescue) -> None:
    assert set(one.record) >= RECORD_KEYS
    assert one.stats["protocol_errors"] == {}
    assert one.stats["double_programmed"] == []
    assert one.stats["refused_flash_accesses"] == 0
    assert one.stats["option_changes"] == one.stats["cr3_writes"] == 0
    assert not one.stats["debug_block_dead"]
    assert one.stats["driven_while_unpowered"] == {}
    assert one.stats["power"] == 0


def assert_repaired(one: Rescue, image: Path) -> None:
    expected = image.read_bytes()
    assert one.after[: len(expected)] == expected
    assert one.after[len(expected) :].count(0xFF) == len(one.after) - len(expected)
    assert one.stats["erases"][1:] == [0] * 7, "only the image's own sector is touched"
    assert_well_behaved(one)


def assert_untouched(one: Rescue) -> None:
    assert one.after == one.before
    assert one.stats["erases"] == [0] * 8 and one.stats["words_programmed"] == 0
    assert one.exit_code == 1
    assert_well_behaved(one)


def test_a_blank_chip_gets_the_image_and_a_core_that_never_runs_is_not_called_recovered(
    rescue: Callable[..., Rescue], image: Path
) -> None:
    one = rescue("--state", "blank")
    assert_repaired(one, image)
    assert one.stats["words_programmed"] == 2048
    assert one.record["outcome"] not in WELL_ENDED and one.exit_code == 1


def test_a_blank_chip_whose_core_lives_is_recovered(rescue: Callable[..., Rescue], image: Path) -> None:
    one = rescue("--state", "blank", "--alive")
    assert_repaired(one, image)
    assert (one.record["outcome"], one.exit_code) == ("RECOVERED", 0)
    assert one.stats["power_cycles"] >= 2, "proven by a true power cycle"


@pytest.mark.parametrize(
    ("state", "options"),
    [("partial", ("--stale-flags",)), ("torn", ("--time", "swclk", "--scale", "4"))],
    ids=["partial", "torn-and-time-in-clocks"],
)
def test_an_update_cut_halfway_is_repaired(
    rescue: Callable[..., Rescue], image: Path, state: str, options: tuple[str, ...]
) -> None:
    one = rescue("--state", state, "--alive", *options)
    assert_repaired(one, image)
    assert one.stats["erases"][0] == 1
    assert one.record["outcome"] == "RECOVERED"


def test_random_waits_do_not_harm(rescue: Callable[..., Rescue], image: Path) -> None:
    one = rescue("--state", "blank", "--alive", "--wait-rate", "0.02")
    assert_repaired(one, image)
    assert one.stats["waits"] > 100
    assert one.record["outcome"] == "RECOVERED"


def test_a_chip_without_overrun_detection_is_repaired(rescue: Callable[..., Rescue], image: Path) -> None:
    one = rescue("--state", "torn", "--alive", "--no-orundetect", "--wait-rate", "0.005")
    assert_repaired(one, image)
    assert one.record["outcome"] == "RECOVERED"


def test_another_chip_is_recognised_and_left_alone(rescue: Callable[..., Rescue]) -> None:
    one = rescue("--state", "other-chip")
    assert one.record["outcome"] == "WRONG_TARGET"
    assert_untouched(one)


def test_a_locked_chip_is_recognised_and_left_alone(rescue: Callable[..., Rescue]) -> None:
    one = rescue("--state", "rdp1")
    assert one.record["outcome"] == "LOCKED"
    assert_untouched(one)
