"""A shard of the generated units that `make test` runs: one file each, so that both workers have some."""

from __future__ import annotations

from bmsrescue.twin.field.campaign import Tally, run_one

FIRST_SEED = 100_000
UNITS_PER_SHARD = 50


def check_shard(number: int) -> None:
    """Run the units of this shard and fail with what was said of those that were judged wrong."""
    tally, said = Tally(), []
    first = FIRST_SEED + number * UNITS_PER_SHARD
    for seed in range(first, first + UNITS_PER_SHARD):
        verdict = run_one(seed)
        tally.add(verdict)
        if verdict.is_wrong:
            said.append(f"{seed}: {verdict.kind}: {verdict.detail}\n    " + "\n    ".join(verdict.words))
    assert not said, "\n".join([*said, *tally.lines()])
    assert tally.units == UNITS_PER_SHARD
