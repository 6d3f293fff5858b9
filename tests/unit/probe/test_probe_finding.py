"""Which probe is meant, and what a person reads when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.errors import UsageError
from bmsrescue.probe.facts import of_cmsis_dap, of_stlink
from bmsrescue.probe.find import find_probe
from bmsrescue.probe.open import open_probe
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.probes.cmsis_dap import CmsisDap
from bmsrescue.twin.probes.stlink import Stlink
from bmsrescue.twin.probes.usb_bus import UsbBus
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from rescuelink.errors import LinkError


@pytest.fixture
def unit() -> Unit:
    return build_unit(find("healthy"))


@pytest.fixture
def two_probes(unit: Unit) -> Iterator[UsbBus]:
    with UsbBus(Stlink(unit, "066DFF01"), CmsisDap(unit, "DAP7")).plugged_in() as bus:
        yield bus


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("stlink", "066DFF01"), ("cmsisdap", "DAP7"), ("066dff", "066DFF01"), ("dap7", "DAP7"), ("cmsisdap:DAP", "DAP7")],
)
def test_a_probe_is_named_by_its_kind_or_its_number(two_probes: UsbBus, wanted: str, number: str) -> None:
    assert find_probe(wanted).unique_id == number


def test_two_probes_are_told_apart_by_the_person(two_probes: UsbBus) -> None:
    with pytest.raises(UsageError, match=r"there are 2 probes: .*066DFF01.*DAP7") as told:
        find_probe(None)
    assert "--probe" in told.value.next_step


@pytest.mark.parametrize("wanted", [None, "stlink", "jlink", "cmsisdap", "1234"])
def test_no_probe_is_said_with_what_to_do(unit: Unit, wanted: str | None) -> None:
    with UsbBus().plugged_in(), pytest.raises(LinkError, match="There is no") as told:
        find_probe(wanted)
    assert told.value.kind == "no_probe"
    assert told.value.next_step


def test_a_probe_that_the_user_may_not_open_is_told_with_udev(unit: Unit) -> None:
    bus = UsbBus(Stlink(unit))
    bus.unreadable = True
    with bus.plugged_in(), pytest.raises(LinkError, match=r"0483:374b.*may not use") as told:
        find_probe(None)
    assert told.value.kind == "permission"
    assert "udev" in str(told.value.next_step)


@pytest.mark.parametrize("kind", [Stlink, CmsisDap])
def test_a_probe_in_use_is_told_as_busy(unit: Unit, kind: type[Stlink | CmsisDap]) -> None:
    with UsbBus(kind(unit)).plugged_in() as bus:
        probe = find_probe(None)
        bus.busy = True
        with pytest.raises(LinkError, match="is in use") as told:
            open_probe(probe)
    assert told.value.kind == "busy"


def test_nobody_behind_a_remote_probe_is_told() -> None:
    with pytest.raises(LinkError, match="Nobody serves a probe") as told:
        open_probe(find_probe("remote:127.0.0.1:1"))
    assert "pyocd server" in str(told.value.next_step)


@pytest.mark.parametrize("text", ["remote:", "remote:host:port"])
def test_a_remote_probe_without_a_place_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="remote:HOST"):
        find_probe(text)


def test_an_stlink_too_old_to_choose_an_access_port_is_refused(unit: Unit) -> None:
    with (
        UsbBus(Stlink(unit, jtag=27)).plugged_in(),
        pytest.raises(LinkError, match="V2J27 cannot choose an access port") as told,
    ):
        open_probe(find_probe(None))
    assert told.value.kind == "firmware"
    assert "STSW-LINK007" in str(told.value.next_step)


@pytest.mark.parametrize(("hardware", "jtag", "refused"), [(2, 31, True), (2, 32, False), (3, 1, True), (3, 2, False)])
def test_firmware_that_cannot_set_csw_is_refused(hardware: int, jtag: int, refused: bool) -> None:
    assert any(remark.refuses for remark in of_stlink(hardware, jtag)) is refused


@pytest.mark.parametrize(
    ("device", "said"), [(0x0101, "1.0.1 is known to be broken"), (0x0223, ""), (0x0230, "reported not to start")]
)
def test_debug_probe_firmware_that_is_known_to_be_broken_is_named(device: int, said: str) -> None:
    sentences = [remark.sentence for remark in of_cmsis_dap(0x2E8A, 0x000C, device, "2.0.0")]
    assert any(said in sentence for sentence in sentences) if said else not sentences


def test_the_version_of_a_debug_probe_is_read_from_its_usb_descriptor(unit: Unit) -> None:
    old = CmsisDap(unit, ids=(0x2E8A, 0x000C, 0x0101))
    with UsbBus(old).plugged_in():
        opened = open_probe(find_probe(None))
        try:
            assert [remark.next_step for remark in opened.remarks] == ["update it to 2.2.3 (a UF2 file)"]
        finally:
            opened.close()


def test_what_a_probe_cannot_see_is_said(unit: Unit, tmp_path: Path) -> None:
    unit.set_power(True)
    with UsbBus(Stlink(unit), CmsisDap(unit)).plugged_in():
        stlink, dap = open_probe(find_probe("stlink")), open_probe(find_probe("cmsisdap"))
        assert "NRST's level and resets by others" in stlink.cannot()
        assert "the unit's 3.3 V (VTref)" in dap.cannot()
        assert "the unit's 3.3 V (VTref)" not in stlink.cannot()
        stlink.close()
        dap.close()
