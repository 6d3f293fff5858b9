"""Recognising that the core does nothing but poll.

A loop whose device accesses repeat (same instructions, same addresses, same values) will go on repeating until one of
the devices it reads changes. Executing it would change nothing but the time, so the time is moved instead.
"""

from __future__ import annotations

_LONGEST_PERIOD = 4
"""Accesses per turn of a loop that are still recognised: a status poll that also feeds the watchdog, for example."""
_REMEMBERED = 2 * _LONGEST_PERIOD

Access = tuple[int, int, int, int, bool]
"""Program counter, address, size, value, whether it was a write."""


class IdleDetector:
    """Watches the core's device accesses in order."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: list[Access] = []

    @property
    def recent(self) -> list[Access]:
        """The last accesses since `clear`."""
        return list(self._recent)

    def clear(self) -> None:
        self._recent.clear()

    def loop_after(self, access: Access) -> list[Access] | None:
        """Note an access; the accesses of one turn if the last two turns were the same, otherwise None."""
        recent = self._recent
        # Most accesses have not been seen lately; finding that out without a loop of Python's own is what counts here.
        seen = access in recent
        recent.append(access)
        if len(recent) > _REMEMBERED:
            del recent[0]
        if not seen:
            return None
        for period in range(1, len(recent) // 2 + 1):
            if recent[-period - 1] == access and recent[-2 * period : -period] == recent[-period:]:
                return recent[-period:]
        return None
