"""Recognising that the core does nothing but poll.

A loop whose device accesses repeat (same instructions, same addresses, same values) will go on repeating until one of
the devices it reads changes. Executing it would change nothing but the time, so the time is moved instead.
"""

from __future__ import annotations

_LONGEST_PERIOD = 4
"""Accesses per turn of a loop that are still recognised: a status poll that also feeds the watchdog, for example."""

Access = tuple[int, int, int, int, bool]
"""Program counter, address, size, value, whether it was a write."""


class IdleDetector:
    """Watches the core's device accesses in order."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: list[Access] = []

    def clear(self) -> None:
        self._recent.clear()

    def loop_after(self, access: Access) -> list[Access] | None:
        """Note an access; the accesses of one turn if the last two turns were the same, otherwise None."""
        recent = self._recent
        recent.append(access)
        count = len(recent)
        if count > 2 * _LONGEST_PERIOD:
            del recent[0]
            count -= 1
        for period in range(1, count // 2 + 1):
            if recent[-period - 1] == access and recent[-2 * period : -period] == recent[-period:]:
                return recent[-period:]
        return None
