"""`make fuzz TARGET=jobs SECONDS=60`: bytes that cover more and more of a target's code (atheris), or `all` in turn.

    python tests/fuzzing/guided.py TARGET [--seconds 60] [--seed 0]

Without atheris (`pip install atheris`; it is for Linux and macOS, and no test needs it) the bytes are changed by chance
only, and it says so. Seconds are of processor time. A find is kept in tests/fuzzing/regressions/, which a test throws
at every target. What covered something new is kept in build/fuzz/TARGET, where the next run begins; each run leaves a
line in build/fuzz.jsonl.
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

_HANG_S = 20
_INPUTS = re.compile(r" ([\d,]+) inputs")


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
    began, before, inputs = time.monotonic(), os.times(), 0
    with subprocess.Popen(
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as run:
        for line in run.stdout or ():
            print(line, end="", flush=True)
            if found := _INPUTS.search(line):
                inputs = int(found[1].replace(",", ""))
    after = os.times()
    entry = {
        "target": target,
        "guided": atheris is not None,
        "seed": given.seed,
        "seconds": round(time.monotonic() - began),
        "processor_s": round(
            after.children_user + after.children_system - before.children_user - before.children_system
        ),
        "inputs": inputs,
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
    quiet = ["-verbosity=0", f"-artifact_prefix={folder}/", f"-seed={given.seed + 1}"]
    runs, until = [0], time.process_time() + given.seconds

    def once(data: bytes) -> None:
        runs[0] += 1
        try:
            target.run(data)
        except BaseException:
            print(f"{given.target}: a find after {runs[0]:,} inputs", flush=True)
            raise
        if time.process_time() > until:
            print(f"{given.target}: {runs[0]:,} inputs", flush=True)
            os._exit(0)  # libFuzzer has an end by the clock on the wall only

    atheris.Setup([sys.argv[0], *limits, *quiet, str(corpus)], once)
    print(f"{given.target}: {given.seconds} s guided by coverage", flush=True)
    atheris.Fuzz()
    return 0


def _by_chance(given: argparse.Namespace) -> int:
    from fuzzing.targets import REGRESSIONS, TARGETS

    print(f"{given.target}: {given.seconds} s by chance only, as there is no atheris", flush=True)
    target, dice, runs = TARGETS[given.target], random.Random(given.seed), 0
    seeds = target.seeds()
    until = time.process_time() + given.seconds
    while time.process_time() < until:
        data = changed(dice.choice(seeds), dice)
        runs += 1
        try:
            target.run(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is a find
            path = REGRESSIONS / given.target / hashlib.sha256(data).hexdigest()[:16]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            traceback.print_exc()
            print(f"{given.target}: a find after {runs:,} inputs, kept as {path}")
            return 1
    print(f"{given.target}: {runs:,} inputs", flush=True)
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
