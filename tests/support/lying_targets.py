"""Targets that lie on the wire: how, and from when on, by hand or drawn by a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, Watcher
from cut_sweep import wrong_flash, wrong_options
from rescuelink.outcomes import exit_class
from sweep_cures import CURES, FLASH, SECTOR

UID = 0x1FF1_E800
MOST_MS = 30 * 60_000
WAIT, FAULT = 0b010, 0b100
Change = Callable[[int, int, Random], int]


class Bent:
    """The chip's pins, with what the helper hears from them changed."""

    def __init__(self, pins: Any, change: Callable[[int, int], int]) -> None:
        self._pins = pins
        self._change = change

    @property
    def frequency_hz(self) -> int:
        return int(self._pins.frequency_hz)

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = hz

    def clock_out(self, value: int, count: int) -> None:
        self._pins.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        return self._change(self._pins.clock_in(count), count)


def bend(bench: TwinRig, change: Callable[[int, int], int]) -> None:
    bits: Any = bench.wire._bits  # type: ignore[attr-defined]
    bits.put_on(Bent(bits._pins, change))


def another_chip(bench: TwinRig) -> None:
    rom: Any = bench.unit.chip.bus.device_at(UID)
    rom.data[UID - rom.start] ^= 0x55


def another_debug_port(bench: TwinRig) -> None:
    port: Any = bench.unit.chip._debug_port
    port._config = replace(port._config, dpidr=0x2BA01477)


def goes_away(bench: TwinRig, after: int, then: Callable[[TwinRig], None]) -> None:
    """So many fields from now on the line is dead for a moment, and then `then` has happened."""
    fields = [0]

    def hears(bits: int, count: int) -> int:
        fields[0] += 1
        if fields[0] == after:
            then(bench)
        return (1 << count) - 1 if after <= fields[0] < after + 20 else bits

    bend(bench, hears)


def answers(change: Change, seed: int) -> Callable[[TwinRig], None]:
    """Each field that the chip drives goes through `change(bits, count, chance)`."""

    def lie(bench: TwinRig) -> None:
        chance = Random(seed)
        bend(bench, lambda bits, count: change(bits, count, chance))

    return lie


def never_ready(bits: int, count: int, _chance: Random) -> int:
    return WAIT << 1 if count in (4, 5) else bits


def stormy(rate: float) -> Change:
    def fault(bits: int, count: int, chance: Random) -> int:
        return FAULT << 1 if count in (4, 5) and chance.random() < rate else bits

    return fault


def contended(rate: float) -> Change:
    """Something else pulls the line low now and then."""

    def pull(bits: int, count: int, chance: Random) -> int:
        return bits & chance.getrandbits(count) if chance.random() < rate else bits

    return pull


def answering(word: int, rate: float) -> Change:
    """Now and then a whole answer, its parity right, that is not what the chip said."""

    def answer(bits: int, count: int, chance: Random) -> int:
        lies = count == 34 and chance.random() < rate
        return word | (word.bit_count() & 1) << 32 if lies else bits

    return answer


def flipping(rate: float) -> Change:
    def flip(bits: int, count: int, chance: Random) -> int:
        return bits ^ 1 << chance.randrange(count) if count == 34 and chance.random() < rate else bits

    return flip


# -- drawn by a seed -------------------------------------------------------------------------------------------------

STEPS = ("connect", "evidence", "map", "backup", "act", "verify", "proof")
KINDS = ("wait", "fault", "contention", "parity", "moments", "identity", "memory")


@dataclass
class LieEnds:
    """What was wrong, sort by sort (as of `io_cuts`), and how the presses ended."""

    kind: str
    told: str
    wrong: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)


def run_lie(seed: int) -> LieEnds:
    """One press on a unit that lies, and one more when it does not any longer."""
    chance = Random(f"lie {seed}")
    kind = KINDS[seed % len(KINDS)]
    cure = CURES[chance.choice(["sectors", "blank", "wrp", "preserve"])]
    step = chance.choice(STEPS)
    rate = 10 ** chance.uniform(-4, -2)
    lie = _lie_of(kind, rate, chance)
    ends = LieEnds(kind, f"{cure.name}: {kind} from {step} on, rate {rate:.1e} (seed {seed})")
    begun: list[str] = []

    def event(_at_ms: int, name: str, data: Any) -> None:
        if name == "step" and data["name"] == step and not begun:
            begun.append(step)
            lie(bench)

    card = cure.card()
    bench = TwinRig(cure.scenario(), card, seed=seed & 0xFFFF, watcher=Watcher(event=event))
    flash = bench.unit.chip.flash
    bits: Any = bench.wire._bits  # type: ignore[attr-defined]
    honest = bits._pins
    before = flash.snapshot()
    for press in range(2):
        result = bench.run()
        record = result.record
        outcome = result.how if record is None else str(record["outcome"])
        ends.history.append(outcome)
        if result.how != ENDED or result.virtual_ms > MOST_MS:
            ends.wrong["hang"] = f"{result.how} after {result.virtual_ms} ms: {result.output}"
        if result.left_powered:
            ends.wrong["unsafe"] = f"{outcome}: the unit was left powered"
        if record is not None and exit_class(outcome) == 0 and kind not in ("identity", "memory"):
            wrong = wrong_flash(cure, bench.unit, before) or wrong_options(cure, bench.unit)
            if wrong:
                ends.wrong["wrong bytes"] = f"{outcome}, but {wrong}"
        if kind == "identity" and press == 0 and step in ("map", "backup") and flash.snapshot() != before:
            ends.wrong["wrong bytes"] = "another unit was written on"
        bits.put_on(honest)
        bench.unit.clock.advance(10_000_000_000)
    if not begun:
        ends.wrong["not whole"] = "the run did not come to that step"
    elif kind not in ("identity", "memory") and exit_class(ends.history[-1]):
        ends.wrong["not whole"] = f"{ends.history}: {record and record['sentence']}"
    return ends


def _lie_of(kind: str, rate: float, chance: Random) -> Callable[[TwinRig], None]:
    seed = chance.getrandbits(32)
    if kind == "wait":
        return answers(never_ready, seed)
    if kind == "fault":
        return answers(stormy(rate * 10), seed)
    if kind == "contention":
        return answers(contended(rate), seed)
    if kind == "parity":
        return answers(flipping(rate), seed)
    if kind == "moments":
        return lambda bench: goes_away(bench, chance.randrange(1, 5_000), lambda _bench: None)
    if kind == "identity":
        other = chance.choice((another_chip, another_debug_port))
        return lambda bench: goes_away(bench, chance.randrange(1, 50), other)
    sector = chance.randrange(1, 3)
    return lambda bench: bench.unit.chip.flash.load(FLASH + sector * SECTOR, chance.randbytes(32))
