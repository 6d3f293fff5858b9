"""A few of the cuts of `make sweep`, drawn by a seed: whatever is cut and when, the next press ends well."""

from __future__ import annotations

import random

import pytest

from cut_sweep import KINDS, Cut, Span, at_every_write, at_seeded_instants, reference, run_cut

SEED = 1


@pytest.fixture(scope="module")
def span() -> Span:
    return reference()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_a_journalled_step_costs_nothing_but_a_second_press(kind: str, span: Span) -> None:
    cuts = [cut for cut in at_every_write(span) if cut.kind == kind]
    cut = random.Random(f"{kind} {SEED}").choice(cuts)
    assert run_cut(cut) == "", str(cut)


@pytest.mark.parametrize("number", range(3))
def test_a_cut_at_any_instant_costs_nothing_but_a_second_press(number: int, span: Span) -> None:
    cut: Cut = at_seeded_instants(span, 3, SEED)[number]
    assert run_cut(cut) == "", str(cut)
