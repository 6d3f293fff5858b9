"""The helper as a CMSIS-DAP probe: pyOCD's own layer, over endpoints in software, to the agent on MicroPython."""

from __future__ import annotations

import random

import pytest
from pyocd.core.target import Target
from pyocd.flash.loader import FlashLoader

from bmsrescue.card.fat import make_image
from bmsrescue.twin.helper.dap_port import DapPort
from dap_twin import dap_helper, probe_helper, pyocd_over, running_probe
from link_twin import PATIENCE_S, Host, WatchedTwin, wait_until
from rescuelink.errors import RescueError

# The unit's time passes no faster than the agent's, whatever else a machine does.
PATIENT = {"flash.timeout.erase_sector": PATIENCE_S, "flash.timeout.program": PATIENCE_S}
FLASH, AXI_SRAM, DBGMCU_IDC = 0x08000000, 0x24000000, 0x5C001000


def test_pyocd_connects_moves_memory_and_flashes_over_hid() -> None:
    data = random.Random(2).randbytes(3000)
    image = random.Random(3).randbytes(2048)
    with probe_helper("blank") as (twin, host, port, ended):
        with pyocd_over(port, is_hid=True, connect_mode="under-reset", **PATIENT) as session:
            target = session.target
            assert type(session.probe).__name__ == "CMSISDAPProbe"
            assert session.probe.product_name == "bmsrescue CMSIS-DAP"
            assert target.get_state() is Target.State.HALTED
            assert target.read32(DBGMCU_IDC) & 0xFFF == 0x483
            target.write_memory_block8(AXI_SRAM, data)
            assert bytes(target.read_memory_block8(AXI_SRAM, len(data))) == data
            FlashLoader.program_binary_data(session, FLASH, image)
        assert twin.unit.chip.flash.snapshot()[: len(image)] == image
        assert twin.powered, "a debugger that has left is not the end of the mode"
        host.notify("cancel")
        wait_until(lambda: ended)
        assert ended == [{"why": "cancelled"}]
        assert not twin.powered
        assert twin.unit.chip.counters.violations == []


def test_pyocd_connects_over_bulk_transfers() -> None:
    with probe_helper("healthy") as (_twin, _host, port, _ended), pyocd_over(port, is_hid=False) as session:
        assert session.target.read32(DBGMCU_IDC) & 0xFFF == 0x483


@pytest.mark.parametrize(
    ("scenario", "kind"), [("short-3v3", "no_vtref"), ("no-vtref", "no_vtref"), ("backfeed", "backfeed")]
)
def test_without_a_steady_supply_of_the_chip_it_is_no_probe(scenario: str, kind: str) -> None:
    with dap_helper(scenario) as (twin, host, port):
        with pytest.raises(RescueError) as refused:
            host.call("probe.run", timeout_s=PATIENCE_S)
        assert refused.value.kind == kind
        assert not twin.powered
        port.send(b"\x00\x02")
        with pytest.raises(TimeoutError):
            port.receive(0.3)


def test_a_helper_whose_board_json_does_not_say_so_is_none() -> None:
    with dap_helper("healthy", dap_fd=None) as (twin, host, _port):
        with pytest.raises(RescueError) as refused:
            host.call("probe.run", timeout_s=PATIENCE_S)
        assert refused.value.kind == "no_probe"
        assert twin.power_log == []


def test_a_helper_that_runs_signed_jobs_only_is_none() -> None:
    with DapPort() as port:
        twin = WatchedTwin("healthy", make_image({}), dap_fd=port.fd)
        twin.helper.deployed = {"trust.txt": "00" * 64 + "\n"}
        with twin, Host(twin.url) as host:
            with pytest.raises(RescueError) as refused:
                host.call("probe.run", timeout_s=PATIENCE_S)
            assert refused.value.kind == "signed_only"
            assert twin.power_log == []


def test_a_debugger_that_is_lost_ends_it() -> None:
    with probe_helper("healthy") as (twin, _host, port, ended):
        port.send(b"\x02\x01")
        assert port.receive() == b"\x02\x01"
        port.hang_up()
        wait_until(lambda: ended)
        assert ended == [{"why": "host lost"}]
        assert not twin.powered


def test_a_limit_that_is_broken_ends_it_with_the_power_cut() -> None:
    with probe_helper("healthy") as (twin, _host, port, ended):
        port.send(b"\x02\x01")
        assert port.receive() == b"\x02\x01"
        twin.unit.break_board(regulator_mv={"v3v3": 2700})
        wait_until(lambda: ended)
        assert isinstance(ended[0], RescueError) and ended[0].kind == "brown-out"
        assert not twin.powered


def test_a_person_at_the_dongle_switches_it_on_and_ends_it() -> None:
    with running_probe("healthy") as (twin, port):
        port.send(b"\x02\x01")
        assert port.receive(PATIENCE_S) == b"\x02\x01"
        assert twin.powered
        twin.helper.press(100, 200)
        wait_until(lambda: not twin.powered)
