# SWD on its two wires: requests, and the sequences around them. Arm IHI 0031 (ADIv5.2) chapter B4. swd.py makes its
# transfers of bits, wire_rp2.py leaves whole ones to a PIO state machine.
#
# `bits` is an object with
#   clock_out(value, count)   drive SWDIO with `count` bits of `value`, LSB first
#   clock_in(count) -> int    let go of SWDIO and sample `count` bits, LSB first; an undriven line reads 1
#   engage(), release()       drive the pins; let go of them
#   pulled(up)                levels of SWDIO and SWCLK under a weak pull of ours, see hal/ports.py
#   set_frequency(hz)         returns the frequency reached
#   cycles                    SWCLK cycles so far
#
# No `machine` here: the same file runs on the helper over its pins and on CPython inside the virtual helper's wire.

from micropython import const

from rescuelink.errors import WireError

_ACK_WAIT = const(2)
_ACK_FAULT = const(4)
_ACK_NONE = const(7)

_RESET_ONES = const(56)  # a line reset is >= 50 ones
_RESET_ZEROS = const(8)  # and >= 2 zeros
_JTAG_TO_SWD = const(0xE79E)
_DORMANT_ACTIVATE_SWD = const(0x1A)
_ALERT = b"\x92\xf3\x09\x62\x95\x2d\x85\x86\xe9\xaf\xdd\xe3\xa2\x0e\xbc\x19"

_ONES = (1 << 28) - 1


def _request(ap, read, a32):
    """Start, APnDP, RnW, A[2:3], parity over those four, Stop 0, Park 1."""
    fields = ap | read << 1 | (a32 >> 2 & 3) << 2
    parity = fields ^ fields >> 1 ^ fields >> 2 ^ fields >> 3
    return 0x81 | fields << 1 | (parity & 1) << 5


def _requests(read):
    """Request bytes at index `ap << 2 | a32 >> 2`."""
    return bytes([_request(index >> 2, read, (index & 3) << 2) for index in range(8)])


READ_REQUESTS = _requests(1)
WRITE_REQUESTS = _requests(0)


class SwdLine:
    """What every `Wire` port over `bits` has in common; see hal/ports.py for what each method means. A subclass has
    the transfers.

    wait_limit: how often one transfer is repeated on WAIT before WireError("wait"). A repetition takes 13 clocks.
    """

    def __init__(self, bits, wait_limit=256):
        self._bits = bits
        self._out = bits.clock_out
        self._in = bits.clock_in
        self.wait_limit = wait_limit
        self.waits = 0  # WAIT answers seen
        self.resends = 0  # reads whose parity was wrong
        self.frequency_hz = 0

    @property
    def cycles(self):
        return self._bits.cycles

    def set_frequency(self, hz):
        self.frequency_hz = self._bits.set_frequency(hz) or hz

    def engage(self):
        self._bits.engage()

    def release(self):
        self._bits.release()

    def pulled(self, up):
        return self._bits.pulled(up)

    # -- sequences ---------------------------------------------------------------------------------------------------

    def idle(self, cycles):
        while cycles > 0:
            count = min(cycles, 28)
            self._out(0, count)
            cycles -= count

    def line_reset(self):
        self._out(_ONES, _RESET_ONES // 2)
        self._out(_ONES, _RESET_ONES // 2)
        self._out(0, _RESET_ZEROS)

    def jtag_to_swd(self):
        self._out(_ONES, _RESET_ONES // 2)
        self._out(_ONES, _RESET_ONES // 2)
        self._out(_JTAG_TO_SWD, 16)
        self.line_reset()

    def dormant_to_swd(self):
        self._out(0xFF, 8)
        for byte in _ALERT:
            self._out(byte, 8)
        self._out(0, 4)
        self._out(_DORMANT_ACTIVATE_SWD, 8)
        self.line_reset()

    def bits_out(self, value, count):
        """Drive `count` bits of `value`, LSB first: what no transfer is made of."""
        while count > 0:
            piece = min(count, 24)
            self._out(value & ((1 << piece) - 1), piece)
            value >>= piece
            count -= piece

    def bits_in(self, count):
        """Sample `count` bits, at most 24, LSB first."""
        return self._in(count)

    def _refused(self, answer):
        if answer == _ACK_WAIT:
            return WireError("wait", "the chip kept answering WAIT")
        if answer == _ACK_FAULT:
            return WireError("fault", "the chip answered FAULT")
        if answer == _ACK_NONE:
            return WireError("no_ack", "nothing answers on SWD")
        if answer == 0:
            return WireError("protocol", "SWDIO is stuck low")
        # Line noise: the chip may be in its data phase. Let it finish with the line free; a line reset must follow.
        self._in(34)
        return WireError("protocol", "the chip's answer makes no sense")
