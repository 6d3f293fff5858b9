"""The simulations: what each shows, as numbers with limits. `findings()` runs them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Finding:
    """A value that a simulation found, and between which limits it has to lie."""

    what: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def holds(self) -> bool:
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


@dataclass(frozen=True)
class Simulation:
    """`rule`: what it shows, in a sentence."""

    name: str
    rule: str
    run: Callable[[], list[Finding]]


SIMULATIONS: dict[str, Simulation] = {}


def simulation(name: str, rule: str) -> Callable[[Callable[[], list[Finding]]], Callable[[], list[Finding]]]:
    def register(run: Callable[[], list[Finding]]) -> Callable[[], list[Finding]]:
        SIMULATIONS[name] = Simulation(name, rule, cache(run))
        return run

    return register


def load_all() -> dict[str, Simulation]:
    """Every simulation, by name."""
    from hardware.sims import faults, lines, power, sensing, switching  # noqa: F401 - they register themselves

    return SIMULATIONS
