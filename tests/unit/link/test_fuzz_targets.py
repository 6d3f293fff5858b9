"""Each target of `make fuzz TARGET=...`: what it begins with, what was once a find, some bytes changed by chance."""

from __future__ import annotations

import random

import pytest

from fuzzing.guided import changed
from fuzzing.targets import REGRESSIONS, TARGETS

CHANGED = {"images": 10, "cards": 40, "jobs": 60}


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_bytes_come_a_target_returns(name: str) -> None:
    target, dice = TARGETS[name], random.Random(name)
    seeds = target.seeds()
    finds = [path.read_bytes() for path in sorted((REGRESSIONS / name).glob("*"))]
    for data in [b"", *seeds, *finds]:
        target.run(data)
    for _ in range(CHANGED.get(name, 150)):
        target.run(changed(dice.choice(seeds), dice))
