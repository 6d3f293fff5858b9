"""`bmsrescue board check`, `rails --raw` and `rails --calibrate`: the helper itself."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bmsrescue.board.calibration import calibrated, judged_reading, point
from bmsrescue.board.check import COSTS, NO_RAIL, Checked, check, costs_without
from bmsrescue.board.config import known_boards, no_json, parse
from bmsrescue.board.pins import PICO, pins_of
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.exit_status import NOT_WELL
from bmsrescue.cli.helper.common import HelperOption, opened
from bmsrescue.cli.output import console, show_error, show_facts
from bmsrescue.cli.render.rail_chart import NAMES
from bmsrescue.client.helper import Helper
from bmsrescue.errors import HostError, UsageError
from rescuelink.two_points import is_at_end, uncertainty_mv

_READINGS = 8


def check_board(
    board: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="A board.json; else the attached helper's own.")
    ] = None,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a board.json against what the agent reads and what the pins can do, and say what missing parts cost."""
    with telling_errors(as_json):
        if board is not None:
            where, found = board, _of_a_file(board)
        else:
            with opened(wanted, as_json) as helper:
                where, found = helper.session.name, _of_a_helper(helper)
    if as_json:
        print_json({"faults": found.faults, "doubts": found.doubts, "costs": dict(found.costs)})
    else:
        _tell(where, found)
    if found.faults:
        raise typer.Exit(NOT_WELL)


def _of_a_file(board: str) -> Checked:
    path = known_boards().get(board, Path(board))
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no board {board}", f"Name a file, or {', '.join(known_boards())}.") from error
    except json.JSONDecodeError as error:
        raise no_json(path, error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "Name a board.json.") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path} is no board.json", "Begin with a copy of device/board.json.")
    # A file of somebody's own: most are for a Pico, and another board's pins are easily told from its.
    return check(config, pins_of(board if board in known_boards() else "" if _is_of_another(config) else "pico"))


def _is_of_another(config: dict[str, Any]) -> bool:
    """Pins with names, or an ADC at a pin where a Pico's is not, and none that is its: not a Pico's."""
    adcs = [config.get("mux", {}).get("adc"), *(rail.get("adc") for rail in config.get("rails", {}).values())]
    known = [pin for pin in adcs if pin is not None]
    return bool(known) and not any(pin in PICO.adc for pin in known)


def _of_a_helper(helper: Helper) -> Checked:
    """What its board.json says, and what it sees of it."""
    call = helper.session.call
    config = parse(bytes(call("helper.board")).decode(errors="replace"))
    if config is None:
        raise HostError("the helper's board.json is no JSON object", "Bring one: bmsrescue deploy --board NAME")
    found = check(config, pins_of(str(helper.session.about["board"])))
    missing, raw = call("helper.info")["missing"], call("rails.raw")
    told = {part for part, _cost in found.costs}
    there = [
        part for part in COSTS if part not in missing and (part != "current" or call("rails.read")["ma"] is not None)
    ]
    found.costs = list(costs_without(there, raw))  # what the helper itself says
    if "display" in missing and "display" not in told and config.get("panel", {}).get("address") is not None:
        found.doubts.append("the display of board.json does not answer")
    unseen = set(config.get("rails") or {}) - set(raw)
    found.doubts += [f"rails.{name} of board.json floats: nothing holds its pin" for name in sorted(unseen)]
    found.doubts += [
        f"rails.{name}: its ADC is at its end, {reading} of 65536"
        for name, reading in raw.items()
        if reading is not None and is_at_end([reading])
    ]
    return found


def _tell(where: str, found: Checked) -> None:
    for fault in found.faults:
        show_error(fault, "")
    out = console()
    for doubt in found.doubts:
        out.print(f"- {doubt}", soft_wrap=True)
    if not found.faults:
        out.print(f"{where}: good.", soft_wrap=True)
    if found.costs:
        out.print("It does without:")
        show_facts([(f"  {part}", cost) for part, cost in found.costs])
    elif not found.faults and not found.doubts:
        out.print("It has every part.")


def show_raw(helper: Helper, as_json: bool) -> None:
    """Volts, what they may be off, a verdict with that doubt in it, and what the ADC reads."""
    now, raw = helper.rails(), helper.session.call("rails.raw")
    config = parse(bytes(helper.session.call("helper.board")).decode()) or {}
    judged = {name: judged_reading(config, name, mv) for name, mv in now["rails"].items()}
    if as_json:
        print_json({"rails": now["rails"], "raw": raw, "ma": now["ma"], "judged": judged})
    elif not now["rails"]:
        console().print(f"This helper: {NO_RAIL}.", soft_wrap=True)
    else:
        rows = [
            (
                NAMES.get(name, name),
                f"{mv:>6} mV +-{judged[name]['off_mv']:<4} {judged[name]['verdict']:<8}  "
                f"{'no ADC' if raw[name] is None else f'{raw[name]:>5} of 65536'}",
            )
            for name, mv in now["rails"].items()
        ]
        show_facts(rows)


def calibrate(helper: Helper, rail: str, meter_mv: int, as_json: bool) -> None:
    """Two points of a rail, asked of whoever holds the meter, kept in the helper's board.json."""
    call = helper.session.call
    before = bytes(call("helper.board"))
    if rail not in call("rails.raw"):
        raise UsageError(f"this helper sees no rail {rail}", "See them with: bmsrescue rails --raw")
    points, readings = [], []
    for which in ("a low voltage", "a higher one"):
        asked = f"Bring {NAMES.get(rail, rail)} to {which}; the meter reads, in volts"
        volts: float = typer.prompt(asked, type=float, err=True)
        readings.append(_read(helper, rail))
        points.append(point(readings[-1], round(volts * 1000)))
    off_mv = uncertainty_mv(readings, points, meter_mv)
    text, off = calibrated(before, rail, points, off_mv, date.today())
    call("helper.set_board", text)
    call("helper.reset")
    if as_json:
        print_json({"rail": rail, "points": points, "uncertainty_mv": off_mv, "off_nominal": round(off, 4)})
        return
    console().print(
        f"{NAMES.get(rail, rail)}: {off:+.1%} off the divider's nominal slope, good to {off_mv} mV. It is in the "
        "helper's board.json; the helper starts anew.",
        soft_wrap=True,
    )


def _read(helper: Helper, rail: str) -> list[int]:
    found = []
    for _ in range(_READINGS):
        raw = helper.session.call("rails.raw")[rail]
        if raw is None:
            raise UsageError(f"{rail} is on no ADC: nothing is to be calibrated", "Its own part measures it.")
        found.append(int(raw))
    return found
