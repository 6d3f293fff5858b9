"""How the rails rise is in the record, small; beside good units' records the host names a supply that is slow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.golden import FEWEST, golden_of
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.power_up import curves_in
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from dongle_run import DongleRun
from rescuelink.seal import line_hash
from sealed_records import chain

RunOf = Callable[[str], DongleRun]


def test_a_slow_supply_is_named_beside_good_units(scenario_run: RunOf, tmp_path: Path) -> None:
    good, slow = scenario_run("healthy").record, scenario_run("slow-ramp").record
    for record in (good, slow):
        curve = record["evidence"]["rails"]["curve"]
        assert len(curve["ms"]) <= 24, "from when on it is thinned out"
        assert len(json.dumps(curve, separators=(",", ":"))) < 700, "bytes of a record"
    # What the rails rest at is what the curve ends at, to within its step of 10 mV and the ripple.
    for rail, curve in curves_in(good).items():
        assert abs(curve.points[-1][1] - good["rails"]["on"][rail]["mv"]) <= 50 + good["rails"]["on"][rail]["mv"] // 50
    store = Store.open(sqlite_url(tmp_path))
    with store.write() as session:
        bench, previous = ledger.own_site(session), ""
        for unit in range(FEWEST + 1):
            of: dict[str, Any] = good if unit < FEWEST else slow
            more = {"evidence": of["evidence"], "rails": of["rails"], "unit": good["unit"] | {"uid": f"{unit:024X}"}}
            outcome = "NO_FAULT_FOUND" if unit < FEWEST else "NOT_FIRMWARE"
            (line,) = chain("h1", 1, first=unit + 1, previous=previous, outcome=outcome, **more)
            previous = line_hash(line)
            LineTaker("card", IMPORT).take(session, bench, [line])
    with store.read() as session:
        newest = session.scalars(select(Attempt).order_by(Attempt.id.desc()).limit(1)).one()
        found = {one.rail: one for one in golden_of(session, newest).power_up}
    store.close()
    # B+ takes eight seconds (the twin's fault): the helper has given up before, and no rail behind it has come.
    assert {rail: one.odd for rail, one in found.items()} == dict.fromkeys(found, "never")
    assert {"bplus", "v3v3"} <= found.keys()
    assert found["bplus"].count == FEWEST
    assert found["bplus"].mine[-1][1] > 500, "it was seen to rise"
