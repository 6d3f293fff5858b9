"""A USB bus with devices in software: a pyusb backend. pyOCD's own drivers find, open and drive what hangs on it.

Time on the bus is virtual: a device's clock is advanced for each transfer that the host waits for.
"""

from __future__ import annotations

import errno
import sys
import threading
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

import usb.core
from pyocd.probe import common
from usb.backend import IBackend

BULK = 2
_DESCRIPTOR, _STRING = 6, 3
_LANGUAGE = 0x0409
_IN = 0x80
# Where pyOCD's drivers look for devices.
_FINDERS = (
    "pyocd.probe.stlink.usb",
    "pyocd.probe.pydapaccess.interface.pyusb_v2_backend",
    "pyocd.probe.pydapaccess.interface.pyusb_backend",
    "pyocd.probe.picoprobe",
)


class UsbDevice(Protocol):
    """A device with one vendor-specific interface. `strings`: maker, product, serial number, interface."""

    vid: int
    pid: int
    version: int
    strings: tuple[str, str, str, str]
    out_ep: int
    in_ep: int
    packet_bytes: int

    def take(self, data: bytes) -> list[bytes]:
        """What the host has sent; returns the answers that are ready for it now."""


class UsbBus(IBackend):  # type: ignore[misc]  # pyusb ships no types
    """unreadable: the user may not open its devices. busy: somebody else has claimed them."""

    def __init__(self, *devices: UsbDevice) -> None:
        self.devices = devices
        self.unreadable = False
        self.busy = False
        self._answers = {id(device): deque[bytes]() for device in devices}
        self._ready = threading.Condition()

    @contextmanager
    def plugged_in(self) -> Iterator[UsbBus]:
        """pyOCD finds these devices and no others."""
        finder = partial(usb.core.find, backend=self)
        with ExitStack() as stack:
            stack.enter_context(_replaced(common, "libusb_error_device_set", set()))
            for name in _FINDERS:
                if name in sys.modules:
                    stack.enter_context(_replaced(sys.modules[name], "usb_find", finder))
            yield self

    # -- pyusb's backend -----------------------------------------------------------------------------------------------

    def enumerate_devices(self) -> Iterator[UsbDevice]:
        return iter(self.devices)

    def get_device_descriptor(self, dev: UsbDevice) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x0200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=dev.vid, idProduct=dev.pid, bcdDevice=dev.version, iManufacturer=1,
            iProduct=2, iSerialNumber=3, bNumConfigurations=1, address=self.devices.index(dev) + 1, bus=1,
            port_number=1, port_numbers=(1,), speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: UsbDevice, config: int) -> Any:
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0x80, bMaxPower=50, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: UsbDevice, intf: int, alt: int, config: int) -> Any:
        if intf or alt or config:
            raise IndexError(intf)
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2,
            bInterfaceClass=0xFF, bInterfaceSubClass=0, bInterfaceProtocol=0, iInterface=4, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: UsbDevice, ep: int, intf: int, alt: int, config: int) -> Any:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(dev.out_ep, dev.in_ep)[ep], bmAttributes=BULK,
            wMaxPacketSize=dev.packet_bytes, bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: UsbDevice) -> UsbDevice:
        if self.unreadable:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, errno.EACCES)
        return dev

    def close_device(self, dev_handle: UsbDevice) -> None: ...

    def set_configuration(self, dev_handle: UsbDevice, config_value: int) -> None: ...

    def get_configuration(self, dev_handle: UsbDevice) -> int:
        return 1

    def set_interface_altsetting(self, dev_handle: UsbDevice, intf: int, altsetting: int) -> None: ...

    def claim_interface(self, dev_handle: UsbDevice, intf: int) -> None:
        if self.busy:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)

    def release_interface(self, dev_handle: UsbDevice, intf: int) -> None: ...

    def is_kernel_driver_active(self, dev_handle: UsbDevice, intf: int) -> bool:
        return False

    def bulk_write(self, dev_handle: UsbDevice, ep: int, intf: int, data: Any, timeout: int) -> int:
        sent = bytes(data)
        answers = dev_handle.take(sent)
        with self._ready:
            self._answers[id(dev_handle)].extend(answers)
            self._ready.notify_all()
        return len(sent)

    def bulk_read(self, dev_handle: UsbDevice, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        queue = self._answers[id(dev_handle)]
        with self._ready:
            if not self._ready.wait_for(lambda: queue, timeout / 1000):
                raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
            answer = queue.popleft()
        buff[: len(answer)] = array("B", answer)
        return len(answer)

    def ctrl_transfer(
        self, dev_handle: UsbDevice, kind: int, request: int, value: int, index: int, data: array[int], timeout: int
    ) -> int:
        if not kind & _IN or request != _DESCRIPTOR or value >> 8 != _STRING:
            raise usb.core.USBError("Pipe error", -9, errno.EPIPE)
        number = value & 0xFF
        text = _LANGUAGE.to_bytes(2, "little") if not number else dev_handle.strings[number - 1].encode("utf-16-le")
        answer = (bytes([len(text) + 2, _STRING]) + text)[: len(data)]
        data[: len(answer)] = array("B", answer)
        return len(answer)


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
