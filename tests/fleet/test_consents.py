"""A consent is an engineer's, for one unit, typed out, and good for one attempt."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet import consents as consents_module
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import AccessError, Person
from bmsrescue.fleet.consents import Consent, ConsentError, Consents, consent_of, consents_for, phrase
from bmsrescue.fleet.models import Attempt, AuditEntry, Booking
from bmsrescue.fleet.records.taking import BENCH, LineTaker
from bmsrescue.fleet.store import Store
from bmsrescue.twin.rig import default_card_files
from rescuelink.job import validate
from sealed_records import chain

ENGINEER = Person("eva", "engineer")
LABEL = "BR16S-24000001"
UID = "30313233343536373839414D"


@pytest.fixture
def bench(store: Store) -> str:
    with store.write() as session:
        return ledger.own_site(session)


@pytest.fixture
def consents(store: Store, bench: str) -> Consents:
    return Consents(store, bench)


def give(consents: Consents, unit: str = LABEL, words: tuple[str, ...] = ("rdp-regression",)) -> Consent:
    return consents.give(unit, list(words), phrase(list(words), unit), "customer agreed", ENGINEER)


def use(store: Store, consents: Consents, number: int, after: int = 0) -> bool:
    with store.write() as session:
        booking = Booking(helper="h1", helper_id="label h1", after_sequence=after, station="left")
        return consents.use(session, number, booking, "olga")


def of_attempt(session: Session, sequence: int) -> Consent | None:
    return consent_of(session, session.scalars(select(Attempt).where(Attempt.sequence == sequence)).one())


def test_it_waits_for_its_label_and_for_no_other(store: Store, consents: Consents) -> None:
    given = give(consents)
    assert consents.waiting(LABEL) == given
    assert (given.state, given.actor, given.words) == ("waiting", "eva", ["rdp-regression"])
    assert consents.waiting("BR16S-24000002") is None
    assert consents.waiting(None) is None
    with store.read() as session:
        assert consents_for(session, None, ["BR16S-24000002"]) == []


def test_the_next_attempt_uses_it_up_and_its_report_names_it(store: Store, consents: Consents, bench: str) -> None:
    given = give(consents)
    assert use(store, consents, given.number)
    assert not use(store, consents, given.number, 7)
    assert consents.waiting(LABEL) is None
    with store.write() as session:
        LineTaker("h1", BENCH).take(session, bench, chain("h1", 3))
    with store.read() as session:
        of_first = of_attempt(session, 1)
        assert of_first is not None
        assert (of_first.actor, of_first.station, of_first.sequence) == ("eva", "left", 1)
        assert of_attempt(session, 2) is None
        told = consents_for(session, None, [LABEL])
    assert [(one.state, one.helper, one.sequence) for one in told] == [("used", "h1", 1)]


def test_one_for_a_chip_comes_under_every_label_that_chip_had(store: Store, consents: Consents, bench: str) -> None:
    booking = Booking(helper="h1", helper_id="label h1", after_sequence=0, station="left", label=LABEL)
    booking.made_at = ledger.now()
    with store.write() as session:
        session.add(booking)
        session.flush()
        LineTaker("h1", BENCH).take(session, bench, chain("h1", 1, unit={"uid": UID, "chip": "STM32H725"}))
    given = give(consents, UID, ("wrp", "sector:7"))
    assert (given.uid, given.label) == (UID, None)
    assert consents.waiting(LABEL) == given
    with store.read() as session:
        assert [one.words for one in consents_for(session, UID, [])] == [["wrp", "sector:7"]]


def test_it_is_audited_from_giving_to_use(store: Store, consents: Consents) -> None:
    use(store, consents, give(consents).number)
    consents.withdraw(give(consents).number, ENGINEER)
    with store.read() as session:
        actions = [
            (one.actor, one.action, one.subject) for one in session.query(AuditEntry).order_by(AuditEntry.number)
        ]
    assert actions == [
        ("eva", "consent given", LABEL),
        ("olga", "consent used", LABEL),
        ("eva", "consent given", LABEL),
        ("eva", "consent withdrawn", LABEL),
    ]


def test_one_that_was_withdrawn_or_has_run_out_is_not_used(
    store: Store, consents: Consents, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = give(consents)
    consents.withdraw(first.number, ENGINEER)
    with pytest.raises(ConsentError, match="no consent"):
        consents.withdraw(first.number, ENGINEER)
    assert not use(store, consents, first.number)
    monkeypatch.setattr(consents_module, "GOOD_FOR", timedelta(0))
    second = give(consents)
    assert consents.waiting(LABEL) is None
    assert not use(store, consents, second.number)
    with store.read() as session:
        assert [one.state for one in consents_for(session, None, [LABEL])] == ["run out", "withdrawn"]


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_nobody_but_an_engineer_gives_it(consents: Consents, role: str) -> None:
    with pytest.raises(AccessError, match="engineer"):
        consents.give(LABEL, ["wrp"], phrase(["wrp"], LABEL), "", Person("olga", role))


@pytest.mark.parametrize(
    ("unit", "words", "typed", "message"),
    [
        (LABEL, ["rdp-regression"], "allow rdp-regression", "typed words differ"),
        (LABEL, ["rdp-regression"], f"allow rdp-regression on {LABEL}X", "typed words differ"),
        (LABEL, ["everything"], f"allow everything on {LABEL}", "no scope"),
        (LABEL, ["wrp,rdp-regression"], f"allow wrp,rdp-regression on {LABEL}", "no scope"),
        (LABEL, [], f"allow  on {LABEL}", "no scope"),
        (" ", ["wrp"], "allow wrp on ", "one unit"),
    ],
)
def test_what_is_no_consent_is_refused(
    consents: Consents, unit: str, words: list[str], typed: str, message: str
) -> None:
    with pytest.raises(ConsentError, match=message):
        consents.give(unit, words, typed, "", ENGINEER)


def test_its_words_are_those_that_a_job_can_leave_to_people() -> None:
    document = json.loads(default_card_files()["job.json"])
    document["policy"]["ask"] = [*consents_module.WORDS, "sector:7"]
    assert validate(document).ask == document["policy"]["ask"]
