"""Whatever a helper does without: no fault of its own, no untrue sentence, no power cycle that nobody saw, no write
that a helper with every part would not make. A fixed sample of the whole (`make parts`), judged by the fault put in.
"""

from __future__ import annotations

import pytest

from any_parts import BARE, SWITCHABLE, Case, bare, every_case, has_found, judge, may_write, rail_subsets, run
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.scenarios import all_scenarios

LOOKED_AT = [scenario.name for scenario in all_scenarios() if not may_write(scenario.name)]
STEP = 13  # coprime to the number of units: each subset meets another kind of fault
# Each part is away in turn, alone and with others.
WITHOUT = [frozenset(part for bit, part in enumerate(SWITCHABLE) if turn >> bit & 1) for turn in range(16)]
LOOKS = [
    Case(LOOKED_AT[turn * STEP % len(LOOKED_AT)], rails, WITHOUT[turn * 5 % len(WITHOUT)])
    for turn, rails in enumerate(rail_subsets())
]
CURES = [
    Case("bad-vectors", (), frozenset()),
    Case("bad-vectors", ("bplus",), frozenset(("boot0",))),
    Case("bad-vectors", ("vcap",), frozenset(("display",))),
    Case("bad-vectors", RAILS, frozenset(("power", "display"))),
    Case("bad-vectors", (), frozenset(("nrst", "pulls", *BARE))),
]


# Of the campaign's findings, one of each kind.
MENDED = [
    Case("v12-sense", ("bplus", "v12", "v3v3"), frozenset(("power", "display"))),
    Case("v12-sense", ("bplus", "v12")),  # what fills behind a rail that is not seen is no short
    Case("v12-sense", ("v5iso",)),  # without that wire there is no such fault: it is cured
    Case("short-3v3", ("bplus", "v5iso", "v3v3"), frozenset(("power",))),
    Case("adc-zero-backfeed", ("v5iso",)),
    Case("adc-zero-backfeed", ("bplus", "v12", "vcap")),
    Case("latch-by-button", ("bplus", "v12", "v3v3"), frozenset(("power",))),
]


@pytest.mark.parametrize("case", [*LOOKS, *CURES, *MENDED], ids=str)
def test_what_is_missing_is_missing_and_nothing_untrue_is_said(case: Case) -> None:
    assert judge(case, run(case)) == []


@pytest.mark.parametrize("name", ["half-on", "no-supply", "held-in-reset", "open-swdio", "wrong-supply", "over-vcap"])
def test_a_bare_probe_finds_the_cause_or_what_it_could_be(name: str) -> None:
    done = run(bare(name))
    assert judge(bare(name), done) == []
    assert has_found(bare(name), done) != "missed" or name == "over-vcap", (
        "what no wire shows is healthy as far as seen"
    )


def test_the_whole_is_every_subset_of_rails_with_every_unit() -> None:
    assert sum(1 for _ in every_case()) == 32 * 2 ** len(SWITCHABLE) * len(list(all_scenarios()))
