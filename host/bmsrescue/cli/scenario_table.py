"""`bmsrescue twin table`: every broken unit with its diagnosis, outcome and cost, as the table of the documentation."""

from pathlib import Path

import typer
from rich.console import Console

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError, UsageError
from bmsrescue.twin.bench import TwinBench, default_card
from bmsrescue.twin.scenarios import all_scenarios
from bmsrescue.twin.scenarios.scenario import Scenario

BEGIN = "<!-- scenario table: made by `bmsrescue twin table --write docs/architecture.md` -->"
END = "<!-- end of the scenario table -->"
_HEAD = (
    "| scenario | what is wrong | diagnosis | outcome | SWCLK cycles | virtual time |",
    "|---|---|---|---|---:|---:|",
)


def print_table(console: Console, write: Path | None) -> None:
    """Run all scenarios with seed 0 and the default card; print the table, or put it into a document.

    Raises:
        UsageError: the document has no place for it.
        HostError: a run made no record.
    """
    text = _read(write) if write else ""
    if write and not (BEGIN in text and END in text.partition(BEGIN)[2]):
        raise UsageError(f"{write} has no markers for the table", f"Put {BEGIN} and {END} where it belongs.")
    rows = []
    for scenario in all_scenarios():
        rows.append(_row(scenario))
        if write:
            console.print(rows[-1], soft_wrap=True, markup=False)
    table = "\n".join([*_HEAD, *rows])
    if write is None:
        typer.echo(table)
        return
    before, _begin, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    write_atomically(write, f"{before}{BEGIN}\n{table}\n{END}{after}".encode())


def rows_in(text: str) -> dict[str, tuple[str, str]]:
    """Diagnosis and outcome of each scenario in a document's table."""
    rows = {}
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if len(cells) == _HEAD[0].count("|") - 1 and cells[0] != "scenario" and not cells[0].startswith("---"):
            rows[cells[0]] = (cells[2], cells[3])
    return rows


def _row(scenario: Scenario) -> str:
    result = TwinBench(scenario, default_card()).run()
    record = result.record
    if record is None:
        raise HostError(f"the run of {scenario.name} made no record ({result.how})", result.output.strip())
    diagnosis = record["diagnosis"]
    cause = diagnosis["cause"] if isinstance(diagnosis, dict) else "none"
    cycles, virtual_ms = record["swclk_cycles"], record["virtual_ms"]
    if not isinstance(cycles, int) or not isinstance(virtual_ms, int):
        raise HostError(f"the record of {scenario.name} has no figures", "Look at the record with: twin run --json")
    return (
        f"| `{scenario.name}` | {scenario.summary} | `{cause}` | {record['outcome']} "
        f"| {cycles:,} | {virtual_ms / 1000:.1f} s |"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "Name the document that holds the table.") from error
