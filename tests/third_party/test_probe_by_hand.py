"""The seed's unit with what is in the drawer: an ST-Link, a bench supply, and a person who is asked to switch it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from bmsrescue.cli.helper.by_hand import AtTerminal
from bmsrescue.twin.probes.bench import SwitchedByHand
from probe_bench import Bench, probe_bench

PATIENCE_S = 60


def asked(bench: Bench, lines: list[str], job: tuple[Any, ...]) -> tuple[dict[str, Any], list[bool]]:
    """The result of `job` with a person who types `lines`, and what they have switched."""
    by_hand = SwitchedByHand(bench.unit)
    typed = iter(lines)

    def read_line(_over: threading.Event) -> str | None:
        return next(typed, None)

    bench.session.watch_always(by_hand.event)
    bench.session.hear_answers(by_hand.answered)
    bench.session.watch_always(AtTerminal(bench.session, read_line).event)
    return bench.session.run(*job, PATIENCE_S), by_hand.switched


def test_a_person_at_the_supply_makes_the_proof_that_vtref_shows(tmp_path: Path) -> None:
    with probe_bench("half-on", "stlink", tmp_path, switched=False) as bench:
        record, switched = asked(bench, [""] * 20, ("job.run", False, ""))
    assert record["outcome"] == "RECOVERED", record["sentence"]
    assert "the power was away: rails fell (v3v3 below" in record["proof"]["lines"][0]
    assert "not seen by this helper: bplus" in record["proof"]["lines"][0]
    assert switched.count(False) == switched.count(True)
    assert all("switch the unit's supply" in data["scope"] for data in bench.told("ask"))


def test_a_person_who_cannot_switch_gets_the_image_in_and_no_promise(tmp_path: Path) -> None:
    with probe_bench("half-on", "stlink-v3", tmp_path, switched=False) as bench:
        record, switched = asked(bench, ["no"] * 20, ("job.run", False, ""))
    assert record["outcome"] == "VERIFIED_UNPROVEN", record["sentence"]
    assert switched == []
