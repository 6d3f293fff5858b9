# The debug port: find it, power it, and bring it back after every answer that is not OK. IHI 0031G chapter B2, B4.

from rescue.debug import adi_registers as adi
from rescue.hal.ports import Timeout
from rescuelink.errors import WireError

_POWER_UP_MS = 1000
_TRIES = 3  # of a recovery on a line that goes on failing


class DebugPort:
    """epoch counts the recoveries: what was written to an AP in an earlier epoch (CSW, TAR) has to be written again.
    disturbed counts those that no chip brings about by itself: an answer or a word that was damaged or lost.
    """

    def __init__(self, wire, clock):
        self.wire = wire
        self.clock = clock
        self.dpidr = None
        self.epoch = 0
        self.disturbed = 0
        self._select = None

    def connect(self):
        """Make the DP answer, whatever state the line was left in. Returns DPIDR; raises the last WireError.

        First a line reset, then the switch from JTAG, then the way out of the dormant state.
        """
        last = None
        for sequence in (self.wire.line_reset, self.wire.jtag_to_swd, self.wire.dormant_to_swd):
            sequence()
            try:
                dpidr = self.wire.read(0, adi.DPIDR)
            except WireError as error:
                last = error
                continue
            if dpidr & 1 and dpidr != 0xFFFFFFFF:  # bit 0 always reads 1; all ones is a line nobody drives
                self.dpidr = dpidr
                self._forget()
                return dpidr
            last = WireError("protocol", "the debug port's identity makes no sense")
        raise last

    def power_up(self):
        """Clear old errors, select bank 0 and power the debug domain. Call it after connect()."""
        wire = self.wire
        limit = Timeout(self.clock, _POWER_UP_MS, "debug power-up")  # SWCLK does not stop between these
        wire.write(0, adi.ABORT, adi.CLEAR_STICKY)
        self._forget()
        self.select(0, 0)
        wire.write(0, adi.CTRL_STAT, adi.POWER_UP_REQUEST)
        while self.read(adi.CTRL_STAT) & adi.POWER_UP_ACK != adi.POWER_UP_ACK:
            limit.pause(1)

    def read(self, reg):
        """A DP register of bank 0."""
        return self.wire.read(0, reg)

    def write(self, reg, value):
        """A DP register of bank 0."""
        self.wire.write(0, reg, value)
        if reg == adi.SELECT:
            self._select = value

    def select(self, ap, bank):
        """Route AP accesses to register bank `bank` (address bits 7:4) of access port `ap`."""
        value = ap << 24 | bank << 4
        if value != self._select:
            self._select = None  # unknown until the write is through
            self.wire.write(0, adi.SELECT, value)
            self._select = value

    def recover(self, error):
        """After a WireError: ready for AP accesses again. Returns CTRL/STAT as it was; raises if nothing answers.

        WAIT without end: the transfer is given up (DAPABORT). FAULT: the sticky flags are read and cleared. No answer
        or nonsense: the line is reset and the DP found again. SELECT, CSW and TAR are trusted in none of these cases.
        """
        self.clock.feed()  # what is tried again and again outlasts the watchdog
        disturbed = error.kind not in ("fault", "wait")
        status = 0  # a flag seen once stays seen, even if the line fails again before the end
        for _ in range(_TRIES):
            self._forget()
            try:
                if error.kind == "wait":
                    self.wire.write(0, adi.ABORT, adi.DAPABORT)
                elif error.kind != "fault":
                    self.connect()
                now = self.read(adi.CTRL_STAT)
                status |= now
                self.write(adi.ABORT, adi.CLEAR_STICKY)
                if now & adi.POWER_UP_ACK != adi.POWER_UP_ACK:
                    self.power_up()
                self.disturbed += disturbed or status & adi.WDATAERR != 0
                return status
            except WireError as again:
                error = again
                disturbed = True
        self.disturbed += 1
        raise error

    def _forget(self):
        self._select = None
        self.epoch += 1
