"""`bmsrescue rails` and `bmsrescue power`: the unit's supply."""

from __future__ import annotations

import json
import queue
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.helper.board import calibrate as from_meter
from bmsrescue.cli.helper.board import show_raw
from bmsrescue.cli.helper.common import HelperOption, opened, power_in_words
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, show_note
from bmsrescue.cli.render.curve_plot import draw
from bmsrescue.cli.render.rail_chart import NAMES, RailChart
from bmsrescue.client.helper import Helper
from bmsrescue.client.power_curve import PowerCurve, record_power_up
from bmsrescue.client.session import SLOW_S
from bmsrescue.errors import UsageError
from rescuelink.errors import PowerError

_WATCH_MS = 100
_WATCHED_ROWS = 40
_SUFFIXES = (".svg", ".png")


class PowerAct(StrEnum):
    """What to do with the supply."""

    ON = "on"
    OFF = "off"
    CYCLE = "cycle"
    STATUS = "status"


def rails(
    wanted: HelperOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Draw them live until Ctrl-C.")] = False,
    seconds: Annotated[float | None, typer.Option(help="With --watch: for so long.", min=0.0)] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.svg|OUT.png", help="Power the unit up, draw the curve, power it off.")
    ] = None,
    overwrite: OverwriteOption = False,
    raw: Annotated[bool, typer.Option("--raw", help="What the ADC reads, beside it.")] = False,
    calibrate: Annotated[
        str | None, typer.Option(metavar="RAIL", help="Two points, by a meter; kept in the helper's board.json.")
    ] = None,
    meter_mv: Annotated[
        int, typer.Option(metavar="MV", help="With --calibrate: what the meter may be off.", min=0)
    ] = 10,
    as_json: JsonOption = False,
) -> None:
    """The unit's voltages and its current."""
    if plot is not None and plot.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{plot} is neither .svg nor .png", "Give it one of the two names.")
    if plot is not None:
        with telling_errors(as_json):
            check_new(plot, overwrite)
    with opened(wanted, as_json) as helper:
        if calibrate is not None:
            from_meter(helper, calibrate, meter_mv, as_json)
        elif raw:
            show_raw(helper, as_json)
        elif plot is not None:
            _plot(helper, plot, as_json)
        elif watch:
            _watch(helper, seconds, as_json)
        else:
            now = helper.rails()
            if as_json:
                print_json(now)
            else:
                console().print(_rails_table(now["rails"], now["ma"]))


def power(
    act: Annotated[PowerAct, typer.Argument(help="What to do.")],
    wanted: HelperOption = None,
    seconds: Annotated[float | None, typer.Option("--for", help="on: switch it off again afterwards.", min=0.0)] = None,
    as_json: JsonOption = False,
) -> None:
    """Switch the unit on within limits, off with proof, or both. Without a daemon `on` lasts until Ctrl-C."""
    with opened(wanted, as_json) as helper:
        if act is not PowerAct.STATUS and not helper.power_status().get("switch", True):
            raise PowerError(
                "no_switch",
                "this helper has no power switch",
                next_step="switch the unit by hand; the rest works as it is",
            )
        match act:
            case PowerAct.ON:
                _switch_on(helper, seconds, as_json)
            case PowerAct.OFF:
                _show(helper.power_off(), None, as_json)
            case PowerAct.CYCLE:
                # A cycle that ends with the power on makes sense only where the power then stays.
                helper.session.call("power.cycle", timeout_s=SLOW_S)
                now = helper.rails()
                _show({name: {"mv": mv} for name, mv in now["rails"].items()}, now["ma"], as_json)
                _keep_on(helper, seconds)
            case PowerAct.STATUS:
                status = helper.power_status()
                if as_json:
                    print_json(status)
                else:
                    console().print(power_in_words(status))


def _switch_on(helper: Helper, seconds: float | None, as_json: bool) -> None:
    found = helper.power_on()
    _show(dict(found["rails"]), found["ma"], as_json)
    _keep_on(helper, seconds)


def _keep_on(helper: Helper, seconds: float | None) -> None:
    if seconds is None and helper.session.lasting:
        return
    if seconds is None:
        show_note("the unit stays on until Ctrl-C (with a daemon it stays on until `bmsrescue power off`)")
    with suppress(KeyboardInterrupt):
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or time.monotonic() < deadline:
            time.sleep(0.2 if deadline is None else max(0.0, min(0.2, deadline - time.monotonic())))
            if not helper.power_status()["on"]:
                raise PowerError("off", "the unit has no power any more")
    helper.power_off()
    show_note("the unit is off again, every rail proven low")


def _show(rails_seen: dict[str, Any], ma: int | None, as_json: bool) -> None:
    if as_json:
        print_json({"rails": rails_seen, "ma": ma})
    else:
        console().print(_rails_table({name: rail["mv"] for name, rail in rails_seen.items()}, ma))


def _rails_table(values: dict[str, int], ma: int | None) -> Table:
    # In the order of the supply; MicroPython's dicts come in any.
    names = [*(name for name in NAMES if name in values), *(name for name in values if name not in NAMES)]
    cells = [(NAMES.get(name, name), f"{values[name] / 1000:.2f} V") for name in names]
    cells.append(("supply", "?" if ma is None else f"{ma} mA"))
    wide = sum(max(map(len, cell)) + 2 for cell in cells) <= console().width
    table = Table(box=None, pad_edge=False, show_header=wide)
    for name, _value in cells if wide else cells[:2]:
        table.add_column(name, justify="right")
    for row in [[value for _name, value in cells]] if wide else cells:
        table.add_row(*row)
    return table


def _watch(helper: Helper, seconds: float | None, as_json: bool) -> None:
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def on_event(name: str, data: Any) -> None:
        if name == "rails":
            told.put(data)

    deadline = None if seconds is None else time.monotonic() + seconds
    with helper.session.watching(on_event):
        helper.session.call("rails.stream", _WATCH_MS)
        try:
            with suppress(KeyboardInterrupt):
                _draw_live(told, deadline, as_json)
        finally:
            helper.session.call("rails.stream", 0)


def _draw_live(told: queue.SimpleQueue[dict[str, Any]], deadline: float | None, as_json: bool) -> None:
    began = time.monotonic()
    points: list[tuple[int, dict[str, int]]] = []
    with Live(console=console(), auto_refresh=False, transient=False) as live:
        while deadline is None or time.monotonic() < deadline:
            try:
                data = told.get(timeout=0.2)
            except queue.Empty:
                continue
            if as_json:
                typer.echo(json.dumps(data))
                continue
            now = {name: int(rail["mv"]) for name, rail in data["rails"].items()}
            points = [*points[-_WATCHED_ROWS * 10 :], (round((time.monotonic() - began) * 1000), now)]
            live.update(_picture(points, now, data), refresh=True)


def _picture(points: list[tuple[int, dict[str, int]]], now: dict[str, int], data: dict[str, Any]) -> Table:
    chart = RailChart()
    for at_ms, values in points:
        chart.add(at_ms, values)
    grid = Table.grid()
    grid.add_row(_rails_table(now, data.get("ma")))
    for line in chart.take(console().width):
        grid.add_row(line)
    return grid


def _plot(helper: Helper, path: Path, as_json: bool) -> None:
    curve: PowerCurve = record_power_up(helper)
    write_atomically(path, draw(curve, path.suffix.lower()))
    if as_json:
        print_json({"file": str(path), "points": curve.points, "trip": curve.trip})
    else:
        console().print(f"{path}: {len(curve.points)} points over {curve.points[-1][0]} ms", soft_wrap=True)
        if curve.points:
            console().print(_rails_table(curve.points[-1][1], None))
    if curve.trip:
        raise PowerError(str(curve.trip["kind"]), "the power was cut, the curve shows it")
