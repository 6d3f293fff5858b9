"""Which protocol the SWJ-DP listens to: JTAG at power-on, SWD or dormant after their sequences (ADIv5.2, B5.3)."""

from __future__ import annotations

from typing import Literal

from bmsrescue.twin.chip.swd import protocol as swd

Protocol = Literal["jtag", "swd", "dormant"]

_JTAG_WINDOW = swd.JTAG_TO_DORMANT_BITS + swd.JTAG_RESET_ONES
_JTAG_TO_DORMANT = swd.JTAG_TO_DORMANT << swd.JTAG_RESET_ONES | (1 << swd.JTAG_RESET_ONES) - 1
_DORMANT_WINDOW = swd.SELECTION_ALERT_BITS + swd.ACTIVATION_ZEROS + swd.ACTIVATION_BITS
_ACTIVATION_SHIFT = swd.SELECTION_ALERT_BITS + swd.ACTIVATION_ZEROS
_WAKE_SWD = swd.SELECTION_ALERT | swd.ACTIVATE_SWD << _ACTIVATION_SHIFT
_WAKE_JTAG = swd.SELECTION_ALERT | swd.ACTIVATE_JTAG << _ACTIVATION_SHIFT


class LineSelection:
    """Watches the line's bits for selection sequences.

    A 16-bit switch counts only right after the ones of a line reset, so in SWD there is something to watch for in the
    16 cycles after those only; ``watching`` says so. In JTAG and dormant every bit is watched.
    """

    __slots__ = ("_bits", "_left", "_window", "protocol", "watching")

    def __init__(self) -> None:
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self.protocol: Protocol = "jtag"
        self.watching = False
        self._bits = 0
        self._left = 0
        self._window = 0

    @property
    def swd(self) -> bool:
        return self.protocol == "swd"

    @property
    def switching(self) -> bool:
        """The bits since the line reset may yet become the way out of SWD, so they need not be a request."""
        seen = (1 << swd.SWITCH_BITS - self._left) - 1
        return self.watching and self._bits in (swd.SWD_TO_JTAG & seen, swd.SWD_TO_DORMANT & seen)

    def step(self, level: int, ones_before: int) -> bool:
        """One bit, which came after ``ones_before`` high bits in a row; true when it completed a switch."""
        if self.protocol == "dormant":
            self._window = self._window >> 1 | level << (_DORMANT_WINDOW - 1)
            if self._window == _WAKE_SWD:
                return self._switch("swd")
            return self._window == _WAKE_JTAG and self._switch("jtag")
        if self.protocol == "jtag":
            self._window = self._window >> 1 | level << (_JTAG_WINDOW - 1)
            if self._window == _JTAG_TO_DORMANT:
                return self._switch("dormant")
        if not level and ones_before >= swd.LINE_RESET_ONES:
            self.watching = True
            self._bits = 0
            self._left = swd.SWITCH_BITS - 1
            return False
        if not self.watching:
            return False
        self._left -= 1
        self._bits |= level << (swd.SWITCH_BITS - 1 - self._left)
        if self._left:
            return False
        self.watching = False
        if self._bits == swd.JTAG_TO_SWD and self.protocol == "jtag":
            return self._switch("swd")
        if self._bits == swd.SWD_TO_JTAG and self.protocol == "swd":
            return self._switch("jtag")
        return self._bits == swd.SWD_TO_DORMANT and self.protocol == "swd" and self._switch("dormant")

    def _switch(self, protocol: Protocol) -> bool:
        self.protocol = protocol
        self.watching = False
        self._window = 0
        return True
