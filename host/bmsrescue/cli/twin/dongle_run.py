"""`bmsrescue twin run`: one press of the dongle's button, on a unit of the twin or on somebody else's chip."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from bmsrescue.board.config import load_board
from bmsrescue.card.fat import CardImageError
from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.card.storage import load_card, save_card, write_atomically
from bmsrescue.cli.new_file import check_new
from bmsrescue.cli.output import console, show_error, show_note
from bmsrescue.cli.render.story import Story, summary
from bmsrescue.errors import UsageError
from bmsrescue.silicon.report import with_silicon
from bmsrescue.twin.by_hand_rig import Place
from bmsrescue.twin.helper.helper import ENDED, RunResult
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.helper.person import ScriptedPerson, by_button
from bmsrescue.twin.helper.picture import as_png
from bmsrescue.twin.rig import RemoteRig, TwinRig, Watcher, card_for, default_card, scenario_named
from bmsrescue.twin.scenarios.scenario import Scenario
from bmsrescue.twin.wiring import wired_scenario
from rescuelink.outcomes import TOOL_ERROR, exit_class

_TARGET_SCHEME = "bitbang:"


@dataclass(frozen=True)
class RunRequest:
    """What the command line asks for."""

    scenario: str | None
    chip: str | None
    card: Path | None
    seed: int
    as_json: bool
    target: str | None
    control: str | None
    vcd: Path | None
    png: Path | None
    board: str | None = None
    uf2: Path | None = None
    presses: tuple[Press, ...] = (Press(),)
    wiring: str | None = None
    by_hand: bool = False
    silicon: Path | None = None


def run_dongle(request: RunRequest) -> int:
    """Run and report; return the exit status.

    Raises:
        UsageError, HostError, ServerLinkError.
    """
    for path in (request.png, request.vcd):
        if path is not None:
            check_new(path, overwrite=True)
    image = _insert_card(request)
    story = None if request.as_json else Story(console())
    watcher = Watcher(event=story.event, measured=story.measured) if story else Watcher()
    result = _press_button(request, image, watcher)
    if request.card and image is not None:
        _take_card_out(request.card, image, result)
    if request.png and result.panel.screens:
        write_atomically(request.png, as_png(result.panel.screens[-1][1]))
    record = result.record or _without_record(result)
    if request.as_json:
        typer.echo(json.dumps(record, indent=2))
    else:
        summary(console(), record, result)
    if result.record is None or result.how != ENDED:
        show_error(f"the agent did not end by itself ({result.how})", result.output.strip())
        return 1
    return exit_class(str(record["outcome"]))


def _press_button(request: RunRequest, image: ImageBytes | None, watcher: Watcher) -> RunResult:
    if request.board is not None or request.uf2 is not None:
        return _press_on_pico(request, image)
    if request.target is None:
        if request.control is not None:
            raise UsageError("--control belongs to --target", "Give --target bitbang:HOST:PORT as well.")
        if request.scenario is None:
            raise UsageError("which unit?", "Give --scenario NAME (see: bmsrescue twin scenarios) or --target.")
        if request.wiring is not None and "button" not in load_board(request.wiring).get("panel", {}):
            raise UsageError(
                f"{request.wiring} has no button to press",
                f"Serve it: bmsrescue twin serve --serial --scenario {request.scenario} --wiring {request.wiring}",
            )
        place = Place()
        rig = TwinRig(
            _measured(wired_scenario(request.scenario, request.chip, request.wiring), request),
            image,
            seed=request.seed,
            watcher=place.beside(watcher),
            vcd=request.vcd,
            presses=request.presses,
        )
        if request.by_hand:
            place.person = ScriptedPerson(rig.unit, by_button(rig.helper.press))
        return rig.run()
    if request.wiring is not None:
        raise UsageError("--wiring is for a scenario of the twin", "Leave it out with --target.")
    if request.silicon is not None:
        raise UsageError("--silicon is for a scenario of the twin", "Somebody else's unit has the chip it has.")
    if request.chip is not None:
        raise UsageError("--chip is for a scenario of the twin", "Somebody else's unit has the chip it has.")
    if request.scenario is not None:
        raise UsageError("--scenario and --target exclude each other", "A target is somebody else's unit.")
    if request.vcd is not None:
        raise UsageError("--vcd records the twin's own pins", "Leave it out with --target.")
    if request.control is None:
        raise UsageError("--target needs --control HOST:PORT", "Power and BOOT0 go over the control port.")
    if not request.target.startswith(_TARGET_SCHEME):
        raise UsageError(f"--target {request.target} is of an unknown kind", "Write it as bitbang:HOST:PORT.")
    bitbang = _host_port(request.target.removeprefix(_TARGET_SCHEME), "--target")
    return RemoteRig(bitbang, _host_port(request.control, "--control"), image, seed=request.seed, watcher=watcher).run()


def _press_on_pico(request: RunRequest, image: ImageBytes | None) -> RunResult:
    """On real firmware in an emulator, which is slow: some 20 s for each second that the Pico is at work."""
    from bmsrescue.cli.twin.pico import pico_rig

    if request.target is not None or request.vcd is not None:
        raise UsageError("--board is for a unit of the twin", "Leave out --target and --vcd.")
    scenario = _measured(scenario_named(request.scenario or "half-on", request.chip), request)
    return pico_rig(request.board, request.uf2, scenario, image, request.seed).run()


def _measured(scenario: Scenario, request: RunRequest) -> Scenario:
    """With the chip of a silicon-check's report, where there is one."""
    if request.silicon is None:
        return scenario
    return replace(scenario, config=with_silicon(scenario.config, request.silicon))


def presses_from(texts: list[str]) -> tuple[Press, ...]:
    """The presses of the button from texts like "0.5" and "6:2" (seconds after the start, and for how long).

    Raises:
        UsageError: a text says something else.
    """
    presses = []
    for text in texts or ["0.5"]:
        after, _colon, duration = text.partition(":")
        try:
            presses.append(Press(round(float(after) * 1000), round(float(duration or 0.2) * 1000)))
        except ValueError:
            raise UsageError(f"--press {text} is no time", "Write it as SECONDS or SECONDS:FOR, such as 6:2.") from None
    return tuple(presses)


def _insert_card(request: RunRequest) -> ImageBytes | None:
    path = request.card
    if path is None:
        return default_card() if request.scenario is None else card_for(scenario_named(request.scenario, request.chip))
    image = load_card(path)
    if image is None:
        show_note(f"{path} does not exist: the card slot is empty")
    return image


def _take_card_out(path: Path, image: ImageBytes, result: RunResult) -> None:
    try:
        save_card(path, image, complete=result.how == ENDED)
    except CardImageError as error:
        show_error(error.message, error.next_step)


def _without_record(result: RunResult) -> dict[str, object]:
    """What to say of a run that made no record: the helper failed, the unit is not judged."""
    return {
        "outcome": TOOL_ERROR,
        "sentence": f"The helper made no record ({result.how}).",
        "diagnosis": None,
        "evidence": {},
        "steps": [],
        "rails": {},
        "sectors": {"before": [], "after": []},
        "backup": None,
        "swclk_cycles": result.swclk_cycles,
        "virtual_ms": result.virtual_ms,
        "heap_free_min": None,
    }


def _host_port(text: str, option: str) -> tuple[str, int]:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{option} {text} has no HOST:PORT", "Write it as 127.0.0.1:9000.")
    return host.strip("[]"), int(port)
