# The helper's CMSIS-DAP interface on USB, beside the serial port, by machine.USBDevice (docs/cmsis-dap.md): the Packets
# port of ports.py. Descriptors as in micropython-lib's usb-device and usb-device-hid; HID 1.11, USB 2.0 chapter 9.
#
# Callbacks only move buffers: what a packet asks for is done in the main loop. Made by boot.py, before USB starts.

import time
from struct import pack_into

import machine
from micropython import const

_BYTES = const(64)
_RING = const(4)  # as many as DAP_Info tells
_SEND_MS = const(1000)
_IN = const(0x80)
_NAME = "bmsrescue CMSIS-DAP"
_PRODUCT = const(2)  # number of its string
_HID, _VENDOR = 3, 0xFF
_BULK, _INTERRUPT = 2, 3
_SETUP = const(1)
_GET_DESCRIPTOR = const(6)
_SET_IDLE = const(0x0A)
_HID_DESCRIPTOR = const(0x21)
_REPORT_DESCRIPTOR = const(0x22)
_CONNECT = const(2)
_INFO = const(0)
# A vendor's page: 64 bytes in, 64 bytes out.
_REPORT = (
    b"\x06\x00\xff\x09\x01\xa1\x01\x15\x00\x26\xff\x00\x75\x08\x95\x40\x09\x01\x81\x02\x95\x40\x09\x01\x91\x02\xc0"
)


class UsbPackets:
    """is_bulk: v2, else v1 (HID)."""

    def __init__(self, is_bulk):
        self._usb = usb = machine.USBDevice()
        builtin = usb.BUILTIN_DEFAULT
        self._interface = builtin.itf_max
        self._out = builtin.ep_max
        self._hid = b"" if is_bulk else b"\x09\x21\x11\x01\x00\x01\x22" + bytes([len(_REPORT), 0])
        self._packets = [memoryview(bytearray(_BYTES)) for _ in range(_RING)]
        self._lengths = bytearray(_RING)
        self._replies = [memoryview(bytearray(_BYTES)) for _ in range(2)]
        self._is_bulk = is_bulk
        self._open = self._sending = self._listening = self._taken = False
        self._head = self._tail = 0  # packets that have come, and that are done with
        self.resets = 0
        self.reply = self._replies[0]
        usb.builtin_driver = builtin
        strings = [None] * builtin.str_max + [_NAME]
        strings[_PRODUCT] = _NAME
        usb.config(
            builtin.desc_dev,
            self._configuration(builtin),
            strings,
            self._was_opened,
            self._was_reset,
            self._control,
            self._done,
        )
        usb.active(True)  # a board whose USBDevice was made starts no USB by itself, not even its serial port

    def _configuration(self, builtin):
        kind, how = (_VENDOR, _BULK) if self._is_bulk else (_HID, _INTERRUPT)
        added = bytes([9, 4, self._interface, 0, 2, kind, 0, 0, builtin.str_max]) + self._hid
        for endpoint in (self._out, self._out | _IN):
            added += bytes([7, 5, endpoint, how, _BYTES, 0, 0 if self._is_bulk else 1])
        whole = bytearray(builtin.desc_cfg) + added
        pack_into("<HB", whole, 2, len(whole), self._interface + 1)
        return whole

    # --- the port -----------------------------------------------------------------------------------------------------

    def open(self, is_open):
        """Answer from now on, or refuse. What came before is not answered any more."""
        self._tail, self._taken = self._head, False
        self._open = is_open
        self._listen()

    def wait(self, ms):
        """Until a packet is there, at most `ms`; whether there is one."""
        if self._head - self._tail > self._taken:
            return True
        start = time.ticks_ms()
        while self._head - self._tail <= self._taken:
            if time.ticks_diff(time.ticks_ms(), start) >= ms:
                return False
            machine.idle()
        return True

    def take(self):
        """The oldest packet, a view that is void at the next call."""
        if self._taken:
            self._tail += 1
            self._listen()
        self._taken = True
        slot = self._tail % _RING
        return self._packets[slot][: self._lengths[slot]]

    def send(self, length):
        """`length` bytes of `reply`, which is another buffer afterwards. Raises OSError: nobody takes them."""
        if self._sending:
            self._wait_until_sent()
        reply = self.reply
        self._sending = True
        self._usb.submit_xfer(self._out | _IN, reply[:length] if self._is_bulk else reply)
        self.reply = self._replies[0] if reply is self._replies[1] else self._replies[1]

    def _wait_until_sent(self):
        start = time.ticks_ms()
        while self._sending:
            if time.ticks_diff(time.ticks_ms(), start) >= _SEND_MS:
                raise OSError(110)
            machine.idle()

    # --- called by the USB driver -------------------------------------------------------------------------------------

    def _listen(self):
        if not self._listening and self._head - self._tail < _RING:
            self._listening = True
            self._usb.submit_xfer(self._out, self._packets[self._head % _RING])

    def _was_opened(self, _descriptor):
        self._listening = self._sending = False
        self._listen()

    def _was_reset(self):
        self.resets += 1
        self._listening = self._sending = True  # no transfer until the host has configured it

    def _done(self, endpoint, result, count):
        if endpoint & _IN:
            self._sending = False
            return
        self._listening = False
        if result or not count:
            self._listen()
            return
        slot = self._head % _RING
        self._lengths[slot] = count
        self._head += 1
        if not self._open:
            self._refuse(self._packets[slot])
            self._tail, self._taken = self._head, False
        self._listen()

    def _refuse(self, packet):
        # No probe now: it connects to nothing, and tells nothing of itself.
        if self._sending:
            return
        reply = self.reply
        reply[0] = packet[0]
        reply[1] = 0 if packet[0] in (_INFO, _CONNECT) else 0xFF
        self._sending = True
        self._usb.submit_xfer(self._out | _IN, reply[:2] if self._is_bulk else reply)

    def _control(self, stage, request):
        # What a host asks of a HID interface.
        if stage != _SETUP:
            return True
        if request[4] != self._interface or self._is_bulk:
            return False
        if request[1] == _GET_DESCRIPTOR:
            return {_HID_DESCRIPTOR: self._hid, _REPORT_DESCRIPTOR: _REPORT}.get(request[3], False)
        return request[1] == _SET_IDLE


def start(kind):
    """Puts the interface beside the serial port: `kind` is board.json's "dap". For boot.py, before USB starts."""
    global packets
    packets = UsbPackets(kind == "v2")


packets = None
