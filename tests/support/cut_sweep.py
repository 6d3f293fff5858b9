"""A cure that is cut somewhere, and the run after it: the unit must be whole again, whatever was cut and when.

A run that is not cut gives the instants: the blocks that go to the card for each line of the journal, and the span from
the start of the act to the end of the proof, in which seeded instants are drawn. The run after a cut may be cut, too.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace

from bmsrescue.card.fat import read_files
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.clock import Event
from bmsrescue.twin.helper.block_device import CardFaults, PowerCut
from bmsrescue.twin.helper.helper import RunResult
from bmsrescue.twin.rig import TwinRig, Watcher
from rescuelink.chain import verify_chain
from rescuelink.outcomes import exit_class
from sweep_cures import CURES, FLASH, Cure

UNIT, HELPER, BOTH, CARD = "unit", "helper", "both", "card"
KINDS = (UNIT, HELPER, BOTH, CARD)

_DRAIN_NS = 10_000_000_000
_MS = 1_000_000
_WELL = ("RECOVERED", "RECOVERED_CHECK_CONFIG")


@dataclass(frozen=True)
class Cut:
    """In which cure what is cut (KINDS), and when: at a virtual instant, or in a block write to the card.

    `again_ns`: the next run is cut, too, so long after the start of its act.
    """

    cure: str
    kind: str
    at_ns: int | None = None
    at_write: int | None = None
    again_ns: int | None = None

    def __str__(self) -> str:
        where = f"write {self.at_write}" if self.at_ns is None else f"{self.at_ns / _MS:.3f} ms"
        again = "" if self.again_ns is None else f", and {self.again_ns / _MS:.3f} ms into the next act"
        return f"{self.cure}: {self.kind} at {where}{again}"


@dataclass(frozen=True)
class Span:
    """What a run without a cut told: (write number, instant) of each journal line, and from the act to the proof."""

    cure: str
    lines: list[tuple[int, int]]
    begin_ns: int
    end_ns: int


class _LoggedFaults(CardFaults):
    """No fault; but asked at each write, it keeps the instants of the writes."""

    def __init__(self) -> None:
        self.instants: list[int] = []
        self.unit: Unit | None = None
        super().__init__()

    def __getattribute__(self, name: str) -> object:
        if name == "cut_at_write" and self.unit is not None:
            self.instants.append(self.unit.clock.now_ns)
        return super().__getattribute__(name)


def reference(name: str) -> Span:
    """The run that nobody cuts."""
    cure = CURES[name]
    faults = _LoggedFaults()
    marks: dict[str, int] = {}

    def note(at_ms: int, event: str, data: object) -> None:
        if event == "step" and isinstance(data, dict):
            marks[str(data["name"])] = at_ms * _MS

    bench = TwinRig(cure.scenario(), cure.card(), faults=faults, watcher=Watcher(event=note))
    faults.unit = bench.unit
    result = bench.run()
    record = result.record
    if record is None or record["outcome"] not in _WELL:
        raise RuntimeError(f"{name}: the run without a cut did not recover: {result.output or record}")
    begin_ns, end_ns = marks["act"], marks["safe-off"]
    writes = [(number, at_ns) for number, at_ns in enumerate(faults.instants, 1) if begin_ns <= at_ns < marks["record"]]
    return Span(name, writes, begin_ns, end_ns)


def at_every_step(span: Span) -> list[Cut]:
    """Each kind of cut at each block that a line of the journal sends to the card, from the first to its last."""
    cuts = []
    for number, at_ns in span.lines:
        cuts += [Cut(span.cure, HELPER, at_write=number), Cut(span.cure, CARD, at_write=number)]
        cuts += [Cut(span.cure, UNIT, at_ns=at_ns + 1), Cut(span.cure, BOTH, at_ns=at_ns + 1)]
    return cuts


def at_seeded_instants(span: Span, count: int, seed: int) -> list[Cut]:
    """`count` instants between the start of the act and the end of the proof, the kinds in turn."""
    rng = random.Random(f"cuts {span.cure} {seed}")
    kinds = (UNIT, HELPER, BOTH)
    return [
        Cut(span.cure, kinds[n % len(kinds)], at_ns=rng.randrange(span.begin_ns, span.end_ns)) for n in range(count)
    ]


def twice(span: Span, count: int, seed: int) -> list[Cut]:
    """`count` seeded instants as above, each with a second one in the act of the run that comes next."""
    rng = random.Random(f"twice {span.cure} {seed}")
    again = [rng.randrange(span.end_ns - span.begin_ns) for _ in range(count)]
    firsts = at_seeded_instants(span, count, seed + 1)
    return [replace(cut, again_ns=again_ns) for cut, again_ns in zip(firsts, again, strict=True)]


def run_cut(cut: Cut) -> str:
    """Cut a cure, put everything back, press the button again. Returns what is wrong then, "" when nothing is."""
    cure = CURES[cut.cure]
    card = cure.card()
    faults = CardFaults()
    if cut.at_write is not None:
        setattr(faults, "pull_at_write" if cut.kind == CARD else "cut_at_write", cut.at_write)
    events: list[Event] = []
    ends: list[RunResult] = []

    def note(_at_ms: int, name: str, data: object) -> None:
        acts = name == "step" and isinstance(data, dict) and data["name"] == "act"
        if acts and cut.again_ns is not None and len(ends) == 1:
            events.append(unit.clock.after(cut.again_ns, lambda: _strike(unit, cut.kind)))

    bench = TwinRig(cure.scenario(), card, faults=faults, watcher=Watcher(event=note))
    unit = bench.unit
    before = unit.chip.flash.snapshot()
    if cut.at_ns is not None:
        events.append(unit.clock.at(cut.at_ns, lambda: _strike(unit, cut.kind)))
    for _ in range(2 if cut.again_ns is None else 3):
        ends.append(bench.run())
        while events:
            events.pop().cancel()
        faults.pull_at_write = faults.cut_at_write = None
        unit.break_board(supply_absent=False)
        unit.clock.advance(_DRAIN_NS)
    last, history = ends[-1], [end.how if end.record is None else str(end.record["outcome"]) for end in ends[:-1]]
    if last.record is None:
        return f"the last run ended as {last.how}: {last.output}"
    if exit_class(str(last.record["outcome"])):
        return f"{last.record['outcome']} after {', '.join(history)}: {last.record['sentence']}"
    return wrong_flash(cure, unit, before) or wrong_options(cure, unit) or _wrong_records(card, last.record)


def wrong_flash(cure: Cure, unit: Unit, before: bytes) -> str:
    after = unit.chip.flash.snapshot()
    for segment in cure.segments:
        start = segment.address - FLASH
        if after[start : start + len(segment.data)] != segment.data:
            return f"wrong bytes in the segment at 0x{segment.address:08x}"
    if any(unit.chip.flash.is_torn(address) for address in range(FLASH, FLASH + cure.sectors * 0x2_0000, 32)):
        return "a torn flash word is left"
    for start, length in cure.kept:
        if after[start : start + length] != before[start : start + length]:
            return f"what was to be kept at 0x{FLASH + start:08x} has changed"
    return ""


def wrong_options(cure: Cure, unit: Unit) -> str:
    stored = unit.chip.options.stored
    wanted = cure.options or _options_before(cure)
    return "" if stored == wanted else f"option bytes are {stored}, not {wanted}"


def _options_before(cure: Cure) -> object:
    return TwinRig(cure.scenario(), None).unit.chip.options.stored


def _wrong_records(card: bytearray, last: dict[str, object]) -> str:
    lines = read_files(card)["records/records.jsonl"].decode().splitlines()
    previous = str(json.loads(lines[0])["previous"])  # of the helper's own record, where the card was not there for it
    if verify_chain(lines, previous) or json.loads(lines[-1])["outcome"] != last["outcome"]:
        return "the records on the card are not whole"
    return ""


def _strike(unit: Unit, kind: str) -> None:
    if kind in (UNIT, BOTH):
        unit.break_board(supply_absent=True)
    if kind in (HELPER, BOTH):
        raise PowerCut
