"""A unit's next attempt through a station takes along what an engineer allowed, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Person
from bmsrescue.fleet.consents import Consents, consent_of, phrase
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.settings import StationSettings
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.store import Store, sqlite_url
from fake_station import FakeHelper

ENGINEER = Person("eva", "engineer")
LABEL, OTHER_UID = "BR16S-24000001", "AABBCCDDEEFF001122334455"
WORDS = ["rdp-regression"]


class Bench:
    """A station with a unit on it, and an engineer."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(sqlite_url(folder))
        with self.store.write() as session:
            bench = ledger.own_site(session)
        self.helper = FakeHelper()
        self.desk = Desk(self.store, bench, StationSettings())
        self.station = Station("one", self.helper, self.desk, lambda status: None)
        self.now = 100.0

    def consent(self, unit: str) -> int:
        return Consents(self.store, self.desk.site).give(unit, WORDS, phrase(WORDS, unit), "agreed", ENGINEER).number

    def begin(self, label: str = LABEL) -> list[object]:
        """A unit is put in and scanned; returns what its job is told."""
        self.helper.present = True
        self.wait()
        self.station.scan(label, "otto")
        self.wait(1.0)
        assert self.helper.job_now is not None
        return self.helper.job_now.params

    def end(self, outcome: str = "RECOVERED_CHECK_CONFIG") -> None:
        self.helper.end_job(outcome, unit={"uid": self.helper.uid, "chip": "STM32H725"})
        self.wait()
        self.helper.present = False
        self.wait()

    def wait(self, seconds: float = 3.0) -> None:
        async def pass_time() -> None:
            for _look in range(int(seconds * 2)):
                self.now += 0.5
                await self.station.tick(self.now)

        asyncio.run(pass_time())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


def test_it_goes_with_the_next_attempt_only_and_the_report_names_it(bench: Bench) -> None:
    bench.consent(LABEL)
    assert bench.begin() == [False, "rdp-regression"]
    assert bench.station.why == "With eva's consent: rdp-regression."
    bench.end()
    assert bench.begin() == []
    bench.end()
    with bench.store.read() as session:
        first, second = (consent_of(session, one) for one in session.scalars(select(Attempt).order_by(Attempt.id)))
    assert first is not None
    assert (first.actor, first.state, first.station) == ("eva", "used", "one")
    assert second is None


def test_another_units_attempt_does_not_take_it(bench: Bench) -> None:
    bench.consent(LABEL)
    assert bench.begin("BR16S-24000002") == []
    bench.end()
    assert bench.begin() == [False, "rdp-regression"]


def test_a_consent_for_a_chip_goes_with_that_chip_whatever_label_was_exchanged(bench: Bench) -> None:
    bench.begin()
    bench.end("LOCKED")
    bench.consent(bench.helper.uid)
    mine, bench.helper.uid = bench.helper.uid, OTHER_UID
    assert bench.begin() == [], "another chip came under the label"
    assert bench.station.why == "eva's consent is for another chip: not used."
    bench.end("LOCKED")
    bench.helper.uid = mine
    assert bench.begin() == [False, "rdp-regression"]


def test_a_chip_that_is_silent_gets_no_consent(bench: Bench) -> None:
    bench.begin()
    bench.end("LOCKED")
    bench.consent(bench.helper.uid)
    bench.helper.chip = None
    assert bench.begin() == []
    assert bench.station.why == "No chip: consent not used."
