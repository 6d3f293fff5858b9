"""Real firmware for the emulated Pico: its tests are skipped by name where there is none.

With BMSRESCUE_REQUIRE_UF2 set (`make test-rp2040` does) they fail instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bmsrescue.errors import HostError
from bmsrescue.twin.rp2040 import firmware


@pytest.fixture(scope="session")
def uf2() -> Path:
    try:
        return firmware.find()
    except HostError as error:
        if os.environ.get("BMSRESCUE_REQUIRE_UF2"):
            raise
        pytest.skip(error.message)
