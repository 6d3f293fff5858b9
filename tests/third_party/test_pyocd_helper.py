"""pyOCD debugs and flashes through a helper: the agent on a real MicroPython, behind a serial port."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyocd.core.exceptions import TransferFaultError
from pyocd.core.helpers import ConnectHelper
from pyocd.core.session import Session
from pyocd.core.target import Target
from pyocd.flash.loader import FlashLoader

from bmsrescue.pyocd_probe.helper_link import HelperLink
from bmsrescue.pyocd_probe.links import is_helper
from link_twin import PATIENCE_S, Host, WatchedTwin, helper_on

FLASH, AXI_SRAM, DBGMCU_IDC = 0x08000000, 0x24000000, 0x5C001000
SECTOR = 0x20000
READ_BYTES = 64 * 1024


@contextmanager
def pyocd_through(twin: WatchedTwin, connect_mode: str = "halt") -> Iterator[tuple[Target, HelperLink]]:
    session: Session = ConnectHelper.session_with_chosen_probe(
        unique_id=f"bmsrescue:{twin.url}",
        target_override="stm32h723xx",
        connect_mode=connect_mode,
        blocking=False,
        return_first=True,
        options={"frequency": 4_000_000, "hide_programming_progress": True},
    )
    with session:
        assert isinstance(session.probe.link, HelperLink)
        yield session.target, session.probe.link


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("/dev/ttyACM0", True),
        ("socket://127.0.0.1:4000", True),
        ("COM7", True),
        ("twin:half-on", False),
        ("COM", False),
    ],
)
def test_a_helper_is_named_by_its_port(text: str, means: bool) -> None:
    assert is_helper(text) is means


@pytest.mark.parametrize("connect_mode", ["halt", "under-reset"])
def test_it_connects_and_finds_the_core_at_its_first_instruction(connect_mode: str) -> None:
    with helper_on("healthy") as twin, pyocd_through(twin, connect_mode) as (target, _):
        assert target.get_state() is Target.State.HALTED
        assert target.read32(DBGMCU_IDC) & 0xFFF == 0x483
        vectors = twin.unit.chip.flash.snapshot()[:8]
        assert target.read_core_register("pc") == int.from_bytes(vectors[4:], "little") & ~1


def test_a_block_read_takes_a_frame_per_kib_and_about_the_cycles_of_the_agents_own() -> None:
    with helper_on("healthy") as twin:
        with pyocd_through(twin) as (target, link):
            frames, cycles = link.wire.frames, link.wire.cycles
            data = target.read_memory_block32(FLASH, READ_BYTES // 4)
            frames_used = link.wire.frames - frames - 1  # the one that asked for the cycles
            cycles_used = link.wire.cycles - cycles
        read = b"".join(word.to_bytes(4, "little") for word in data)
        assert read == bytes(twin.unit.chip.flash.snapshot())[:READ_BYTES]
        with Host(twin.url) as host:
            host.connect()
            before = host.call("target.cycles")
            for at in range(0, READ_BYTES, 2048):
                host.call("memory.read", FLASH + at, 2048, timeout_s=PATIENCE_S)
            own = host.call("target.cycles") - before
    assert frames_used <= READ_BYTES // 1024
    assert cycles_used <= 1.3 * own


def test_memory_reads_back_in_every_access_size() -> None:
    data = list(random.Random(7).randbytes(5000))
    with helper_on("blank") as twin, pyocd_through(twin) as (target, _):
        target.write_memory_block8(AXI_SRAM + 0x3FE, data)
        assert target.read_memory_block8(AXI_SRAM + 0x3FE, len(data)) == data
        target.write16(AXI_SRAM + 2, 0xBEEF)
        target.write8(AXI_SRAM + 1, 0x5A)
        assert target.read32(AXI_SRAM) >> 8 == 0xBEEF5A


def test_its_own_flash_algorithm_programs_a_sector() -> None:
    data = random.Random(8).randbytes(16 * 1024)
    with helper_on("blank") as twin:
        with pyocd_through(twin) as (target, _):
            loader = FlashLoader(target.session, chip_erase="sector")
            loader.add_data(FLASH, data)
            loader.commit()
            assert bytes(target.read_memory_block8(FLASH, len(data))) == data
        assert bytes(twin.unit.chip.flash.snapshot())[: len(data)] == data


def test_a_fault_is_reported_and_does_not_end_the_session() -> None:
    with helper_on("interrupted-program") as twin, pyocd_through(twin) as (target, _):
        torn = next(at for at in range(FLASH, FLASH + 8 * SECTOR, 32) if twin.unit.chip.flash.is_torn(at))
        with pytest.raises(TransferFaultError):
            target.read32(torn)
        assert target.read32(DBGMCU_IDC) & 0xFFF == 0x483


def test_the_unit_is_off_when_pyocd_has_gone() -> None:
    with helper_on("healthy") as twin:
        with pyocd_through(twin):
            assert twin.powered
        with Host(twin.url) as host:
            assert host.call("power.status")["on"] is False


def test_a_unit_that_does_not_come_up_is_not_debugged() -> None:
    from pyocd.core.exceptions import ProbeError

    with helper_on("short-3v3") as twin, pytest.raises(ProbeError, match=r"3\.3 V|cut the power"), pyocd_through(twin):
        pass
