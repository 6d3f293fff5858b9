"""What was wrong once with a generated unit stays right."""

from __future__ import annotations

import pytest

from bmsrescue.twin.field.campaign import run_one
from mended_field_seeds import MENDED


@pytest.mark.parametrize(("seed", "was"), MENDED, ids=[str(seed) for seed, _was in MENDED])
def test_a_mended_seed_stays_mended(seed: int, was: str) -> None:
    verdict = run_one(seed)
    assert not verdict.is_wrong, (was, verdict)
