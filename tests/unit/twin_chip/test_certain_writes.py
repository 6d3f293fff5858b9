"""When the pins say that a write cannot fail, it does not; when anything could come in between, they do not say so."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.swd.port import WRITE_CYCLES
from swd_host import DTCM, OK, TAR, SwdHost, connected, make_chip


def test_a_free_port_promises_a_write_and_keeps_it():
    chip, host = connected()
    host.read32(DTCM)
    host.idle()
    assert chip.swd.is_certain(WRITE_CYCLES)
    before = chip.counters.swclk_cycles
    assert host.try_write(1, TAR, DTCM) == OK
    host.idle()
    assert chip.counters.swclk_cycles - before == WRITE_CYCLES


def test_nothing_is_promised_while_a_write_is_on_its_way():
    chip, host = connected()
    host.ap_write(TAR, DTCM)
    host.idle()
    assert chip.swd.is_certain(WRITE_CYCLES)
    assert host.try_write(1, TAR, DTCM) == OK
    assert not chip.swd.is_certain(WRITE_CYCLES)


def test_nothing_is_promised_after_a_refusal_before_a_switch_or_without_power():
    chip, host = connected()
    assert host.write32_fails(0x60000000, 1)
    chip.swd.clock_out(0, 8)
    host.recover()
    host.idle()
    assert chip.swd.is_certain(WRITE_CYCLES)
    chip.set_vdd_mv(0)
    assert not chip.swd.is_certain(WRITE_CYCLES)
    fresh = make_chip()
    assert not fresh.swd.is_certain(WRITE_CYCLES)
    SwdHost(fresh.swd).jtag_to_swd()
    assert not fresh.swd.is_certain(WRITE_CYCLES)  # the identity has to be read first


@pytest.mark.parametrize(("cycles_left", "promised"), [(WRITE_CYCLES - 1, False), (WRITE_CYCLES + 2, True)])
def test_nothing_is_promised_beyond_what_is_due(cycles_left, promised):
    chip, host = connected()
    host.idle()
    chip.clock.after(cycles_left * 1_000_000_000 // chip.swd.frequency_hz, lambda: None)
    assert chip.swd.is_certain(WRITE_CYCLES) == promised
