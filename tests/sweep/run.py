"""`make sweep`: cuts each cure at every journalled step and at seeded instants, some of them twice, and prints how the
next runs ended."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from cut_sweep import KINDS, Cut, at_every_step, at_seeded_instants, reference, run_cut, twice
from sweep_cures import CURES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cure", action="append", choices=sorted(CURES), help="only this one; may be given again")
    parser.add_argument("--instants", type=int, default=200, help="seeded instants per cure, besides the steps")
    parser.add_argument("--twice", type=int, default=20, help="cuts per cure after which the next run is cut as well")
    parser.add_argument("--stride", type=int, default=1, help="take every so many of the journalled steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    failed = 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        for name in arguments.cure or CURES:
            failed += _sweep(pool, name, arguments)
    return 1 if failed else 0


def _sweep(pool: ProcessPoolExecutor, name: str, arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    span = reference(name)
    steps = at_every_step(span)[:: arguments.stride]
    cuts = steps + at_seeded_instants(span, arguments.instants, arguments.seed)
    cuts += twice(span, arguments.twice, arguments.seed)
    done: Counter[str] = Counter()
    bad: list[tuple[Cut, str]] = []
    for cut, wrong in zip(cuts, pool.map(run_cut, cuts), strict=True):
        done[cut.kind] += 1
        if wrong:
            bad.append((cut, wrong))
            print(f"  {cut}: {wrong}", flush=True)
    parts = []
    for kind in KINDS:
        lost = sum(cut.kind == kind for cut, _ in bad)
        parts.append(f"{kind} {done[kind] - lost}/{done[kind]}")
    print(
        f"{name:<13} {len(steps)} cuts at {len(span.lines)} card blocks of the journal, {arguments.instants} seeded "
        f"instants, {arguments.twice} cut twice: {len(cuts) - len(bad)}/{len(cuts)} units whole after the next run "
        f"({', '.join(parts)}; {time.monotonic() - began:.0f} s)",
        flush=True,
    )
    return len(bad)


if __name__ == "__main__":
    sys.exit(main())
