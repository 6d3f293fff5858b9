"""The core's own time: how far it has executed, in its cycles and in the bench's nanoseconds."""

from __future__ import annotations

_NS = 1_000_000_000


class CoreTime:
    """Local time of a core that runs behind the bench's clock and catches up. One instruction is one cycle.

    ``now_ns`` never decreases; ``cycles`` counts only cycles in which the core was clocked and not halted.
    """

    __slots__ = ("_anchor_ns", "_since", "cycles", "hz", "now_ns")

    def __init__(self, hz: int) -> None:
        self.hz = hz
        self.now_ns = 0
        self.cycles = 0
        self._anchor_ns = 0
        self._since = 0

    def set_hz(self, hz: int) -> None:
        """The clock tree was changed at ``now_ns``."""
        self._anchor_ns = self.now_ns
        self._since = 0
        self.hz = hz

    def due(self, until_ns: int) -> int:
        """Whole cycles that fit in until ``until_ns``."""
        return (until_ns - self._anchor_ns) * self.hz // _NS - self._since

    def ns_after(self, cycles: int) -> int:
        """The time ``cycles`` from now, without going there."""
        return self._anchor_ns + (self._since + cycles) * _NS // self.hz

    def spend(self, cycles: int) -> None:
        """So many cycles have been executed."""
        self._since += cycles
        self.cycles += cycles
        self.now_ns = self._anchor_ns + self._since * _NS // self.hz

    def skip_to(self, until_ns: int) -> None:
        """Time passes with the core stopped: halted, asleep, in reset or off."""
        if until_ns > self.now_ns:
            self.now_ns = self._anchor_ns = until_ns
            self._since = 0
