"""`make fuzz TARGET=jobs SECONDS=60`: bytes that cover more and more of a target's code (atheris), or `all` in turn.

    python tests/fuzzing/guided.py TARGET [--seconds 60] [--seed 0]

Without atheris (`pip install atheris`; it is for Linux and macOS, and no test needs it) the bytes are changed by chance
only, and it says so. A find is kept in tests/fuzzing/regressions/, which a test throws at every target.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "support")]

try:
    import atheris
except ImportError:
    atheris = None

_HANG_S = 20


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("target")
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    if given.target == "all":
        from fuzzing.targets import TARGETS

        command = [sys.executable, __file__, "--seconds", str(given.seconds), "--seed", str(given.seed)]
        return max(subprocess.run([*command, name], check=False).returncode for name in TARGETS)
    return _guided(given) if atheris is not None else _by_chance(given)


def _guided(given: argparse.Namespace) -> int:
    with atheris.instrument_imports(include=["bmsrescue", "rescuelink"]):
        from fuzzing.targets import REGRESSIONS, TARGETS
    target = TARGETS[given.target]
    runs = [0]

    def once(data: bytes) -> None:
        runs[0] += 1
        target.run(data)

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        folder = REGRESSIONS / given.target
        folder.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={given.seconds}", f"-timeout={_HANG_S}", "-max_len=65536", "-rss_limit_mb=1500"]
        quiet = ["-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={folder}/", f"-seed={given.seed + 1}"]
        began = time.monotonic()
        atheris.Setup([sys.argv[0], *limits, *quiet, corpus], once)
        print(f"{given.target}: {given.seconds} s guided by coverage", flush=True)
        try:
            atheris.Fuzz()  # leaves by itself
        finally:
            print(f"{given.target}: {runs[0]:,} inputs in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _by_chance(given: argparse.Namespace) -> int:
    from fuzzing.targets import REGRESSIONS, TARGETS

    print(f"{given.target}: {given.seconds} s by chance only, as there is no atheris", flush=True)
    target, dice, runs = TARGETS[given.target], random.Random(given.seed), 0
    seeds = target.seeds()
    until = time.monotonic() + given.seconds
    while time.monotonic() < until:
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
    print(f"{given.target}: {runs:,} inputs in {given.seconds} s", flush=True)
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
