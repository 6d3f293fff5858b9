"""The tables of docs/few-parts.md, from runs: `python -m bmsrescue.twin.few_parts_page docs/few-parts.md`.

What a helper with few parts says and does of every broken unit of the twin: without a job, and with a person in place
of its switch. With names behind the page's, those units are run, and the other rows stay.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import UsageError
from bmsrescue.twin.by_hand_rig import dongle_by_hand
from bmsrescue.twin.helper.helper import RunResult
from bmsrescue.twin.rig import TwinRig, card_for, scenario_named
from bmsrescue.twin.scenarios import all_scenarios
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.outcomes import RECOVERED, RECOVERED_CHECK_CONFIG

COMMAND: Final = "python -m bmsrescue.twin.few_parts_page docs/few-parts.md"
CURED: Final = (RECOVERED, RECOVERED_CHECK_CONFIG)
NO_SWITCH: Final = frozenset({"power", "boot0"})
VTREF: Final = frozenset({"v3v3"})


def no_job(scenario: Scenario) -> RunResult:
    """A press with no card in the helper."""
    return TwinRig(scenario, None).run()


def _without_a_job(scenario: Scenario) -> str:
    result = no_job(scenario)
    record = result.record
    if record is None:
        raise RuntimeError(f"{scenario.name}: {result.how}")
    diagnosis = record["diagnosis"]
    said = f"`{diagnosis['cause']}`, {diagnosis['confidence']}"  # type: ignore[index]
    seconds = f"{record['virtual_ms'] / 1000:.1f} s"  # type: ignore[operator]
    return f"| `{scenario.name}` | {scenario.summary} | {said} | {record['outcome']} | {seconds} |"


def of_firmware() -> list[Scenario]:
    """The units that the whole helper cures."""
    return [scenario for scenario in all_scenarios() if scenario.expected_outcome in CURED]


def _with_a_person(scenario: Scenario) -> str:
    by_hand = dongle_by_hand(scenario, card_for(scenario), NO_SWITCH, VTREF)
    result = by_hand.rig.run()
    record = result.record
    if record is None:
        raise RuntimeError(f"{scenario.name}: {result.how}")
    proof: Any = record["proof"] or {"lines": ["-"]}
    said = proof["lines"][0].partition(";")[0].partition(": ")[2]
    seconds = f"{record['virtual_ms'] / 1000:.1f} s"  # type: ignore[operator]
    cause = record["diagnosis"]["cause"]  # type: ignore[index]
    asked = f"{len(by_hand.person.asked)} times"
    return f"| `{scenario.name}` | `{cause}` | {asked} | {said} | {record['outcome']} | {seconds} |"


@dataclass(frozen=True)
class Table:
    """`row` runs a unit and makes its line."""

    head: str
    units: Callable[[], list[Scenario]]
    row: Callable[[Scenario], str]


TABLES: Final[dict[str, Table]] = {
    "no job": Table(
        "| unit | what is wrong | what is said without a job | outcome | whole run |\n|---|---|---|---|---|",
        all_scenarios,
        _without_a_job,
    ),
    "by hand": Table(
        "| unit | diagnosis | asked | proof | outcome | whole run |\n|---|---|---|---|---|---|",
        of_firmware,
        _with_a_person,
    ),
}


def with_tables(text: str, only: Collection[str] = ()) -> str:
    """`text` with each table between its two marks made anew; with `only`, the rows of those and of what is not there.

    Raises:
        UsageError: the marks of one are not there.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: made by `{COMMAND}` -->", f"<!-- end of {name} -->"
        head, found, rest = text.partition(begin)
        old, closed, tail = rest.partition(end)
        if not found or not closed:
            raise UsageError(f"the document has no place for {name}", f"Put two lines there: {begin} and {end}")
        lines = {line.split("`")[1]: line for line in old.splitlines() if only and line.startswith("| `")}
        kept = {unit: line for unit, line in lines.items() if unit not in only}
        made = [kept.get(unit.name) or table.row(unit) for unit in table.units()]
        text = "\n".join((head + begin, table.head, *made, end + tail))
    return text


def rows(text: str, name: str) -> dict[str, list[str]]:
    """The cells of a table of the page, by unit."""
    body = text.partition(f"<!-- {name}:")[2].partition(f"<!-- end of {name} -->")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if "`" in line]
    return {row[0].strip("`"): row[1:] for row in cells if row and row[0].startswith("`")}


def main(arguments: list[str]) -> int:
    if not arguments:
        print(f"usage: {COMMAND} [UNIT ...]", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        only = [scenario_named(name).name for name in arguments[1:]]
        text = with_tables(path.read_text(encoding="utf-8"), only)
    except UsageError as error:
        print(f"{error.message}\n{error.next_step}", file=sys.stderr)
        return 2
    write_atomically(path, text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
