"""A few of the cuts of `make sweep`, drawn by a seed: whatever is cut and when, the next press ends well."""

from __future__ import annotations

import random
from functools import cache

import pytest

from cut_sweep import KINDS, Span, at_every_step, at_seeded_instants, reference, run_cut, twice
from sweep_cures import CURES

SEED = 1


@cache
def span_of(cure: str) -> Span:
    return reference(cure)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_a_journalled_step_costs_nothing_but_a_second_press(kind: str) -> None:
    cuts = [cut for cut in at_every_step(span_of("sectors")) if cut.kind == kind]
    cut = random.Random(f"{kind} {SEED}").choice(cuts)
    assert run_cut(cut) == "", str(cut)


@pytest.mark.parametrize("cure", ["sectors", "rdp1"])
def test_a_second_cut_in_the_run_that_goes_on_costs_a_third_press(cure: str) -> None:
    cut = twice(span_of(cure), 1, SEED)[0]
    assert run_cut(cut) == "", str(cut)


@pytest.mark.parametrize("cure", sorted(CURES))
def test_a_cut_at_any_instant_costs_nothing_but_a_second_press(cure: str) -> None:
    cut = at_seeded_instants(span_of(cure), 1, SEED)[0]
    assert run_cut(cut) == "", str(cut)
