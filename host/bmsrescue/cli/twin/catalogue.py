"""`bmsrescue twin catalogue`: every broken unit as a run shows it, written as docs/catalogue.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError, UsageError
from bmsrescue.twin.rig import TwinRig, card_for, scenario_named
from bmsrescue.twin.scenarios import all_scenarios
from bmsrescue.twin.scenarios.scenario import Scenario

_INTRODUCTION = """\
# The broken units

Made by `bmsrescue twin catalogue --write docs/catalogue.md`: one press of the button on each broken unit of the twin,
the agent on a real MicroPython, seed 0. The card is the default one (repair to firmware 1.2.0), with the consent named
below where there is one. Virtual time is the unit's: SWCLK cycles, flash, card, waits; the interpreter's own is not in
it. A test runs every unit and holds this page to what it finds.
"""
_HEAD = (
    "| unit | what is wrong | diagnosis | outcome | diagnosis after | whole run | SWCLK cycles |",
    "|---|---|---|---|---:|---:|---:|",
)
_COLUMNS = 7
_BEGIN = "<!-- the broken units: made by `bmsrescue twin catalogue --write docs/catalogue.md` -->"
_END = "<!-- end of the broken units -->"


@dataclass(frozen=True)
class _Run:
    scenario: Scenario
    record: dict[str, Any]

    @property
    def diagnosed_ms(self) -> int:
        """Virtual time until the diagnosis was there; the whole run where there was none."""
        total = 0
        for step in self.record["steps"]:
            total += step["ms"]
            if step["name"] == "diagnosis":
                break
        return total


def write_catalogue(
    console: Console, write: Path | None, as_json: bool = False, only: Sequence[str] | None = None
) -> None:
    """Run all scenarios; print the page, or write it to a file and say what was found on the way. As JSON: the records.

    With `only` those are run, and of all others the file keeps what it says.

    Raises:
        HostError: a run made no record.
        UsageError: no scenario is called so; or the file says nothing of one that was not to be run.
    """
    chosen = [scenario_named(name) for name in only] if only else all_scenarios()
    names = [scenario.name for scenario in all_scenarios()]
    kept = parts_of(write.read_text(encoding="utf-8")) if only and write and write.exists() else {}
    lacking = [name for name in names if name not in kept and name not in {scenario.name for scenario in chosen}]
    if write and lacking:
        raise UsageError(f"{write} says nothing of {', '.join(lacking)}", "Run these, too, or all of them.")
    runs, told = [], dict(kept)
    for scenario in chosen:
        runs.append(_run(scenario))
        told[scenario.name] = (_row(runs[-1]), _section(runs[-1]))
        if write and not as_json:
            console.print(_row(runs[-1]), soft_wrap=True, markup=False)
    if as_json:
        typer.echo(json.dumps({run.scenario.name: run.record for run in runs}, indent=2))
    page = page_of([told[name] for name in names if name in told])
    if write is None:
        if not as_json:
            typer.echo(page)
        return
    write_atomically(write, page.encode())
    _put_table(write.with_name("architecture.md"), page)


def page_of(told: Sequence[tuple[str, str]]) -> str:
    """The page, from the row and the section of each unit."""
    return "\n".join([_INTRODUCTION, *_HEAD, *(row for row, _ in told), "", *(section for _, section in told)])


def parts_of(page: str) -> dict[str, tuple[str, str]]:
    """Row and section of each unit of a page, by its name."""
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    sections = {text.partition("\n")[0]: f"## {text}" for text in page.split("\n## ")[1:]}
    return {name: (rows[name], sections[name]) for name in rows if name in sections}


def _put_table(path: Path, page: str) -> None:
    """The page's table also stands in the architecture, between two marks."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if _BEGIN in text and _END in text:
        table = "\n".join(line for line in page.splitlines() if line.startswith("|"))
        before, after = text.split(_BEGIN)[0], text.split(_END)[1]
        write_atomically(path, f"{before}{_BEGIN}\n{table}\n{_END}{after}".encode())


def rows_in(text: str) -> dict[str, tuple[str, str]]:
    """Diagnosis and outcome of each scenario in the table of the page."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == _COLUMNS:
            rows[cells[0]] = (cells[2], cells[3])
    return rows


def _run(scenario: Scenario) -> _Run:
    result = TwinRig(scenario, card_for(scenario)).run()
    if result.record is None:
        raise HostError(f"the run of {scenario.name} made no record ({result.how})", result.output.strip())
    return _Run(scenario, dict(result.record))


def _row(run: _Run) -> str:
    record, scenario = run.record, run.scenario
    return (
        f"| `{scenario.name}` | {scenario.summary} | `{record['diagnosis']['cause']}` | {record['outcome']} "
        f"| {run.diagnosed_ms / 1000:.1f} s | {record['virtual_ms'] / 1000:.1f} s | {record['swclk_cycles']:,} |"
    )


def _section(run: _Run) -> str:
    record, scenario = run.record, run.scenario
    diagnosis = record["diagnosis"]
    lines = [f"## {scenario.name}", "", scenario.story, ""]
    lines.append(f"**Diagnosis** ({diagnosis['confidence']}): {diagnosis['sentence']}")
    lines += ["", *[f"- {line}" for line in diagnosis["evidence"]], ""]
    if diagnosis["alternatives"]:
        pairs = zip(diagnosis["alternatives"], diagnosis["apart"], strict=True)
        lines += [f"Could also be {'; '.join(f'`{name}`: {seen}' for name, seen in pairs)}.", ""]
    if scenario.consent:
        lines += [f"**Consent** in the job: {', '.join(scenario.consent)}.", ""]
    if record["plan"]:
        lines += ["**Cure**", "", *[f"- {line}" for line in record["plan"]], ""]
    lines.append(f"**Ends** as {record['outcome']}: {record['sentence']}")
    if record["next_step"] and record["next_step"].lower() not in record["sentence"].lower():
        lines[-1] += f" {record['next_step']}"
    return "\n".join([*lines, ""])
