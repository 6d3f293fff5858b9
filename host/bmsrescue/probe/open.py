"""A probe opened as the agent's hands, and what it can and cannot."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import usb.core
from pyocd.core import exceptions
from pyocd.probe.cmsis_dap_probe import CMSISDAPProbe
from pyocd.probe.debug_probe import DebugProbe
from pyocd.probe.jlink_probe import JLinkProbe
from pyocd.probe.pydapaccess import DAPAccess
from pyocd.probe.stlink.constants import SWD_FREQ_MAP
from pyocd.probe.stlink.stlink import STLink
from pyocd.probe.stlink_probe import StlinkProbe
from pyocd.probe.tcp_client_probe import TCPClientProbe

from bmsrescue.agent.files import make_importable
from bmsrescue.probe import facts
from bmsrescue.probe.facts import Remark
from bmsrescue.probe.managed_wire import ManagedWire
from bmsrescue.probe.ports import Clock, Folder, FolderCard, HostClock, NoPanel, ProbeLines, ProbeRails
from bmsrescue.probe.raw_wire import RawWire
from bmsrescue.probe.supply import Supply
from rescuelink.errors import LinkError

_UDEV = "let your user have it (udev, see docs/probes.md), and plug it in anew"
_CLOSE_OTHERS = "close the other program that has it (a debugger, an IDE, another bmsrescue)"
_ID_DIGITS = 16
_PLUG = "plug the probe in again, and look at its cable"


@dataclass
class OpenProbe:
    """`vtref`: reads it in mV, None where the probe does not measure it. `reads_nrst`: whether it sees NRST's level."""

    probe: Any
    kind: str
    name: str
    wire: RawWire | ManagedWire
    reads_nrst: bool
    vtref: Callable[[], int] | None = None
    firmware: str = ""
    remarks: list[Remark] = field(default_factory=list)

    def cannot(self) -> list[str]:
        """What nothing can be said of, or done, with this probe alone."""
        missing = [] if self.vtref is not None else ["the unit's 3.3 V (VTref)"]
        missing += [] if self.reads_nrst else ["NRST's level and resets by others"]
        return [*missing, "B+, 12 V and the core supply", "BOOT0", "the unit's button", "the supply's current"]

    def close(self) -> None:
        self.wire.release()
        self.probe.close()


def open_probe(probe: Any) -> OpenProbe:
    """Open what find_probe() found.

    Raises:
        LinkError: kinds "permission", "busy", "lost", "firmware" (too old to be used without harm), "limits".
    """
    try:
        probe.open()
    except usb.core.USBError as error:
        raise _usb_error(probe, error) from error
    except (exceptions.Error, DAPAccess.Error, OSError) as error:
        raise _open_error(probe, error) from error
    try:
        opened = _opened(probe)
        for remark in opened.remarks:
            if remark.refuses:
                raise LinkError("firmware", f"{opened.name}: {remark.sentence}", next_step=remark.next_step)
    except BaseException:
        probe.close()
        raise
    return opened


def make_ports(opened: OpenProbe, supply: Supply | None, card: Path, store: Path, clock: Clock | None = None) -> Any:
    """The agent's bundle of ports, in the safe state."""
    make_importable()
    clock = clock or HostClock()
    lines = ProbeLines(opened.probe, supply, opened.reads_nrst)
    opened.wire.after_connect = lines.hold_nrst
    return import_module("rescue.hal.ports").Ports(
        clock=clock,
        wire=opened.wire,
        lines=lines,
        rails=ProbeRails(clock, opened.vtref),
        card=FolderCard(card),
        store=Folder(store),
        panel=NoPanel(),
        # A number that no other has, as a helper's hardware has one: a serial number is any text.
        helper_id=sha256(opened.name.encode()).hexdigest()[:_ID_DIGITS],
        missing=_missing(opened, supply),
    )


def _missing(opened: OpenProbe, supply: Supply | None) -> tuple[str, ...]:
    """By the names of rescue.hal.ports.PARTS."""
    parts = [] if supply is not None else ["power"]
    parts += [] if opened.reads_nrst else ["nrst_level"]
    return (*parts, "boot0", "unit_button", "pulls", "display", "leds", "buzzer", "button")


def _opened(probe: Any) -> OpenProbe:
    if isinstance(probe, StlinkProbe):
        return _stlink(probe)
    if isinstance(probe, JLinkProbe):
        return _jlink(probe)
    if isinstance(probe, CMSISDAPProbe):
        return _cmsis_dap(probe)
    is_managed = DebugProbe.Capability.MANAGED_AP_SELECTION in probe.capabilities
    wire = ManagedWire(probe) if is_managed else RawWire(probe)
    # The probe server passes an order to NRST on, and the level only where the probe there reads it.
    kind = "remote" if isinstance(probe, TCPClientProbe) else "other"
    return OpenProbe(probe, kind, str(probe.unique_id), wire, reads_nrst=not is_managed)


def _stlink(probe: Any) -> OpenProbe:
    link: STLink = probe._link  # pyOCD has no other way to its voltage and version

    def vtref() -> int:
        link.get_target_voltage()
        return round(1000 * (link.target_voltage or 0))

    if link.hw_version >= 3:
        _, khz = link.get_com_frequencies(STLink.Protocol.SWD)
        steps = [1000 * step for step in khz]
    else:
        steps = list(SWD_FREQ_MAP)
    wire = ManagedWire(probe, max(steps), min(steps))
    wire.reached = lambda hz: max((step for step in steps if step <= hz), default=min(steps))
    remarks = facts.of_stlink(link.hw_version, link.jtag_version)
    name = f"{link.product_name} {probe.unique_id}"
    return OpenProbe(probe, "stlink", name, wire, False, vtref, str(link.version_str), remarks)


def _jlink(probe: Any) -> OpenProbe:
    link = probe._link
    wire = RawWire(probe)
    wire.reached = lambda hz: 1000 * int(link.speed)
    name = f"{probe.product_name} {probe.unique_id}"
    return OpenProbe(
        probe, "jlink", name, wire, True, lambda: int(link.hardware_status.voltage), str(link.firmware_version)
    )


def _cmsis_dap(probe: Any) -> OpenProbe:
    link = probe._link
    vid, pid = link.vidpid
    protocol = link.identify(DAPAccess.ID.CMSIS_DAP_PROTOCOL_VERSION) or ""
    device = getattr(getattr(link._interface, "dev", None), "bcdDevice", None)
    firmware = f"{link.firmware_version or 'of unknown version'} (CMSIS-DAP {protocol or 'unknown'})"
    remarks = facts.of_cmsis_dap(vid, pid, device, protocol)
    name = f"{probe.product_name} {probe.unique_id}"
    return OpenProbe(probe, "cmsisdap", name, RawWire(probe), True, None, firmware, remarks)


def _usb_error(probe: Any, error: usb.core.USBError) -> LinkError:
    what = f"{probe.description} {probe.unique_id}"
    if error.errno == errno.EACCES:
        return LinkError("permission", f"you may not use {what}", next_step=_UDEV)
    if error.errno == errno.EBUSY:
        return LinkError("busy", f"{what} is in use", next_step=_CLOSE_OTHERS)
    return LinkError("lost", f"{what} cannot be opened: {error}", next_step=_PLUG)


def _open_error(probe: Any, error: Exception) -> LinkError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, usb.core.USBError):
            return _usb_error(probe, cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError):
        return LinkError(
            "no_probe", f"nobody serves a probe at {probe.unique_id}: {error}", next_step="start `pyocd server` there"
        )
    return LinkError("lost", f"{probe.unique_id} cannot be opened: {error}", next_step=_PLUG)
