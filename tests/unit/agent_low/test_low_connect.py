"""The connect rungs and the recovery from every answer, against the twin's chip."""

import pytest
from low_chip import FLASH, Bench

from rescue.chips.stm32h7.table import H72x
from rescue.debug import adi_registers as adi
from rescue.debug import connect as rungs
from rescue.debug import cortex_m_registers as cm
from rescuelink.errors import TargetError, WireError

# SP, a reset vector, and `b .` there: an application that runs and does nothing.
RUNNING = (
    (0x20020000).to_bytes(4, "little") + (FLASH + 0x201).to_bytes(4, "little") + bytes(0x1F8) + b"\xfe\xe7" + bytes(30)
)
DBGMCU_CR = 0xE00E1004


def test_attach_finds_the_ports_and_leaves_the_core_running() -> None:
    bench = Bench(RUNNING)
    target = bench.connect(rungs.ATTACH)
    assert target.dpidr == 0x6BA02477
    assert target.aps == {"0": 0x84770001, "1": 0x84770001, "2": 0x54770002}
    assert target.core.state() == "running"
    assert ("nrst", True) not in bench.lines.log


def test_attach_needs_no_switch_sequence_when_the_line_is_already_swd() -> None:
    bench = Bench(RUNNING)
    bench.connect(rungs.ATTACH)
    bench.connect(rungs.ATTACH)
    assert not bench.chip.counters.violations


def test_under_reset_the_firmware_executes_nothing() -> None:
    bench = Bench(RUNNING)
    target = bench.connect(rungs.UNDER_RESET)
    assert target.core.state() == "halted"
    assert target.core.read_core(cm.PC) == FLASH + 0x200
    assert target.core.reset_halted
    assert bench.lines.log == [("nrst", True), ("nrst", False)]
    for address, value in H72x.debug_setup:
        assert target.ap2.read32(address) == value
    assert target.ap0.read32(cm.DEMCR) & cm.VC_CORERESET == 0


def test_a_blank_chip_is_halted_under_reset_too() -> None:
    target = Bench().connect(rungs.UNDER_RESET)
    assert target.core.state() == "halted"


def test_power_cycle_under_reset_holds_nrst_through_the_power_on() -> None:
    bench = Bench(RUNNING)
    seen: list[bool] = []
    original = bench.power_cycle

    def power_cycle() -> None:
        original()
        seen.append(bench.lines.nrst_level())

    bench.power_cycle = power_cycle  # type: ignore[method-assign]
    target = bench.connect(rungs.POWER_CYCLE_UNDER_RESET)
    assert seen == [False]
    assert target.core.state() == "halted"


def test_boot0_ends_halted_with_boot0_let_go() -> None:
    bench = Bench(RUNNING)
    target = bench.connect(rungs.BOOT0)
    assert target.core.state() == "halted"
    assert target.core.read_core(cm.PC) >> 20 == 0x1FF
    assert bench.lines.log[-1] == ("boot0", None)


def test_a_rung_that_needs_a_power_cycle_is_refused_without_one() -> None:
    bench = Bench(RUNNING)
    with pytest.raises(TargetError):
        rungs.connect(bench.ports, rungs.BOOT0, 1_000_000)


def test_nothing_answers_when_the_chip_has_no_power() -> None:
    bench = Bench()
    bench.chip.set_vdd_mv(0)
    bench.clock.advance(100_000_000)
    for how in (rungs.ATTACH, rungs.UNDER_RESET):
        with pytest.raises(WireError) as caught:
            bench.connect(how)
        assert caught.value.kind in ("no_ack", "protocol")
    assert bench.lines.log[-2:] == [("nrst", False), ("boot0", None)]


def test_a_reset_that_stays_low_is_said_so() -> None:
    bench = Bench(RUNNING)
    bench.lines.held_low = True
    bench.chip.set_nrst(True)
    with pytest.raises(TargetError) as caught:
        bench.connect(rungs.UNDER_RESET)
    assert caught.value.kind == "timeout"
    assert "NRST" in caught.value.sentence()


def test_a_bus_fault_carries_its_address_and_leaves_the_port_usable() -> None:
    target = Bench(RUNNING).connect()
    with pytest.raises(WireError) as caught:
        target.ap0.read32(0x90000000)
    assert (caught.value.kind, caught.value.address) == ("fault", 0x90000000)
    assert target.ap0.read32(FLASH) == 0x20020000


def test_a_refused_write_carries_its_own_address() -> None:
    target = Bench(RUNNING).connect()
    with pytest.raises(WireError) as caught:
        target.ap0.write32(0x90000010, 1)
    assert caught.value.address == 0x90000010
    target.ap0.write32(0x20000000, 0x1234)
    assert target.ap0.read32(0x20000000) == 0x1234


def test_a_block_that_runs_out_of_memory_faults_at_the_first_word_outside() -> None:
    target = Bench(RUNNING).connect()
    end_of_dtcm = 0x20020000
    target.ap0.write_block(end_of_dtcm - 64, bytes(range(64)))
    buf = bytearray(128)
    with pytest.raises(WireError) as caught:
        target.ap0.read_block(end_of_dtcm - 64, buf)
    assert caught.value.address == end_of_dtcm
    assert caught.value.done == 16
    assert buf[:64] == bytes(range(64))
    with pytest.raises(WireError) as caught:
        target.ap0.write_block(end_of_dtcm - 64, buf)
    assert caught.value.address == end_of_dtcm


@pytest.mark.parametrize(("offset", "length"), [(0x3F0, 32), (0x3FC, 8), (0x100, 4096), (0x404, 2044)])
def test_blocks_cross_the_1_kib_limit_of_tar(offset: int, length: int) -> None:
    target = Bench(RUNNING).connect()
    data = bytes((index * 7 + 3) & 0xFF for index in range(length))
    target.ap0.write_block(0x20000000 + offset, data)
    back = bytearray(length)
    target.ap0.read_block(0x20000000 + offset, back)
    assert back == data


def test_wait_without_end_is_aborted_and_the_port_works_again() -> None:
    bench = Bench(RUNNING)
    h7 = bench.h7()
    h7.flash.unlock()
    # Erase sector 1 behind the driver's back, then read flash: single bank, the bus stalls until the end of the erase.
    h7.flash._writer().write(0x0C, 0x134)
    h7.flash._writer().write(0x0C, 0x1B4)
    with pytest.raises(WireError) as caught:
        h7.target.ap0.read32(FLASH)
    assert caught.value.kind == "wait"
    bench.clock.advance(5_000_000_000)
    assert h7.target.ap0.read32(FLASH) == 0x20020000


@pytest.mark.parametrize("spoiled", range(0, 40, 3))
def test_noise_on_the_line_costs_a_repetition_not_the_connection(spoiled: int) -> None:
    bench = Bench(RUNNING)
    target = bench.connect()
    calls = 0

    def spoil(direction: str, value: int, count: int) -> int:
        nonlocal calls
        calls += 1
        if calls == spoiled + 1:
            return value ^ 1 << count // 2
        return value

    bench.bits.spoil = spoil
    buf = bytearray(64)
    target.ap0.read_block(FLASH, buf)
    assert buf == RUNNING[:64]
    assert target.ap0.read32(FLASH + 4) == FLASH + 0x201


def test_a_lost_debug_power_is_found_and_restored() -> None:
    bench = Bench(RUNNING)
    target = bench.connect()
    bench.power_cycle()
    assert target.ap0.read32(FLASH) == 0x20020000
    assert target.dp.read(adi.CTRL_STAT) & adi.POWER_UP_ACK == adi.POWER_UP_ACK


def test_the_agent_makes_no_protocol_violation_on_the_way() -> None:
    bench = Bench(RUNNING)
    for how in rungs.RUNGS:
        bench.connect(how)
    assert not bench.chip.counters.violations


def test_ap2_csw_bit_31_is_never_written_0() -> None:
    target = Bench(RUNNING).connect(rungs.ATTACH)
    target.ap2.read32(DBGMCU_CR)
    assert target.ap0.read32(0x5C001000) & 0xFFF == 0x483
