"""What a scenario is: a name, a story, and one function that breaks a healthy unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bmsrescue.twin.chip.config import ChipConfig

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit


def leave_as_it_is(unit: Unit) -> None:
    """Break nothing."""


@dataclass(frozen=True)
class Scenario:
    """One broken unit."""

    name: str
    summary: str
    """One line: what is wrong."""
    story: str
    """How it came to be so, as a person would tell it."""
    breaks: Callable[[Unit], None]
    """Takes a healthy, unpowered unit and breaks it; draws from `unit.rng` where it needs chance."""
    expected_diagnosis: str
    """A name of `rescuelink.diagnoses.CAUSES`."""
    expected_outcome: str
    """A name of `rescuelink.outcomes.OUTCOMES`."""
    config: ChipConfig = field(default_factory=ChipConfig)
    """The chip, where it is not the usual one."""
    consent: tuple[str, ...] = ()
    """What the job on the card allows beyond its own sectors (`policy.consent`)."""
    card_version: str = "1.2.0"
    """The firmware that the card brings."""
