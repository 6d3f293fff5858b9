"""A signature is verified on the Pico while a person waits, and leaves its heap as it was."""

from __future__ import annotations

from pathlib import Path

from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.scenarios.scenario import build_unit
from pico_scripts import found_on_board

_LONGEST_MS = 2500


def test_a_signature_is_verified_in_two_and_a_half_seconds(uf2: Path) -> None:
    found = found_on_board(uf2, "signature.py", build_unit(scenario_named("healthy"), 0), None)
    assert found["verified"] is True
    assert found["refused"] is True
    assert max(found["verify_ms"], found["refuse_ms"], found["sign_ms"]) < _LONGEST_MS
    assert found["left_bytes"] < found["module_bytes"] + 1024
