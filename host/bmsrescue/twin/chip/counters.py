"""What a debugger did to the chip, counted."""

from __future__ import annotations

from collections import Counter

_KEPT_VIOLATIONS = 200


class Counters:
    """Counts since the chip was made; ``violations`` keeps the first 200 in words, ``violation_counts`` counts all."""

    __slots__ = (
        "ap_reads",
        "ap_writes",
        "dp_reads",
        "dp_writes",
        "faults",
        "line_resets",
        "swclk_cycles",
        "violation_counts",
        "violations",
        "waits",
    )

    def __init__(self) -> None:
        self.swclk_cycles = 0
        self.dp_reads = 0
        self.dp_writes = 0
        self.ap_reads = 0
        self.ap_writes = 0
        self.waits = 0
        self.faults = 0
        self.line_resets = 0
        self.violations: list[str] = []
        self.violation_counts: Counter[str] = Counter()

    @property
    def transfers(self) -> dict[str, int]:
        """Transfers answered OK, by kind."""
        return {
            "dp_read": self.dp_reads,
            "dp_write": self.dp_writes,
            "ap_read": self.ap_reads,
            "ap_write": self.ap_writes,
        }

    def violation(self, what: str, detail: str = "") -> None:
        """Note something a debugger must not do. ``what`` is the kind, ``detail`` where or with what."""
        self.violation_counts[what] += 1
        if len(self.violations) < _KEPT_VIOLATIONS:
            self.violations.append(f"{what}: {detail}" if detail else what)

    def as_dict(self) -> dict[str, object]:
        return {
            "swclk_cycles": self.swclk_cycles,
            "transfers": self.transfers,
            "waits": self.waits,
            "faults": self.faults,
            "line_resets": self.line_resets,
            "violations": dict(self.violation_counts),
        }
