"""`make fuzz TARGET=jobs SECONDS=60`: bytes that cover more and more of a target's code (atheris), or `all` in turn.

    python tests/fuzzing/guided.py TARGET [--seconds 60] [--seed 0]

Without atheris (`pip install atheris`; it is for Linux and macOS, and no test needs it) the bytes are changed by chance
only, and it says so. Seconds are of processor time, without that of the start. A find is kept in
tests/fuzzing/regressions/, which a test throws at every target. What covered something new is kept in
build/fuzz/TARGET, where the next run begins; each run leaves a line in build/fuzz.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "support")]
KEPT = TESTS.parent / "build" / "fuzz"
LOG = TESTS.parent / "build" / "fuzz.jsonl"

try:
    import atheris
except ImportError:
    atheris = None

_HANG_S = 120  # by the clock on the wall: a machine that does other work as well is slow
_DONE = re.compile(r": ([\d,]+) inputs in ([\d.]+) s$")
_COVERED = re.compile(r" cov: (\d+) ft: (\d+) corp: (\d+)")
_OF_ITS_FORM = 0.7
"""The share of inputs that a target's own changes make, where it has some."""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("target")
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--here", action="store_true", help="in this process, without a line in the log")
    given = asked.parse_args()
    if given.here:
        return _guided(given) if atheris is not None else _by_chance(given)
    from fuzzing.targets import TARGETS

    return max(_logged(name, given) for name in (TARGETS if given.target == "all" else [given.target]))


def _logged(target: str, given: argparse.Namespace) -> int:
    """One target in a process of its own; what it did goes into the log. The exit status: 0 without a find."""
    command = [sys.executable, __file__, target, "--here", "--seconds", str(given.seconds), "--seed", str(given.seed)]
    began = time.monotonic()
    inputs, fuzzed_s, covered = 0, 0.0, [0, 0, 0]
    with subprocess.Popen(
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as run:
        for line in run.stdout or ():
            if found := _COVERED.search(line):
                covered = [int(number) for number in found.groups()]
                continue
            print(line, end="", flush=True)
            if found := _DONE.search(line.rstrip()):
                inputs, fuzzed_s = int(found[1].replace(",", "")), float(found[2])
    if any(covered):
        print(f"{target}: covered {covered[0]} places, {covered[1]} features, by {covered[2]} inputs", flush=True)
    entry = {
        "target": target,
        "guided": atheris is not None,
        "seed": given.seed,
        "seconds": round(time.monotonic() - began),
        "processor_s": round(fuzzed_s),
        "inputs": inputs,
        "covered": covered[0],
        "features": covered[1],
        "kept": covered[2],
        "find": run.returncode != 0,
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
    }
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    return int(entry["find"])


def _commit() -> str:
    git = ["git", "-C", str(TESTS.parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def _guided(given: argparse.Namespace) -> int:
    with atheris.instrument_imports(include=["bmsrescue", "rescuelink"]):
        from fuzzing.targets import REGRESSIONS, TARGETS
    target = TARGETS[given.target]
    corpus = KEPT / given.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    folder = REGRESSIONS / given.target
    folder.mkdir(parents=True, exist_ok=True)
    limits = [f"-timeout={_HANG_S}", "-max_len=65536", "-rss_limit_mb=1500"]
    how = [f"-artifact_prefix={folder}/", f"-seed={given.seed + 1}"]
    runs, began = [0], time.process_time()

    def once(data: bytes) -> None:
        runs[0] += 1
        try:
            target.run(data)
        except BaseException:
            _tell_done(given.target, runs[0], began)
            raise
        if time.process_time() - began > given.seconds:
            _tell_done(given.target, runs[0], began)
            os._exit(0)  # libFuzzer has an end by the clock on the wall only

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        dice = random.Random(seed)
        changed = target.mutate(data, dice) if dice.random() < _OF_ITS_FORM else None
        return atheris.Mutate(data, most) if changed is None or len(changed) > most else changed

    atheris.Setup([sys.argv[0], *limits, *how, str(corpus)], once, custom_mutator=mutate)
    print(f"{given.target}: {given.seconds} s guided by coverage", flush=True)
    atheris.Fuzz()
    return 0


def _tell_done(target: str, inputs: int, began: float) -> None:
    print(f"{target}: {inputs:,} inputs in {time.process_time() - began:.1f} s", flush=True)


def _by_chance(given: argparse.Namespace) -> int:
    from fuzzing.targets import REGRESSIONS, TARGETS

    print(f"{given.target}: {given.seconds} s by chance only, as there is no atheris", flush=True)
    target, dice, runs = TARGETS[given.target], random.Random(given.seed), 0
    seeds = target.seeds()
    began = time.process_time()
    while time.process_time() - began < given.seconds:
        seed = dice.choice(seeds)
        data = (target.mutate(seed, dice) if dice.random() < _OF_ITS_FORM else None) or changed(seed, dice)
        runs += 1
        try:
            target.run(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is a find
            path = REGRESSIONS / given.target / hashlib.sha256(data).hexdigest()[:16]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            traceback.print_exc()
            print(f"{given.target}: a find, kept as {path}")
            _tell_done(given.target, runs, began)
            return 1
    _tell_done(given.target, runs, began)
    return 0


def changed(data: bytes, dice: random.Random) -> bytes:
    """Some bytes other, cut, doubled, or from elsewhere."""
    made = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(made) + 1)
        what = dice.randrange(4)
        if what == 0 and at < len(made):
            made[at] = dice.randrange(256)
        elif what == 1:
            del made[at : at + dice.randrange(16)]
        elif what == 2:
            made[at:at] = dice.randbytes(dice.randrange(1, 9))
        else:
            made[at:at] = made[(start := dice.randrange(len(made) + 1)) : start + dice.randrange(64)]
    return bytes(made)


if __name__ == "__main__":
    sys.exit(main())
