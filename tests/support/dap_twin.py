"""A helper that is a CMSIS-DAP probe, on a unit of the twin, and pyOCD's own USB layer in front of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Protocol

import usb.core
from pyocd.core.helpers import ConnectHelper
from pyocd.core.session import Session

from bmsrescue.twin.helper.dap_port import PACKET_BYTES, DapPort
from bmsrescue.twin.probes.usb_bus import BULK, UsbBus
from link_twin import PATIENCE_S, Host, WatchedTwin, helper_on, in_background

INTERRUPT = 3
SERIAL = "7477696e00000000"


class Packets(Protocol):
    """A debugger's end of the interface: `DapPort` of the twin, `UsbPackets` of the emulated Pico."""

    def send(self, packet: bytes) -> None: ...

    def receive(self, timeout_s: float = 10.0) -> bytes:
        """Raises TimeoutError."""


class HelperOnUsb:
    """The helper as a device of UsbBus: what goes over its endpoints are the packets of `port`."""

    vid, pid, version = 0x2E8A, 0x0005, 0x0100
    strings = ("MicroPython", "bmsrescue CMSIS-DAP", SERIAL, "bmsrescue CMSIS-DAP")
    out_ep, in_ep = 0x03, 0x83
    packet_bytes = PACKET_BYTES

    def __init__(self, port: Packets, is_hid: bool) -> None:
        self.port = port
        self.is_hid = is_hid
        self.packets = 0

    def take(self, data: bytes) -> list[bytes]:
        if not data:
            return []
        assert len(data) <= PACKET_BYTES
        self.packets += 1
        self.port.send(data)
        return []


class HelperBus(UsbBus):
    """Its answers come when the agent has made them."""

    def get_interface_descriptor(self, dev: Any, intf: int, alt: int, config: int) -> Any:
        found = super().get_interface_descriptor(dev, intf, alt, config)
        return SimpleNamespace(**{**vars(found), "bInterfaceClass": 3 if dev.is_hid else 0xFF})

    def get_endpoint_descriptor(self, dev: Any, ep: int, intf: int, alt: int, config: int) -> Any:
        found = super().get_endpoint_descriptor(dev, ep, intf, alt, config)
        return SimpleNamespace(**{**vars(found), "bmAttributes": INTERRUPT if dev.is_hid else BULK})

    def bulk_read(self, dev_handle: Any, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        try:
            answer = dev_handle.port.receive(timeout / 1000)
        except TimeoutError:
            raise usb.core.USBTimeoutError("Operation timed out", -7, 110) from None
        # A report of a HID device always has all its bytes.
        answer = answer.ljust(PACKET_BYTES, b"\0") if dev_handle.is_hid else answer
        buff[: len(answer)] = array("B", answer)
        return len(answer)

    intr_read = bulk_read
    intr_write = UsbBus.bulk_write


@contextmanager
def probe_helper(scenario: str) -> Iterator[tuple[WatchedTwin, Host, DapPort, list[Any]]]:
    """A helper in the mode, begun by a host on its link; the list gets how the mode ended."""
    with dap_helper(scenario) as (twin, host, port):
        ended = in_background(host, "probe.run")
        port.send(b"\x00\xff")
        assert port.receive(PATIENCE_S) == b"\x00\x02\x40\x00", ended
        yield twin, host, port, ended


@contextmanager
def dap_helper(scenario: str, **options: Any) -> Iterator[tuple[WatchedTwin, Host, DapPort]]:
    """A helper that could be a probe, and is none yet."""
    with DapPort() as port, helper_on(scenario, **{"dap_fd": port.fd} | options) as twin, Host(twin.url) as host:
        yield twin, host, port


@contextmanager
def running_probe(scenario: str) -> Iterator[tuple[WatchedTwin, DapPort]]:
    """A helper in the mode, begun by a person: the menu, its last entry but one, and the consent."""
    with DapPort() as port, helper_on(scenario, dap_fd=port.fd) as twin:
        at = 500
        for duration_ms in (2000, *[200] * 9, 2000, 2000):
            twin.helper.press(at, duration_ms)
            at += duration_ms + 500
        yield twin, port


@contextmanager
def pyocd_over(port: Packets, is_hid: bool, target: str = "stm32h723xx", **options: Any) -> Iterator[Session]:
    """pyOCD's own CMSISDAPProbe, which finds this helper and no other probe."""
    device = HelperOnUsb(port, is_hid)
    with HelperBus(device).plugged_in():
        session: Session = ConnectHelper.session_with_chosen_probe(
            unique_id=SERIAL,
            target_override=target,
            blocking=False,
            return_first=True,
            options={"frequency": 4_000_000, "hide_programming_progress": True, **options},
        )
        session.packets = lambda: device.packets
        with session:
            yield session
