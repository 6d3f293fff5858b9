"""A person at the virtual bench, who does by hand what the helper has no wire for and asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from bmsrescue.twin.clock import VirtualClock

_MS = 1_000_000
_TAP_AFTER_MS = 600
_TAP_MS = 200
_HOLD_MS = 2000


class Bench(Protocol):
    """What stands on the bench: the unit, of which a person reaches the supply's switch, BOOT0 and the rails."""

    clock: VirtualClock

    def set_power(self, on: bool) -> None: ...

    def set_boot0(self, level: bool | None) -> None: ...

    def rail_mv(self, name: str) -> int: ...


@dataclass
class ScriptedPerson:
    """Give `event` to who watches the agent. Time is the unit's.

    reaction_ms: from the question to the deed. cannot: what they say "I cannot" to, of "power", "boot0", "meter".
    away: what they do not answer at all. wrong: so many times they switch something else first. says_so: they tell when
    it is done; without it the helper has to see it. answer: how they tell: ("done", "cannot" or mV, when in ms from
    now, number of the question).
    """

    unit: Bench
    answer: Callable[[str, int, int], None]
    reaction_ms: int = 1500
    cannot: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()
    wrong: int = 0
    says_so: bool = True
    asked: list[str] = field(default_factory=list)

    def event(self, _at_ms: int, name: str, data: object) -> None:
        if name != "ask" or not isinstance(data, dict) or data.get("by") != "person":
            return
        what, text, number = data["words"][0], data["scope"], data.get("number", 0)
        self.asked.append(text)
        if what in self.away:
            return
        if what in self.cannot:
            self.answer("cannot", self.reaction_ms, number)
        elif what == "meter":
            self.answer(str(self.unit.rail_mv(text.split()[-1])), self.reaction_ms, number)
        else:
            self._do(what, text)
            if self.says_so or what == "boot0":
                self.answer("done", self.reaction_ms + _TAP_AFTER_MS, number)

    def _do(self, what: str, text: str) -> None:
        if self.wrong:
            self.wrong -= 1
            return
        if what == "power":
            on = " supply on" in text
            self.unit.clock.after(self.reaction_ms * _MS, lambda: self.unit.set_power(on))
        else:
            level = True if text.startswith("hold") else None
            self.unit.clock.after(self.reaction_ms * _MS, lambda: self.unit.set_boot0(level))


def by_button(press: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    """How a person at a dongle answers: a tap or a long press; `press(after_ms, duration_ms)`."""

    def answer(said: str, after_ms: int, _number: int) -> None:
        press(after_ms, _HOLD_MS if said == "cannot" else _TAP_MS)

    return answer
