# The commands of CMSIS-DAP 2.1 for SWD (Arm's CMSIS-DAP document, "Commands"), over this helper's Wire and Lines.
#
# A packet has at most 64 bytes, so has its answer. Each is answered in bounded time, whatever is in it. Of a packet
# that is cut short, or asks for more than an answer holds, nothing is carried out: its answer is an error.

from struct import unpack_from

from micropython import const

from rescue.dap import transfers
from rescuelink.errors import WireError

_PACKET_BYTES = const(64)
_PACKETS = const(4)  # the host may send so many ahead of their answers
_NAME = "bmsrescue CMSIS-DAP"  # debuggers look for the second word

_DONE = const(0)
_ERROR = const(0xFF)
_INVALID = const(0xFF)  # in place of a command that there is not
_SWD_PORT = const(1)
_SWD_CAPABILITY = const(1)
_NRESET = const(0x80)
_LOWEST_HZ = const(10_000)  # slower, and a packet full of WAITs would outlast the helper's watchdog
_MOST_HZ = const(50_000_000)
_MOST_RETRIES = const(256)  # of a transfer that gets WAIT
_MOST_PINS_MS = const(3000)  # as the document has it


class Probe:
    """Answers packets. `serial`: the helper's number, told to the host. `connected`: it drives the wire, because a
    debugger has asked it to."""

    def __init__(self, ports, serial):
        self.ports = ports
        self.wire = ports.wire
        self.serial = serial
        self.connected = False
        self.idle_cycles = 0  # behind each transfer; the wire's own eight are among them
        self.match_retries = 0
        self.match_mask = 0xFFFFFFFF

    def answer(self, packet, reply):
        """Carries out `packet` and writes its answer to `reply`, 64 bytes; both are views. Returns how many bytes of
        it are the answer, 0: there is none."""
        length = len(packet)
        if not length:
            return 0
        reply[0] = packet[0]
        least, function = _COMMANDS.get(packet[0], _UNKNOWN)
        if length < least:
            reply[1] = _ERROR
            return 2
        try:
            return function(self, packet, reply)
        except WireError:
            reply[1] = _ERROR
            return 2

    def let_go(self):
        """The wire and NRST are nobody's any more."""
        self.connected = False
        self.wire.release()
        self.ports.lines.nrst(False)


def _invalid(_probe, _packet, reply):
    reply[0] = _INVALID
    return 1


def _status(reply, status):
    reply[1] = status
    return 2


def _info(probe, packet, reply):
    what = packet[1]
    text, number, size = None, 0, 0
    if what == 0x01:
        text = "bmsrescue"
    elif what == 0x02:
        text = _NAME
    elif what == 0x03:
        text = probe.serial
    elif what == 0x04:
        text = "2.1.0"  # of the document
    elif what == 0x09:
        text = "1.0.0"  # of this file
    elif what == 0xF0:
        number, size = _SWD_CAPABILITY, 1
    elif what == 0xFE:
        number, size = _PACKETS, 1
    elif what == 0xFF:
        number, size = _PACKET_BYTES, 2
    if text:
        data = text.encode()[: _PACKET_BYTES - 3] + b"\0"
        size = len(data)
        reply[2 : 2 + size] = data
    else:
        reply[2], reply[3] = number, 0
    reply[1] = size
    return 2 + size


def _host_status(_probe, _packet, reply):
    return _status(reply, _DONE)


def _connect(probe, packet, reply):
    if packet[1] > _SWD_PORT:
        return _status(reply, 0)  # there is no JTAG
    probe.wire.engage()  # and NRST stays as it is: pyOCD pulls it first, to connect under reset
    probe.connected = True
    return _status(reply, _SWD_PORT)


def _disconnect(probe, _packet, reply):
    probe.let_go()
    return _status(reply, _DONE)


def _configure_transfer(probe, packet, reply):
    probe.idle_cycles, retries, probe.match_retries = unpack_from("<BHH", packet, 1)
    probe.wire.wait_limit = min(retries, _MOST_RETRIES)
    return _status(reply, _DONE)


def _transfer_abort(_probe, _packet, _reply):
    return 0  # nothing is under way that would not end by itself


def _delay(probe, packet, reply):
    probe.ports.clock.sleep_us(unpack_from("<H", packet, 1)[0])
    return _status(reply, _DONE)


def _reset_target(_probe, _packet, reply):
    reply[2] = 0  # there is no sequence for a certain device
    return _status(reply, _DONE) + 1


def _pins(probe, packet, reply):
    # Of the pins only nRESET is driven by itself, open drain; SWCLK and SWDIO are the wire's.
    clock, lines = probe.ports.clock, probe.ports.lines
    output, selected, wait_us = unpack_from("<BBI", packet, 1)
    if selected & _NRESET:
        high = bool(output & _NRESET)
        lines.nrst(not high)
        limit_ms = min((wait_us + 999) // 1000, _MOST_PINS_MS)
        start = clock.ms()
        while lines.nrst_level() != high and clock.since_ms(start) < limit_ms:
            clock.sleep_ms(1)
    return _status(reply, _NRESET if lines.nrst_level() else 0)


def _clock(probe, packet, reply):
    hz = unpack_from("<I", packet, 1)[0]
    if hz < _LOWEST_HZ:
        return _status(reply, _ERROR)
    probe.wire.set_frequency(min(hz, _MOST_HZ))
    return _status(reply, _DONE)


def _configure_swd(_probe, packet, reply):
    # A turnaround of one clock, and a data phase only behind OK: what the wire does.
    return _status(reply, _ERROR if packet[1] & 7 else _DONE)


def _sequence(probe, packet, reply):
    count = packet[1] or 256
    if not probe.connected or 2 + (count + 7) // 8 > len(packet):
        return _status(reply, _ERROR)
    _drive(probe.wire, packet[2:], count)
    return _status(reply, _DONE)


def _drive(wire, data, count):
    at = 0
    while count > 0:
        piece = min(count, 24)
        wire.bits_out(int.from_bytes(data[at : at + 3], "little") & (1 << piece) - 1, piece)
        at += 3
        count -= piece


def _swd_sequence(probe, packet, reply):
    # Entries: bits 0..5 the number of clocks (0: 64), bit 7 whether the chip drives.
    at, room = 2, 2
    for _ in range(packet[1]):
        head = packet[at] if at < len(packet) else 0
        size = ((head & 0x3F or 64) + 7) // 8
        at += 1 if head & 0x80 else 1 + size
        room += size if head & 0x80 else 0
        if not probe.connected or at > len(packet) or room > _PACKET_BYTES:
            return _status(reply, _ERROR)
    wire = probe.wire
    at, end = 2, 2
    for _ in range(packet[1]):
        head = packet[at]
        at += 1
        count = head & 0x3F or 64
        size = (count + 7) // 8
        if head & 0x80:
            _listen(wire, reply[end : end + size], count)
            end += size
        else:
            _drive(wire, packet[at : at + size], count)
            at += size
    reply[1] = _DONE
    return end


def _listen(wire, data, count):
    at = 0
    while count > 0:
        piece = min(count, 24)
        value = wire.bits_in(piece)
        for _ in range((piece + 7) // 8):
            data[at] = value & 0xFF
            value >>= 8
            at += 1
        count -= piece


# (the least bytes that it has, who carries it out)
_UNKNOWN = (1, _invalid)
_COMMANDS = {
    0x00: (2, _info),
    0x01: (3, _host_status),
    0x02: (2, _connect),
    0x03: (1, _disconnect),
    0x04: (6, _configure_transfer),
    0x05: (3, transfers.transfer),
    0x06: (5, transfers.block),
    0x07: (1, _transfer_abort),
    0x08: (6, transfers.write_abort),
    0x09: (3, _delay),
    0x0A: (1, _reset_target),
    0x10: (7, _pins),
    0x11: (5, _clock),
    0x12: (2, _sequence),
    0x13: (2, _configure_swd),
    0x1D: (2, _swd_sequence),
}
