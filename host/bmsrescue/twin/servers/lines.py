"""What both ports may do to the unit's NRST: two open-drain pulls on one net."""

from __future__ import annotations

from bmsrescue.twin.board.unit import Unit


class ResetPulls:
    """NRST is low while anybody pulls it; each port lets go only of its own pull."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._pulling: set[str] = set()

    def pull(self, who: str, low: bool) -> None:
        if low:
            self._pulling.add(who)
        else:
            self._pulling.discard(who)
        self._unit.set_nrst(bool(self._pulling))
