"""Many cases on all cores, what came out of them, and the page of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic

from .generate import generate
from .judge import NOT_RUN, RIGHT, WEAK, WRONG_KINDS, Press, Verdict, judge

_SEEDS_SHOWN = 8
_CHUNK = 4
_MOST_CPU_S = 60.0
_AGAIN_S = 0.2


def commit_now() -> str:
    """The commit of this checkout, with a plus where it was changed since; "unknown" without git."""
    git = ["git", "describe", "--always", "--abbrev=7", "--dirty=+", "--exclude=*"]
    try:
        answer = subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


class _TooSlowError(Exception):
    """Damaged firmware may write to registers without end, which takes the twin hours."""


def run_one(seed: int) -> Verdict:
    """The verdict of one seed; an error of the twin itself is told as one. For a process's main thread."""

    def end(_number: int, _frame: object) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGPROF, end)
    # Again and again: what is raised at the edge of a callback from C is lost.
    signal.setitimer(signal.ITIMER_PROF, _MOST_CPU_S, _AGAIN_S)
    try:
        return judge(generate(seed))
    except _TooSlowError:
        return Verdict(seed, NOT_RUN, f"more than {_MOST_CPU_S:.0f} s of processor time", (), (), "", _MOST_CPU_S)
    except Exception:  # noqa: BLE001 - one seed must not end the campaign
        return Verdict(seed, "twin error", traceback.format_exc(limit=-6), (), (), "", 0.0)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass
class Tally:
    """What a campaign found, by kind."""

    units: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seeds: dict[str, list[int]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    mended: dict[int, str] = field(default_factory=dict)
    """Seeds that went wrong when they were first run, and what it was."""
    second_presses: int = 0
    named: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add(self, verdict: Verdict) -> None:
        self.units += 1
        self.kinds[verdict.kind] += 1
        self.seeds.setdefault(verdict.kind, []).append(verdict.seed)
        self.second_presses += len(verdict.presses) > 1
        self.named += verdict.named
        self.cpu_s += verdict.cpu_s
        self.commits[verdict.commit or "unknown"] += 1
        if verdict.presses:
            self.outcomes[verdict.presses[-1].outcome] += 1

    @property
    def wrong(self) -> int:
        return self.units - self.kinds[RIGHT] - self.kinds[WEAK] - self.kinds[NOT_RUN]

    @property
    def named_share(self) -> float:
        """Of the units that were run, those whose cause was named, alone or as one of several that it could be."""
        return self.named / max(self.units - self.kinds[NOT_RUN], 1)

    def lines(self) -> Iterator[str]:
        """The table, for a terminal."""
        for kind in (RIGHT, WEAK, NOT_RUN, *WRONG_KINDS, "twin error"):
            count = self.kinds[kind]
            if kind in (RIGHT, WEAK) or count:
                share = 100 * count / max(self.units, 1)
                seeds = " ".join(str(seed) for seed in sorted(self.seeds.get(kind, ()))[:_SEEDS_SHOWN])
                yield f"{kind:<26} {count:6} {share:6.2f} %   {'' if kind == RIGHT else seeds}".rstrip()
        yield f"{'cause named (of 97 %)':<26} {self.named:6} {100 * self.named_share:6.2f} %"


class Log:
    """Verdicts in a file, one JSON object a line: a campaign that was stopped goes on where it was."""

    mended: dict[int, str]
    """Seeds whose last verdict is not wrong and an earlier one was: that one's kind. As of the last read()."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.mended = {}
        if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")  # the last line was cut short

    def read(self) -> dict[int, Verdict]:
        """The verdicts by seed, the last of each; a line that was cut short is left out."""
        found: dict[int, Verdict] = {}
        wrong: dict[int, str] = {}
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else ():
            try:
                fields = json.loads(line)
                presses = tuple(
                    Press(**{**press, "alternatives": tuple(press["alternatives"])}) for press in fields["presses"]
                )
                verdict = Verdict(**{**fields, "presses": presses, "words": tuple(fields["words"])})
            except (ValueError, TypeError, KeyError):
                continue
            found[verdict.seed] = verdict
            if verdict.is_wrong:
                wrong.setdefault(verdict.seed, verdict.kind)
        self.mended = {seed: kind for seed, kind in wrong.items() if not found[seed].is_wrong}
        return found

    def add(self, verdict: Verdict) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(verdict)) + "\n")


def run_many(
    seeds: Iterable[int],
    jobs: int | None = None,
    told: Callable[[Verdict], None] = lambda verdict: None,
    log: Log | None = None,
) -> Tally:
    """Run the seeds on `jobs` processes (all cores), telling each verdict as it comes.

    Those that stand in `log` are counted and not run again, but for those that went wrong at another commit; what is
    run is added to it.
    """
    tally, started = Tally(), monotonic()
    seeds, wanted = list(seeds), set[int]()
    commit = commit_now()
    if log is not None:
        known = {seed: old for seed, old in log.read().items() if not old.is_wrong or old.commit == commit}
        wanted.update(seeds)
        for seed in seeds:
            if seed in known:
                tally.add(known[seed])
        seeds = [seed for seed in seeds if seed not in known]
    with ProcessPoolExecutor(jobs or os.cpu_count()) as pool:
        for found in pool.map(run_one, seeds, chunksize=_CHUNK):
            verdict = replace(found, commit=commit)
            if log is not None:
                log.add(verdict)
            tally.add(verdict)
            told(verdict)
    if log is not None:
        log.read()
        tally.mended = {seed: kind for seed, kind in log.mended.items() if seed in wanted}
    tally.wall_s = monotonic() - started
    return tally
