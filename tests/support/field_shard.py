"""A shard of the generated units that `make test` runs: one file each, so that each worker has some.

Nothing harmful may be done to any of them and nothing untrue said; a cause or outcome that does not fit is allowed to
three in a hundred, as for a campaign (docs/field.md), but to none that was mended. What is known to be wrong today is
listed with its seed.
"""

from __future__ import annotations

from bmsrescue.twin.field.campaign import Tally, run_one
from mended_field_seeds import MENDED, OPEN

FIRST_SEED = 100_000
UNITS_PER_SHARD = 30
SHARDS = 6
SEEDS = range(FIRST_SEED, FIRST_SEED + SHARDS * UNITS_PER_SHARD)
_SOFT = ("wrong cause", "wrong outcome")


def check_shard(number: int) -> None:
    """Run the units of this shard and fail with what was said of those that were judged wrong."""
    tally, said, soft = Tally(), [], 0
    mended = {seed for seed, _was in MENDED}
    for seed in SEEDS[number * UNITS_PER_SHARD :][:UNITS_PER_SHARD]:
        verdict = run_one(seed)
        tally.add(verdict)
        if not verdict.is_wrong or seed in OPEN:
            continue
        soft += verdict.kind in _SOFT
        if verdict.kind not in _SOFT or seed in mended or soft > round(0.03 * UNITS_PER_SHARD):
            said.append(f"{seed}: {verdict.kind}: {verdict.detail}\n    " + "\n    ".join(verdict.words))
    assert not said, "\n".join([*said, *tally.lines()])
    assert tally.units == UNITS_PER_SHARD
