"""What is skipped of a core that only polls while a debugger fills its RAM: everything is as if nothing were."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.core.access import CoreAccess
from bmsrescue.twin.chip.swd.port import SwdPort
from bmsrescue.twin.helper.wire import wire_over
from swd_host import SwdHost, make_chip

DHCSR, DCRSR, DCRDR = 0xE000EDF0, 0xE000EDF4, 0xE000EDF8
HALT, RUN = 0xA05F0003, 0xA05F0001
CODE, MAILBOX, COUNTER, RING = 0x20000000, 0x20001000, 0x20001010, 0x20004000
WATCHDOG, FLASH_STATUS = 0x58004800, 0x52002010
# 1: str r0, [r6]; ldr r1, [r2]; ldr r3, [r4]; (more); cmp r1, #0; beq 1b; adds r1, #1; str r1, [r2]; bkpt
POLLS = (0x6030, 0x6811, 0x6823)
MORE = {
    "nothing": (),
    "counts in a register": (0x3501,),  # adds r5, #1
    "counts in memory": (0x683D, 0x3501, 0x603D),  # ldr r5, [r7]; adds r5, #1; str r5, [r7]
    "writes what is there": (0x683D, 0x603D),
}
REGISTERS = {0: 0xAAAA, 2: MAILBOX, 4: FLASH_STATUS, 5: 0, 6: WATCHDOG, 7: COUNTER, 15: CODE, 16: 1 << 24}


def program(more: tuple[int, ...]) -> bytes:
    loop = (*POLLS, *more, 0x2900)
    back = 0xD000 | (-(len(loop) + 2) & 0xFF)
    return struct.pack(f"<{len(loop) + 4}H", *loop, back, 0x3101, 0x6011, 0xBE00)


def fill(more: str, blocks: list[tuple[int, int]], told_at: int, frequency_hz: int):
    """Blocks of (first word, words) written to the ring, the mailbox after so many of them; all that can be seen."""
    chip = make_chip()
    chip.swd.frequency_hz = frequency_hz
    host = SwdHost(chip.swd)
    host.connect()
    host.write32(DHCSR, HALT)
    code = program(MORE[more])
    for offset in range(0, len(code), 4):
        host.write32(CODE + offset, int.from_bytes(code[offset : offset + 4], "little"))
    for address in (MAILBOX, COUNTER):
        host.write32(address, 0)
    for number, value in REGISTERS.items():
        host.write32(DCRDR, value)
        host.write32(DCRSR, 1 << 16 | number)
    wire = wire_over(chip.swd)
    wire.set_frequency(frequency_hz)
    wire.engage()
    host.write32(DHCSR, RUN)
    for number, (first, words) in enumerate(blocks):
        if number == told_at:
            host.write32(MAILBOX, 7)
        wire.write(1, 0x4, RING + 4 * first)
        wire.write_block(1, 0xC, bytes((number + n) & 0xFF for n in range(4 * words)))
    host.idle(400)
    halted = host.read32(DHCSR) >> 17 & 1
    host.write32(DHCSR, HALT)
    registers = []
    for number in range(17):
        host.write32(DCRSR, number)
        registers.append(host.read32(DCRDR))
    ram = bytes(chip.rams["DTCM"].data)
    return halted, registers, ram, chip.counters.as_dict(), chip.clock.now_ns, chip.core.cycles


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(MORE)),
    st.lists(st.tuples(st.sampled_from([0, 0, 100, 250]), st.integers(1, 256)), min_size=3, max_size=8),
    st.integers(0, 8),
    st.sampled_from([4_000_000, 7_777_777, 12_500_000]),
)
def test_a_core_that_polls_while_its_ram_is_filled_does_the_same_at_the_same_time(more, blocks, told_at, frequency_hz):
    as_it_is = fill(more, blocks, told_at, frequency_hz)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CoreAccess, "look_closely", False)
        patch.setattr(SwdPort, "write_run", lambda port, request, data: 0)
        assert fill(more, blocks, told_at, frequency_hz) == as_it_is
    assert as_it_is[0] == (told_at < len(blocks))


@pytest.mark.parametrize("more", ["nothing", "writes what is there"])
def test_most_writes_to_a_core_that_only_polls_are_taken_in_runs(more, taken_in_runs):
    fill(more, [(0, 256)] * 4, 9, 4_000_000)
    assert sum(taken_in_runs) > 900


@pytest.mark.parametrize("more", ["counts in a register", "counts in memory"])
def test_a_loop_that_counts_is_run_each_time(more, monkeypatch):
    known: list[bool] = []
    looked = CoreAccess.looked

    def noted(access: CoreAccess, pc: int, words: set[int] | None) -> None:
        looked(access, pc, words)
        known.append(access.poll is not None)

    monkeypatch.setattr(CoreAccess, "looked", noted)
    fill(more, [(0, 256)] * 4, 9, 4_000_000)
    assert known and not any(known)
