"""The pins a debugger drives, as a contract (docs/architecture.md)."""

from __future__ import annotations

from typing import Protocol


class SwdPins(Protocol):
    """What everything that debugs drives, in whole SWCLK cycles; each advances the clock by one period."""

    frequency_hz: int

    @property
    def released_level(self) -> int:
        """What a helper that has let go of SWDIO reads now, ahead of the next cycle."""
        ...

    def clock_out(self, value: int, count: int) -> None:
        """The helper drives ``count`` bits, least significant first."""

    def clock_in(self, count: int) -> int:
        """The helper listens: ``count`` samples, least significant first; an undriven line reads 1."""
