"""What a scenario is: a name, a story, and one function that breaks a healthy unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bmsrescue.twin.board.healthy import healthy_unit
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS
from bmsrescue.twin.firmware.builds import BUILDS


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
    """The name of a cause: one of `rescuelink.diagnoses.all_causes`."""
    expected_outcome: str
    """A name of `rescuelink.outcomes.OUTCOMES`."""
    config: ChipConfig = field(default_factory=ChipConfig)
    """The chip, where it is not the usual one."""
    consent: tuple[str, ...] = ()
    """What the job on the card allows beyond its own sectors (`policy.consent`)."""
    card_version: str = "1.2.0"
    """The firmware that the card brings."""
    job: dict[str, object] = field(default_factory=dict)
    """What its job says otherwise, key by key."""
    card_tail: bytes = b""
    """What the card's image has behind the firmware, from the next flash word on."""
    marker: dict[str, object] = field(default_factory=dict)
    """How its job knows the product (`target.marker`); empty: not at all."""
    card_image: Callable[[bytes], bytes] | None = None
    """What makes the card's image another one than that of `card_version`; of its first segment."""
    card_part: str = DEFAULT_PART
    """The part that the card's job is for, as in `chip.parts.PARTS`."""

    def on_part(self, part: str) -> Scenario:
        """The same story with another chip in the unit and on the card: `part` is a name of `chip.parts.PARTS`.

        Where the story is that the unit has another chip than the card says, it still has.
        """
        own = self.config.part
        fitted = part if own == DEFAULT_PART else own if own != part else DEFAULT_PART
        consent = tuple(_calibration_sector(part) if word == _CALIBRATION else word for word in self.consent)
        return replace(self, config=replace(self.config, part=fitted), card_part=part, consent=consent)


def build_unit(scenario: Scenario, seed: int = 0) -> Unit:
    """A unit with its serial and chip identity from `seed`, healthy and unpowered, then broken by `scenario`."""
    unit = healthy_unit(seed, scenario.config)
    scenario.breaks(unit)
    return unit


def _calibration_sector(part: str) -> str:
    build = BUILDS.get(part)
    return _CALIBRATION if build is None else f"sector:{build.calibration_sector(PARTS[part].geometry)}"


_CALIBRATION = _calibration_sector(DEFAULT_PART)
