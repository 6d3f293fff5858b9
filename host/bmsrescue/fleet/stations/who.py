"""Which helper a station has: what it says of itself, taken for no more than it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.records.fields import clean, helper_id


@dataclass(frozen=True)
class Who:
    """`name` is a label, which another helper may have as well; `id` is the number of its hardware and is looked up by.

    An agent from before that number says none: its records are known by the label, as theirs is.
    """

    name: str
    id: str
    board: str
    signed_jobs_only: bool = False

    @property
    def number(self) -> str:
        """The end of its number, to tell it from another of its name; empty where there is none."""
        return "" if self.id.startswith("label ") else self.id[-6:]


def who_is(about: Any) -> Who | None:
    """From a hello; None where it does not say who it is."""
    if not isinstance(about, dict):
        return None
    name = clean(about.get("helper"), NAME_LENGTH)
    if name is None or name != about.get("helper"):
        return None
    identity = helper_id(about.get("helper_id"), name)
    return None if identity is None else Who(name, identity, str(about.get("board")), about.get("jobs") == "signed")


def alike(helpers: Iterable[tuple[str, Who | None]]) -> dict[str, str]:
    """Of (station, helper) those that another one could be taken for, with what is to be done about it."""
    known = [(station, who) for station, who in helpers if who is not None]
    told = {}
    for station, who in known:
        others = [(other, one) for other, one in known if other != station and one.name == who.name]
        same = [other for other, one in known if other != station and one.id == who.id]
        if same and who.number:
            told[station] = f"The helper of station {same[0]} has the same number {who.number}: take one of them away."
        elif others:
            other, one = others[0]
            told[station] = (
                f"The helper of station {other} is called {who.name}, too (number {one.number or 'not told'}, here "
                f"{who.number or 'not told'}): give each a name of its own."
            )
    return told
