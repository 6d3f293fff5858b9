"""Units that came back: counted when a unit ended well and was here again on another day within 90 days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.rollups import count_anew
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from sealed_records import chain, sample


@pytest.mark.parametrize(
    ("first", "days_between", "back"),
    [("RECOVERED", 5, 1), ("RECOVERED", 0, 0), ("RECOVERED", 91, 0), ("NOT_FIRMWARE", 5, 0)],
)
def test_a_unit_that_comes_back(store: Store, first: str, days_between: int, back: int) -> None:
    unit = {**sample()["unit"], "uid": "A" * 24}
    with store.write() as session:
        bench = ledger.own_site(session)
        taker = LineTaker("card", IMPORT)
        taker.take(session, bench, chain("h1", 1, unit=unit, outcome=first))
        taker.take(session, bench, chain("h2", 1, unit=unit, outcome="RECOVERED"))
        earlier = ledger.now() - timedelta(days=days_between)
        session.execute(update(Attempt).where(Attempt.helper == "h1").values(at=earlier))
        count_anew(session)
    with store.read() as session:
        share = figures.bounced(session, ledger.now() - timedelta(days=365))
    assert (share.count, share.total) == (back, 1 + (first == "RECOVERED"))  # of the times that it ended well
