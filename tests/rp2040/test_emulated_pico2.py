"""The agent on unmodified firmware of a Pico 2, in rp2350js, wired to the twin: some 10 minutes of a processor each.

Runs where node is, BMSRESCUE_RP2350JS names a built checkout and BMSRESCUE_UF2_PICO2 the firmware (docs/rp2040.md).
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Final

import pytest
from pico2 import EmulatedPico2, agent_for_pico2, flash_of, pico2_config
from small_unit import small_card, small_image, small_unit

from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rp2040.rig import last_record

pytestmark = pytest.mark.timeout(7200)

HEAP_FREE_BYTES: Final = 300_000
SIGNATURE_MS: Final = 2500
READY_MS: Final = 1500
_ON_BOARD: Final = Path(__file__).parent / "on_board"
_WALL_S: Final = 7000


@pytest.fixture(scope="module")
def rp2350js() -> Path:
    return _named("BMSRESCUE_RP2350JS")


@pytest.fixture(scope="module")
def uf2_pico2() -> Path:
    return _named("BMSRESCUE_UF2_PICO2")


def _named(variable: str) -> Path:
    named = os.environ.get(variable)
    if not named or shutil.which("node") is None:
        pytest.skip(f"{variable} names nothing, or there is no node")
    return Path(named)


def test_a_unit_is_recovered_without_a_host(rp2350js: Path, uf2_pico2: Path, tmp_path: Path) -> None:
    config = pico2_config(once=True)
    flash = tmp_path / "flash.bin"
    flash.write_bytes(flash_of(uf2_pico2, agent_for_pico2(config)))
    unit, card = small_unit("half-on"), small_card()
    pico = EmulatedPico2(rp2350js, flash, config, unit, card, presses=(Press(after_ms=5000),))
    assert pico.run_until(lambda: b">>> " in pico.output, 60, _WALL_S), pico.output
    record = last_record(card)
    assert record is not None, pico.output
    told = ("outcome", "heap_free_min", "swclk_cycles", "steps")
    print(json.dumps({"virtual_ms": pico.now_ns // 1_000_000} | {key: record[key] for key in told}))
    assert record["diagnosis"]["cause"] == "update-cut"
    assert record["outcome"] == "RECOVERED"
    image = small_image("1.2.0")
    assert unit.chip.flash.snapshot()[: len(image)] == image
    assert pico.wiring.violations == []
    assert unit.chip.counters.violations == []
    assert not unit.supply_on
    assert pico.wiring.panel.screens[0][0] < READY_MS
    assert record["heap_free_min"] >= HEAP_FREE_BYTES


def test_the_wire_carries_blocks_and_words_at_every_clock(rp2350js: Path, uf2_pico2: Path, tmp_path: Path) -> None:
    config = pico2_config()
    files = agent_for_pico2(config) | {"main.py": (_ON_BOARD / "wire_clocks.py").read_bytes()}
    flash = tmp_path / "flash.bin"
    flash.write_bytes(flash_of(uf2_pico2, files))
    unit = small_unit("blank")
    pico = EmulatedPico2(rp2350js, flash, config, unit, None)
    assert pico.run_until(lambda: b">>> " in pico.output, 60, _WALL_S), pico.output
    found = json.loads(next(line for line in pico.output.splitlines() if line.startswith(b"{")))
    assert found == {"1000000": [0, 0], "4000000": [0, 0], "12500000": [0, 0]}
    assert pico.wiring.violations == []
    assert unit.chip.counters.violations == []


def test_a_signature_is_verified_while_a_person_waits(rp2350js: Path, uf2_pico2: Path, tmp_path: Path) -> None:
    config = pico2_config()
    files = agent_for_pico2(config) | {"main.py": (_ON_BOARD / "signature.py").read_bytes()}
    flash = tmp_path / "flash.bin"
    flash.write_bytes(flash_of(uf2_pico2, files))
    pico = EmulatedPico2(rp2350js, flash, config, small_unit("blank"), None)
    assert pico.run_until(lambda: b">>> " in pico.output, 60, _WALL_S), pico.output
    found = json.loads(next(line for line in pico.output.splitlines() if line.startswith(b"{")))
    print(found)
    assert found["verified"]
    assert found["refused"]
    assert found["verify_ms"] < SIGNATURE_MS
