"""A station shows the record that its own unit's job has just made, or that there is none: never another's.

Two helpers with one name, one that was replaced, one whose numbers begin anew, a card that somebody made up, benches
that share a store: each is told, none is mixed up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Attempt, QuarantinedLine
from bmsrescue.fleet.records.reading import LineError, read_line
from bmsrescue.fleet.records.taking import BENCH, IMPORT, LineTaker
from bmsrescue.fleet.stations import states
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.helper_card import RecordTail
from bmsrescue.fleet.stations.settings import StationSettings
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.store import Store, sqlite_url
from fake_station import FakeHelper, NoHelpers
from rescuelink.seal import line_hash, seal
from sealed_records import chain, sample

ONE, TWO = "e6614c311b7e8f2a", "e6614c311b1d0c33"


class Line:
    """Stations of one bench, in the order in which their units are done."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(sqlite_url(folder))
        with self.store.write() as session:
            self.site = ledger.own_site(session)
        self.desk = Desk(self.store, self.site, StationSettings())
        self.now = 100.0

    def station(self, name: str, helper: FakeHelper) -> Station:
        return Station(name, helper, self.desk, lambda _status: None)

    def wait(self, station: Station, seconds: float = 3.0) -> str:
        async def pass_time() -> None:
            for _look in range(int(seconds * 2)):
                self.now += 0.5
                await station.tick(self.now)

        asyncio.run(pass_time())
        return station.state

    def work(self, station: Station, helper: FakeHelper, label: str, outcome: str, **changes: Any) -> str:
        helper.present = True
        self.wait(station)
        station.scan(label, "otto")
        assert self.wait(station) == states.WORKING, station.why
        helper.end_job(outcome, **changes)
        return self.wait(station, 0.5)

    def take(self, lines: list[str], source: str = IMPORT) -> LineTaker:
        taker = LineTaker("a card", source)
        with self.store.write() as session:
            taker.take(session, self.site, lines)
        return taker

    def attempts(self) -> list[tuple[str, str | None, str | None, str]]:
        with self.store.read() as session:
            rows = session.execute(
                select(Attempt.helper_id, Attempt.station, Attempt.label, Attempt.outcome).order_by(Attempt.id)
            )
            return [tuple(row) for row in rows]

    def aside(self) -> int:
        with self.store.read() as session:
            return session.scalar(select(func.count()).select_from(QuarantinedLine)) or 0


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.store.close()


def test_two_helpers_with_one_name_each_show_their_own_units_result(line: Line) -> None:
    left, right = FakeHelper("helper-1", ONE), FakeHelper("helper-1", TWO)
    at_left, at_right = line.station("left", left), line.station("right", right)
    assert line.work(at_left, left, "U-1", "RECOVERED") == states.PASS
    assert line.work(at_right, right, "U-2", "UNSAFE") == states.FAIL
    assert line.attempts() == [(ONE, "left", "U-1", "RECOVERED"), (TWO, "right", "U-2", "UNSAFE")]
    assert line.aside() == 0


def test_helpers_with_one_name_on_a_bench_are_told_of_each_other(line: Line) -> None:
    async def look() -> dict[str, str]:
        connected = NoHelpers()
        connected.ports = {
            "left": FakeHelper("helper-1", ONE),
            "right": FakeHelper("helper-1", TWO),
            "third": FakeHelper("helper-3", "e6614c311b000003"),
        }
        hall = Hall(connected, line.desk)  # type: ignore[arg-type]
        hall._follow_helpers()
        hall._follow_helpers()
        told = {name: str(station.status()["note"]) for name, station in hall.stations.items()}
        for task in hall._tasks:
            task.cancel()
        await asyncio.gather(*hall._tasks, return_exceptions=True)
        return told

    told = asyncio.run(look())
    assert told["left"].startswith("The helper of station right is called helper-1, too (number 1d0c33, here 7e8f2a)")
    assert told["right"].startswith("The helper of station left is called helper-1, too")
    assert told["third"] == ""


def test_a_replaced_helper_that_keeps_its_name_starts_from_nothing(line: Line) -> None:
    old = FakeHelper("helper-1", ONE)
    station = line.station("left", old)
    assert line.work(station, old, "U-1", "RECOVERED") == states.PASS
    old.present = False
    line.wait(station)
    new = FakeHelper("helper-1", TWO)
    station.port = new
    assert line.work(station, new, "U-2", "UNSAFE") == states.FAIL
    assert "Another helper than before" in station.status()["note"]
    assert line.attempts()[-1] == (TWO, "left", "U-2", "UNSAFE")


def test_numbers_that_begin_anew_are_another_record_and_are_told(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    for number in range(3):
        assert line.work(station, helper, f"U-{number}", "RECOVERED") == states.PASS
        helper.present = False
        line.wait(station)
    helper.records = []  # a new card, and a new agent on an empty flash
    assert line.work(station, helper, "U-9", "UNSAFE") == states.FAIL
    assert "numbers that it has used before" in station.status()["note"]
    assert line.attempts()[-1] == (ONE, "left", "U-9", "UNSAFE")
    assert line.aside() == 0


def test_a_made_up_card_never_drives_the_station_whose_helper_it_names(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    line.wait(station)
    line.take(chain("helper-1", 40, helper_id=ONE, outcome="RECOVERED"))
    assert line.work(station, helper, "U-1", "UNSAFE") == states.FAIL
    assert line.attempts()[-1] == (ONE, "left", "U-1", "UNSAFE"), "with its label, whatever number it has"
    assert "made in its name" in station.status()["note"]


def test_a_made_up_card_that_comes_while_the_station_works_changes_nothing(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    helper.present = True
    line.wait(station)
    station.scan("U-1", "otto")
    assert line.wait(station) == states.WORKING
    line.take(chain("helper-1", 40, helper_id=ONE, outcome="RECOVERED"))
    helper.end_job("UNSAFE")
    assert line.wait(station, 0.5) == states.FAIL
    assert line.attempts()[-1] == (ONE, "left", "U-1", "UNSAFE")


def test_a_card_that_contradicts_what_the_helper_itself_said_is_set_aside(line: Line) -> None:
    line.take(chain("helper-1", 2, helper_id=ONE, seed=1), BENCH)
    taker = line.take(chain("helper-1", 2, helper_id=ONE, seed=2))
    assert (taker.taken.new, taker.taken.quarantined, line.aside()) == (0, 2, 2)
    assert taker.taken.breaks[0][1] == "helper-1 1 is here already and says otherwise"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"line_sha256": None}, "does not say which record is this unit's"),
        ({"line_sha256": ["x"]}, "does not say which record is this unit's"),
        ({"line_sha256": "0" * 64}, "The record has not come from the helper."),
        ({"line_sha256": None, "record_saved": False, "sentence": "The card is full"}, "The card is full."),
    ],
)
def test_a_job_whose_record_is_not_there_gives_no_verdict(line: Line, answer: dict[str, Any], said: str) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    helper.answer = answer
    assert line.work(station, helper, "U-1", "RECOVERED") == states.REMOVE
    assert said in station.why
    assert station.why.endswith("No verdict.")
    assert station.result is None


def test_a_record_that_the_card_did_not_take_is_fetched_from_the_helpers_flash(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    assert line.work(station, helper, "U-1", "RECOVERED") == states.PASS
    helper.present = False
    line.wait(station)
    helper.card_takes = False
    helper.answer = {"record_saved": False}
    assert line.work(station, helper, "U-2", "TOOL_ERROR") == states.REMOVE
    assert line.attempts()[-1] == (ONE, "left", "U-2", "TOOL_ERROR")
    assert line.aside() == 0


def test_a_record_of_an_earlier_unit_or_of_another_helper_is_no_result(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    assert line.work(station, helper, "U-1", "RECOVERED") == states.PASS
    foreign = chain("helper-2", 1, helper_id=TWO, outcome="RECOVERED")
    line.take(foreign)
    for sha256 in (line_hash(helper.records[0]), line_hash(foreign[0])):
        helper.present = False
        line.wait(station)
        helper.answer = {"line_sha256": sha256}
        assert line.work(station, helper, "U-2", "UNSAFE") == states.REMOVE
        assert "a record that is not this unit's" in station.why


def test_another_card_in_the_helper_is_read_from_its_beginning(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    line.work(station, helper, "U-1", "RECOVERED")
    helper.present = False
    line.wait(station)
    # A card of another dongle, longer than what was read of the one before.
    helper.records = chain("pocket", 5, helper_id=TWO)
    assert line.work(station, helper, "U-2", "UNSAFE") == states.FAIL
    assert line.aside() == 0, "no half lines"
    assert [one[0] for one in line.attempts()] == [ONE, *[TWO] * 5, ONE]
    assert [one[2] for one in line.attempts() if one[2]] == ["U-1", "U-2"]


def test_records_of_agents_without_a_number_are_known_by_their_label_only(line: Line) -> None:
    taker = line.take(chain("helper-1", 2))
    assert taker.taken.new == 2
    line.take(chain("helper-1", 2, helper_id=ONE))
    assert [one[0] for one in line.attempts()] == ["label helper-1"] * 2 + [ONE] * 2
    assert line.aside() == 0


def test_an_agent_without_a_number_works_by_its_label(line: Line) -> None:
    helper = FakeHelper("helper-1", "")
    station = line.station("left", helper)
    assert line.work(station, helper, "U-1", "RECOVERED") == states.PASS
    assert line.attempts() == [("label helper-1", "left", "U-1", "RECOVERED")]


@pytest.mark.parametrize("number", ["", "E661", "label helper-1", "xyz", 7, ["e661"], "e6" * 40])
def test_a_number_that_no_hardware_has_is_refused(number: Any) -> None:
    with pytest.raises(LineError, match="no helper_id"):
        read_line(seal(sample() | {"helper_id": number}, ""))


def test_two_records_of_one_call_take_one_booking(line: Line) -> None:
    helper = FakeHelper("helper-1", ONE)
    station = line.station("left", helper)
    helper.present = True
    line.wait(station)
    station.scan("U-1", "otto")
    line.wait(station)
    first = chain("helper-1", 2, helper_id=ONE)
    helper.lose()
    line.wait(station)
    helper.records, helper.here = first, True  # the second by the button, while no host was there
    line.wait(station)
    assert [one[2] for one in line.attempts()] == ["U-1", None]


def test_a_made_up_number_on_the_card_is_none_that_a_job_comes_after() -> None:
    """No record of the helper would come after it: none would take along station, operator and release."""
    helper, tail = FakeHelper("one"), RecordTail()
    helper.records = [*chain("one", 1, first=5), *chain("one", 1, first=10**12)]
    asyncio.run(tail.new_lines(helper))
    assert tail.newest == 5
