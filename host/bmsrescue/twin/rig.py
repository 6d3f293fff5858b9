"""One run of the pocket dongle on the virtual bench: a unit, a helper wired to it, a card, one button press."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bmsrescue.card.build import describe_job
from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.errors import UsageError
from bmsrescue.image.contents import Segment
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS, find_part
from bmsrescue.twin.firmware import PINS, VERSION_ADDRESS
from bmsrescue.twin.firmware.builds import BUILDS, tail_address
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import RunResult, Tap, VirtualHelper
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.helper.remote_unit import RemoteUnit
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.scenarios import UnknownScenarioError, find
from bmsrescue.twin.scenarios.scenario import Scenario, build_unit
from bmsrescue.twin.vcd import VcdRecorder

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit

DEMO_VERSION = "1.2.0"
# A foreign chip lives on wall time, and every acknowledge is a round trip.
_REMOTE_WALL_LIMIT_S = 1800.0


@dataclass
class Watcher:
    """Who wants to be told while the agent runs: its events, each new picture, each point of the rails."""

    event: Callable[[int, str, object], None] | None = None
    screen: Callable[[bytes], None] | None = None
    measured: Callable[[int, dict[str, int]], None] | None = None


def scenario_named(name: str, chip: str | None = None) -> Scenario:
    """The scenario, on its usual chip or on another ("H743", "STM32H743").

    Raises:
        UsageError: there is none, names the nearest; or the twin cannot be that chip.
    """
    try:
        scenario = find(name)
    except UnknownScenarioError as error:
        raise UsageError(str(error), "See them all with: bmsrescue twin scenarios") from error
    if chip is None:
        return scenario
    try:
        return scenario.on_part(find_part(chip).name)
    except KeyError as error:
        raise UsageError(f"the twin cannot be a {chip}", f"It can be one of {', '.join(PARTS)}.") from error


def default_card_files(
    version: str = DEMO_VERSION,
    part: str = DEFAULT_PART,
    tail: bytes = b"",
    change: Callable[[bytes], bytes] | None = None,
) -> dict[str, bytes]:
    """The files of a card that brings a unit with that part back to its firmware `version`, with `tail` behind it.

    `change` is what is done to the first segment's data.

    Raises:
        UsageError: there is no firmware for that part.
    """
    build = BUILDS.get(part)
    if build is None:
        raise UsageError(f"there is no firmware for the {part}", "Give a card of your own with --card.")
    segments = build.segments(version)
    if tail:
        segments.append(Segment(tail_address(segments), tail))
    if change is not None:
        segments[0] = replace(segments[0], data=change(segments[0].data))
    return describe_job(f"bms-{version}", version, segments, f"STM32{part}", PARTS[part].flash_kib)


def default_card() -> bytearray:
    """A card image with `default_card_files`."""
    return make_image(default_card_files())


def card_for(scenario: Scenario) -> bytearray:
    """The card a person would use for this unit: the default one, with the scenario's firmware and consent."""
    files = default_card_files(scenario.card_version, scenario.card_part, scenario.card_tail, scenario.card_image)
    document = json.loads(files[JOB_FILE])
    document["image"]["version_address"] = f"0x{VERSION_ADDRESS:08x}"
    document["options"] = {"optsr": {"value": "0x0306AAD0", "mask": "0x200600DC"}, "boot": {"value": "0x1FF00800"}}
    document["latch"] = {"pin": PINS["latch"], "off": "low"}
    document["policy"]["consent"] = list(scenario.consent)
    if scenario.marker:
        document["target"]["marker"] = dict(scenario.marker)
    document.update(scenario.job)
    return make_image({**files, JOB_FILE: json.dumps(document, indent=2).encode() + b"\n"})


class TwinRig:
    """A scenario's unit with a helper on it. `run` presses the button once and lets the agent end by itself."""

    def __init__(
        self,
        scenario: Scenario,
        card: ImageBytes | None,
        *,
        seed: int = 0,
        watcher: Watcher | None = None,
        faults: CardFaults | None = None,
        vcd: Path | None = None,
        presses: Sequence[Press] = (Press(),),
        tap: Tap | None = None,
    ) -> None:
        watcher = watcher or Watcher()
        self.unit: Unit = build_unit(scenario, seed)
        self._waveform = _create(vcd) if vcd else None
        pins = self.unit.swd
        if self._waveform:
            pins = VcdRecorder(pins, self.unit.clock, self._waveform)
        self.wire = wire_over(pins)
        self.helper = VirtualHelper(
            self.unit,
            self.wire,
            card,
            faults=faults,
            seed=seed,
            presses=presses,
            watch=watcher.event,
            on_screen=watcher.screen,
            on_measured=watcher.measured,
            tap=tap,
        )

    def run(self) -> RunResult:
        try:
            return self.helper.run()
        finally:
            if self._waveform:
                self._waveform.close()


def _create(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="ascii")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "Choose another file.") from error


class RemoteRig:
    """Somebody else's chip with a helper on it, over the ports (host, port) of its two servers."""

    def __init__(
        self,
        bitbang: tuple[str, int],
        control: tuple[str, int],
        card: ImageBytes | None,
        *,
        seed: int = 0,
        watcher: Watcher | None = None,
    ) -> None:
        watcher = watcher or Watcher()
        self.unit = RemoteUnit(bitbang, control, seed)
        self.helper = VirtualHelper(
            self.unit,
            self.unit.wire,
            card,
            seed=seed,
            watch=watcher.event,
            on_screen=watcher.screen,
            on_measured=watcher.measured,
            on_wait=self.unit.wait,
            wall_limit_s=_REMOTE_WALL_LIMIT_S,
        )

    def run(self) -> RunResult:
        try:
            return self.helper.run()
        finally:
            self.unit.close()
