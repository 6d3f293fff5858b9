"""A line is a helper's own only with its signature, once a key of that helper is known: else it drives nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bmsrescue.card.fat import make_image
from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.models import Attempt, LedgerEntry, QuarantinedLine
from bmsrescue.fleet.records.cards import CardReport, find_cards, import_card
from bmsrescue.fleet.stations import states
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.settings import StationSettings
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.records import is_signed
from bmsrescue.keys.store import KeyStore
from fake_station import FakeHelper
from p256_cases import derived_key
from rescuelink.seal import line_hash
from sealed_records import chain, signed, write_card

ONE, TWO = "e6614c311b7e8f2a", "e6614c311b1d0c33"
KEY, OTHER = derived_key(2001), derived_key(2002)
LINES = chain("helper-1", 3, helper_id=ONE, outcome="RECOVERED")


class Depot:
    """A bench that knows the keys of two helpers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(sqlite_url(folder))
        self.keys = KeyStore(folder / "keys")
        self.keys.know_helper(ONE, public_of(KEY))
        self.keys.know_helper(TWO, public_of(OTHER))
        with self.store.write() as session:
            self.site = ledger.own_site(session)

    def take_card(self, lines: list[str], signatures: bytes = b"", image: bool = False) -> CardReport:
        card = write_card(self.folder / "card", lines, signatures)
        if image:
            files = {str(path.relative_to(card)): path.read_bytes() for path in card.rglob("*") if path.is_file()}
            card = self.folder / "card.img"
            card.write_bytes(make_image(files))
        backups = BackupFolder(str(self.folder / "backups"))
        return import_card(self.store, self.site, backups, find_cards(card)[0], self.keys.helpers())

    def attempts(self) -> list[tuple[int, bool | None]]:
        with self.store.read() as session:
            rows = session.execute(select(Attempt.sequence, Attempt.signed).order_by(Attempt.id))
            return [tuple(row) for row in rows]

    def aside(self) -> list[str]:
        with self.store.read() as session:
            return list(session.scalars(select(QuarantinedLine.why).order_by(QuarantinedLine.line_number)))


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    made = Depot(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("image", [False, True])
def test_what_the_helper_has_signed_is_taken_as_its_own(depot: Depot, image: bool) -> None:
    report = depot.take_card(LINES, b"\ntorn 12\n" + signed(LINES[:1], OTHER) + signed(LINES, KEY), image)
    assert (report.taken.new, report.taken.unsigned, report.whole) == (3, 0, True)
    assert depot.attempts() == [(1, True), (2, True), (3, True)]
    with depot.store.read() as session:
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.kind == ledger.ATTEMPT)).all()
    for line, body in zip(LINES, bodies, strict=True):
        signature = bytes.fromhex(json.loads(body)["signature"])
        assert is_signed(public_of(KEY), bytes.fromhex(line_hash(line)), signature), "kept, for whoever asks later"
    assert depot.take_card(LINES).taken.known == 3, "what is here needs no signature a second time"


def damaged(data: bytes) -> bytes:
    return data[:-3] + (b"0" if data[-3:-2] != b"0" else b"1") + data[-2:]


NOT_SIGNED = "helper-1 3 is not signed, and that helper signs its records"
FALSE = "helper-1 3 has a signature that is not that helper's"
HASHES = line_hash(LINES[0]).encode(), line_hash(LINES[2]).encode()
FORGED: dict[str, tuple[bytes, str]] = {
    "none": (signed(LINES[:2], KEY), NOT_SIGNED),
    "cut": (signed(LINES, KEY)[:-9], NOT_SIGNED),
    "one bit": (damaged(signed(LINES, KEY)), FALSE),
    "another helper's": (signed(LINES[:2], KEY) + signed(LINES[2:], OTHER), FALSE),
    "of another line": (signed(LINES[:2], KEY) + signed(LINES[:1], KEY).replace(*HASHES), FALSE),
    "zeros": (signed(LINES[:2], KEY) + f"{line_hash(LINES[2])} {'0' * 128}\n".encode(), FALSE),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
def test_a_line_without_its_helpers_signature_is_set_aside_with_its_reason(depot: Depot, how: str) -> None:
    signatures, why = FORGED[how]
    report = depot.take_card(LINES, signatures)
    assert (report.taken.new, report.taken.unsigned, report.taken.quarantined) == (2, 1, 1)
    assert depot.attempts() == [(1, True), (2, True)]
    assert depot.aside() == [why]
    assert depot.take_card(LINES, signed(LINES, KEY)).taken.new == 1, "its signature has come later"


def test_a_forged_card_with_all_that_was_ever_signed_drives_no_figure(depot: Depot) -> None:
    depot.take_card(LINES, signed(LINES, KEY))
    forged = chain("helper-1", 40, first=4, previous=line_hash(LINES[-1]), helper_id=ONE, outcome="RECOVERED")
    report = depot.take_card([*LINES, *forged], signed(LINES, KEY))
    assert (report.taken.known, report.taken.new, report.taken.unsigned) == (3, 0, 40)
    with depot.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 3


def test_a_helper_whose_key_nobody_knows_is_taken_and_shown_as_unsigned(depot: Depot) -> None:
    lines = chain("helper-9", 2, helper_id="e6614c311b000009")
    depot.take_card(lines, signed(lines, KEY))
    assert depot.attempts() == [(1, None), (2, None)]


@pytest.mark.parametrize("known", [False, True])
def test_where_only_signed_records_count_a_helper_without_a_known_key_is_set_aside(depot: Depot, known: bool) -> None:
    if known:
        depot.keys.know_helper("e6614c311b000009", public_of(KEY))
    bench = Bench(depot, FakeHelper("helper-9", "e6614c311b000009"), signed_only=True)
    assert bench.work(KEY if known else None) == (states.PASS if known else states.REMOVE)
    card = find_cards(write_card(depot.folder / "card", chain("helper-8", 1, helper_id="e6614c311b000008")))[0]
    backups = BackupFolder(str(depot.folder / "backups"))
    import_card(depot.store, depot.site, backups, card, depot.keys.helpers(), signed_only=True)
    assert depot.attempts() == ([(1, True)] if known else [])
    assert depot.aside()[-1].endswith("is by a helper of which no key is known here")


class Bench:
    """One station of the depot."""

    def __init__(self, depot: Depot, helper: FakeHelper, signed_only: bool = False) -> None:
        self.helper = helper
        self.desk = Desk(depot.store, depot.site, StationSettings(), depot.keys, signed_only)
        self.station = Station("left", helper, self.desk, lambda _status: None)
        self.now = 100.0

    def wait(self, seconds: float = 3.0) -> str:
        async def pass_time() -> None:
            for _look in range(int(seconds * 2)):
                self.now += 0.5
                await self.station.tick(self.now)

        asyncio.run(pass_time())
        return self.station.state

    def work(self, key: Any, place: str = "card") -> str:
        """A unit that is recovered; its record signed with `key`, or not at all."""
        self.helper.present = True
        self.wait()
        self.station.scan("U-1", "otto")
        assert self.wait() == states.WORKING, self.station.why
        self.helper.end_job("RECOVERED")
        lines = self.helper.records if place == "card" else self.helper.in_flash
        self.helper.signatures = {"card-signed": b"", "helper-signed": b""}
        if key is not None:
            self.helper.signatures[f"{place}-signed"] = signed(lines, key)
        return self.wait(0.5)


def test_a_station_takes_the_signature_from_the_link(depot: Depot) -> None:
    bench = Bench(depot, FakeHelper("helper-1", ONE))
    assert bench.work(KEY) == states.PASS
    assert depot.attempts() == [(1, True)]
    assert "nsigned" not in bench.station.status()["note"]


def test_a_station_takes_it_from_the_helpers_flash_where_the_card_took_nothing(depot: Depot) -> None:
    bench = Bench(depot, FakeHelper("helper-1", ONE))
    bench.helper.card_takes = False
    bench.helper.records = chain("pocket", 1, helper_id="e6614c311b000009")
    assert bench.work(KEY, "helper") == states.PASS
    assert depot.attempts()[-1][1] is True


@pytest.mark.parametrize("key", [None, OTHER], ids=["none", "another's"])
def test_a_helper_that_cannot_sign_in_anothers_name_gets_no_verdict(depot: Depot, key: Any) -> None:
    bench = Bench(depot, FakeHelper("helper-1", ONE))
    assert bench.work(key) == states.REMOVE
    assert bench.station.why == "The record is not signed by this helper, and set aside. No verdict."
    assert "made in its name" in bench.station.status()["note"]
    assert (depot.attempts(), len(depot.aside())) == ([], 1)


def test_a_helper_without_a_key_works_and_its_station_says_so(depot: Depot) -> None:
    bench = Bench(depot, FakeHelper("helper-9", "e6614c311b000009"))
    assert bench.work(None) == states.PASS
    assert bench.station.status()["note"].startswith("Unsigned helper")
    assert depot.attempts() == [(1, None)]


@pytest.mark.parametrize(("jobs", "told"), [(None, True), ("any", True), ("signed", False)])
def test_a_helper_for_development_is_told_on_a_bench_that_trusts_keys(
    depot: Depot, jobs: str | None, told: bool
) -> None:
    depot.keys.trust("eva", public_of(KEY))
    bench = Bench(depot, FakeHelper("helper-1", ONE))
    bench.helper.jobs = jobs
    bench.helper.present = True
    bench.wait()
    assert ("Helper for development" in bench.station.status()["note"]) is told


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("release", [None, {"series": "BR16S", "number": 7, "key": "5f0d9a1c22b7e344"}])
def test_a_result_says_that_its_job_was_not_signed_where_jobs_are(depot: Depot, keys: bool, release: Any) -> None:
    if keys:
        depot.keys.trust("eva", public_of(KEY))
    bench = Bench(depot, FakeHelper("helper-1", ONE))
    bench.helper.present = True
    bench.wait()
    bench.station.scan("U-1", "otto")
    bench.wait()
    bench.helper.end_job("RECOVERED", job={"name": "bms-1.2.0", "release": release})
    bench.helper.signatures = {"card-signed": signed(bench.helper.records, KEY), "helper-signed": b""}
    assert bench.wait(0.5) == states.PASS
    assert ("The job was not signed." in str(bench.station.status())) is (keys and release is None)
