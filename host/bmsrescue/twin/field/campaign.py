"""Many cases on all cores, what came out of them, and the page of it."""

from __future__ import annotations

import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from time import monotonic

from .generate import generate
from .judge import RIGHT, WEAK, WRONG_KINDS, Verdict, judge

_SEEDS_SHOWN = 8
_CHUNK = 4


def run_one(seed: int) -> Verdict:
    """The verdict of one seed; an error of the twin itself is told as one."""
    try:
        return judge(generate(seed))
    except Exception:  # noqa: BLE001 - one seed must not end the campaign
        return Verdict(seed, "twin error", traceback.format_exc(limit=-6), (), (), "", 0.0)


@dataclass
class Tally:
    """What a campaign found, by kind."""

    units: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seeds: dict[str, list[int]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    histories: Counter[str] = field(default_factory=Counter)
    second_presses: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add(self, verdict: Verdict) -> None:
        self.units += 1
        self.kinds[verdict.kind] += 1
        self.seeds.setdefault(verdict.kind, []).append(verdict.seed)
        self.second_presses += len(verdict.presses) > 1
        self.cpu_s += verdict.cpu_s
        if verdict.presses:
            self.outcomes[verdict.presses[-1].outcome] += 1

    @property
    def wrong(self) -> int:
        return self.units - self.kinds[RIGHT] - self.kinds[WEAK]

    def lines(self) -> Iterator[str]:
        """The table, for a terminal."""
        for kind in (RIGHT, WEAK, *WRONG_KINDS, "twin error"):
            count = self.kinds[kind]
            if kind in (RIGHT, WEAK) or count:
                share = 100 * count / max(self.units, 1)
                seeds = " ".join(str(seed) for seed in sorted(self.seeds.get(kind, ()))[:_SEEDS_SHOWN])
                yield f"{kind:<26} {count:6} {share:6.2f} %   {'' if kind == RIGHT else seeds}".rstrip()


def run_many(
    seeds: Iterable[int], jobs: int | None = None, told: Callable[[Verdict], None] = lambda verdict: None
) -> Tally:
    """Run the seeds on `jobs` processes (all cores), telling each verdict as it comes."""
    tally, started = Tally(), monotonic()
    with ProcessPoolExecutor(jobs or os.cpu_count()) as pool:
        for verdict in pool.map(run_one, seeds, chunksize=_CHUNK):
            tally.add(verdict)
            told(verdict)
    tally.wall_s = monotonic() - started
    return tally
