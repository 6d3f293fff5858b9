"""Who stands at a virtual station: somebody who works through a pile of units, or a test that says what is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol

from bmsrescue.fleet.twin.mishaps import MISREAD, NEIGHBOUR, PULLED
from bmsrescue.fleet.twin.mix import ComingUnit
from bmsrescue.fleet.twin.nest import Nest
from bmsrescue.twin.board.healthy import healthy_unit
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.scenarios import find

_SCAN_AGAIN_S = 5.0
_GIVES_UP_S = 60.0  # a unit with which nothing is begun, whatever is scanned, is put aside
_NO_RECORD_S = 30.0  # a unit that was pulled out is put in again, at the latest
_TOO_OFTEN = 5

Say = Callable[[dict[str, Any]], None]


class Person(Protocol):
    """Both are called in the thread that serves the helper."""

    def look(self, nest: Nest) -> None:
        """Called whenever the helper looks at the nest."""

    def watch(self, at_ms: int, name: str, data: object) -> None:
        """An event of the agent."""


class PileWorker:
    """Puts the next unit in a while after the nest became empty, scans it, and takes it out a while after its record.

    `say` is told {"inserted": label, "scenario", "mishap"}, {"scanned": label or NEIGHBOUR}, {"removed": label}.
    """

    def __init__(self, units: Iterator[ComingUnit], pause_s: float, say: Say) -> None:
        self._units = units
        self._pause_s = pause_s
        self._say = say
        self._coming: ComingUnit | None = None
        self._pulled: Unit | None = None
        self._nest: Nest | None = None
        self._scans: list[str] = []  # what is scanned next; the last one again and again, until the work begins
        self._scan_at = 0.0
        self._inserted_at = 0.0
        self._act_at: float | None = monotonic() + pause_s

    def look(self, nest: Nest) -> None:
        self._nest = nest
        now = monotonic()
        if self._scans and now >= self._scan_at:
            self._scan_at = now + _SCAN_AGAIN_S
            self._say({"scanned": self._scans.pop(0) if len(self._scans) > 1 else self._scans[0]})
        if self._scans and nest.unit is not None and now >= self._inserted_at + _GIVES_UP_S:
            self._scans, self._act_at = [], now
        if self._act_at is None or now < self._act_at:
            return
        self._act_at = None
        if nest.unit is None:
            self._insert(nest, now)
        else:
            self._take_out(nest)
            self._coming, self._act_at = None, now + self._pause_s

    def watch(self, _at_ms: int, name: str, data: object) -> None:
        if name == "record":
            self._act_at = monotonic() + self._pause_s
        elif name == "step" and isinstance(data, dict):
            self._begun(str(data["name"]))

    def _begun(self, step: str) -> None:
        self._scans = []
        nest, coming = self._nest, self._coming
        if nest is None or nest.unit is None or coming is None:
            return
        self._act_at = None  # a retest
        if coming.mishap == PULLED and coming.pulled_in == step and self._pulled is None:
            self._pulled = nest.unit
            self._take_out(nest)
            self._act_at = monotonic() + _NO_RECORD_S

    def _insert(self, nest: Nest, now: float) -> None:
        coming = self._coming or next(self._units)
        unit, again = self._pulled, self._coming is not None
        if unit is None or not again:
            unit, self._pulled = _made(coming, nest), None
        self._coming = coming
        nest.insert(unit)
        self._say(
            {"inserted": coming.label, "scenario": coming.scenario.name, "mishap": "" if again else coming.mishap}
        )
        wrong = {MISREAD: _TOO_OFTEN * coming.label, NEIGHBOUR: NEIGHBOUR}.get(coming.mishap)
        self._scans, self._scan_at = ([] if wrong is None or again else [wrong]) + [coming.label], now
        self._inserted_at = now

    def _take_out(self, nest: Nest) -> None:
        nest.remove()
        if self._coming is not None:
            self._say({"removed": self._coming.label})


class ToldPerson:
    """Does what lines of JSON say: {"insert": scenario, "seed": n}, {"remove": true}, {"pull_in": step}.

    A unit that was removed comes again, as it was left, when the same scenario and seed are inserted again.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._units: dict[tuple[str, int], Unit] = {}
        self._nest: Nest | None = None
        self._pull_in = ""

    def tell(self, line: str) -> None:
        """From any thread."""
        self._told.put(json.loads(line))

    def look(self, nest: Nest) -> None:
        self._nest = nest
        try:
            told = self._told.get_nowait()
        except Empty:
            return
        if "insert" in told:
            which = (told["insert"], told["seed"])
            if which not in self._units:
                self._units[which] = _made(ComingUnit(find(which[0]), which[1], ""), nest)
            nest.insert(self._units[which])
        elif "pull_in" in told:
            self._pull_in = told["pull_in"]
        else:
            nest.remove()
        self._say(told)

    def watch(self, _at_ms: int, name: str, data: object) -> None:
        if name == "step" and isinstance(data, dict) and data["name"] == self._pull_in and self._nest is not None:
            self._pull_in = ""
            self._nest.remove()
            self._say({"pulled": data["name"]})


def _made(coming: ComingUnit, nest: Nest) -> Unit:
    unit = healthy_unit(coming.seed, coming.scenario.config, nest.clock)
    coming.scenario.breaks(unit)
    return unit
