"""MEM-APs: sizes, lanes, auto-increment, the APB-AP's trap, what reset leaves reachable."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from swd_host import (
    CSW,
    DHCSR,
    DRW,
    DTCM,
    FLASH,
    SELECT,
    TAR,
    Refused,
    SwdHost,
    connected,
    make_chip,
)

IDC = 0x5C001000
IDC_APB = 0xE00E1000


def test_identification_registers():
    _chip, host = connected()
    assert host.ap_read(0xFC) == 0x84770001
    assert host.ap_read(0xF8) == 0xE00FE003
    assert host.ap_read(0xFC, ap=1) == 0x84770001
    assert host.ap_read(0xFC, ap=2) == 0x54770002
    assert host.ap_read(0xFC, ap=3) == 0
    assert host.ap_read(0xFC, ap=255) == 0


@pytest.mark.parametrize(("csw", "step"), [(0x23000010, 1), (0x23000011, 2), (0x23000012, 4)])
def test_narrow_accesses_use_the_byte_lane_of_the_address(csw, step):
    chip, host = connected()
    host.write(1, CSW, csw)
    host.write(1, TAR, DTCM)
    mask = (1 << 8 * step) - 1
    for lane in range(0, 4, step):
        host.write(1, DRW, (0x44332211 >> 8 * lane & mask) << 8 * lane)
    host.idle()
    assert chip.rams["DTCM"].data[:4] == bytes.fromhex("11223344")
    host.write(1, TAR, DTCM)
    host.read(1, DRW)
    word = 0
    for _ in range(0, 4, step):
        word |= host.read(1, DRW)
    assert word == 0x44332211 or step == 4


def test_packed_transfers_move_a_whole_word():
    chip, host = connected()
    host.write(1, CSW, 0x23000020)
    host.write(1, TAR, DTCM)
    host.write(1, DRW, 0x44332211)
    host.idle()
    assert chip.rams["DTCM"].data[:4] == bytes.fromhex("11223344")
    assert host.ap_read(TAR) == DTCM + 4


def test_packed_can_be_refused():
    _chip, host = connected(ChipConfig(packed_transfers=False))
    host.write(1, CSW, 0x23000020)
    assert host.ap_read(CSW) & 0x30 == 0


def test_auto_increment_wraps_at_its_limit_and_is_noticed():
    chip, host = connected()
    host.write(1, TAR, DTCM + 0x3FC)
    host.write(1, DRW, 1)
    host.idle()
    assert host.ap_read(TAR) == DTCM
    assert not chip.counters.violations
    host.read(1, DRW)
    assert chip.counters.violation_counts["auto-increment over the TAR limit"] == 1


def test_banked_data_registers_leave_tar_alone():
    chip, host = connected()
    host.write(1, TAR, DTCM + 0x14)
    host.write(0, SELECT, 0x10)
    host.write(1, 0x8, 0xDEADBEEF)
    host.idle()
    assert chip.rams["DTCM"].data[0x18:0x1C] == bytes.fromhex("efbeadde")
    assert host.ap_read(TAR) == DTCM + 0x14


def test_an_unaligned_access_faults_and_is_noticed():
    chip, host = connected()
    with pytest.raises(Refused):
        host.read32(DTCM + 2)
    assert chip.counters.violation_counts["unaligned access"] == 1


def test_ap1_reaches_memory_but_not_the_core():
    chip, host = connected()
    chip.flash.load(FLASH, b"\x01\x02\x03\x04")
    host.write(0, SELECT, 1 << 24)
    host.write(1, CSW, 0x23000012)
    assert host.read32(FLASH) == 0x04030201
    with pytest.raises(Refused):
        host.read32(DHCSR)


def test_the_apb_ap_sees_dbgmcu_and_the_trace_components():
    _chip, host = connected()
    host.write(0, SELECT, 2 << 24)
    host.write(1, CSW, 0x80000012)
    assert host.read32(IDC_APB) & 0xFFF == 0x483
    host.write32(IDC_APB + 4, 0x00600007)
    assert host.read32(0xE00E3FF0) == 0x0D
    with pytest.raises(Refused):
        host.read32(FLASH)
    host.recover()
    host.write(0, SELECT, 0)
    assert host.read32(IDC + 4) == 0x00600007


def test_clearing_bit_31_of_ap2_csw_hides_dbgmcu_until_power_on():
    chip, host = connected()
    assert host.read32(IDC) & 0xFFF == 0x483
    host.ap_write(CSW, 0x23000012, ap=2)
    host.write(0, SELECT, 0)
    assert host.read32(IDC) == 0
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    chip.set_nrst(False)
    chip.clock.advance(1_000_000)
    assert host.read32(IDC) == 0
    assert chip.counters.violation_counts["AP2 CSW bit 31 cleared"] == 1
    chip.set_vdd_mv(0)
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host.connect()
    assert host.read32(IDC) & 0xFFF == 0x483


def test_a_read_modify_write_of_ap2_csw_under_reset_springs_the_trap():
    chip, host = connected()
    chip.set_nrst(True)
    csw = host.ap_read(CSW, ap=2)
    assert not csw & 1 << 31
    host.ap_write(CSW, csw, ap=2)
    assert chip.ap2.csw_hides_dbgmcu


def test_the_trap_can_be_switched_off():
    _chip, host = connected(ChipConfig(ap2_csw_trap=False))
    host.ap_write(CSW, 0x23000012, ap=2)
    host.write(0, SELECT, 0)
    assert host.read32(IDC) & 0xFFF == 0x483


def test_under_reset_the_core_registers_and_the_apb_answer_and_nothing_else():
    chip = make_chip()
    chip.set_nrst(True)
    host = SwdHost(chip.swd)
    assert host.connect() == 0x6BA02477
    host.write32(0xE000EDFC, 0x01000001)
    assert host.read32(0xE000EDFC) == 0x01000001
    with pytest.raises(Refused):
        host.read32(IDC)
    host.recover()
    host.write(0, SELECT, 2 << 24)
    assert host.read32(IDC_APB) & 0xFFF == 0x483


def test_connect_under_reset_halts_before_the_first_instruction():
    chip = make_chip()
    chip.flash.load(FLASH, bytes.fromhex("0000022009000008fee7"))
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    host.write32(0xE000EDFC, 0x01000001)
    host.write32(DHCSR, 0xA05F0001)
    chip.set_nrst(False)
    chip.clock.advance(10_000_000)
    assert host.read32(DHCSR) & 1 << 17
    assert chip.core.pc == 0x08000008
