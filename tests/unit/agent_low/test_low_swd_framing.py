"""SWD transfers, bit by bit, against the request-byte table and the line protocol of IHI 0031 chapter B4."""

from collections.abc import Callable
from typing import Any

import pytest
from low_bits import FAULT, NOBODY, OK, STUCK_LOW, WAIT, ScriptedBits, read_answer, write_answer

from rescue.hal import swd
from rescue.hal.swd import SwdWire
from rescuelink.errors import WireError

DP, AP = 0, 1
IDLE = (0, 8)
READ_TABLE = {DP: (0xA5, 0x8D, 0x95, 0xBD), AP: (0x87, 0xAF, 0xB7, 0x9F)}
WRITE_TABLE = {DP: (0x81, 0xA9, 0xB1, 0x99), AP: (0xA3, 0x8B, 0x93, 0xBB)}
VALUES = (0, 1, 0x80000000, 0xFFFFFFFF, 0x6BA02477, 0x12345678)


def wire_with(*answers: list[int], wait_limit: int = 8) -> tuple[SwdWire, ScriptedBits]:
    bits = ScriptedBits([bit for answer in answers for bit in answer])
    return SwdWire(bits, wait_limit), bits


@pytest.mark.parametrize("ap", [DP, AP])
@pytest.mark.parametrize("index", range(4))
def test_request_bytes_are_those_of_the_manual(ap: int, index: int) -> None:
    assert swd.READ_REQUESTS[ap << 2 | index] == READ_TABLE[ap][index]
    assert swd.WRITE_REQUESTS[ap << 2 | index] == WRITE_TABLE[ap][index]


@pytest.mark.parametrize("value", VALUES)
def test_the_table_parity_of_the_helper_agrees_with_counting_bits(value: int) -> None:
    assert swd._parity_by_table(value) == value.bit_count() & 1


@pytest.mark.parametrize("value", VALUES)
def test_a_dp_read_is_one_transfer_of_46_clocks_and_8_idle_ones(value: int) -> None:
    wire, bits = wire_with(read_answer(value))
    assert wire.read(DP, 0x4) == value
    assert bits.sent == [(0x8D, 8), IDLE]
    assert bits.cycles == 46 + 8


def test_an_ap_read_returns_its_own_value_from_rdbuff_not_the_previous_one() -> None:
    wire, bits = wire_with(read_answer(0x11111111), read_answer(0x22222222))
    assert wire.read(AP, 0xC) == 0x22222222
    assert [value for value, _ in bits.sent] == [0x9F, 0xBD, 0]


@pytest.mark.parametrize("value", VALUES)
def test_a_write_sends_32_bits_and_even_parity_and_8_idle_clocks(value: int) -> None:
    wire, bits = wire_with(write_answer())
    wire.write(AP, 0x4, value)
    assert bits.sent == [(0x8B, 8), (value | (value.bit_count() & 1) << 32, 33), IDLE]
    assert bits.cycles == 46 + 8


def test_a_block_read_is_pipelined_and_ends_with_rdbuff() -> None:
    wire, bits = wire_with(*[read_answer(value) for value in (0xDEAD, 1, 2, 3)])
    buf = bytearray(12)
    wire.read_block(AP, 0xC, buf)
    assert buf == bytes((1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0))
    assert [value for value, _ in bits.sent] == [0x9F, 0x9F, 0x9F, 0xBD, 0]
    assert bits.sent[-1] == IDLE


def test_a_block_write_ends_with_eight_idle_clocks() -> None:
    wire, bits = wire_with(write_answer(), write_answer())
    wire.write_block(AP, 0xC, memoryview(b"\x01\x00\x00\x00\x03\x00\x00\x80"))
    assert bits.sent == [(0xBB, 8), (1 | 1 << 32, 33), (0xBB, 8), (0x80000003 | 1 << 32, 33), (0, 8)]


def test_empty_blocks_touch_nothing_but_idle() -> None:
    wire, bits = wire_with()
    wire.read_block(AP, 0xC, bytearray(0))
    assert bits.cycles == 0


@pytest.mark.parametrize("transfer", [lambda wire: wire.read(DP, 0), lambda wire: wire.write(DP, 8, 5)])
def test_wait_is_answered_by_asking_again(transfer: Callable[[Any], object]) -> None:
    bits = ScriptedBits()
    wire = SwdWire(bits, wait_limit=8)
    ask = bits.clock_out

    def answer_in_kind(value: int, count: int) -> None:
        ask(value, count)
        if count == 8:
            acks = sum(1 for _, sent in bits.sent if sent == 8)
            make = read_answer if value == 0xA5 else lambda _, ack: write_answer(ack)
            bits.answers = make(7, OK if acks == 4 else WAIT)

    wire._out = answer_in_kind
    transfer(wire)
    assert wire.waits == 3


@pytest.mark.parametrize(
    ("ack", "kind"), [(WAIT, "wait"), (FAULT, "fault"), (NOBODY, "no_ack"), (STUCK_LOW, "protocol"), (3, "protocol")]
)
def test_every_other_answer_is_an_error_of_its_own_kind(ack: int, kind: str) -> None:
    for transfer, answer in (
        (lambda wire: wire.read(DP, 0x4), read_answer(0, ack)),
        (lambda wire: wire.write(DP, 0x4, 0), write_answer(ack)),
    ):
        wire, _ = wire_with(*[answer] * 9, wait_limit=8)
        with pytest.raises(WireError) as caught:
            transfer(wire)
        assert caught.value.kind == kind


def test_wait_without_end_is_given_up_after_the_limit() -> None:
    wire, bits = wire_with(*[read_answer(0, WAIT)] * 9, wait_limit=8)
    with pytest.raises(WireError):
        wire.read(DP, 0x4)
    assert wire.waits == 8
    assert [value for value, _ in bits.sent] == [0x8D] * 9
    assert not bits.answers


def test_no_data_is_driven_after_a_refused_write() -> None:
    wire, bits = wire_with(write_answer(FAULT))
    with pytest.raises(WireError):
        wire.write(AP, 0xC, 0xFFFFFFFF)
    assert bits.sent == [(0xBB, 8)]


def test_damaged_ap_data_is_asked_for_again_with_resend() -> None:
    wire, bits = wire_with(read_answer(0), read_answer(0x0F, parity=1), read_answer(0x0F))
    assert wire.read(AP, 0xC) == 0x0F
    assert [value for value, _ in bits.sent] == [0x9F, 0xBD, 0x95, 0]
    assert wire.resends == 1


def test_a_damaged_dp_register_is_simply_read_again() -> None:
    wire, bits = wire_with(read_answer(0x6BA02477, parity=0), read_answer(0x6BA02477))
    wire.read(DP, 0)
    assert [value for value, _ in bits.sent] == [0xA5, 0xA5, 0]


def test_damage_twice_in_a_row_is_an_error() -> None:
    wire, _ = wire_with(read_answer(1, parity=0), read_answer(1, parity=0))
    with pytest.raises(WireError) as caught:
        wire.read(DP, 0x4)
    assert caught.value.kind == "parity"


def test_a_fault_in_a_block_read_names_the_word_before_the_refused_request() -> None:
    # Reads of words 0, 1, 2 are started; the bus refuses word 1; the request for word 2 gets FAULT.
    wire, _ = wire_with(read_answer(0xDEAD), read_answer(0xAA), read_answer(0, FAULT))
    buf = bytearray(16)
    with pytest.raises(WireError) as caught:
        wire.read_block(AP, 0xC, buf)
    assert caught.value.done == 1
    assert buf[:4] == b"\xaa\x00\x00\x00"


def test_a_fault_at_the_final_rdbuff_belongs_to_the_last_word() -> None:
    wire, _ = wire_with(read_answer(0xDEAD), read_answer(0xAA), read_answer(0, FAULT))
    with pytest.raises(WireError) as caught:
        wire.read_block(AP, 0xC, bytearray(8))
    assert caught.value.done == 1


def test_a_fault_in_a_block_write_belongs_to_the_word_before() -> None:
    wire, _ = wire_with(write_answer(), write_answer(), write_answer(FAULT))
    with pytest.raises(WireError) as caught:
        wire.write_block(AP, 0xC, bytes(16))
    assert caught.value.done == 1


def test_a_line_reset_is_at_least_50_ones_and_2_zeros() -> None:
    wire, bits = wire_with()
    wire.line_reset()
    sent = bits.sent_bits()
    ones = sent.index(0)
    assert ones >= 50
    assert len(sent) - ones >= 2
    assert not any(sent[ones:])


def test_the_switch_from_jtag_is_9e_e7_between_two_resets() -> None:
    wire, bits = wire_with()
    wire.jtag_to_swd()
    sent = "".join(map(str, bits.sent_bits()))
    switch = "0111100111100111"  # 0x9E, 0xE7, each LSB first
    before, after = sent.split(switch, 1)
    assert set(before) == {"1"}
    assert len(before) >= 50
    assert after.startswith("1" * 50)
    assert after.endswith("00")


def test_the_way_out_of_dormant_is_alert_four_zeros_and_the_swd_activation() -> None:
    wire, bits = wire_with()
    wire.dormant_to_swd()
    sent = "".join(map(str, bits.sent_bits()))
    alert = bytes.fromhex("92F30962952D8586E9AFDDE3A20EBC19")
    expected = "".join(str(byte >> n & 1) for byte in alert for n in range(8)) + "0000" + "01011000"
    before, after = sent.split(expected, 1)
    assert set(before) == {"1"}
    assert len(before) >= 8
    assert after.startswith("1" * 50)


def test_idle_clocks_are_low_and_counted() -> None:
    wire, bits = wire_with()
    wire.idle(100)
    assert bits.sent_bits() == [0] * 100
    assert wire.cycles == 100


def test_the_wire_reports_the_frequency_that_was_reached() -> None:
    wire, _ = wire_with()
    wire.set_frequency(50_000_000)
    assert wire.frequency_hz == 4_000_000
