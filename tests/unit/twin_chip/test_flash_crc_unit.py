"""The flash controller's CRC unit against a plain bitwise CRC, with its unconfirmed points switched."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from swd_host import CR1, FLASH, SR1, connected

CRCCR1, CRCSADD1, CRCEADD1, CRCDATA = 0x52002050, 0x52002054, 0x52002058, 0x5200205C
CRC_BUSY, CRCEND, CRCRDERR = 8, 1 << 27, 1 << 28
DATA = bytes(range(256)) * 2


def plain_crc(data: bytes, initial: int, reflected: bool) -> int:
    crc = initial
    for byte in data:
        if reflected:
            byte = int(f"{byte:08b}"[::-1], 2)
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2) if reflected else crc


def big_endian_words(data: bytes, size: int) -> bytes:
    return b"".join(data[n : n + size][::-1] for n in range(0, len(data), size))


@pytest.mark.parametrize("initial", [0xFFFFFFFF, 0])
@pytest.mark.parametrize("reflected", [False, True])
@pytest.mark.parametrize("word_bytes", [1, 4, 32])
def test_the_unit_computes_what_its_switches_say(initial, reflected, word_bytes):
    config = ChipConfig(crc_initial=initial, crc_reflected=reflected, crc_word_bytes=word_bytes)
    chip, host = connected(config)
    chip.flash.load(FLASH, DATA)
    host.unlock()
    host.write32(CR1, 1 << 15)
    host.write32(CRCSADD1, 0)
    host.write32(CRCEADD1, len(DATA) - 4)
    host.write32(CRCCR1, 1 << 17)
    host.write32(CRCCR1, 1 << 16)
    for _ in range(1000):
        if not host.read32(SR1) & CRC_BUSY:
            break
    assert host.read32(SR1) & CRCEND
    assert host.read32(CRCDATA) == plain_crc(big_endian_words(DATA, word_bytes), initial, reflected)
    host.write32(CR1, 0)
    assert host.read32(CRCDATA) == 0


def test_a_range_grows_to_whole_bursts():
    chip, host = connected()
    chip.flash.load(FLASH, DATA)
    host.unlock()
    host.write32(CR1, 1 << 15)
    host.write32(CRCEADD1, 0x100)
    host.write32(CRCCR1, 1 << 17 | 1 << 16)
    chip.clock.advance(1_000_000)
    assert host.read32(CRCDATA) == plain_crc(big_endian_words(DATA[: 3 * 128], 4), 0xFFFFFFFF, False)


@pytest.mark.parametrize(
    ("breaks", "reported"),
    [
        (lambda chip: chip.flash.tear(FLASH + 0x40000), 0),
        (lambda chip: chip.options.preset(OptionValues(prar=0x04FF0400)), CRCRDERR),
        (lambda chip: chip.options.preset(OptionValues(scar=0x04FF0400)), CRCRDERR),
        (lambda chip: chip.options.preset(OptionValues(prar=0x02FF0200)), 0),
    ],
)
def test_sectors_are_chosen_one_by_one_and_only_a_protected_area_is_an_error(breaks, reported):
    chip, host = connected()
    breaks(chip)
    host.unlock()
    host.write32(CR1, 1 << 15)
    host.write32(CRCCR1, 1 << 17 | 1 << 10)
    host.write32(CRCCR1, 1 << 8 | 1 << 9 | 2)
    host.write32(CRCCR1, 1 << 8 | 1 << 16)
    chip.clock.advance(100_000_000)
    assert host.read32(SR1) & (CRCEND | CRCRDERR) == CRCEND | reported


def test_the_result_reads_zero_after_reset_and_clearing_crc_en_clears_the_addresses():
    chip, host = connected()
    assert host.read32(CRCDATA) == 0
    host.unlock()
    host.write32(CR1, 1 << 15)
    host.write32(CRCSADD1, 0x100)
    host.write32(CRCEADD1, 0x200)
    host.write32(CRCCR1, 1 << 17)
    host.write32(CRCCR1, 1 << 16)
    chip.clock.advance(10_000_000)
    assert host.read32(CRCDATA) != 0
    host.write32(CR1, 0)
    assert [host.read32(register) for register in (CRCDATA, CRCSADD1, CRCEADD1)] == [0, 0, 0]
