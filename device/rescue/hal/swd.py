# SWD transfers over anything that can clock bits, the `bits` of swd_line.py. Arm IHI 0031 (ADIv5.2) chapter B4.
#
# No `machine` here: the same file runs on the helper over its pins and on CPython inside the virtual helper's wire.

import struct

from micropython import const

from rescue.hal.swd_line import READ_REQUESTS, WRITE_REQUESTS, SwdLine
from rescuelink.errors import WireError

_ACK_OK = const(1)
_ACK_WAIT = const(2)

# Register offsets that the wire itself must know.
_RESEND = const(0x8)
_RDBUFF = const(0xC)

_IDLE_CYCLES = const(8)  # before the clock stops, so that the last transfer is clocked through (B4.1.1)


def _parity_by_table(value):
    value ^= value >> 16
    return 0x6996 >> ((value >> 12 ^ value >> 8 ^ value >> 4 ^ value) & 15) & 1


# CPython counts bits in one instruction; MicroPython has no int.bit_count. Only bit 0 of the answer is used.
_ones = getattr(int, "bit_count", _parity_by_table)


class SwdWire(SwdLine):
    """The `Wire` port over `bits`."""

    # -- single transfers --------------------------------------------------------------------------------------------

    def read(self, ap, a32):
        value = self._read(READ_REQUESTS[ap << 2 | a32 >> 2])
        if ap:
            value = self._read(READ_REQUESTS[_RDBUFF >> 2])
        self._end()
        return value

    def write(self, ap, a32, value):
        self._write(WRITE_REQUESTS[ap << 2 | a32 >> 2], value)
        self._end()

    def _end(self):
        self._out(0, _IDLE_CYCLES)

    # -- blocks ------------------------------------------------------------------------------------------------------

    def read_block(self, ap, a32, buf):
        # Reads of an AP are posted: each answer is the value of the read before it.
        request = READ_REQUESTS[ap << 2 | a32 >> 2]
        read = self._read
        pack_into = struct.pack_into
        offset = 0
        end = len(buf)
        if not end:
            return
        try:
            if ap:
                read(request)
                end -= 4
            while offset < end:
                pack_into("<I", buf, offset, read(request))
                offset += 4
            if ap:
                pack_into("<I", buf, offset, read(READ_REQUESTS[_RDBUFF >> 2]))
        except WireError as error:
            error.done = offset >> 2
            raise
        self._end()

    def write_block(self, ap, a32, buf):
        request = WRITE_REQUESTS[ap << 2 | a32 >> 2]
        write = self._write
        unpack_from = struct.unpack_from
        offset = 0
        end = len(buf)
        try:
            while offset < end:
                write(request, unpack_from("<I", buf, offset)[0])
                offset += 4
        except WireError as error:
            # A FAULT tells of the write before this one, which the DP had taken but the bus refused.
            error.done = max((offset >> 2) - (error.kind == "fault"), 0)
            raise
        self._end()

    # -- one request on the line -------------------------------------------------------------------------------------
    #
    # The hot loop: a megabyte is 262144 times through _write(). A transfer is three calls of `bits` and 46 clocks, with
    # no idle clock between one and the next:
    #   out 8     request: start, APnDP, RnW, A[3:2], parity, stop, park
    #   in  5     turnaround, ACK, turnaround (a read: 4, the second turnaround comes after its data)
    #   out 33    data and parity (a read: in 34, with the turnaround)
    # The acknowledge decides before any data are clocked, because ORUNDETECT is 0: after WAIT or FAULT the chip expects
    # no data phase, so that a repetition costs 13 clocks and the word is neither lost nor taken twice.

    def _read(self, request):
        """32 bits of answer. Bad parity is asked for once more: RESEND for AP data, the same read for a DP register."""
        bits = self._acknowledged_read(request)
        data = bits & 0xFFFFFFFF
        if not (_ones(data) ^ bits >> 32) & 1:
            return data
        self.resends += 1
        if request & 0x02 or request == READ_REQUESTS[_RDBUFF >> 2]:
            request = READ_REQUESTS[_RESEND >> 2]
        bits = self._acknowledged_read(request)
        data = bits & 0xFFFFFFFF
        if (_ones(data) ^ bits >> 32) & 1:
            raise WireError("parity", "the chip's answer was damaged twice")
        return data

    def _acknowledged_read(self, request):
        """Data in bits 0..31, parity in bit 32. The line is turned round again."""
        out = self._out
        listen = self._in
        out(request, 8)
        answer = listen(4) >> 1  # after one turnaround clock
        if answer == _ACK_OK:
            return listen(34)  # data, parity, turnaround
        for _ in range(self.wait_limit):
            if answer != _ACK_WAIT:
                break
            self.waits += 1
            listen(1)
            out(request, 8)
            answer = listen(4) >> 1
        if answer == _ACK_OK:
            return listen(34)
        listen(1)
        raise self._refused(answer)

    def _write(self, request, value):
        out = self._out
        listen = self._in
        out(request, 8)
        answer = listen(5) >> 1 & 7  # turnaround, ACK, turnaround
        if answer != _ACK_OK:
            for _ in range(self.wait_limit):
                if answer != _ACK_WAIT:
                    break
                self.waits += 1
                out(request, 8)
                answer = listen(5) >> 1 & 7
            if answer != _ACK_OK:
                raise self._refused(answer)
        out(value | (_ones(value) & 1) << 32, 33)
