"""Jobs are released as versions, taken back, and counted by what they recovered."""

from pathlib import Path

import pytest
from sqlalchemy import select

from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, OPERATOR, AccessError, Person
from bmsrescue.fleet.audit import audit_page
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.models import Attempt, AuditEntry, Booking
from bmsrescue.fleet.records.taking import BENCH, LineTaker
from bmsrescue.fleet.releases import ReleaseError, Releases
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.twin.rig import default_card_files
from sealed_records import chain

EVA = Person("eva", ENGINEER)
JOB = "bms-1.2.0"


@pytest.fixture
def bench(store: Store) -> str:
    with store.write() as session:
        return ledger.own_site(session)


@pytest.fixture
def releases(store: Store, bench: str) -> Releases:
    return Releases(store, bench)


def record(store: Store, bench: str, release: str, sequence: int, outcome: str, uid: str) -> None:
    """A station asked for a job under a release, and its record came."""
    with store.write() as session:
        session.add(
            Booking(
                helper="h1",
                helper_id="label h1",
                after_sequence=sequence - 1,
                made_at=ledger.now(),
                station="one",
                operator="otto",
                label=f"SN-{uid}",
                release_id=release,
            )
        )
        session.flush()
        unit = {"uid": uid, "name": "STM32H725"}
        LineTaker("h1", BENCH).take(session, bench, chain("h1", 1, first=sequence, outcome=outcome, unit=unit))


def test_a_released_job_is_in_force_and_its_files_make_a_card(releases: Releases) -> None:
    files = default_card_files()
    release = releases.publish(files, EVA, note="first for hall 1")
    assert (release.job, release.version, release.image_version, release.remaining) == (JOB, 1, "1.2.0", None)
    again = releases.card_files(release.id)
    assert again["bms-1.2.0.bin"] == files["bms-1.2.0.bin"]
    assert set(again) == set(files)


def test_each_publication_is_a_new_version_and_a_rollback_takes_an_earlier_one(releases: Releases) -> None:
    first = releases.publish(default_card_files(), EVA)
    second = releases.publish(default_card_files(), EVA)
    assert (first.version, second.version) == (1, 2)
    back = releases.roll_back(JOB, 1, EVA, "2 leaves the display dark")
    assert back.id == first.id
    assert releases.publish(default_card_files(), EVA).version == 3
    assert [(one.version, one.in_force) for one in releases.versions()] == [(3, True), (2, False), (1, False)]
    with pytest.raises(ReleaseError, match="no version 9"):
        releases.roll_back(JOB, 9, EVA, "")


def test_only_recovered_units_use_up_an_allowance_and_each_only_once(
    store: Store, bench: str, releases: Releases
) -> None:
    release = releases.publish(default_card_files(), EVA, allowance=3)
    outcomes = ["NOT_FIRMWARE", "TOOL_ERROR", "RECOVERED", "INTERRUPTED", "NO_FAULT_FOUND", "RECOVERED_CHECK_CONFIG"]
    for sequence, outcome in enumerate(outcomes, 1):
        record(store, bench, release.id, sequence, outcome, uid=f"{sequence:024X}")
    assert releases.in_force(JOB).remaining == 1
    record(store, bench, release.id, 7, "RECOVERED", uid=f"{3:024X}")
    assert releases.in_force(JOB).remaining == 1
    assert [one.used for one in releases.versions(JOB)] == [2]


def test_an_attempt_knows_its_station_operator_label_and_release(store: Store, bench: str, releases: Releases) -> None:
    release = releases.publish(default_card_files(), EVA)
    record(store, bench, release.id, 1, "RECOVERED", uid="A" * 24)
    with store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert (attempt.station, attempt.operator, attempt.label) == ("one", "otto", f"SN-{'A' * 24}")
    assert (attempt.release_id, attempt.time_source) == (release.id, "bench")


def test_a_booking_is_taken_by_one_record_only(store: Store, bench: str, releases: Releases) -> None:
    release = releases.publish(default_card_files(), EVA)
    record(store, bench, release.id, 1, "RECOVERED", uid="A" * 24)
    with store.write() as session:
        LineTaker("h1", BENCH).take(session, bench, chain("h1", 1, first=2))
        assert session.scalars(select(Attempt.label).order_by(Attempt.sequence)).all() == [f"SN-{'A' * 24}", None]


def test_who_released_what_and_when_is_in_the_audit_log(store: Store, releases: Releases) -> None:
    releases.publish(default_card_files(), EVA, allowance=5)
    releases.publish(default_card_files(), EVA)
    releases.roll_back(JOB, 1, EVA, "dark display")
    with store.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
        found = [audit_page(session, text).entries for text in ("DARK display", "rolled", "%", "nobody")]
        pages = [audit_page(session, "eva", page, size=2) for page in (0, 1)]
    assert [[entry.number for entry in same] for same in found] == [[entries[2].number], [entries[2].number], [], []]
    assert [(len(page.entries), page.more) for page in pages] == [(2, True), (1, False)]
    assert [entry.action for entry in entries] == ["job released", "job released", "job rolled back"]
    assert entries[2].details == {"version": 1, "why": "dark display"}
    assert {entry.actor for entry in entries} == {"eva"}


def test_an_operator_cannot_release(releases: Releases) -> None:
    otto = Person("otto", OPERATOR)
    with pytest.raises(AccessError):
        releases.publish(default_card_files(), otto)
    with pytest.raises(AccessError):
        releases.roll_back(JOB, 1, otto, "")


def test_files_that_make_no_card_are_refused_and_nothing_is_released(releases: Releases) -> None:
    files = default_card_files()
    files["bms-1.2.0.bin"] = files["bms-1.2.0.bin"][:-32]
    for wrong in (files, {}, {"job.json": b"<script>"}):
        with pytest.raises(HostError):
            releases.publish(wrong, EVA)
    assert releases.all_in_force() == []


def test_a_release_comes_to_the_benches_and_works_there_without_the_shared_store(
    store: Store, releases: Releases, tmp_path: Path
) -> None:
    release = releases.publish(default_card_files(), EVA)
    own = Store.open(sqlite_url(tmp_path / "hall-1"))
    with own.write() as session:
        bench = ledger.own_site(session)
    Forwarder(own, store, bench).turn()
    at_bench = Releases(own, bench)
    assert at_bench.in_force(JOB).id == release.id
    assert at_bench.card_files(release.id) == releases.card_files(release.id)
