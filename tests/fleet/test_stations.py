"""A station from one unit to the next: what it shows, when it begins, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bmsrescue.daemon.events import EventLog
from bmsrescue.errors import UsageError
from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.accounts import ENGINEER, Person
from bmsrescue.fleet.models import Attempt, AuditEntry
from bmsrescue.fleet.releases import Releases
from bmsrescue.fleet.stations import states
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.settings import Rule, StationSettings, read_settings
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.twin.rig import default_card_files
from fake_station import FakeHelper
from rescuelink.errors import LinkError
from sealed_records import chain, sample

LABEL = "BR16S-24000001"


class Place:
    """A station, its helper, and time."""

    def __init__(self, store: Store, settings: StationSettings) -> None:
        with store.write() as session:
            self.site = ledger.own_site(session)
        self.helper = FakeHelper()
        self.desk = Desk(store, self.site, settings)
        self.told: list[dict[str, Any]] = []
        self.station = Station("one", self.helper, self.desk, self.told.append)
        self.now = 100.0

    def wait(self, seconds: float = 3.0) -> str:
        """Let time go by, a look each half second."""

        async def pass_time() -> None:
            for _look in range(int(seconds * 2)):
                self.now += 0.5
                await self.station.tick(self.now)

        asyncio.run(pass_time())
        return self.station.state

    def work(self, outcome: str, label: str = LABEL, **changes: Any) -> str:
        """A unit from its insertion to its result."""
        self.helper.present = True
        self.wait()
        self.station.scan(label, "otto")
        assert self.wait() == states.WORKING
        self.helper.end_job(outcome, **changes)
        return self.wait(0.5)

    def remove(self) -> str:
        self.helper.present = False
        return self.wait()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = Store.open(sqlite_url(tmp_path))
    yield Place(store, StationSettings(label="BR16S-[0-9]{8}", golden="GOLDEN-1"))
    store.close()


def test_a_unit_goes_through_the_station_from_insertion_to_removal(place: Place) -> None:
    assert place.wait() == states.EMPTY
    place.helper.present = True
    assert place.wait(0.5) == states.DETECTING
    assert place.wait() == states.WAIT_LABEL
    place.station.scan(LABEL, "otto")
    assert place.wait(0.5) == states.WORKING
    place.helper.end_job("RECOVERED")
    assert place.wait(0.5) == states.PASS
    assert place.wait(60) == states.PASS, "the result is held until the unit is removed"
    assert place.remove() == states.EMPTY
    assert place.station.label is None


def test_the_record_carries_who_worked_on_what_and_where(place: Place) -> None:
    place.work("RECOVERED")
    with place.desk.store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert (attempt.label, attempt.operator, attempt.station) == (LABEL, "otto", "one")
    assert place.station.result is not None
    assert place.station.result.sequence == 1


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("RECOVERED", "PASS"),
        ("NO_FAULT_FOUND", "PASS"),
        ("NOT_FIRMWARE", "FAIL"),
        ("UNSAFE", "FAIL"),
        ("LOCKED", "FAIL"),
    ],
)
def test_an_outcome_is_pass_or_fail(place: Place, outcome: str, state: str) -> None:
    assert place.work(outcome) == state
    assert place.station.counts[state] == 1


@pytest.mark.parametrize("outcome", ["TOOL_ERROR", "ABORTED"])
def test_a_fault_of_the_tool_is_no_verdict_on_the_unit(place: Place, outcome: str) -> None:
    assert place.work(outcome) == states.REMOVE
    assert place.station.counts == {"PASS": 0, "CHECK CONFIG": 0, "FAIL": 0, "other": 1}


def test_trouble_with_the_wires_is_shown_as_such_and_is_no_verdict_on_the_unit(place: Place) -> None:
    assert place.work("CHECK_WIRES") == states.WIRES
    assert place.station.counts == {"PASS": 0, "CHECK CONFIG": 0, "FAIL": 0, "other": 1}
    assert place.wait(60) == states.WIRES, "held until the unit is removed"
    faces = [(face.symbol, face.colour) for face in states.FACES.values()]
    assert faces.count((states.FACES[states.WIRES].symbol, states.FACES[states.WIRES].colour)) == 1
    with place.desk.store.read() as session:
        assert figures.first_pass(session).total == 0
        assert figures.pareto(session) == []


def test_a_unit_that_bounces_while_it_is_inserted_has_to_settle(place: Place) -> None:
    for _bounce in range(5):
        place.helper.present = True
        assert place.wait(0.5) == states.DETECTING
        place.helper.present = False
        assert place.wait(0.5) == states.EMPTY


def test_a_label_may_be_scanned_before_the_unit_is_inserted(place: Place) -> None:
    place.wait()
    place.station.scan(LABEL, "otto")
    place.helper.present = True
    assert place.wait() == states.WORKING


def test_a_label_whose_unit_does_not_come_is_not_the_next_ones(place: Place) -> None:
    place.wait()
    place.station.scan(LABEL, "otto")
    assert place.wait(550) == states.EMPTY
    assert place.station.label == LABEL
    place.wait(60)
    assert place.station.label is None
    assert place.station.why == f"{LABEL} was scanned, and no unit came: scan it again."
    place.helper.present = True
    assert place.wait() == states.WAIT_LABEL


@pytest.mark.parametrize(
    "label", ["", "X-1", "<script>alert(1)</script>", "BR16S-1'; DROP TABLE units;--", "x" * 65, "a\0"]
)
def test_a_label_that_is_none_is_refused_with_a_reason(place: Place, label: str) -> None:
    place.helper.present = True
    place.wait()
    with pytest.raises(LinkError) as refused:
        place.station.scan(label, "otto")
    assert refused.value.kind == "bad_value"
    assert place.wait() == states.WAIT_LABEL


def test_no_label_is_taken_while_a_result_is_held(place: Place) -> None:
    place.work("RECOVERED")
    with pytest.raises(LinkError, match="tation one is PASS"):
        place.station.scan("BR16S-24000002", "otto")


def test_a_retest_works_on_the_same_unit_again(place: Place) -> None:
    place.work("NOT_FIRMWARE")
    place.station.retest("otto")
    assert place.wait() == states.WORKING
    place.helper.end_job("RECOVERED")
    assert place.wait() == states.PASS
    with place.desk.store.read() as session:
        assert session.scalars(select(Attempt.label)).all() == [LABEL, LABEL]


def test_a_paused_station_begins_nothing(place: Place) -> None:
    place.station.pause(True)
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    assert place.wait(30) == states.WAIT_LABEL
    place.station.pause(False)
    assert place.wait() == states.WORKING


def test_an_abort_is_passed_on_to_the_helper(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    asyncio.run(place.station.abort())
    assert place.helper.cancelled


def test_a_helper_that_is_lost_in_work_gives_no_verdict_and_its_record_comes_later(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    place.helper.lose()
    assert place.wait(0.5) == states.REMOVE
    assert "No verdict" in place.station.why
    assert place.wait() == states.OUT
    place.helper.records += chain("h1", 1, helper_id=place.helper.number, outcome="INTERRUPTED")
    place.helper.here, place.helper.present = True, False
    assert place.wait() == states.EMPTY
    with place.desk.store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert (attempt.outcome, attempt.label) == ("INTERRUPTED", LABEL)


def test_a_helper_that_comes_back_with_its_unit_does_not_begin_by_itself(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    place.helper.lose()
    place.wait()
    place.helper.here = True
    assert place.wait() == states.WAIT_LABEL


def test_records_from_before_the_daemon_started_are_fetched(place: Place) -> None:
    place.helper.records = chain("h1", 60)
    place.wait()
    with place.desk.store.read() as session:
        sequences = session.scalars(select(Attempt.sequence).order_by(Attempt.sequence)).all()
    assert sequences[-1] == 60
    assert list(sequences) == list(range(sequences[0], 61))
    assert place.station.why == ""


def test_a_chip_that_was_here_under_another_label_is_told(place: Place) -> None:
    place.work("RECOVERED", unit={"uid": "A" * 24})
    place.remove()
    place.work("RECOVERED", label="BR16S-24000002", unit={"uid": "A" * 24})
    assert place.station.why == f"This chip was here before as {LABEL}."
    place.remove()
    place.work("RECOVERED", label=LABEL, unit={"uid": "B" * 24})
    assert place.station.why == "Another chip was here under this label."


# -- units that go too early, labels that are elsewhere ----------------------------------------------------------------


def test_a_unit_that_was_pulled_out_in_work_gets_no_verdict_and_somebody_is_told(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    place.helper.present = False
    place.helper.end_job("UNSAFE")
    assert place.wait(0.5) == states.REMOVE
    assert place.station.counts == {"PASS": 0, "CHECK CONFIG": 0, "FAIL": 0, "other": 1}
    told = f"{LABEL} was taken out in the middle: it has to be done again."
    assert place.station.why == f"No verdict: {told}"
    assert (place.wait(), place.station.why) == (states.EMPTY, told)
    assert (place.wait(60), place.station.why) == (states.EMPTY, told), "until the next unit comes"
    with place.desk.store.read() as session:
        assert session.scalars(select(Attempt.label)).all() == [LABEL], "the record is kept as it is"
        assert ("taken out in work", LABEL) in session.execute(select(AuditEntry.action, AuditEntry.subject)).all()
        assert figures.outcomes(session) == {}, "and is not counted"
        assert figures.first_pass(session).total == 0
    assert place.work("RECOVERED") == states.PASS
    assert place.station.why == ""


def test_what_is_to_be_said_of_it_outlasts_a_helper_that_is_away_for_a_moment(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    place.helper.present = False
    place.helper.end_job("UNSAFE")
    assert place.wait(0.5) == states.REMOVE
    place.helper.lose()
    assert place.wait() == states.OUT
    place.helper.here = True
    told = f"{LABEL} was taken out in the middle: it has to be done again."
    assert (place.wait(), place.station.why) == (states.EMPTY, told)


def test_a_unit_that_was_taken_out_right_after_its_pass_has_passed(place: Place) -> None:
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    place.wait()
    place.helper.present = False
    place.helper.end_job("RECOVERED")
    assert place.wait(0.5) == states.PASS


class _TwoHelpers:
    """What the daemon has found: two helpers."""

    def __init__(self) -> None:
        self.ports: dict[str, Any] = {name: FakeHelper(name) for name in ("left", "right")}
        self.events = EventLog()


def in_hall(place: Place, settings: StationSettings, act: Callable[[Hall, dict[str, FakeHelper]], None]) -> None:
    """`act` on two stations that are open and look at their helpers only when they are told."""

    async def run() -> None:
        connected = _TwoHelpers()
        hall = Hall(connected, Desk(place.desk.store, place.site, settings))  # type: ignore[arg-type]
        for name, helper in connected.ports.items():
            station = hall.stations[name] = Station(name, helper, hall.desk, lambda status: None)
            await station.tick(0.0)
            assert station.state == states.EMPTY
        act(hall, connected.ports)

    asyncio.run(run())


def test_one_label_is_at_one_station(place: Place) -> None:
    def act(hall: Hall, _helpers: dict[str, FakeHelper]) -> None:
        hall.stations["left"].state = states.WAIT_LABEL
        hall.scan(LABEL, "otto")
        for state in (states.WAIT_LABEL, states.WORKING, states.PASS, states.FAIL, states.REMOVE):
            hall.stations["left"].state = state
            with pytest.raises(LinkError, match=f"{LABEL} is at station left"):
                hall.scan(LABEL, "otto", "right")
        assert hall.stations["right"].label is None

    in_hall(place, StationSettings(), act)


def test_a_label_that_was_scanned_ahead_at_the_wrong_station_moves(place: Place) -> None:
    def act(hall: Hall, _helpers: dict[str, FakeHelper]) -> None:
        hall.scan(LABEL, "otto", "left")
        hall.scan(LABEL, "otto", "right")
        assert (hall.stations["left"].label, hall.stations["right"].label) == (None, LABEL)

    in_hall(place, StationSettings(), act)


def test_a_stations_name_that_is_scanned_in_another_ones_view_chooses_it(place: Place) -> None:
    def act(hall: Hall, _helpers: dict[str, FakeHelper]) -> None:
        assert hall.scan("right", "otto", "left").name == "right"
        assert hall.scan(LABEL, "otto", "left").name == "right"
        assert hall.scan("BR16S-24000002", "otto", "left").name == "left"

    in_hall(place, StationSettings(), act)


# -- golden unit and service -------------------------------------------------------------------------------------------


def test_a_station_that_fails_the_golden_unit_takes_itself_out_of_service(place: Place) -> None:
    assert place.work("NOT_FIRMWARE", label="GOLDEN-1") == states.OUT
    place.helper.present = False
    assert place.wait(30) == states.OUT
    assert place.station.why == "the golden unit came out as NOT_FIRMWARE"
    asyncio.run(place.station.set_service("", "eva"))
    assert place.wait() == states.EMPTY


def test_a_unit_that_is_still_there_when_the_station_is_back_in_service_is_scanned_again(place: Place) -> None:
    place.work("NOT_FIRMWARE", label="GOLDEN-1")
    asyncio.run(place.station.set_service("", "eva"))
    assert place.wait() == states.WAIT_LABEL
    assert place.station.label is None


def test_out_of_service_stays_so_through_a_restart(place: Place) -> None:
    place.work("NOT_FIRMWARE", label="GOLDEN-1")
    again = Station("one", place.helper, place.desk, place.told.append)
    place.station = again
    assert place.wait() == states.OUT
    assert again.why == "the golden unit came out as NOT_FIRMWARE"


def test_a_rail_that_has_drifted_on_the_golden_unit_fails_it(place: Place) -> None:
    rails = {"on": {"v3v3": {"mv": 3160, "min_mv": 3150, "max_mv": 3170}}}
    assert place.work("NO_FAULT_FOUND", label="GOLDEN-1", rails=rails) == states.OUT
    assert "v3v3" in place.station.why


def test_units_wait_while_the_golden_check_is_due(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    place = Place(store, StationSettings(golden="GOLDEN-1", golden_hours=8))
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    assert place.wait() == states.WAIT_LABEL
    assert place.station.why == "The golden unit comes first."
    place.remove()
    rails = {"on": {"v3v3": {"mv": 3300}}}
    assert place.work("NO_FAULT_FOUND", label="GOLDEN-1", rails=rails) == states.PASS
    place.remove()
    assert place.work("RECOVERED") == states.PASS
    store.close()


@pytest.mark.parametrize(("hours", "due"), [(0, False), (7, False), (9, True), (-24, True)])
def test_a_golden_check_is_good_for_a_shift_and_for_nothing_once_the_clock_went_backwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int, due: bool
) -> None:
    store = Store.open(sqlite_url(tmp_path))
    place = Place(store, StationSettings(golden="GOLDEN-1", golden_hours=8))
    rails = {"on": {"v3v3": {"mv": 3300}}}
    place.work("NO_FAULT_FOUND", label="GOLDEN-1", rails=rails)
    later = ledger.now() + timedelta(hours=hours)
    monkeypatch.setattr(ledger, "now", lambda: later)
    assert place.desk.golden_due("one") is due
    store.close()


# -- which job ---------------------------------------------------------------------------------------------------------


def test_the_rule_that_fits_brings_its_released_job_onto_the_card(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    place = Place(store, StationSettings(rules=(Rule("other", label="Z.*"), Rule("bms-1.2.0", board="pico"))))
    release = Releases(store, place.site).publish(default_card_files(), Person("eva", ENGINEER), allowance=1)
    assert place.work("RECOVERED") == states.PASS
    assert set(place.helper.card) == set(default_card_files())
    with store.read() as session:
        assert session.scalars(select(Attempt.release_id)).all() == [release.id]
    place.remove()
    place.helper.present = True
    place.wait()
    place.station.scan("BR16S-24000002", "otto")
    assert place.wait() == states.REMOVE
    assert "has recovered the 1 units it was released for" in place.station.why
    store.close()


def with_chip_rules(tmp_path: Path) -> tuple[Store, Place]:
    """Two released jobs, and rules that choose between them by the chip."""
    store = Store.open(sqlite_url(tmp_path))
    rules = (
        Rule("bms-1.1.0", label="OLD.*"),
        Rule("bms-1.2.0", chip="STM32H72[35]"),
        Rule("bms-1.1.0", chip="STM32H743", board="pico"),
    )
    place = Place(store, StationSettings(rules=rules))
    for version in ("1.1.0", "1.2.0"):
        Releases(store, place.site).publish(default_card_files(version), Person("eva", ENGINEER))
    return store, place


@pytest.mark.parametrize(("chip", "job"), [("STM32H725", "bms-1.2.0"), ("STM32H743", "bms-1.1.0"), ("STM32H7A3", None)])
def test_the_chip_that_answers_chooses_the_job(tmp_path: Path, chip: str, job: str | None) -> None:
    store, place = with_chip_rules(tmp_path)
    place.helper.chip = chip
    assert place.work("RECOVERED") == states.PASS
    assert (place.station.release.job if place.station.release else None) == job
    looked = [method for method in place.helper.asked if method.split(".")[0] in ("power", "target", "flash")]
    assert looked == ["power.sense", "power.on", "target.connect", "flash.info", "power.off"]
    store.close()


def test_no_chip_is_looked_at_for_a_rule_that_does_not_ask(tmp_path: Path) -> None:
    store, place = with_chip_rules(tmp_path)
    assert place.work("RECOVERED", label="OLD-1") == states.PASS
    assert place.station.release is not None
    assert place.station.release.job == "bms-1.1.0"
    assert "target.connect" not in place.helper.asked
    store.close()


def test_a_silent_chip_is_taken_for_the_one_that_the_label_had_before(tmp_path: Path) -> None:
    store, place = with_chip_rules(tmp_path)
    place.work("RECOVERED", unit={**sample()["unit"], "uid": "A" * 24})
    place.remove()
    place.helper.chip = None
    assert place.work("NOT_FIRMWARE") == states.FAIL
    assert place.station.release is not None
    assert place.station.release.job == "bms-1.2.0"
    place.remove()
    assert place.work("NOT_FIRMWARE", label="NEVER-SEEN") == states.FAIL
    assert place.station.release is None, "the job on the card finds out why it is silent"
    store.close()


def test_a_look_at_the_chip_that_is_stopped_begins_no_job(tmp_path: Path) -> None:
    store, place = with_chip_rules(tmp_path)
    place.helper.on_call["target.connect"] = LinkError("cancelled", "stopped on request")
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    assert place.wait() == states.REMOVE
    assert place.station.why == "No verdict: stopped on request."
    assert place.helper.asked.count("power.off") == 1
    assert place.helper.job_now is None
    store.close()


def test_somebody_elses_call_in_between_only_delays_the_look_at_the_chip(tmp_path: Path) -> None:
    store, place = with_chip_rules(tmp_path)
    place.helper.on_call["power.on"] = LinkError("busy", "another client is working with it")
    assert place.work("RECOVERED") == states.PASS
    store.close()


def test_a_rule_for_a_job_that_was_never_released_is_told(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    place = Place(store, StationSettings(rules=(Rule("secret"),)))
    place.helper.present = True
    place.wait()
    place.station.scan(LABEL, "otto")
    assert place.wait() == states.REMOVE
    assert "there is no released job secret" in place.station.why
    store.close()


def test_what_the_configuration_means_is_checked() -> None:
    settings = read_settings({"label": "A.*", "rules": [{"label": "A1", "job": "one"}, {"job": "two"}]})
    assert (settings.job_for("A1", "pico"), settings.job_for("A2", "pico")) == ("one", "two")
    for wrong in (
        {"lable": "x"},
        {"label": "("},
        {"rules": {}},
        {"rules": [{"label": "x"}]},
        {"rules": [{"job": "a", "chip": "("}]},
        {"settle_s": -1},
    ):
        with pytest.raises(UsageError):
            read_settings(wrong)


def test_who_started_what_is_in_the_audit_log(place: Place) -> None:
    place.work("RECOVERED")
    with place.desk.store.read() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.subject, entry.details) == ("otto", "started", LABEL, {"station": "one"})
