"""The CMSIS-DAP interface on USB over a stand-in of `machine.USBDevice`: what a host is told, and how packets move."""

from __future__ import annotations

import importlib
import json
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir, make_importable

CONFIGURATION = bytes([9, 2, 75, 0, 2, 1, 0, 0x80, 125]) + bytes(66)  # the serial port's, as far as it matters
OUT, IN = 0x03, 0x83


class UsbDevice:
    """One device; `submitted` are the transfers that the driver has been given, by endpoint."""

    BUILTIN_DEFAULT = SimpleNamespace(itf_max=2, ep_max=3, str_max=5, desc_dev=b"device", desc_cfg=CONFIGURATION)
    only: UsbDevice

    def __init__(self) -> None:
        UsbDevice.only = self
        self.submitted: dict[int, Any] = {}
        self.builtin_driver: Any = None
        self.is_active = False

    def active(self, on: bool) -> None:
        self.is_active = on

    def config(self, *given: Any) -> None:
        self.device, self.configuration, self.strings, self.opened, self.reset, self.control, self.done = given

    def submit_xfer(self, endpoint: int, buffer: Any) -> bool:
        assert endpoint not in self.submitted, "one at a time"
        self.submitted[endpoint] = buffer
        return True

    # What a host does.

    def enumerate(self) -> None:
        # MicroPython's mp_usbd_init(): a board whose USBDevice was made has no USB at all before it is active.
        assert self.is_active
        self.submitted.clear()
        self.reset()
        self.opened(b"")

    def write(self, data: bytes) -> None:
        self.submitted.pop(OUT)[: len(data)] = data
        self.done(OUT, 0, len(data))

    def read(self) -> bytes:
        data = bytes(self.submitted.pop(IN))
        self.done(IN, 0, len(data))
        return data


@pytest.fixture
def usb_dap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    make_importable()
    machine = SimpleNamespace(USBDevice=UsbDevice, idle=lambda: None)
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setattr(time, "ticks_ms", lambda: time.monotonic_ns() // 1_000_000, raising=False)
    monkeypatch.setattr(time, "ticks_diff", lambda end, start: end - start, raising=False)
    sys.modules.pop("rescue.hal.usb_dap", None)
    yield importlib.import_module("rescue.hal.usb_dap")
    sys.modules.pop("rescue.hal.usb_dap", None)


@pytest.mark.parametrize(("kind", "interface_class", "attributes"), [("v1", 3, 3), ("v2", 0xFF, 2)])
def test_the_interface_comes_behind_the_serial_ports(
    usb_dap: Any, kind: str, interface_class: int, attributes: int
) -> None:
    usb_dap.start(kind)
    device = UsbDevice.only
    whole = bytes(device.configuration)
    assert int.from_bytes(whole[2:4], "little") == len(whole)
    assert whole[4] == 3
    assert whole[5 : len(CONFIGURATION)] == CONFIGURATION[5:]
    parts, at = [], len(CONFIGURATION)
    while at < len(whole):
        parts.append(whole[at : at + whole[at]])
        at += whole[at]
    assert at == len(whole)
    assert parts[0] == bytes([9, 4, 2, 0, 2, interface_class, 0, 0, 5])
    assert [part[2:6] for part in parts if part[1] == 5] == [bytes([e, attributes, 64, 0]) for e in (OUT, IN)]
    assert "CMSIS-DAP" in device.strings[2]
    assert "CMSIS-DAP" in device.strings[5]
    assert device.strings[:2] == [None, None], "maker and number stay the board's own"
    assert device.builtin_driver is UsbDevice.BUILTIN_DEFAULT


def test_a_host_is_given_the_descriptors_of_a_hid_device(usb_dap: Any) -> None:
    usb_dap.start("v1")
    device = UsbDevice.only
    report = device.control(1, bytes([0x81, 6, 0, 0x22, 2, 0, 64, 0]))
    hid = device.control(1, bytes([0x81, 6, 0, 0x21, 2, 0, 9, 0]))
    assert hid in bytes(device.configuration)
    assert int.from_bytes(hid[7:9], "little") == len(report)
    assert report.count(b"\x95\x40") == 2, "64 bytes each way"
    assert device.control(1, bytes([0x21, 0x0A, 0, 0, 2, 0, 0, 0])) is True
    assert device.control(1, bytes([0x21, 0x0A, 0, 0, 0, 0, 0, 0])) is False, "another interface's"
    assert device.control(1, bytes([0xA1, 1, 0, 1, 2, 0, 64, 0])) is False
    assert device.control(3, bytes(8)) is True


def test_packets_wait_for_the_main_loop_and_answers_for_the_host(usb_dap: Any) -> None:
    usb_dap.start("v2")
    packets, device = usb_dap.packets, UsbDevice.only
    device.enumerate()
    packets.open(True)
    for number in range(4):
        device.write(bytes([number, 7]))
    assert OUT not in device.submitted, "four have come: the host waits"
    for number in range(4):
        assert packets.wait(0)
        assert bytes(packets.take()) == bytes([number, 7])
        packets.reply[:2] = bytes([number, 8])
        packets.send(2)
        assert device.read() == bytes([number, 8])
    assert not packets.wait(5)
    assert OUT in device.submitted
    packets.send(2)
    with pytest.raises(OSError, match="110"):
        packets.send(2)  # nobody takes the one before


def test_a_helper_that_is_no_probe_now_refuses_at_once(usb_dap: Any) -> None:
    usb_dap.start("v1")
    packets, device = usb_dap.packets, UsbDevice.only
    device.enumerate()
    device.write(b"\x02\x01".ljust(64, b"\0"))
    assert device.read()[:2] == b"\x02\x00", "connected to nothing"
    device.write(b"\x05\x00\x01\x02".ljust(64, b"\0"))
    assert device.read()[:2] == b"\x05\xff"
    for _ in range(9):
        device.write(b"\x00\x02".ljust(64, b"\0"))  # and nobody reads
    packets.open(True)
    assert not packets.wait(0), "what came before is nobody's any more"
    device.submitted.pop(IN)
    device.done(IN, 0, 64)
    device.write(b"\x03".ljust(64, b"\0"))
    assert packets.wait(0) and packets.take()[0] == 3


def test_a_bus_reset_is_told_and_nothing_is_sent_before_the_host_is_back(usb_dap: Any) -> None:
    usb_dap.start("v1")
    packets, device = usb_dap.packets, UsbDevice.only
    device.enumerate()
    packets.open(True)
    before = packets.resets
    device.submitted.clear()
    device.reset()
    assert packets.resets == before + 1
    with pytest.raises(OSError, match="110"):
        packets.send(1)
    device.opened(b"")
    device.write(b"\x03".ljust(64, b"\0"))
    assert packets.take()[0] == 3
    packets.send(1)


@pytest.mark.parametrize(
    ("board", "made"), [({"dap": "v1"}, True), ({"dap": None}, False), ({}, False), ("[", False), (None, False)]
)
def test_boot_makes_it_where_board_json_asks_for_it(
    usb_dap: Any, board: Any, made: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if board is not None:
        (tmp_path / "board.json").write_text(board if isinstance(board, str) else json.dumps(board))
    runpy.run_path(str(device_dir() / "boot.py"))
    assert (usb_dap.packets is not None) is made


def test_a_firmware_without_such_devices_starts_as_ever(
    usb_dap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.json").write_text('{"dap": "v1"}')
    monkeypatch.delattr(sys.modules["machine"], "USBDevice")
    runpy.run_path(str(device_dir() / "boot.py"))
    assert usb_dap.packets is None
    assert "no debug probe" in capsys.readouterr().out
