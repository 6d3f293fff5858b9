"""pyOCD with its builtin stm32h723xx target, and with its own flash algorithm on the twin's core, works on the twin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyocd.core.helpers import ConnectHelper
from pyocd.core.session import Session
from pyocd.core.target import Target
from pyocd.flash.loader import FlashLoader

from bmsrescue.pyocd_probe.links import TwinLink, parse
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from served_unit import ServedUnit

FLASH, DTCM, AXI_SRAM = 0x08000000, 0x20000000, 0x24000000
DBGMCU_IDC = 0x5C001000
SECTOR = 0x20000


@contextmanager
def opened(unique_id: str, connect_mode: str) -> Iterator[Session]:
    """A pyOCD session on one of our probes."""
    session: Session = ConnectHelper.session_with_chosen_probe(
        unique_id=unique_id,
        target_override="stm32h723xx",
        connect_mode=connect_mode,
        blocking=False,
        return_first=True,
        options={"frequency": 4_000_000, "hide_programming_progress": True},
    )
    with session:
        yield session


@contextmanager
def pyocd_on(scenario: str, connect_mode: str = "halt") -> Iterator[tuple[Target, Unit]]:
    """pyOCD's target, opened, and the twin behind it."""
    with opened(f"bmsrescue:twin:{scenario}", connect_mode) as session:
        link = session.probe.link
        assert isinstance(link, TwinLink)
        yield session.target, link.unit


def test_the_twins_are_found_only_when_asked_for_by_name() -> None:
    found = ConnectHelper.get_all_connected_probes(blocking=False, unique_id="bmsrescue:twin:")
    assert "twin:half-on" in [probe.unique_id for probe in found]
    unasked = ConnectHelper.get_all_connected_probes(blocking=False)
    assert not [probe for probe in unasked if probe.vendor_name == "bmsrescue"]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("twin:half-on", ("half-on", 0)),
        ("twin:half-on:7", ("half-on", 7)),
        ("bitbang:127.0.0.1:9000", ("127.0.0.1", 9000, None)),
        ("bitbang:127.0.0.1:9000:9001", ("127.0.0.1", 9000, 9001)),
        ("bitbang:127.0.0.1", None),
        ("bitbang:127.0.0.1:x", None),
        ("twin:", None),
        ("0669FF", None),
    ],
)
def test_a_probe_is_named_by_what_it_is_plugged_into(text: str, means: object) -> None:
    assert parse(text) == means


@pytest.mark.parametrize("connect_mode", ["halt", "under-reset"])
def test_it_connects_and_finds_the_core_halted_at_its_first_instruction(connect_mode: str) -> None:
    with pyocd_on("healthy", connect_mode) as (target, unit):
        assert target.get_state() is Target.State.HALTED
        assert target.read32(DBGMCU_IDC) & 0xFFF == 0x483
        vectors = unit.chip.flash.snapshot()[:8]
        assert target.read_core_register("sp") == int.from_bytes(vectors[:4], "little")
        assert target.read_core_register("pc") == int.from_bytes(vectors[4:], "little") & ~1


def test_it_attaches_to_a_running_unit_without_disturbing_it() -> None:
    with pyocd_on("healthy", "attach") as (target, unit):
        assert target.get_state() in (Target.State.RUNNING, Target.State.SLEEPING)
        frames = unit.display.frames
        unit.clock.advance(1_000_000_000)
        assert unit.display.frames > frames


def test_memory_reads_back_in_every_access_size() -> None:
    data = list(random.Random(7).randbytes(5000))
    with pyocd_on("blank") as (target, _):
        for start in (DTCM, AXI_SRAM + 0x3FE):
            target.write_memory_block8(start, data)
            assert target.read_memory_block8(start, len(data)) == data
        target.write16(AXI_SRAM + 2, 0xBEEF)
        target.write8(AXI_SRAM + 1, 0x5A)
        assert target.read32(AXI_SRAM) >> 8 == 0xBEEF5A


def test_its_own_flash_algorithm_runs_on_the_core_and_programs_128_kib() -> None:
    data = random.Random(8).randbytes(SECTOR)
    with pyocd_on("healthy") as (target, unit):
        before = bytes(unit.chip.flash.snapshot())
        loader = FlashLoader(target.session, chip_erase="sector")
        loader.add_data(FLASH, data)
        loader.commit()
        assert bytes(target.read_memory_block8(FLASH, len(data))) == data
        after = bytes(unit.chip.flash.snapshot())
    assert after[:SECTOR] == data
    assert after[SECTOR:] == before[SECTOR:]


def test_a_breakpoint_stops_the_firmware_and_a_step_goes_one_instruction_on() -> None:
    with pyocd_on("blank") as (target, _):
        # movs r0, #1; adds r0, #1; b .-2 in RAM
        target.write_memory_block8(DTCM, list(bytes.fromhex("01200130fde7")))
        target.write_core_register("pc", DTCM)
        target.step()
        assert target.read_core_register("pc") == DTCM + 2
        assert target.read_core_register("r0") == 1
        target.set_breakpoint(DTCM + 4)
        target.resume()
        for _ in range(10):
            if target.get_state() is Target.State.HALTED:
                break
        assert target.read_core_register("pc") == DTCM + 4
        assert target.read_core_register("r0") == 2


def test_it_breaks_no_rule_of_the_wire() -> None:
    with pyocd_on("healthy") as (target, unit):
        target.read_memory_block32(FLASH, 1024)
        assert unit.chip.counters.ap_reads > 1024
        assert unit.chip.counters.violation_counts == {}


def test_a_fault_is_reported_with_its_address_and_does_not_end_the_session() -> None:
    from pyocd.core.exceptions import TransferFaultError

    with pyocd_on("interrupted-program") as (target, unit):
        torn = next(a for a in range(FLASH, FLASH + 8 * SECTOR, 32) if unit.chip.flash.is_torn(a))
        with pytest.raises(TransferFaultError):
            target.read32(torn)
        assert target.read32(DBGMCU_IDC) & 0xFFF == 0x483


def test_it_debugs_a_unit_behind_two_ports() -> None:
    served = ServedUnit(build_unit(find("healthy")), powered=False, virtual_time=False)
    try:
        probe = f"bmsrescue:bitbang:{served.ports.host}:{served.ports.bitbang}:{served.ports.control}"
        with opened(probe, "under-reset") as session:
            assert session.target.get_state() is Target.State.HALTED
            flash = bytes(session.target.read_memory_block8(FLASH, 4096))
    finally:
        served.close()
    assert flash == served.flash(FLASH, 4096)
