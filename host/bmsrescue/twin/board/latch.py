"""The power latch: what keeps the 12 V converter on.

A micropower latch on B+ that comes up ON when B+ arrives (the default-on bias) or when the button is pressed, and is
reset by the MCU driving its line low. A line left alone changes nothing, so a unit whose firmware never runs stays on:
half-on, with an intact MOSFET.

Other boards have a latch that only holds: 12 V is on while the button is pressed or the firmware drives its line high,
and a unit whose firmware never runs goes off when the finger leaves the button.
"""

from .faults import LatchKind

_SET_V = 8.0  # B+ arrives
_LOSE_V = 4.0  # below this the latch forgets


class PowerLatch:
    """State of the latch and of its high-side switch."""

    def __init__(self) -> None:
        self._armed = False
        self._held = False
        self._pressed = False
        self.shorted = False
        """The MOSFET is shorted: on whatever the latch says."""
        self.kind: LatchKind = "remembers"

    @property
    def enabled(self) -> bool:
        """Is the 12 V converter allowed to run?"""
        return self.shorted or self._held

    def update(self, bplus_v: float, line: bool | None, pressed: bool) -> None:
        """Follow B+ (its edge wakes), the MCU's line (None is high impedance) and the button (its edge wakes)."""
        if bplus_v < _LOSE_V:
            self._armed = self._held = False
        elif bplus_v >= _SET_V and not self._armed:
            self._armed = self._held = True
        if self._armed and pressed and not self._pressed:
            self._held = True
        if line is False:
            self._held = False
        if self.kind == "held":
            self._held = self._armed and (pressed or line is True)
        self._pressed = pressed
