"""The CRC calculation unit, judged by Python's own sums."""

from __future__ import annotations

import binascii
import random
import zlib

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip import rcc_registers as rcc
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.peripherals import crc

BASE = 0x58024C00
REFLECTED_BYTES = 1 << 5
REFLECTED_WORDS = 3 << 5
MESSAGE = random.Random(5).randbytes(64)


@pytest.fixture
def bench() -> ChipBench:
    bench = ChipBench()
    bench.power()
    bench.halt()
    bench.poke(rcc.BASE + rcc.AHB4ENR, 1 << 19)
    return bench


@pytest.mark.parametrize("size", [1, 2, 4])
def test_reflected_and_inverted_it_is_the_crc_of_zip_files(bench: ChipBench, size: int) -> None:
    reflected = {1: REFLECTED_BYTES, 2: 2 << 5, 4: REFLECTED_WORDS}[size]
    bench.poke(BASE + crc.CR, crc.REV_OUT | reflected | crc.RESET)
    for at in range(0, len(MESSAGE), size):
        bench.poke(BASE + crc.DR, int.from_bytes(MESSAGE[at : at + size], "little"), size)
    assert bench.peek(BASE + crc.DR) ^ 0xFFFFFFFF == zlib.crc32(MESSAGE)


def test_sixteen_bits_of_ccitt(bench: ChipBench) -> None:
    bench.poke(BASE + crc.POL, 0x1021)
    bench.poke(BASE + crc.INIT, 0)
    bench.poke(BASE + crc.CR, 1 << 3 | crc.RESET)
    for byte in MESSAGE:
        bench.poke(BASE + crc.DR, byte, 1)
    assert bench.peek(BASE + crc.DR) == binascii.crc_hqx(MESSAGE, 0)


def test_as_reset_leaves_it_words_go_most_significant_bit_first(bench: ChipBench) -> None:
    """CRC-32/MPEG-2 of "123456789" less its last byte: by words in big-endian order it is by bytes in file order."""
    for word in (0x31323334, 0x35363738):
        bench.poke(BASE + crc.DR, word)
    by_words = bench.peek(BASE + crc.DR)
    bench.poke(BASE + crc.CR, crc.RESET)
    for byte in b"12345678":
        bench.poke(BASE + crc.DR, byte, 1)
    assert bench.peek(BASE + crc.DR) == by_words
    bench.poke(BASE + crc.DR, ord("9"), 1)
    assert bench.peek(BASE + crc.DR) == 0x0376E6E7, "the check value of CRC-32/MPEG-2"


def test_it_lies_elsewhere_on_an_h7ax() -> None:
    bench = ChipBench(ChipConfig(part="H7A3"))
    bench.power()
    bench.halt()
    bench.poke(rcc.BASE + rcc.AHB1ENR, 1 << 9)
    bench.poke(0x40023000, 0)
    assert bench.peek(0x40023000) == 0xC704DD7B, "one word of zeros"
