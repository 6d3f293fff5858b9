"""The core's own time: how far it has executed, in its cycles and in the bench's nanoseconds."""

from __future__ import annotations

NS_PER_S = 1_000_000_000


class CoreTime:
    """Local time of a core that runs behind the bench's clock and catches up. One instruction is one cycle.

    ``now_ns`` never decreases; ``cycles`` counts only cycles in which the core was clocked and not halted.
    """

    __slots__ = ("anchor_ns", "cycles", "hz", "now_ns", "since")

    def __init__(self, hz: int) -> None:
        self.hz = hz
        self.now_ns = 0
        self.cycles = 0
        self.anchor_ns = 0
        """When the clock was last changed, or time last passed with the core stopped,"""
        self.since = 0
        """and the cycles since then; for those who reckon a time at each access and cannot call `ns_after` for it."""

    def set_hz(self, hz: int) -> None:
        """The clock tree was changed at ``now_ns``."""
        self.anchor_ns = self.now_ns
        self.since = 0
        self.hz = hz

    def due(self, until_ns: int) -> int:
        """Whole cycles that fit in until ``until_ns``."""
        return (until_ns - self.anchor_ns) * self.hz // NS_PER_S - self.since

    def ns_after(self, cycles: int) -> int:
        """The time ``cycles`` from now, without going there."""
        return self.anchor_ns + (self.since + cycles) * NS_PER_S // self.hz

    def spend(self, cycles: int) -> None:
        """So many cycles have been executed."""
        self.since += cycles
        self.cycles += cycles
        self.now_ns = self.anchor_ns + self.since * NS_PER_S // self.hz

    def spend_until(self, cycles: int, until_ns: int) -> None:
        """So many cycles have been executed, and where that is not yet until then, those up to it: one at least."""
        since = self.since + cycles
        now_ns = self.anchor_ns + since * NS_PER_S // self.hz
        if until_ns > now_ns:
            more = (until_ns - self.anchor_ns) * self.hz // NS_PER_S - since
            if more < 1:
                more = 1
            since += more
            cycles += more
            now_ns = self.anchor_ns + since * NS_PER_S // self.hz
        self.since = since
        self.cycles += cycles
        self.now_ns = now_ns

    def skip_to(self, until_ns: int) -> None:
        """Time passes with the core stopped: halted, asleep, in reset or off."""
        if until_ns > self.now_ns:
            self.now_ns = self.anchor_ns = until_ns
            self.since = 0
