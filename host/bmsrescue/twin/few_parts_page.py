"""The tables of docs/few-parts.md, from runs: `python -m bmsrescue.twin.few_parts_page docs/few-parts.md`.

What a helper with few parts says and does of every broken unit of the twin: without a job, and with a person in place
of its switch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import UsageError
from bmsrescue.twin.by_hand_rig import dongle_by_hand
from bmsrescue.twin.helper.helper import RunResult
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import all_scenarios
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.outcomes import RECOVERED, RECOVERED_CHECK_CONFIG

COMMAND: Final = "python -m bmsrescue.twin.few_parts_page docs/few-parts.md"
CURED: Final = (RECOVERED, RECOVERED_CHECK_CONFIG)
NO_SWITCH: Final = frozenset({"power", "boot0"})
VTREF: Final = frozenset({"v3v3"})
_COLUMNS: Final = "| unit | what is wrong | {} | outcome | whole run |\n|---|---|---|---|---|"


def no_job(scenario: Scenario) -> RunResult:
    """A press with no card in the helper."""
    return TwinRig(scenario, None).run()


def without_a_job() -> Iterator[str]:
    """The lines of the first table."""
    yield _COLUMNS.format("what is said without a job")
    for scenario in all_scenarios():
        result = no_job(scenario)
        record = result.record
        if record is None:
            raise RuntimeError(f"{scenario.name}: {result.how}")
        diagnosis = record["diagnosis"]
        said = f"`{diagnosis['cause']}`, {diagnosis['confidence']}"  # type: ignore[index]
        seconds = f"{record['virtual_ms'] / 1000:.1f} s"  # type: ignore[operator]
        yield f"| `{scenario.name}` | {scenario.summary} | {said} | {record['outcome']} | {seconds} |"


def of_firmware() -> list[Scenario]:
    """The units that the whole helper cures."""
    return [scenario for scenario in all_scenarios() if scenario.expected_outcome in CURED]


def with_a_person() -> Iterator[str]:
    """The lines of the second table."""
    yield "| unit | diagnosis | asked | proof | outcome | whole run |\n|---|---|---|---|---|---|"
    for scenario in of_firmware():
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
        yield f"| `{scenario.name}` | `{cause}` | {asked} | {said} | {record['outcome']} | {seconds} |"


TABLES: Final[dict[str, Callable[[], Iterator[str]]]] = {"no job": without_a_job, "by hand": with_a_person}


def with_tables(text: str) -> str:
    """`text` with each table between its two marks made anew.

    Raises:
        UsageError: the marks of one are not there.
    """
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name}: made by `{COMMAND}` -->", f"<!-- end of {name} -->"
        head, found, rest = text.partition(begin)
        _old, closed, tail = rest.partition(end)
        if not found or not closed:
            raise UsageError(f"the document has no place for {name}", f"Put two lines there: {begin} and {end}")
        text = "\n".join((head + begin, *lines(), end + tail))
    return text


def rows(text: str, name: str) -> dict[str, list[str]]:
    """The cells of a table of the page, by unit."""
    body = text.partition(f"<!-- {name}:")[2].partition(f"<!-- end of {name} -->")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if "`" in line]
    return {row[0].strip("`"): row[1:] for row in cells if row and row[0].startswith("`")}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(f"usage: {COMMAND}", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    write_atomically(path, with_tables(path.read_text(encoding="utf-8")).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
