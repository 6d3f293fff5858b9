"""Tells a run as it happens, from the agent's own events: steps, rails, progress, diagnosis, plan, outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bmsrescue.cli.output import STYLES, PlainConsole, broken, clear_live_line, show_live_line
from bmsrescue.cli.render.bar import bar_line
from bmsrescue.cli.render.rail_chart import NAMES, RailChart
from rescuelink.errors import sentence_case
from rescuelink.outcomes import OUTCOMES

if TYPE_CHECKING:
    from bmsrescue.twin.helper.helper import RunResult

TITLES = {
    "job": "read the card, check job and image",
    "sense": "sense every rail, drive nothing",
    "energise": "switch the supply on, within limits",
    "rails": "judge the rails",
    "connect": "connect over SWD",
    "evidence": "gather evidence, change nothing",
    "map": "map every sector, on the chip's own core",
    "diagnosis": "say what is wrong",
    "plan": "plan the smallest cure",
    "backup": "back up the flash, read the backup again",
    "act": "erase and program",
    "verify": "verify",
    "proof": "prove it by a true power cycle",
    "put-back": "the unit does not run it: look again, put back what it held where that is allowed",
    "safe-off": "switch off, let every line go",
    "record": "write the record, read it back",
}
_INDENT, _NARROW_INDENT = 10, 2
_NARROW = 64
_QUARTER = 4
_RAILS_BESIDE_ONE_ANOTHER = 52  # columns
_DIGEST_SHOWN = 16


class Story:
    """Give `event` and `measured` to a run's watcher; what they say appears at once. Time starts at the first event."""

    def __init__(self, console: PlainConsole) -> None:
        self._console = console
        self._chart = RailChart()
        self._began_ms: int | None = None
        self._at_ms = 0
        self._helper_ms: int | None = None  # the helper's clock at our 0
        self._bar: tuple[str, int, int] | None = None  # what, when it began, quarters already shown
        self._open_bar: Text | None = None
        self._unfinished: dict[str, Any] | None = None  # the newest progress, until it is at its end
        self._tellers = {
            "step": self._step,
            "step-end": self._step_end,
            "rails": self._rails,
            "progress": self._progress,
            "no-job": self._no_job,
            "diagnosis": self._diagnosis,
            "plan": self._plan,
            "wait": self._wait,
            "error": self._error,
        }

    def event(self, at_ms: int, name: str, data: object) -> None:
        """One event of the agent, at a virtual time."""
        if self._began_ms is None:
            self._began_ms = at_ms
        self._at_ms = at_ms - self._began_ms
        teller = self._tellers.get(name)
        if teller is not None and isinstance(data, dict):
            teller(data)

    def measured(self, at_ms: int, rails_mv: dict[str, int]) -> None:
        """What the helper's ADC has just measured."""
        self._chart.add(at_ms - (self._began_ms or 0), rails_mv)

    def say(self, *parts: str | tuple[str, str]) -> None:
        """One line of the story, indented under its step."""
        self._close_bar()
        self._print(Text.assemble(" " * self._indent, *parts), self._indent)

    @property
    def _indent(self) -> int:
        return _INDENT if self._console.width >= _NARROW else _NARROW_INDENT

    def _print(self, line: Text, indent: int) -> None:
        for piece in broken(line, self._console.width, indent):
            self._console.print(piece, soft_wrap=True)

    def _step(self, data: dict[str, Any]) -> None:
        self._close_bar()
        self._bar = None
        name = str(data["name"])
        number = f"{data['index'] + 1:2d}/{data['count']}"
        seconds = f"{self._at_ms / 1000:7.2f} s"
        line = Text.assemble((seconds, "dim"), " ", (number, "dim"), " ", (TITLES.get(name, name), "bold"))
        self._print(line, self._indent)

    def _step_end(self, data: dict[str, Any]) -> None:
        if data["outcome"] == "ok":
            self._finish_bar()
        self._unfinished = None
        self._close_bar()
        # On the left the name's column is as good as an indent.
        indent = max(0, min(self._indent, self._console.width - 72))
        for line in self._chart.take(self._console.width - indent):
            self._console.print(Text(" " * indent).append_text(line), soft_wrap=True)
        if data["outcome"] != "ok":
            self.say(("stopped: ", STYLES["yellow"]), str(data["outcome"]))

    def _rails(self, data: dict[str, Any]) -> None:
        at_ms = self._at_ms
        if "ms" in data:  # streamed, by the helper's own clock, which the link's delays do not bend
            if self._helper_ms is None:
                self._helper_ms = int(data["ms"]) - at_ms
            at_ms = int(data["ms"]) - self._helper_ms
        elif self._helper_ms is not None:
            return
        self._chart.add(at_ms, {name: rail["mv"] for name, rail in data["rails"].items()})

    def _progress(self, data: dict[str, Any]) -> None:
        what, done, total = str(data["what"]), int(data["done"]), int(data["total"])
        if self._bar is None or self._bar[0] != what:
            self._finish_bar()
            self._bar = (what, self._at_ms, 0)
        self._unfinished = data if done < total else None
        _what, began_ms, quarters = self._bar
        live = self._console.is_terminal and not self._console.is_dumb_terminal
        reached = done * _QUARTER // max(total, 1)
        self._bar = (what, began_ms, max(reached, quarters))
        if not live and reached <= quarters:
            return
        spent_s = (self._at_ms - began_ms) / 1000
        line = bar_line(what, done, total, str(data["unit"]), spent_s, self._console.width - 1)
        if live:
            show_live_line(self._console, line.copy())
            self._open_bar = line
        else:
            self._console.print(line, soft_wrap=True)

    def _finish_bar(self) -> None:
        """What went on behind it went well: the helper tells some of its progress, not all."""
        last, self._unfinished = self._unfinished, None
        if last is not None:
            self._progress({**last, "done": last["total"]})
        self._close_bar()

    def _close_bar(self) -> None:
        """The bar's last state stays, as a line like the others."""
        line, self._open_bar = self._open_bar, None
        if line is not None:
            clear_live_line()
            self._console.print(line, soft_wrap=True)

    def _no_job(self, data: dict[str, Any]) -> None:
        self.say((f"{data['why']}: ", "bold yellow"), "the unit is looked at, and nothing is changed")

    def _diagnosis(self, data: dict[str, Any]) -> None:
        self.say((str(data["sentence"]), "bold"), (f"  ({data['cause']}, {data['confidence']})", "dim"))
        for line in data["evidence"]:
            self.say(("- ", "dim"), str(line))
        for name, seen in zip(data.get("alternatives", ()), data.get("apart", ()), strict=False):
            self.say(("it could be ", "dim"), str(name), (" if ", "dim"), str(seen))
        if data.get("next_step"):
            self.say(("next: ", "dim"), str(data["next_step"]))

    def _plan(self, data: dict[str, Any]) -> None:
        for line in data["lines"]:
            self.say(("- ", "dim"), str(line))

    def _wait(self, data: dict[str, Any]) -> None:
        self.say((f"waiting {data['ms'] / 1000:.0f} s: ", STYLES["yellow"]), str(data["why"]))

    def _error(self, data: dict[str, Any]) -> None:
        step = data.get("next_step")
        self.say(str(data["message"]), (f". {sentence_case(str(step))}." if step else "", "dim"))


def summary(console: Console, record: dict[str, Any], result: RunResult) -> None:
    """The outcome, and what the run took."""
    name = str(record["outcome"])
    known = OUTCOMES.get(name)
    sentence = str(record.get("sentence") or (known.sentence if known else ""))
    console.print()
    console.print(
        Text.assemble((name, STYLES.get(known.colour if known else "", "bold")), "  ", sentence), soft_wrap=True
    )
    if record.get("next_step"):
        console.print(f"Next: {record['next_step']}", soft_wrap=True)
    proof = record.get("proof")
    if isinstance(proof, dict) and proof["lines"]:
        console.print(f"Proof: {proof['lines'][0]}.", soft_wrap=True)
    backup = record.get("backup")
    if isinstance(backup, dict):
        checked = "read back and equal" if backup.get("verified") else "NOT verified"
        console.print(
            f"Backup: {backup['file']}, {backup['bytes']:,} bytes, {checked}, SHA-256 {backup['sha256'][:16]}…",
            soft_wrap=True,
        )
    figures = (
        f"{record['virtual_ms'] / 1000:.1f} s of the unit's time, {record['swclk_cycles']:,} SWCLK cycles, "
        f"{result.power_ons} power-on{'' if result.power_ons == 1 else 's'}, {result.wall_s:.1f} s here"
    )
    if record.get("heap_free_min") is not None:
        figures += f"; the agent's heap had {record['heap_free_min'] // 1024} KiB free at the least"
    console.print(Text(figures, style="dim"), soft_wrap=True)


def rails_table(console: Console, rails: dict[str, Any]) -> None:
    """What the rails were, off and on."""
    states = {state: rails[state] for state in ("off", "on") if isinstance(rails.get(state), dict)}
    cells = [
        [NAMES[name], *(f"{values[name]['mv'] / 1000:.2f} V" if name in values else "-" for values in states.values())]
        for name in NAMES
    ]
    rows = [["", *states], *cells]
    if console.width > _RAILS_BESIDE_ONE_ANOTHER:
        rows = [list(row) for row in zip(*rows, strict=True)]
    table = Table(box=None, pad_edge=False, show_header=False)
    for place in range(len(rows[0])):
        table.add_column("", justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
