"""Units nobody wrote: one replayed by its seed, or many run as a campaign."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.output import console


def replay(seed: int, as_json: bool) -> int:
    """Run the generated unit of this seed and say what was in it; 0 unless something untrue was said of it."""
    from bmsrescue.twin.field.campaign import run_one

    verdict = run_one(seed)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(verdict), indent=2))
        return int(verdict.is_wrong)
    out = console()
    out.print(f"unit {seed}")
    for words in verdict.words:
        out.print(f"  {words}", soft_wrap=True, markup=False)
    for number, press in enumerate(verdict.presses, 1):
        ended = press.outcome or press.how
        out.print(
            f"press {number}: {ended}, {press.cause or 'no cause'}, {press.virtual_ms / 1000:.1f} s", markup=False
        )
        out.print(f"  {press.sentence}", soft_wrap=True, markup=False)
    out.print(f"true: {verdict.truth}", soft_wrap=True, markup=False)
    out.print(f"verdict: {verdict.kind} ({verdict.detail})", soft_wrap=True, markup=False)
    return int(verdict.is_wrong)


def campaign(
    units: int, first: int, jobs: int | None, write: Path | None, log: Path | None, as_json: bool = False
) -> int:
    """Run so many units from seed `first` on; 0 unless something untrue was said of one.

    `log` has the verdicts, a JSON object a line: units that stand in it are counted, and not run again.
    """
    from bmsrescue.twin.field.campaign import Log, run_many
    from bmsrescue.twin.field.judge import Verdict
    from bmsrescue.twin.field.page import page

    out = console()

    def told(verdict: Verdict) -> None:
        if verdict.is_wrong and not as_json:
            out.print(f"{verdict.seed}: {verdict.kind}: {verdict.detail}"[:300], markup=False, soft_wrap=True)

    tally = run_many(range(first, first + units), jobs, told, Log(log) if log is not None else None)
    if as_json:
        found = {"units": tally.units, "kinds": dict(tally.kinds), "seeds": tally.seeds, "cpu_s": tally.cpu_s}
        typer.echo(json.dumps(found, indent=2))
    else:
        for line in tally.lines():
            out.print(line, markup=False, soft_wrap=True)
        each_s = tally.cpu_s / max(tally.units, 1)
        out.print(f"{tally.units} units in {tally.wall_s:.0f} s, {each_s:.2f} s of processor each")
    if write is not None:
        write_atomically(write, page(tally, first).encode())
    return int(tally.wrong > 0)
