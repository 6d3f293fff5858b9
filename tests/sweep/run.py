"""`make sweep`: cuts a cure at every journalled step and at seeded instants, and prints how the runs after it ended."""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from cut_sweep import KINDS, Cut, at_every_write, at_seeded_instants, reference, run_cut


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instants", type=int, default=200, help="seeded instants besides the journalled steps")
    parser.add_argument("--stride", type=int, default=1, help="take every so many of the journalled steps")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    span = reference()
    steps = at_every_write(span)[:: arguments.stride]
    cuts = steps + at_seeded_instants(span, arguments.instants, arguments.seed)
    print(f"{len(span.writes)} card writes from the act on: {len(steps)} cuts; {arguments.instants} seeded instants")
    done: Counter[str] = Counter()
    bad: list[tuple[Cut, str]] = []
    with ProcessPoolExecutor() as pool:
        for cut, wrong in zip(cuts, pool.map(run_cut, cuts), strict=True):
            done[cut.kind] += 1
            if wrong:
                bad.append((cut, wrong))
                print(f"  {cut}: {wrong}", flush=True)
    for kind in KINDS:
        failed = sum(cut.kind == kind for cut, _ in bad)
        print(f"{kind:<7} {done[kind]:4d} cuts, {done[kind] - failed:4d} units whole after the next run")
    print(f"all     {len(cuts):4d} cuts, {len(cuts) - len(bad):4d} units whole after the next run")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
