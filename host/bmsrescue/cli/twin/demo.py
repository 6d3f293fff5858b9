"""`bmsrescue twin demo`: the story that bmsrescue was made for, told from the dead unit to the living one."""

from __future__ import annotations

from typing import Any

from rich.columns import Columns
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from bmsrescue.card.fat import read_files
from bmsrescue.cli.output import PICTURE_COLUMNS, STYLES, PlainConsole
from bmsrescue.cli.render.dongle_screen import dongle_panel
from bmsrescue.cli.render.story import Story, rails_table, summary
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import ENDED, RunResult
from bmsrescue.twin.rig import TwinRig, Watcher, default_card, scenario_named
from rescuelink.outcomes import exit_class

_SCENARIO = "half-on"
_NS_PER_MS = 1_000_000
_START_MS = 2_500  # by then a healthy unit shows its cells
_PRESS_MS = 3_500  # a long press: switches a healthy unit off
_SETTLE_MS = 500
_DRAIN_MS = 8_000
_DISPLAY_WIDTH = 40


def play(console: PlainConsole | None, seed: int) -> tuple[int, dict[str, Any]]:
    """The whole story, told on `console` if there is one: the exit status of the run, and the story as plain data."""
    scenario = scenario_named(_SCENARIO)
    card = default_card()
    story = Story(console) if console else None
    rig = TwinRig(
        scenario, card, seed=seed, watcher=Watcher(event=story.event, measured=story.measured) if story else Watcher()
    )
    if console:
        console.print(Rule("The unit on the bench", align="left"))
        console.print(scenario.story, soft_wrap=True)
    before = _look_at(console, rig.unit)

    if console:
        console.print(Rule("The dongle: card in, one press of its button", align="left"))
    result = rig.run()
    record = result.record or {}
    told: dict[str, Any] = {"scenario": scenario.name, "story": scenario.story, "before": before, "record": record}
    if not record or result.how != ENDED:
        if console:
            console.print(
                Text(f"The agent did not end by itself ({result.how}).\n{result.output}", style=STYLES["red"])
            )
        return 1, {**told, "ended": result.how}
    files = read_files(card)
    if console:
        _show_screens(console, result)
        summary(console, record, result)
        rails = record["rails"]
        if isinstance(rails, dict):
            rails_table(console, rails)
        _show_card(console, files)
        console.print(Rule("The same unit, afterwards", align="left"))
    told["card"] = {name: len(data) for name, data in sorted(files.items())}
    told["after"] = _look_at(console, rig.unit)
    return exit_class(str(record["outcome"])), told


def _look_at(console: PlainConsole | None, unit: Unit) -> dict[str, Any]:
    """Power the unit by hand, look at it, try its button, and switch it off again."""
    unit.set_power(True)
    _wait(unit, _START_MS)
    seen = {
        "display": unit.display.lines,
        "leds": dict(unit.leds),
        "rails_mv": {name: unit.rail_mv(name) for name in unit.rail_names},
        "supply_ma": unit.supply_ma,
    }
    if console:
        _show_unit(console, unit, "supply on")
    unit.press_button(True)
    _wait(unit, _PRESS_MS)
    unit.press_button(False)
    _wait(unit, _SETTLE_MS)
    dead = unit.display.powered
    if console:
        console.print(
            f"Its button, held for {_PRESS_MS / 1000:.1f} s: "
            + ("nothing happens." if dead else "the unit switches itself off, as it should."),
            soft_wrap=True,
        )
    unit.set_power(False)
    _wait(unit, _DRAIN_MS)
    return {**seen, "button_switches_off": not dead}


def _show_unit(console: PlainConsole, unit: Unit, title: str) -> None:
    lines = unit.display.lines or ["(dark)"]
    screen = Panel(Text("\n".join(lines)), title="its display", width=_DISPLAY_WIDTH)
    leds = unit.leds
    lights = Text("\n".join(f"{'●' if lit else '○'} {name}" for name, lit in leds.items()) or "none")
    rails = Text("\n".join(f"{name:>6} {unit.rail_mv(name) / 1000:6.2f} V" for name in unit.rail_names))
    current = f"{unit.supply_ma} mA"
    console.print(
        Columns(
            [screen, Panel(lights, title="LEDs", width=16), Panel(rails, title=f"rails, {title}, {current}", width=36)]
        )
    )


def _show_screens(console: PlainConsole, result: RunResult) -> None:
    columns = 0 if console.ascii_only else console.width if console.is_terminal else PICTURE_COLUMNS
    screens = result.panel.screens
    console.print()
    for title, index in (("while it worked", len(screens) // 2), ("at the end", -1)):
        panel = dongle_panel(screens[index][1], f"the dongle's display {title}", columns)
        if panel is not None:
            console.print(panel)


def _show_card(console: PlainConsole, files: dict[str, bytes]) -> None:
    listing = ", ".join(f"{name} ({len(data):,} bytes)" for name, data in sorted(files.items()))
    console.print(Text.assemble(("On the card: ", "bold"), listing), soft_wrap=True)


def _wait(unit: Unit, duration_ms: int) -> None:
    unit.clock.advance(duration_ms * _NS_PER_MS)
