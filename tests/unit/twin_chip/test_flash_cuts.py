"""What an operation leaves behind when reset or power loss cuts it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.config import ChipConfig
from swd_host import AIRCR, CR1, FLASH, SwdHost, connected, wait_flash

SECTOR = 0x20000
WORDS_PER_SECTOR = 4096
TORN = 2


def erasing(fraction: float):
    chip, host = connected()
    chip.flash.load(FLASH, bytes(SECTOR))
    host.unlock()
    host.start_erase(0)
    left_ns = chip.flash_controller.busy_until_ns - chip.clock.now_ns
    chip.clock.advance(int(left_ns * fraction))
    return chip, host


def cut_by_power(chip):
    chip.set_vdd_mv(0)


def cut_by_nrst(chip):
    chip.set_nrst(True)


def cut_by_software(chip):
    chip.core.ppb.write(AIRCR, 4, 0x05FA0004)


@pytest.mark.parametrize("cut", [cut_by_power, cut_by_nrst, cut_by_software])
def test_a_cut_erase_leaves_erased_words_a_broken_band_and_old_words(cut):
    chip, _host = erasing(0.5)
    cut(chip)
    state = chip.flash.state[:WORDS_PER_SECTOR]
    erased, torn = state.count(0), state.count(TORN)
    assert abs(erased - WORDS_PER_SECTOR / 2) < 20
    assert torn == chip.config.erase_cut_band_words
    assert state == bytes(erased) + bytes([TORN]) * torn + b"\x01" * (WORDS_PER_SECTOR - erased - torn)
    assert chip.flash.snapshot()[:32] == b"\xff" * 32
    assert chip.flash.snapshot()[SECTOR - 32 : SECTOR] == bytes(32)


def test_after_a_cut_the_controller_is_idle_and_locked():
    chip, host = erasing(0.3)
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    chip.set_nrst(False)
    chip.clock.advance(1_000_000)
    assert host.read32(CR1) == 0x31
    assert not host.status() & 7
    host.unlock()
    host.start_erase(0)
    wait_flash(chip, host, 50)
    assert chip.flash.is_blank(0)


def test_a_cut_program_leaves_that_word_torn_and_no_other():
    chip, host = connected()
    host.unlock()
    host.write32(CR1, 0x32)
    host.write_word(FLASH + 64, [0] * 8)
    chip.clock.advance((chip.flash_controller.busy_until_ns - chip.clock.now_ns) // 2)
    chip.set_vdd_mv(0)
    assert [index for index, state in enumerate(chip.flash.state) if state] == [2]
    assert chip.flash.is_torn(FLASH + 64)


def test_a_partly_filled_buffer_is_lost_without_a_trace():
    chip, host = connected()
    host.unlock()
    host.write32(CR1, 0x32)
    host.write_word(FLASH, [0] * 7)
    chip.set_vdd_mv(0)
    assert not any(chip.flash.state)


def test_flash_survives_power_and_ram_does_not():
    chip, host = connected()
    chip.flash.load(FLASH, b"still here" * 4)
    host.write32(0x20000000, 0x12345678)
    chip.set_vdd_mv(0)
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    assert chip.flash.snapshot()[:10] == b"still here"
    assert host.read32(0x20000000) != 0x12345678


def test_the_same_seed_gives_the_same_wreck():
    wrecks = []
    for _ in range(2):
        chip, host = connected(seed=7)
        host.unlock()
        host.write32(CR1, 0x32)
        host.write_word(FLASH, [0x5A5A5A5A] * 8)
        chip.clock.advance(20_000)
        chip.set_vdd_mv(0)
        wrecks.append(chip.flash.snapshot()[:32])
    assert wrecks[0] == wrecks[1]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1_200_000), st.booleans())
def test_a_cut_at_any_instant_spares_what_was_done_and_what_was_not_begun(cut_ns, by_power):
    chip, host = connected(ChipConfig(flash_time_spread=0))
    host.unlock()
    host.write32(CR1, 0x32)
    chip.clock.after(cut_ns, lambda: cut_by_power(chip) if by_power else cut_by_nrst(chip))
    written = 0
    for word in range(6):
        if chip.system.in_reset:
            break
        for offset in range(0, 32, 4):
            host.try_write(1, 0x4, FLASH + word * 32 + offset)
            host.try_write(1, 0xC, 0x12345678)
        host.idle()
        written = word + 1
        chip.clock.advance(120_000)
    state = bytes(chip.flash.state[:8])
    done = state.count(1)
    assert state[:done] == b"\x01" * done
    assert state[done:] in (bytes(8 - done), bytes([TORN]) + bytes(7 - done))
    assert done >= written - 1
