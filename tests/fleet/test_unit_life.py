"""A unit's life: what people say of it is kept, found, forwarded, and takes nothing back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import AccessError, Person
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.lookup import find_units
from bmsrescue.fleet.models import Attempt, AuditEntry, Unit
from bmsrescue.fleet.protection_test import ProtectionFileError, read_values
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.unit_life import UnitError, UnitLives, life_of
from sealed_records import chain

OTTO = Person("otto", "operator")
GOOD = "name, value, unit, lowest, highest\nover-voltage, 3.651, V, 3.60, 3.70\nshort circuit, 240, A, 200,\n"
BAD = "over-voltage\t3,751\tV\t3,60\t3,70\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def bench(store: Store) -> str:
    with store.write() as session:
        site = ledger.own_site(session)
        LineTaker("card", IMPORT).take(session, site, chain("h1", 2, outcome="RECOVERED"))
    return site


def test_a_test_is_read_from_lines_with_its_verdict_worked_out() -> None:
    values = read_values(GOOD)
    assert [(one.name, one.value, one.unit, one.low, one.high, one.passed) for one in values] == [
        ("over-voltage", 3.651, "V", 3.6, 3.7, True),
        ("short circuit", 240.0, "A", 200.0, None, True),
    ]
    (value,) = read_values(BAD)
    assert (value.value, value.passed) == (3.751, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("over-voltage", "line 1 is no value"),
        ("a, b, V", "line 1: 'b' is no number"),
        ("a, nan, V", "no number"),
        ("\na, 1, V, 3, 2", "line 2 .*above"),
        ("a,,V", "has no value"),
        ("x, 1\n" * 65, "more than 64"),
        ("x" * 20_000, "more than 16,000"),
    ],
)
def test_a_line_that_is_no_value_is_told_with_its_number(text: str, why: str) -> None:
    with pytest.raises(ProtectionFileError, match=why):
        read_values(text)


def test_a_unit_is_released_only_after_a_test_that_it_has_passed(store: Store, bench: str) -> None:
    lives = UnitLives(store, bench)
    with pytest.raises(UnitError, match="no protection test"):
        lives.dispose(1, "released", "", OTTO)
    lives.test(1, read_values(BAD), "tester 3", OTTO)
    with pytest.raises(UnitError, match="failed its protection test"):
        lives.dispose(1, "released", "", OTTO)
    lives.dispose(1, "waiting for part", "AFE", OTTO)
    lives.test(1, read_values(GOOD), "tester 3, new AFE", OTTO)
    lives.dispose(1, "released", "", OTTO)
    with store.read() as session:
        life = life_of(session, 1)
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))
    assert life.card is not None
    assert (life.card.disposition, life.tested) == ("released", "pass")
    assert [one.kind for one in life.notes] == ["disposition", "test", "disposition", "test"]
    assert life.notes[-1].text == "1 of 1 values outside: over-voltage. tester 3"
    assert actions == ["unit: test", "unit: disposition", "unit: test", "unit: disposition"]


def test_all_that_is_known_of_a_unit_finds_it(store: Store, bench: str) -> None:
    lives = UnitLives(store, bench)
    lives.set_card(1, {"rma": "RMA-77", "customer": "Sun & Co", "lot": "L7"}, OTTO)
    lives.set_card(1, {"lot": ""}, OTTO)
    lives.note(2, "burnt smell at the AFE", OTTO)
    lives.label(1, "BR16S-24000001", OTTO)
    with store.read() as session:
        for text, number in (("rma-7", 1), ("sun & co", 1), ("24000001", 1), ("burnt SMELL", 2)):
            assert [unit.id for unit in find_units(session, text)] == [number], text
        assert find_units(session, "L7") == []
        assert [[unit.id for unit in find_units(session, "", before)] for before in (0, 2, 1)] == [[2, 1], [1], []]
        assert session.scalars(select(Attempt.label)).all() == [None, None], "records stay as they were made"
        card = life_of(session, 1).card
        assert card is not None
        assert (card.rma, card.customer, card.lot) == ("RMA-77", "Sun & Co", None)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b/c", "ftp://x/y", "photo.jpg"])
def test_a_photo_is_an_address_of_the_web(store: Store, bench: str, url: str) -> None:
    with pytest.raises(UnitError, match="no address of a photo"):
        UnitLives(store, bench).photo(1, url, "", OTTO)


def test_what_cannot_be_said_is_refused(store: Store, bench: str) -> None:
    lives = UnitLives(store, bench)
    lives.label(2, "BR16S-24000002", OTTO)
    with pytest.raises(UnitError, match="another unit's label"):
        lives.label(1, "BR16S-24000002", OTTO)
    with pytest.raises(UnitError, match="no unit 99"):
        lives.note(99, "x", OTTO)
    with pytest.raises(UnitError, match="no disposition"):
        lives.dispose(1, "sold", "", OTTO)
    with pytest.raises(UnitError, match="nothing a unit has"):
        lives.set_card(1, {"price": "7"}, OTTO)
    with pytest.raises(AccessError):
        lives.note(1, "x", Person("vera", "viewer"))


def test_it_reaches_the_shared_store_with_its_unit(store: Store, bench: str, new_database: Callable[[], str]) -> None:
    shared = Store.open(new_database())
    with shared.write() as session:  # numbers of units differ there
        site = ledger.own_site(session, "shared")
        LineTaker("card", IMPORT).take(session, site, chain("h9", 3))
    UnitLives(store, bench).set_card(2, {"customer": "Sun & Co"}, OTTO)
    forwarder = Forwarder(store, shared, bench)
    while forwarder.turn().more:
        pass
    with store.read() as session:
        uid = session.get_one(Unit, 2).uid
    with shared.read() as session:
        (found,) = find_units(session, "Sun & Co")
    shared.close()
    assert (found.uid, found.id) == (uid, 5)
