"""What was wrong once with a generated unit stays right."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmsrescue.twin.field.campaign import run_one
from field_shard import SEEDS, SHARDS
from mended_field_seeds import MENDED

ELSEWHERE = [(seed, was) for seed, was in MENDED if seed not in SEEDS]


@pytest.mark.parametrize(("seed", "was"), ELSEWHERE, ids=[str(seed) for seed, _was in ELSEWHERE])
def test_a_mended_seed_stays_mended(seed: int, was: str) -> None:
    verdict = run_one(seed)
    assert not verdict.is_wrong, (was, verdict)


def test_the_other_mended_seeds_are_among_the_units_of_the_shards() -> None:
    assert len(list(Path(__file__).parent.glob("test_field_units_*.py"))) == SHARDS
    assert 0 < len(ELSEWHERE) < len(MENDED)
