"""A cure that is cut somewhere, and the run after it: the unit must be whole again, whatever was cut and when.

The unit is a small one, so that many cuts cost little: an image of two segments in two sectors, both damaged. A run
that is not cut gives the instants: every block that goes to the card from the first irreversible step on, and the span
in which seeded instants are drawn.
"""

from __future__ import annotations

import json
import random
import struct
from dataclasses import dataclass

from bmsrescue.card.build import describe_job
from bmsrescue.card.fat import make_image, read_files
from bmsrescue.card.image_file import Segment
from bmsrescue.twin.bench import TwinBench, Watcher
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import CALIBRATION_ADDRESS
from bmsrescue.twin.helper.block_device import CardFaults, PowerCut
from bmsrescue.twin.scenarios.scenario import Scenario
from bmsrescue.twin.scenarios.unit_programs import IDLE
from rescuelink.chain import verify_chain
from rescuelink.outcomes import exit_class

UNIT, HELPER, BOTH, CARD = "unit", "helper", "both", "card"
KINDS = (UNIT, HELPER, BOTH, CARD)

_FLASH = 0x0800_0000
_SECTOR = 0x2_0000
_CODE = 0x200
_DRAIN_NS = 10_000_000_000
_MS = 1_000_000


@dataclass(frozen=True)
class Cut:
    """What is cut (KINDS), and when: at a virtual instant, or in a block write to the card."""

    kind: str
    at_ns: int | None = None
    at_write: int | None = None

    def __str__(self) -> str:
        where = f"write {self.at_write}" if self.at_ns is None else f"{self.at_ns / _MS:.3f} ms"
        return f"{self.kind} at {where}"


@dataclass(frozen=True)
class Span:
    """What a run without a cut told: (write number, instant) of each card write from the act on, and the act's span."""

    writes: list[tuple[int, int]]
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


def _segments() -> list[Segment]:
    vectors = struct.pack("<II", 0x2001_0000, _FLASH + _CODE | 1)
    first = vectors + b"\x00" * (_CODE - len(vectors)) + IDLE + b"\x00" * 30
    return [Segment(_FLASH, first), Segment(_FLASH + _SECTOR, random.Random("sweep").randbytes(4096))]


def _break(unit: Unit) -> None:
    flash = unit.chip.flash
    for sector in range(7):
        flash.blank(sector)
    flash.load(_FLASH, b"\x00" * 4096)
    flash.load(_FLASH + _SECTOR, b"\x55" * 8192)
    flash.tear(_FLASH + 4096)


_SCENARIO = Scenario(
    name="sweep",
    summary="two damaged sectors and a small image",
    story="For cuts.",
    breaks=_break,
    expected_diagnosis="interrupted-program",
    expected_outcome="RECOVERED",
)


def _card() -> bytearray:
    return make_image(describe_job("sweep", "1", _segments()))


def reference() -> Span:
    """The run that nobody cuts."""
    faults = _LoggedFaults()
    marks: dict[str, int] = {}

    def note(at_ms: int, name: str, data: object) -> None:
        if name == "step" and isinstance(data, dict):
            marks[str(data["name"])] = at_ms * _MS

    bench = TwinBench(_SCENARIO, _card(), faults=faults, watcher=Watcher(event=note))
    faults.unit = bench.unit
    result = bench.run()
    record = result.record
    if record is None or record["outcome"] != "RECOVERED":
        raise RuntimeError(f"the run without a cut did not recover: {result.output or record}")
    writes = [(number, at_ns) for number, at_ns in enumerate(faults.instants, 1) if at_ns >= marks["act"]]
    return Span(writes, marks["act"], marks["safe-off"])


def at_every_write(span: Span) -> list[Cut]:
    """Each kind of cut at each block that goes to the card from the act on: every journalled step, and the record."""
    cuts = []
    for number, at_ns in span.writes:
        cuts += [Cut(HELPER, at_write=number), Cut(CARD, at_write=number)]
        cuts += [Cut(UNIT, at_ns=at_ns + 1), Cut(BOTH, at_ns=at_ns + 1)]
    return cuts


def at_seeded_instants(span: Span, count: int, seed: int) -> list[Cut]:
    """`count` instants between the start of the act and the end of the proof, the kinds in turn."""
    rng = random.Random(f"cuts {seed}")
    kinds = (UNIT, HELPER, BOTH)
    return [Cut(kinds[n % len(kinds)], at_ns=rng.randrange(span.begin_ns, span.end_ns)) for n in range(count)]


def run_cut(cut: Cut) -> str:
    """Cut a cure, put everything back, press the button again. Returns what is wrong then, "" when nothing is."""
    card = _card()
    faults = CardFaults()
    if cut.at_write is not None:
        setattr(faults, "pull_at_write" if cut.kind == CARD else "cut_at_write", cut.at_write)
    bench = TwinBench(_SCENARIO, card, faults=faults)
    unit = bench.unit
    calibration = unit.chip.flash.snapshot()[CALIBRATION_ADDRESS - _FLASH :]
    event = None
    if cut.at_ns is not None:
        event = unit.clock.at(cut.at_ns, lambda: _strike(unit, cut.kind))
    first = bench.run()
    if event is not None:
        event.cancel()

    faults.pull_at_write = faults.cut_at_write = None
    unit.break_board(supply_absent=False)
    unit.clock.advance(_DRAIN_NS)
    second = bench.run()
    after = unit.chip.flash.snapshot()
    if second.record is None:
        return f"the second run ended as {second.how}: {second.output}"
    if exit_class(str(second.record["outcome"])):
        first_outcome = first.how if first.record is None else first.record["outcome"]
        return f"{second.record['outcome']} after {first_outcome}: {second.record['sentence']}"
    for segment in _segments():
        start = segment.address - _FLASH
        if after[start : start + len(segment.data)] != segment.data:
            return f"wrong bytes in the segment at 0x{segment.address:08x}"
    if any(unit.chip.flash.is_torn(address) for address in range(_FLASH, _FLASH + 0x10_0000, 32)):
        return "a torn flash word is left"
    if after[CALIBRATION_ADDRESS - _FLASH :] != calibration:
        return "the calibration has changed"
    lines = read_files(card)["records/records.jsonl"].decode().splitlines()
    previous = str(json.loads(lines[0])["previous"])  # of the helper's own record, where the card was not there for it
    if verify_chain(lines, previous) or json.loads(lines[-1])["outcome"] != second.record["outcome"]:
        return "the records on the card are not whole"
    return ""


def _strike(unit: Unit, kind: str) -> None:
    if kind in (UNIT, BOTH):
        unit.break_board(supply_absent=True)
    if kind in (HELPER, BOTH):
        raise PowerCut
