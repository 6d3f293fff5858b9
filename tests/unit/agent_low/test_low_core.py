"""Control of the core: halt, step, reset, registers, samples, and routines of ours, on the twin's real Thumb core."""

import pytest
from low_chip import FLASH, Bench

from rescue.debug import connect as rungs
from rescue.debug import cortex_m_registers as cm
from rescue.debug import cortex_m_watch
from rescuelink.errors import TargetError, WireError

DTCM = 0x20000000


def application(code: bytes) -> bytes:
    """A vector table, and `code` (Thumb) as its reset handler at +0x200."""
    vectors = (0x20020000).to_bytes(4, "little") + (FLASH + 0x201).to_bytes(4, "little")
    image = vectors + bytes(0x1F8) + code
    return image + bytes(-len(image) % 32)


LOOP = b"\xfe\xe7"  # b .
NOPS = b"\x00\xbf" * 8 + LOOP
WAIT_FOR_INTERRUPT = b"\x30\xbf\xfd\xe7"  # wfi; b to it
BAD_LOAD = b"\x4f\xf0\x10\x40\x00\x68" + LOOP  # mov r0, #0x90000000; ldr r0, [r0]


def test_a_running_core_is_seen_running_with_its_pc_and_clock() -> None:
    core = Bench(application(LOOP)).connect(rungs.ATTACH).core
    assert core.state() == "running"
    assert set(cortex_m_watch.pc_samples(core, 8)) == {FLASH + 0x200}
    assert cortex_m_watch.cycles_hz(core, 20) == pytest.approx(64_000_000, rel=0.01)


def test_blank_flash_is_seen_as_lockup() -> None:
    core = Bench().connect(rungs.ATTACH).core
    assert core.state() == "lockup"
    faults = cortex_m_watch.faults(core.ap)
    assert faults["hfsr"] or faults["cfsr"]


def test_a_halted_core_counts_no_cycles() -> None:
    core = Bench(application(LOOP)).connect().core
    assert cortex_m_watch.cycles_hz(core, 20) == 0
    assert cortex_m_watch.pc_samples(core, 2) == [0xFFFFFFFF] * 2


def test_a_sleeping_core_is_seen_sleeping() -> None:
    core = Bench(application(WAIT_FOR_INTERRUPT)).connect(rungs.ATTACH).core
    assert core.state() == "sleeping"


def test_a_sleeping_core_that_cuts_its_debug_off_is_a_wait_with_an_end() -> None:
    bench = Bench(application(WAIT_FOR_INTERRUPT))
    target = rungs.connect(bench.ports, rungs.ATTACH, bench.hz)  # without the chip's debug set-up
    with pytest.raises(WireError) as caught:
        target.core.state()
    assert caught.value.kind == "wait"
    assert caught.value.address == cm.DHCSR
    target.ap2.write32(0xE00E1004, 0x00600007)
    assert target.core.state() == "sleeping"


def test_halt_resume_and_step() -> None:
    core = Bench(application(NOPS)).connect().core
    start = core.read_core(cm.PC)
    core.step()
    core.step()
    assert core.read_core(cm.PC) == start + 4
    assert not core.reset_halted
    core.resume()
    assert core.state() == "running"
    core.halt()
    assert core.state() == "halted"
    assert core.read_core(cm.PC) == FLASH + 0x210


def test_reset_halt_stops_before_the_first_instruction() -> None:
    bench = Bench(application(NOPS))
    core = bench.connect(rungs.ATTACH).core
    core.reset_halt()
    assert core.state() == "halted"
    assert core.read_core(cm.PC) == FLASH + 0x200
    assert core.read_core(cm.SP) == 0x20020000
    assert core.reset_halted


def test_registers_are_written_and_read_back() -> None:
    core = Bench(application(LOOP)).connect().core
    for reg in range(13):
        core.write_core(reg, 0x80000000 | reg)
    assert [core.read_core(reg) for reg in range(13)] == [0x80000000 | reg for reg in range(13)]


def test_release_leaves_no_trace_of_the_debugger() -> None:
    target = Bench(application(LOOP)).connect()
    target.core.release()
    assert target.ap0.read32(cm.DEMCR) == 0
    assert target.ap0.read32(cm.DHCSR) & (cm.C_DEBUGEN | cm.S_HALT) == 0


def test_faults_are_named_with_their_address() -> None:
    core = Bench(application(BAD_LOAD)).connect(rungs.ATTACH).core
    faults = cortex_m_watch.faults(core.ap)
    assert "PRECISERR" in faults["flags"]
    assert faults["bfar"] == 0x90000000


def test_a_routine_runs_to_its_breakpoint_and_returns_r0() -> None:
    target = Bench(application(LOOP)).connect()
    target.ap0.write_block(DTCM, b"\x40\x18\x80\x18\xc0\x18\x00\xbe")  # adds r0, r0, r1; + r2; + r3; bkpt
    assert target.core.call(DTCM | 1, (1, 20, 300, 4000), DTCM + 0x400, 100) == 4321
    assert target.core.reset_halted
    assert target.core.state() == "halted"


def test_a_routine_without_end_is_stopped_at_its_limit() -> None:
    target = Bench(application(LOOP)).connect()
    target.ap0.write_block(DTCM, LOOP + b"\x00\xbe")
    with pytest.raises(TargetError) as caught:
        target.core.call(DTCM, (), DTCM + 0x400, 100)
    assert caught.value.kind == "timeout"
    assert target.core.state() == "halted"
    assert not target.core.reset_halted


def test_a_routine_that_faults_is_caught_and_named() -> None:
    target = Bench(application(LOOP)).connect()
    target.ap0.write_block(DTCM, b"\x00\x68\x00\xbe")  # ldr r0, [r0]; bkpt
    with pytest.raises(TargetError) as caught:
        target.core.call(DTCM, (0x90000000,), DTCM + 0x400, 100)
    assert caught.value.kind == "fault"
    assert caught.value.address == 0x90000000
    target.core.reset_halt()
    assert target.core.state() == "halted"
