"""A recovery that something goes wrong with at one of its accesses to the hardware, and the presses after it.

Every access counts, not only those at a journalled step: each block of the card, each block and erase of the helper's
own flash (where the journal has its mirror), each word written over SWD, each operation of the unit's flash, each call
of the agent to anything. A run without a fault counts them; a seed draws where, and what happens there.
"""

from __future__ import annotations

import errno
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from littlefs import LittleFS

from bmsrescue.card.fat import CardFiles, CardImageError
from bmsrescue.twin.helper.block_device import (
    FLASH_BLOCK_BYTES,
    FLASH_BLOCKS,
    SD_BLOCK_BYTES,
    CardFaults,
    PowerCut,
)
from bmsrescue.twin.helper.helper import CRASHED, ENDED, RODE_ALONG, TIME_EXPIRED, RunResult
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.helper.rpc import CtrlC, Refused
from bmsrescue.twin.helper.unit_ports import WatchdogBite
from bmsrescue.twin.rig import TwinRig
from cut_sweep import wrong_flash, wrong_options
from rescuelink.chain import damage
from rescuelink.outcomes import exit_class
from rescuelink.seal import line_hash
from sweep_cures import CURES

CARD_BLOCK, JOURNAL, SWD_WRITE, FLASH_WORK, ANY_CALL = "card block", "journal", "SWD write", "flash work", "any call"
POINTS = (CARD_BLOCK, JOURNAL, SWD_WRITE, FLASH_WORK, ANY_CALL)

UNIT, HELPER, BOTH, CARD = "unit", "helper", "both", "card"
WATCHDOG, SOFT_RESET, EXCEPTION, IO_ERROR = "watchdog", "soft reset", "exception", "I/O error"
CUTS = (UNIT, HELPER, BOTH, CARD)
EXITS = (WATCHDOG, SOFT_RESET, EXCEPTION, IO_ERROR, HELPER)

# What may be wrong in the end.
WRONG_BYTES, RECORDS, UNSAFE, HANG, NOT_WHOLE = "wrong bytes", "records", "unsafe", "hang", "not whole"
NOT_JUDGED = "not judged"  # the twin or the judge itself has failed
WRONGS = (WRONG_BYTES, RECORDS, UNSAFE, HANG, NOT_WHOLE, NOT_JUDGED)

MOST_MS = 30 * 60_000
PRESSES = 3
_DRAIN_NS = 10_000_000_000
_OFF_MV = 300
_DATA_BITS = 33


@dataclass(frozen=True)
class Fault:
    """In which cure, at which access of which sort, what happens; `seed` draws how a block is torn and what arrives."""

    cure: str
    point: str
    number: int
    cut: str
    late: int
    seed: int

    def __str__(self) -> str:
        late = f", {self.late} blocks late" if self.late else ""
        return f"{self.cure}: {self.cut} at {self.point} {self.number}{late} (seed {self.seed})"


@dataclass
class Ends:
    """What was wrong, sort by sort, and how the presses ended."""

    wrong: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)


class Taps:
    """Counts the accesses of a run, calls `strike` at the one that is wanted, and knows how the lines stand.

    `calls` are those to the helper's own hardware; `unwatched` is what was switched on before the watchdog ran.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wanted: tuple[str, int] | None = None
        self.strike: Callable[[int, int, int, int, bytes], None] = lambda *call: None
        self.watched = False
        self.unwatched = False
        self.lines: dict[int, bool] = {}
        self.card_blocks = 0

    def start_of_run(self) -> None:
        self.watched = False
        self.lines = {}

    def call(self, opcode: int, small: int, number: int, wide: int, payload: bytes) -> None:
        if opcode == op.CLOCK_FEED:
            self.watched = True
            if wide == RODE_ALONG:
                return
        call = (opcode, small, number, wide, payload)
        self._see(ANY_CALL, call)
        if opcode in (op.BLOCK_WRITE, op.BLOCK_ERASE):
            self._see(CARD_BLOCK if small == op.BLOCK_CARD else JOURNAL, call)
            if small == op.BLOCK_CARD:
                self.card_blocks += len(payload) // SD_BLOCK_BYTES
        elif opcode == op.LINE_POWER:
            self.unwatched |= bool(small) and not self.watched
            self.lines[opcode] = bool(small)
        elif opcode in (op.LINE_NRST, op.LINE_BUTTON):
            self.lines[opcode] = bool(small)
        elif opcode == op.LINE_BOOT0:
            self.lines[opcode] = small != op.RELEASED
        elif opcode in (op.WIRE_ENGAGE, op.WIRE_RELEASE):
            self.lines[op.WIRE_ENGAGE] = opcode == op.WIRE_ENGAGE
        elif opcode == op.LINE_RELEASE_ALL:
            self.lines = {}

    def swd_write(self) -> None:
        self._see(SWD_WRITE, (op.WIRE_WRITE, 0, 0, 0, b""))

    def flash_work(self, duration_ns: int) -> None:
        self._see(FLASH_WORK, (0, 0, 0, duration_ns, b""))

    @property
    def held(self) -> bool:
        """Something drives the unit."""
        return any(self.lines.values())

    def _see(self, point: str, call: tuple[int, int, int, int, bytes]) -> None:
        self.counts[point] += 1
        if self.wanted == (point, self.counts[point]):
            self.wanted = None
            self.strike(*call)


class _Pins:
    """The chip's pins, each word that is written told to the taps before it is on the line."""

    write_whole = None  # a word by itself comes field by field, so that it is seen

    def __init__(self, pins: Any, taps: Taps) -> None:
        self._pins = pins
        self._taps = taps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pins, name)

    @property
    def frequency_hz(self) -> int:
        return int(self._pins.frequency_hz)

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = hz

    def clock_out(self, value: int, count: int) -> None:
        if count == _DATA_BITS:
            self._taps.swd_write()
        self._pins.clock_out(value, count)


def bench_of(cure: str, card: bytearray, faults: CardFaults) -> tuple[TwinRig, Taps]:
    taps = Taps()
    bench = TwinRig(CURES[cure].scenario(), card, faults=faults, tap=taps.call)
    bits: Any = bench.wire._bits  # type: ignore[attr-defined]
    bits.put_on(_Pins(bits._pins, taps))
    for bank in bench.unit.chip.flash_controller.banks:
        bank._run = _watched(bank._run, taps)  # type: ignore[method-assign]
    return bench, taps


def _watched(run: Callable[[Any, int, int], None], taps: Taps) -> Callable[[Any, int, int], None]:
    def watched(operation: Any, start_ns: int, duration_ns: int) -> None:
        run(operation, start_ns, duration_ns)
        taps.flash_work(duration_ns)

    return watched


@cache
def counts_of(cure: str) -> dict[str, int]:
    """How many accesses of each sort a run without a fault makes."""
    bench, taps = bench_of(cure, CURES[cure].card(), CardFaults())
    result = bench.run()
    if result.record is None or exit_class(str(result.record["outcome"])) or taps.unwatched:
        raise RuntimeError(f"{cure}: the run without a fault did not recover: {result.output or result.record}")
    return dict(taps.counts)


def drawn(seed: int, cuts: tuple[str, ...] = (), points: tuple[str, ...] = ()) -> Fault:
    """The fault of a seed: cures in turn, sorts of access in turn, the rest by chance."""
    chance = random.Random(f"fault {seed}")
    cure = sorted(CURES)[seed % len(CURES)]
    counts = counts_of(cure)
    there = [point for point in points or POINTS if counts.get(point)]
    point = there[seed // len(CURES) % len(there)]
    cut = chance.choice(cuts or (CUTS * 2 + EXITS))
    late = chance.choice((0, 0, 1, 2, 4, 8)) if cut in (HELPER, BOTH, CARD) else 0
    return Fault(cure, point, chance.randint(1, counts[point]), cut, late, seed)


def run_fault(fault: Fault) -> Ends:
    """Let it happen, put everything back, and press the button until the unit is whole, at most PRESSES times."""
    cure, ends = CURES[fault.cure], Ends()
    chance = random.Random(f"how {fault.seed}")
    card, faults = cure.card(), CardFaults(torn_bytes=chance.randrange(SD_BLOCK_BYTES), late=fault.late)
    faults.seed = fault.seed
    bench, taps = bench_of(fault.cure, card, faults)
    unit = bench.unit
    before = unit.chip.flash.snapshot()
    taps.wanted = (fault.point, fault.number)
    struck: list[bool] = []

    def strike(opcode: int, small: int, number: int, wide: int, payload: bytes) -> None:
        struck.append(True)
        _strike(fault, bench, taps, faults, chance, (opcode, small, number, wide, payload))

    taps.strike = strike
    announced: list[dict[str, Any]] = []
    record: dict[str, Any] | None = None
    for _press in range(PRESSES):
        taps.start_of_run()
        result = bench.run()
        faults.pull_at_write = faults.cut_at_write = None
        faults.late = 0
        record = result.record
        ends.history.append(result.how if record is None else str(record["outcome"]))
        judge_end(ends, bench, taps, result)
        if record is not None and exit_class(str(record["outcome"])) == 0:
            wrong = wrong_flash(cure, unit, before) or wrong_options(cure, unit)
            if wrong and len(ends.history) > 1:
                ends.wrong.setdefault(WRONG_BYTES, f"{record['outcome']}, but {wrong}")
        if record is not None and result.how == ENDED:
            announced.append(record)
        unit.break_board(supply_absent=False)
        unit.clock.advance(_DRAIN_NS)
        if len(ends.history) > 1 and record is not None and exit_class(str(record["outcome"])) == 0:
            break
    if not struck:
        ends.wrong[NOT_WHOLE] = "the run did not come to that access"
    elif record is None or exit_class(str(record["outcome"])):
        ends.wrong[NOT_WHOLE] = f"after {PRESSES} presses: {record and record['sentence']}"
    _judge_records(ends, bench, card, announced)
    return ends


def _strike(
    fault: Fault,
    bench: TwinRig,
    taps: Taps,
    faults: CardFaults,
    chance: random.Random,
    call: tuple[int, int, int, int, bytes],
) -> None:
    opcode, small, _number, wide, payload = call
    if fault.point == FLASH_WORK:
        bench.unit.clock.after(int(wide * chance.random()), lambda: happen(fault.cut, bench, taps, faults))
        return
    if opcode == op.BLOCK_WRITE and fault.cut in (HELPER, BOTH, CARD) and small == op.BLOCK_CARD:
        blocks = max(len(payload) // SD_BLOCK_BYTES, 1)
        at = taps.card_blocks + chance.randrange(blocks)
        if fault.cut == CARD:
            faults.pull_at_write = at
        else:
            faults.cut_at_write = at
            if fault.cut == BOTH:
                bench.unit.break_board(supply_absent=True)
        return
    if small == op.BLOCK_STORE and fault.cut in (HELPER, BOTH, WATCHDOG):
        _tear_store(bench, chance, call)
    happen(fault.cut, bench, taps, faults)


def _tear_store(bench: TwinRig, chance: random.Random, call: tuple[int, int, int, int, bytes]) -> None:
    """The helper's own flash is cut in a write or an erase: a part of it has been done."""
    opcode, _small, number, wide, payload = call
    whole = payload if opcode == op.BLOCK_WRITE else b"\xff" * FLASH_BLOCK_BYTES
    start, done = number * FLASH_BLOCK_BYTES + wide, chance.randrange(len(whole))
    bench.helper.flash[start : start + done] = whole[:done]


def happen(cut: str, bench: TwinRig, taps: Taps, faults: CardFaults) -> None:
    if cut in (UNIT, BOTH):
        bench.unit.break_board(supply_absent=True)
    if cut == CARD:
        faults.pull_at_write = taps.card_blocks  # the next block finds no card
    if cut in (HELPER, BOTH):
        raise PowerCut
    if cut == WATCHDOG:
        raise WatchdogBite
    if cut == SOFT_RESET:
        raise CtrlC
    if cut == EXCEPTION:
        raise Refused("a fault of our own, put in here")
    if cut == IO_ERROR:
        raise OSError(errno.EIO, "put in here")


def judge_end(ends: Ends, bench: TwinRig, taps: Taps, result: RunResult, by_itself: bool = True) -> None:
    """Whether the run has ended, in time, and the unit is safe then. `by_itself`: the program could still let go."""
    if result.how == TIME_EXPIRED or result.virtual_ms > MOST_MS:
        ends.wrong.setdefault(HANG, f"{result.how} after {result.virtual_ms} ms")
    if by_itself and result.how in (ENDED, CRASHED) and (result.left_powered or taps.held):
        ends.wrong.setdefault(UNSAFE, f"{result.how} with {taps.lines}, power {result.left_powered}: {result.output}")
    if taps.unwatched:
        ends.wrong.setdefault(UNSAFE, "power was switched on before the watchdog ran")
    unit = bench.unit
    unit.clock.advance(_DRAIN_NS)
    high = {name: mv for name in unit.rail_names if (mv := unit.true_mv(name)) >= _OFF_MV}
    if high:
        ends.wrong.setdefault(UNSAFE, f"{result.how}, and afterwards {high}")


def _judge_records(ends: Ends, bench: TwinRig, card: bytearray, announced: list[dict[str, Any]]) -> None:
    """Each record that was told of is on the card or in the helper, and so is the one that it follows.

    The two are not the same chain: where the card fails behind the line that it took, that line is on the card and the
    one that says so in the helper, and either may be followed.
    """
    on_card: list[str] = []
    try:
        files = CardFiles(card, whole=False)
        for name in sorted(name for name in files if name.startswith("records/records") and name.endswith(".jsonl")):
            with files.open_start(name) as start:
                lines = start.read().decode(errors="replace").splitlines()
            # Of one that the helper has set aside no line need be whole: it is what the lost blocks have left.
            on_card += lines if name == "records/records.jsonl" else [line for line in lines if not damage(line)]
    except CardImageError as error:
        ends.wrong.setdefault(NOT_WHOLE, str(error))
    in_helper = helper_lines(bench.helper.flash)
    hashes = {line_hash(line) for line in on_card + in_helper}
    known: set[tuple[Any, Any]] = set()
    for place, lines in (("card", on_card), ("helper", in_helper)):
        torn = 0
        for line in lines:
            if damage(line):  # the fault came while it was written: no record yet, and the press after it says so
                torn += 1
                continue
            record = json.loads(line)
            if record["previous"] and record["previous"] not in hashes:
                ends.wrong[RECORDS] = f"record {record['sequence']} of the {place} follows one that is nowhere"
            known.add((record["sequence"], record["outcome"]))
        if torn > 1:
            ends.wrong[RECORDS] = f"{torn} lines of the {place} are none"
    lost = {(record["sequence"], record["outcome"]) for record in announced} - known
    if lost:
        ends.wrong[RECORDS] = f"{sorted(lost)} not among {sorted(known)}"


def helper_lines(flash: bytearray) -> list[str]:
    """The records in a helper's own flash, read by littlefs itself."""
    store = LittleFS(block_size=FLASH_BLOCK_BYTES, block_count=FLASH_BLOCKS, mount=False)
    store.context.buffer = bytearray(flash)
    store.mount()
    if "records.jsonl" not in store.listdir("/"):
        return []
    with store.open("/records.jsonl", "rb") as file:
        return file.read().decode(errors="replace").splitlines()
