# The helper's ports as the twin serves them: each method is one call over the socket (see twin_opcodes.py).
# Loaded by main.py because the twin's board.json says "ports": "twin_ports"; the rest of the agent is as shipped.

import io
import json
import os
from struct import unpack_from

import twin_opcodes as op
from twin_link import Link

from rescue.hal.ports import Ports
from rescuelink.errors import CardError


def _plain(opcode):
    # A method that only makes one call: much smaller than a function of its own.
    return lambda self: self._link.call(opcode)


class Clock:
    def __init__(self, link):
        self._link = link

    def us(self):
        return self._link.look()

    def ms(self):
        return self._link.look() // 1000

    def since_ms(self, start):
        return self.ms() - start

    def sleep_ms(self, duration):
        self._link.call(op.CLOCK_SLEEP_US, 1, 0, duration * 1000)

    def sleep_us(self, duration):
        self._link.call(op.CLOCK_SLEEP_US, 0, 0, duration)

    def feed(self):
        self._link.feed()

    def stop_watchdog(self):
        return True  # it ends with the agent's process


class Wire:
    frequency_hz = 0

    def __init__(self, link):
        self._link = link

    @property
    def cycles(self):
        return self._link.call(op.WIRE_CYCLES)

    @property
    def resends(self):
        return self._link.call(op.WIRE_RESENDS)

    def set_frequency(self, hz):
        self.frequency_hz = self._link.call(op.WIRE_SET_FREQUENCY, 0, hz)

    engage = _plain(op.WIRE_ENGAGE)

    release = _plain(op.WIRE_RELEASE)

    line_reset = _plain(op.WIRE_LINE_RESET)

    jtag_to_swd = _plain(op.WIRE_JTAG_TO_SWD)

    dormant_to_swd = _plain(op.WIRE_DORMANT_TO_SWD)

    def read(self, ap, a32):
        return self._link.call(op.WIRE_READ, ap << 4 | a32)

    def write(self, ap, a32, value):
        if not self._link.post(ap << 4 | a32, value):
            self._link.call(op.WIRE_WRITE, ap << 4 | a32, value)

    def read_block(self, ap, a32, buf):
        self._link.fetch(op.WIRE_READ_BLOCK, ap << 4 | a32, len(buf), 0, buf)

    def write_block(self, ap, a32, buf):
        self._link.send(op.WIRE_WRITE_BLOCK, ap << 4 | a32, 0, buf)

    def pulled(self, up):
        return self._link.call(op.WIRE_PULLED, 1 if up else 0)

    def idle(self, cycles):
        self._link.call(op.WIRE_IDLE, 0, cycles)

    def bits_out(self, value, count):
        while count > 0:
            piece = min(count, 24)
            self._link.call(op.WIRE_BITS_OUT, piece, value & 0xFFFFFF)
            value >>= piece
            count -= piece

    def bits_in(self, count):
        return self._link.call(op.WIRE_BITS_IN, count)


class Lines:
    def __init__(self, link):
        self._link = link

    def power(self, on):
        self._link.call(op.LINE_POWER, 1 if on else 0)

    def nrst(self, low):
        self._link.call(op.LINE_NRST, 1 if low else 0)

    def nrst_level(self):
        return self._link.call(op.LINE_NRST_LEVEL) == 1

    nrst_edges = _plain(op.LINE_NRST_EDGES)

    def boot0(self, level):
        self._link.call(op.LINE_BOOT0, op.RELEASED if level is None else 1 if level else 0)

    def unit_button(self, pressed):
        self._link.call(op.LINE_BUTTON, 1 if pressed else 0)

    release_all = _plain(op.LINE_RELEASE_ALL)


class Rails:
    def __init__(self, link):
        self._link = link
        text = bytearray(256)
        length = link.fetch(op.RAIL_NAMES, 0, 0, 0, text)
        self.names = tuple(str(text[:length], "utf8").split(",")) if length else ()
        self._entries = bytearray(op.CAPTURE_ENTRY_BYTES * len(self.names))
        self.spans = {name: link.call(op.RAIL_SPAN, index) for index, name in enumerate(self.names)}

    def read_mv(self, name, quick=False):
        return self._link.call(op.RAIL_READ, self.names.index(name), quick)

    def read_raw(self, name):
        return self._link.call(op.RAIL_RAW, self.names.index(name))

    def capture(self, window_ms, period_ms):
        self._link.fetch(op.RAIL_CAPTURE, 0, period_ms, window_ms, self._entries)
        return {
            name: unpack_from(op.CAPTURE_ENTRY, self._entries, op.CAPTURE_ENTRY_BYTES * index)
            for index, name in enumerate(self.names)
        }

    def current_ma(self):
        value = self._link.call(op.RAIL_CURRENT)
        return None if value == op.NOTHING else value

    def grounded(self):
        value = self._link.call(op.RAIL_GROUNDED)
        return None if value == op.NOTHING else value

    def set_zero(self, raw):
        self._link.call(op.RAIL_ZERO, 0, raw)

    def arm_trip(self, ma):
        pass  # the twin's current sensor has no alert


class BlockDevice:
    # A block device in MicroPython's extended interface, for VfsFat and VfsLfs2.
    def __init__(self, link, device):
        self._link = link
        self._device = device
        self._owes = False
        info = link.call(op.BLOCK_INFO, device)
        self._size = info >> 32
        self._count = info & 0xFFFFFFFF

    on_read = None
    is_retired = False  # its volume is unmounted: what a file that was never closed writes later is refused

    def readblocks(self, block, buffer, offset=0):
        if self.on_read is not None:
            self.on_read()
        self._link.fetch(op.BLOCK_READ, self._device, block, offset << 32 | len(buffer), buffer)
        self._owes = False

    def writeblocks(self, block, buffer, offset=0):
        if self.is_retired:
            raise OSError(19)
        self._owes = self._device == op.BLOCK_CARD
        self._link.send(op.BLOCK_WRITE, self._device, block, buffer, offset)

    def ioctl(self, operation, argument):
        if operation == 4:  # block count
            return self._count
        if operation == 5:  # block size
            return self._size
        if operation == 6:
            self._link.call(op.BLOCK_ERASE, self._device, argument)
        if operation == 3 and self._owes:  # sync: until a card has programmed what it has taken
            self._owes = False
            self._link.call(op.BLOCK_SYNC, self._device)
        return 0  # init and deinit have nothing to do


class Card:
    root = "/sd"

    def __init__(self, link, is_there):
        self._link = link
        self._is_there = is_there
        self._mounted = False
        self._device = None

    def mount(self):
        if self._mounted:
            return
        if not self._is_there:
            raise CardError("no_card", "this helper has no card slot", next_step="keep job and records on the computer")
        code = self._try_mount()
        if code == 123:  # ENOMEDIUM: the slot's detect switch is open
            raise CardError("no_card", "there is no card in the slot", next_step="put in a card with a job")
        if code:
            message = "the card cannot be read (error %d)" % code
            raise CardError("unreadable", message, next_step="make the card anew, or use another one")
        self._mounted = True

    def _try_mount(self):
        # 0, or the number of the error. Raises CardError for a card that a person can mend.
        from rescuelink.volume import find_volume  # for this moment

        try:
            device = BlockDevice(self._link, op.BLOCK_CARD)
            find_volume(device)
            os.mount(os.VfsFat(device), self.root)
            self._device = device
        except OSError as error:
            return error.errno or 5
        return 0

    def look(self):
        if not self._is_there:
            return None
        try:
            return self._link.call(op.BLOCK_IDENTITY, op.BLOCK_CARD)
        except OSError:
            return None

    def unmount(self):
        if not self._mounted:
            return
        self._mounted = False
        try:
            os.umount(self.root)
        except OSError:
            pass  # a pulled card cannot be written any more; what it holds is settled
        self._device.is_retired = True

    def free_bytes(self, feed=None):
        self._device.on_read = feed
        try:
            status = os.statvfs(self.root)
        except OSError as error:
            code = error.errno
        else:
            return status[1] * status[3]
        finally:
            self._device.on_read = None
        raise CardError("unreadable", "the card does not answer any more (error %d)" % code)


class Store:
    root = "/flash"

    def __init__(self, link, deployed):
        device = BlockDevice(link, op.BLOCK_STORE)
        try:
            os.mount(os.VfsLfs2(device), self.root)
        except OSError:
            os.VfsLfs2.mkfs(device)  # a helper's first start
            os.mount(os.VfsLfs2(device), self.root)
        for name in deployed:
            with io.open(self.root + "/" + name, "w") as file:
                file.write(deployed[name])


class Panel:
    def __init__(self, link, missing):
        self._link = link
        self._missing = missing

    def show(self, framebuffer):
        if "display" not in self._missing:
            self._link.send(op.PANEL_SHOW, 0, 0, framebuffer)

    def led(self, red, green, blue):
        if "leds" not in self._missing:
            self._link.call(op.PANEL_LED, 0, red << 16 | green << 8 | blue)

    def beep(self, duration_ms):
        if "buzzer" not in self._missing:
            self._link.call(op.PANEL_BEEP, 0, duration_ms)

    def pressed(self):
        return "button" not in self._missing and self._link.call(op.PANEL_PRESSED) == 1


class Observer(io.IOBase):
    # A stream for json.dump, so that a record need not fit into the heap a second time, as text.
    def __init__(self, link):
        self._link = link
        self._part = bytearray(256)
        self._used = 0

    def event(self, name, data):
        self._used = 0
        self._first = 1
        json.dump((name, data), self)
        self._send(0)

    def write(self, data):
        for byte in data:
            if self._used == len(self._part):
                self._send(1)
            self._part[self._used] = byte
            self._used += 1
        return len(data)

    def _send(self, more):
        self._link.send(op.EVENT, more, self._first, memoryview(self._part)[: self._used])
        self._used = self._first = 0


def _stream(link, fd):
    from twin_stream import Stream  # its code only where there may be a host

    return Stream(link, fd)


def open(config):  # noqa: A001 - the name that every ports module has
    # All ports, over the socket whose descriptor board.json names.
    link = Link(config["socket"], config.get("posts", False))
    missing = tuple(config.get("missing", ()))
    ports = Ports(
        clock=Clock(link),
        wire=Wire(link),
        lines=Lines(link),
        rails=Rails(link),
        card=Card(link, "card" not in missing),
        store=Store(link, config.get("deployed", {})),
        panel=Panel(link, missing),
        observer=Observer(link),
        stream=_stream(link, config["link"]["fd"]) if "link" in config else None,
        helper_id=config.get("helper_id"),
        missing=missing,
    )
    if "dap_fd" in config:
        from twin_packets import Packets  # its code only where there is a debugger

        ports.packets = Packets(link, config["dap_fd"])
    return ports
