"""A shard of the generated units that `make test` runs: one file each, so that both workers have some.

Of 300 seeds in a row those run that are needed to show all that the 300 show together: every kind of history, fault,
chip and layout, and every two of them in one unit. That is half of them; campaigns (`make field`) run them all.

Nothing harmful may be done to any of them and nothing untrue said; a cause or outcome that does not fit is allowed to
one of a shard, as for a campaign (docs/field.md). What is known to be wrong today is listed with its seed.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

from bmsrescue.twin.field.campaign import Tally, run_one
from bmsrescue.twin.field.case import Case
from bmsrescue.twin.field.generate import generate
from mended_field_seeds import MENDED, OPEN

SEEDS = range(100_000, 100_300)
SHARDS = 6
_SOFT = ("wrong cause", "wrong outcome")
_SOFT_MOST = 1


def check_shard(number: int) -> None:
    """Run the units of this shard and fail with what was said of those that were judged wrong."""
    tally, said, soft = Tally(), [], 0
    seeds = chosen_seeds()[number::SHARDS]
    for seed in seeds:
        verdict = run_one(seed)
        tally.add(verdict)
        if not verdict.is_wrong or seed in OPEN:
            continue
        soft += verdict.kind in _SOFT
        if verdict.kind not in _SOFT or soft > _SOFT_MOST:
            said.append(f"{seed}: {verdict.kind}: {verdict.detail}\n    " + "\n    ".join(verdict.words))
    assert not said, "\n".join([*said, *tally.lines()])
    assert tally.units == len(seeds) > 15


@cache
def chosen_seeds() -> list[int]:
    """Fewest first: always the seed that shows most of what none has shown; `test_field_mended.py` runs some anyway."""
    shows = {seed: shown_by(generate(seed)) for seed in SEEDS}
    elsewhere = [seed for seed, _what in MENDED if seed in shows]
    left = set().union(*shows.values()).difference(*(shows.pop(seed) for seed in elsewhere))
    chosen = []
    while left:
        best = max(shows, key=lambda seed: (len(shows[seed] & left), -seed))
        left -= shows.pop(best)
        chosen.append(best)
    return sorted(chosen)


def shown_by(case: Case) -> set[frozenset[str]]:
    """What a unit is an example of, and each two of them together."""
    layout = case.layout
    traits = {
        f"history {case.history.kind}",
        f"chip {layout.part}",
        f"{len(case.faults)} faults",
        f"consent {bool(case.consent)}",
        f"bootloader {layout.bootloader is not None}",
        f"second segment {layout.second is not None}",
        *(f"fault {fault.kind}" for fault in case.faults),
    }
    return {frozenset(some) for many in (1, 2) for some in combinations(sorted(traits), many)}
