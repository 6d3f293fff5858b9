"""A few of the faults of `make campaign`: whatever happens at whatever access, the presses after it end well."""

from __future__ import annotations

import pytest

from io_cuts import BOTH, CARD, CARD_BLOCK, FLASH_WORK, HELPER, JOURNAL, SWD_WRITE, UNIT, Fault, run_fault

# Of the smallest cure one of each sort of its accesses: 113 card blocks, 125 of the journal, 3,487 words and 149 works.
FAULTS = (
    Fault("preserve", CARD_BLOCK, 108, HELPER, late=8, seed=1),
    Fault("preserve", CARD_BLOCK, 70, CARD, late=4, seed=2),
    Fault("preserve", JOURNAL, 60, BOTH, late=2, seed=3),
    Fault("preserve", SWD_WRITE, 2_900, UNIT, late=0, seed=4),
    Fault("preserve", FLASH_WORK, 77, HELPER, late=8, seed=5),
    # Found by the campaign (its seed 6164): the records are longer than the chain that the FAT has of them.
    Fault("options", JOURNAL, 135, HELPER, late=8, seed=3082),
    # Found by the campaign (its seed 1222): the card was pulled right behind its backup, which it then had not.
    Fault("preserve", JOURNAL, 41, CARD, late=8, seed=611),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_at_any_access_costs_nothing_but_further_presses(fault: Fault) -> None:
    ends = run_fault(fault)
    assert ends.wrong == {}, ends.history
