"""Recognising that the core does nothing but poll.

A loop whose device accesses repeat (same instructions, same addresses, same values) will go on repeating until one of
the devices it reads changes. Executing it would change nothing but the time, so the time is moved instead.
"""

from __future__ import annotations

_LONGEST_PERIOD = 4
"""Accesses per turn of a loop that are still recognised: a status poll that also feeds the watchdog, for example."""
REMEMBERED = 2 * _LONGEST_PERIOD

Access = tuple[int, int, int, int, bool]
"""Program counter, address, size, value, whether it was a write."""


class IdleDetector:
    """Watches the core's device accesses in order."""

    __slots__ = ("recent",)

    def __init__(self) -> None:
        self.recent: list[Access] = []
        """The last `REMEMBERED` accesses since it was emptied: always this list."""

    def loop_after(self, access: Access) -> list[Access] | None:
        """Note an access; the accesses of one turn if the last two turns were the same, otherwise None."""
        recent = self.recent
        # Most accesses have not been seen lately; finding that out without a loop of Python's own is what counts here.
        seen = access in recent
        recent.append(access)
        if len(recent) > REMEMBERED:
            del recent[0]
        return self.turn() if seen else None

    def turn(self) -> list[Access] | None:
        """As `loop_after`, of the last access noted."""
        recent = self.recent
        access = recent[-1]
        for period in range(1, len(recent) // 2 + 1):
            if recent[-period - 1] == access and recent[-2 * period : -period] == recent[-period:]:
                return recent[-period:]
        return None
