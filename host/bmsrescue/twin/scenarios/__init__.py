"""The broken units of the twin, one small file each.

Every module of this package that has a `SCENARIO` is in the registry, in the order of `_ORDER` below.
"""

from difflib import get_close_matches
from importlib import import_module

from .scenario import Scenario

_ORDER = (
    "healthy",
    "blank",
    "half_on",
    "interrupted_program",
    "no_supply",
    "short_3v3",
)


class UnknownScenarioError(LookupError):
    """No scenario of that name; the message lists the nearest ones."""


def all_scenarios() -> list[Scenario]:
    """Every broken unit there is."""
    return [_load(module) for module in _ORDER]


def find(name: str) -> Scenario:
    """The scenario `name`.

    Raises:
        UnknownScenarioError: there is none; says which names are near.
    """
    known = {scenario.name: scenario for scenario in all_scenarios()}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
    raise UnknownScenarioError(f"no scenario is called {name!r}; did you mean {', '.join(near)}?")


def _load(module: str) -> Scenario:
    scenario: Scenario = import_module(f".{module}", __name__).SCENARIO
    return scenario
