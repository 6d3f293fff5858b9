"""`bmsrescue silicon-check`: what a real helper and unit say of the facts that nobody has confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.exit_status import NOT_WELL
from bmsrescue.cli.helper.common import HelperOption, opened
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, show_note
from bmsrescue.client.helper import Helper
from bmsrescue.silicon.facts import FACTS
from bmsrescue.silicon.report import Finding, as_document
from rescuelink.errors import LinkError, RescueError


def silicon_check(
    wanted: HelperOption = None,
    output: Annotated[Path | None, typer.Option("-o", metavar="REPORT.json", help="Write the report there.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure what no silicon has confirmed, on this helper and a unit that works; only RAM of the unit is written."""
    findings: list[Finding] = []
    failed: dict[str, str] = {}
    with telling_errors(as_json):
        if output is not None:
            check_new(output, overwrite)
    with opened(wanted, as_json) as helper:
        unit = _unit(helper)
        try:
            for fact in FACTS:
                name = fact.__name__.replace("_", " ")
                try:
                    findings += fact(helper)
                except LinkError:
                    raise
                except RescueError as error:
                    failed[name] = error.message
        finally:
            try:
                helper.power_off()
            except RescueError as error:  # what was found counts all the same
                failed["power off"] = error.message
        about = helper.session.about
    document = as_document(findings, unit, {key: about[key] for key in ("helper_id", "board", "agent", "micropython")})
    document["failed"] = failed
    if output is not None:
        write_atomically(output, (json.dumps(document, indent=1) + "\n").encode())
    if as_json:
        print_json(document)
    else:
        _tell(findings, failed)
        if output is not None:
            show_note(f"written to {output}: `bmsrescue twin run --silicon {output}` has a chip like this one")
    if failed:
        raise typer.Exit(NOT_WELL)


def _unit(helper: Helper) -> dict[str, object]:
    with helper.chip():
        found: dict[str, object] = helper.session.call("flash.info")["chip"]
    return found


def _tell(findings: list[Finding], failed: dict[str, str]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("fact", "found", "as the twin"):
        table.add_column(title, overflow="fold")
    for one in findings:
        table.add_row(one.name, one.said, "" if one.usual is None else "no" if one.differs else "yes")
    console().print(table)
    for name, why in failed.items():
        show_note(f"{name}: not found out: {why}")
