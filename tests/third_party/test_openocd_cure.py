"""The smallest cure next to OpenOCD's `program ... verify` of the same image on the same twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallest_cure import by_agent, by_openocd

SHARE = 0.6


@pytest.mark.usefixtures("openocd")
def test_the_cure_of_an_interrupted_program_costs_at_most_six_tenths_of_openocds(tmp_path: Path) -> None:
    costs, theirs = by_agent(), by_openocd(tmp_path)
    assert costs["cure"].sectors_erased == 1, "the one that is torn; a blank one is written without"
    for part in ("cure", "session"):
        assert costs[part].swclk_cycles <= SHARE * theirs.swclk_cycles
        assert costs[part].virtual_ms <= SHARE * theirs.virtual_ms
