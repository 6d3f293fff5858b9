"""What the helper answers as a CMSIS-DAP probe, packet by packet: the same code as on a board, here on CPython."""

from __future__ import annotations

import random
import struct

import pytest

from bmsrescue.twin.probes.cmsis_dap import CmsisDap
from dap_here import PACKET_BYTES, DapHere
from rescuelink.errors import WireError

OK, WAIT, FAULT, NO_ACK, PROTOCOL_ERROR, MISMATCH = 1, 2, 4, 7, 8, 0x10
ERROR = 0xFF
DPIDR = 0x6BA02477
RESET = bytes([0x12, 0x88]) + b"\xff" * 7 + b"\x9e\xe7" + b"\xff" * 7 + b"\x00"
READ_DPIDR = bytes([5, 0, 1, 0x02])
AXI_SRAM = 0x24000000
# Each command with the least that a whole one has.
COMMANDS = {
    0x00: 2, 0x01: 3, 0x02: 2, 0x03: 1, 0x04: 6, 0x05: 3, 0x06: 5, 0x07: 1, 0x08: 6, 0x09: 3, 0x0A: 1, 0x10: 7,
    0x11: 5, 0x12: 2, 0x13: 2, 0x1D: 2,
}  # fmt: skip


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


@pytest.fixture
def dap() -> DapHere:
    """Connected, with the access port's memory in reach."""
    dap = DapHere()
    dap.ask(b"\x02\x01")
    dap.ask(b"\x04\x00\x40\x00\x10\x00")
    assert dap.ask(RESET) == b"\x12\x00"
    assert dap.ask(READ_DPIDR) == bytes([5, 1, OK]) + words(DPIDR)
    # Power up, AP0's bank 0, CSW: words, one after the other.
    power = bytes([5, 0, 3, 0x04]) + words(0x50000000) + b"\x08" + words(0) + b"\x01" + words(0x23000012)
    assert dap.ask(power) == bytes([5, 3, OK])
    return dap


def test_it_tells_what_it_is_and_what_it_takes() -> None:
    dap = DapHere()
    assert dap.ask(b"\x00\x02")[2:].rstrip(b"\0") == b"bmsrescue CMSIS-DAP"
    assert dap.ask(b"\x00\x03")[2:].rstrip(b"\0") == b"0123456789abcdef"
    assert dap.ask(b"\x00\xf0") == b"\x00\x01\x01", "SWD, and no more"
    assert dap.ask(b"\x00\xfe") == b"\x00\x01\x04"
    assert dap.ask(b"\x00\xff") == b"\x00\x02\x40\x00"
    assert dap.ask(b"\x00\x77") == b"\x00\x00"


def test_nothing_is_driven_before_a_debugger_has_connected_and_after_it_has_left() -> None:
    dap = DapHere()
    assert dap.ask(RESET) == b"\x12\xff"
    assert dap.ask(READ_DPIDR) == bytes([5, 0, NO_ACK])
    assert dap.ask(bytes([6, 0, 1, 0, 0x02])) == bytes([6, 0, 0, NO_ACK])
    assert dap.ask(b"\x08\x00" + words(0x1E)) == b"\x08\xff"
    assert dap.ask(b"\x02\x02") == b"\x02\x00", "there is no JTAG"
    assert dap.ask(b"\x02\x00") == b"\x02\x01"
    dap.ask(b"\x10\x00\x80" + bytes(4))
    assert dap.lines.pulled
    assert dap.ask(b"\x03") == b"\x03\x00"
    assert not dap.lines.pulled
    assert dap.ask(READ_DPIDR) == bytes([5, 0, NO_ACK])
    assert dap.unit.chip.counters.violations == []


def test_blocks_go_both_ways(dap: DapHere) -> None:
    data = random.Random(1).randbytes(56)
    aim = bytes([5, 0, 1, 0x05]) + words(AXI_SRAM)
    assert dap.ask(aim) == bytes([5, 1, OK])
    assert dap.ask(bytes([6, 0, 14, 0, 0x0D]) + data) == bytes([6, 14, 0, OK])
    dap.ask(aim)
    assert dap.ask(bytes([6, 0, 14, 0, 0x0F])) == bytes([6, 14, 0, OK]) + data


def test_clocks_between_transfers_change_nothing_but_their_number(dap: DapHere) -> None:
    aim = bytes([5, 0, 1, 0x05]) + words(AXI_SRAM)
    dap.ask(aim)
    before = dap.wire.cycles
    dap.ask(bytes([6, 0, 4, 0, 0x0D]) + words(1, 2, 3, 4))
    plain = dap.wire.cycles - before
    dap.ask(b"\x04\x28\x40\x00\x10\x00")  # 40 idle clocks
    dap.ask(aim)
    before = dap.wire.cycles
    assert dap.ask(bytes([6, 0, 4, 0, 0x0D]) + words(5, 6, 7, 8)) == bytes([6, 4, 0, OK])
    assert dap.wire.cycles - before >= plain + 4 * 32
    dap.ask(aim)
    assert dap.ask(bytes([6, 0, 4, 0, 0x0F])) == bytes([6, 4, 0, OK]) + words(5, 6, 7, 8)


def test_a_value_is_waited_for_and_no_longer_than_it_may(dap: DapHere) -> None:
    mask = bytes([0x20]) + words(0xFFFF)
    assert dap.ask(bytes([5, 0, 2]) + mask + b"\x12" + words(DPIDR & 0xFFFF)) == bytes([5, 2, OK])
    found = dap.ask(bytes([5, 0, 3]) + mask + b"\x12" + words(1) + b"\x02")
    assert found == bytes([5, 1, OK | MISMATCH])
    dap.ask(b"\x04\x00\x40\x00\xff\xff")
    start = dap.clock.ms()
    assert dap.ask(bytes([5, 0, 2]) + mask + b"\x12" + words(1))[2] == OK | MISMATCH
    assert dap.clock.ms() - start < 2_500


def test_a_fault_is_told_with_what_was_done_and_ends_by_an_abort(dap: DapHere) -> None:
    nowhere = bytes([5, 0, 2, 0x05]) + words(0xF0000000) + b"\x0f"
    assert dap.ask(nowhere) == bytes([5, 1, FAULT])
    assert dap.ask(bytes([6, 0, 2, 0, 0x0D]) + words(1, 2)) == bytes([6, 0, 0, FAULT])
    assert dap.ask(b"\x08\x00" + words(0x1E)) == b"\x08\x00"
    assert dap.ask(bytes([5, 0, 2, 0x05]) + words(AXI_SRAM) + b"\x0f")[:3] == bytes([5, 2, OK])


@pytest.mark.parametrize(
    ("kind", "ack"), [("wait", WAIT), ("no_ack", NO_ACK), ("protocol", NO_ACK), ("parity", OK | PROTOCOL_ERROR)]
)
def test_each_trouble_on_the_wire_has_its_answer(dap: DapHere, kind: str, ack: int) -> None:
    def fails(*_: object) -> None:
        raise WireError(kind, "as a test wants it", done=1)

    dap.wire.read = dap.wire.read_block = dap.wire.bits_out = dap.wire.write = fails
    assert dap.ask(READ_DPIDR) == bytes([5, 0, ack])
    assert dap.ask(bytes([6, 0, 3, 0, 0x0F]))[:4] == bytes([6, 1, 0, ack])
    assert dap.ask(RESET) == b"\x12\xff"
    assert dap.ask(b"\x08\x00" + words(0x1E)) == b"\x08\xff"


def test_reset_is_pulled_and_waited_for(dap: DapHere) -> None:
    assert dap.ask(b"\x10\x00\x80" + words(100_000)) == b"\x10\x00"
    assert dap.unit.nrst_level is False
    assert dap.ask(b"\x10\x80\x80" + words(100_000)) == b"\x10\x80"
    dap.unit.set_nrst(True)
    dap.lines.nrst = lambda low: None  # type: ignore[method-assign]
    start = dap.clock.ms()
    assert dap.ask(b"\x10\x80\x80" + words(0xFFFFFFFF)) == b"\x10\x00", "somebody else holds it"
    assert dap.clock.ms() - start < 3_200
    assert dap.ask(b"\x0a") == b"\x0a\x00\x00"


def test_raw_bits_go_out_and_come_in(dap: DapHere) -> None:
    # The read of DPIDR, bit by bit: request, turnaround with ACK, data, parity with turnaround.
    found = dap.ask(bytes([0x1D, 5, 8, 0xA5, 0x84, 0xA0, 0x82, 8, 0]))
    assert found[:2] == b"\x1d\x00"
    assert found[2] >> 1 & 7 == OK
    assert found[3:7] == words(DPIDR)


def test_what_it_does_not_do_it_says(dap: DapHere) -> None:
    assert dap.ask(b"\x13\x00") == b"\x13\x00"
    assert dap.ask(b"\x13\x01") == b"\x13\xff"
    assert dap.ask(b"\x11" + words(1_000)) == b"\x11\xff", "slower than the watchdog allows for"
    assert dap.ask(b"\x11" + words(1_000_000)) == b"\x11\x00"
    assert dap.ask(b"\x07") == b""
    for unknown in (0x14, 0x17, 0x1F, 0x7E, 0x7F, 0x80, 0xFF):
        assert dap.ask(bytes([unknown, 1, 2, 3])) == b"\xff"
    assert dap.ask(READ_DPIDR[:2] + bytes([1, 0x82])) == bytes([5, 0, PROTOCOL_ERROR]), "time stamps"


@pytest.mark.parametrize("command", COMMANDS)
def test_of_a_packet_that_is_cut_short_nothing_is_done(dap: DapHere, command: int) -> None:
    transfers = dap.unit.chip.counters.transfers.copy()
    for length in range(1, COMMANDS[command]):
        assert dap.ask(bytes([command]).ljust(length, b"\x01")) == bytes([command, ERROR])
    short = {
        5: bytes([5, 0, 3, 0x05]) + words(AXI_SRAM) + b"\x0d\x00",
        6: bytes([6, 0, 14, 0, 0x0D]) + bytes(20),
        0x12: b"\x12\xff\x00",
        0x1D: b"\x1d\x02\x08\xff\x30",
    }
    if command in short:
        assert dap.ask(short[command])[-1] in (PROTOCOL_ERROR, ERROR)
    assert dap.unit.chip.counters.transfers == transfers


def test_more_than_an_answer_holds_is_not_begun(dap: DapHere) -> None:
    assert dap.ask(bytes([5, 0, 16]) + b"\x02" * 16) == bytes([5, 0, PROTOCOL_ERROR])
    assert dap.ask(bytes([6, 0, 16, 0, 0x0F])) == bytes([6, 0, 0, PROTOCOL_ERROR])
    assert dap.ask(bytes([6, 0, 0xFF, 0xFF, 0x0F])) == bytes([6, 0, 0, PROTOCOL_ERROR])
    assert dap.ask(bytes([0x1D, 9]) + b"\x80" * 9) == b"\x1d\xff"
    assert dap.ask(bytes([5, 0, 15]) + b"\x02" * 15) == bytes([5, 15, OK]) + words(DPIDR) * 15


@pytest.mark.parametrize("seed", range(4))
def test_no_packet_brings_it_to_a_stop(seed: int) -> None:
    dice = random.Random(seed)
    dap = DapHere()
    dap.ask(b"\x02\x01")
    for number in range(400):
        packet = bytearray(dice.randbytes(dice.randint(0, PACKET_BYTES)))
        if packet and number % 4:
            packet[0] = dice.choice(list(COMMANDS))
        before = dap.clock.ms()
        answer = dap.ask(bytes(packet))
        assert len(answer) <= PACKET_BYTES
        assert not packet or answer[:1] in (b"", b"\xff", bytes(packet[:1]))
        assert dap.clock.ms() - before < 8_000, "the helper's watchdog"
        if packet and packet[0] == 3:
            dap.ask(b"\x02\x01")
    # Whatever that was: the next debugger gets its answer.
    dap.ask(b"\x03")
    dap.unit.set_power(False)
    dap.unit.clock.advance(20_000_000_000)
    dap.unit.set_power(True)
    dap.unit.clock.advance(2_000_000_000)
    dap.ask(b"\x02\x01")
    dap.ask(b"\x04\x00\x40\x00\x10\x00")
    dap.ask(b"\x11" + words(1_000_000))
    dap.ask(RESET)
    assert dap.ask(READ_DPIDR) == bytes([5, 1, OK]) + words(DPIDR)


def test_it_answers_as_the_probe_in_software_does(dap: DapHere) -> None:
    # The twin's own CMSIS-DAP probe was made from the same document, by itself.
    other = CmsisDap(DapHere().unit)
    aim = bytes([5, 0, 1, 0x05]) + words(AXI_SRAM)
    power = bytes([5, 0, 3, 0x04]) + words(0x50000000) + b"\x08" + words(0) + b"\x01" + words(0x23000012)
    write, read = bytes([6, 0, 3, 0, 0x0D]) + words(7, 8, 9), bytes([6, 0, 3, 0, 0x0F])
    fault = bytes([5, 0, 2, 0x05]) + words(0xF0000000) + b"\x0f"
    walk = [b"\x02\x01", b"\x04\x00\x40\x00\x10\x00", RESET, READ_DPIDR, power, aim, write, aim, read, fault]
    walk += [b"\x08\x00" + words(0x1E), bytes([5, 0, 1, 0x06]), b"\x0f"]
    ours = [dap.ask(packet) for packet in walk]
    theirs = [other.take(packet)[0] for packet in walk]
    assert ours == theirs
