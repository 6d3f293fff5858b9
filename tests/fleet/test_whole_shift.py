"""A whole shift at four virtual stations, as the operator and the engineer see it in a real, headless Chromium."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.fleet.twin.mix import ComingUnit, coming_units
from virtual_hall import VirtualHall, running_hall, until

STATIONS = ("one", "two", "three", "four")
GOLDEN = "GOLDEN-1"
WORDS = {"eva": "eva's own words", "otto": "otto's own words"}
PASS_TONE, FAIL_TONE = 1320, 220
SETTINGS = f"""
[stations]
settle_s = 0.5
label = "BR16S-[0-9]{{8}}"
golden = "{GOLDEN}"
golden_hours = 8
"""
# Remembers each tone that the page would play: a headless browser has no loudspeaker.
_LISTEN = """
window.tones = [];
window.AudioContext = class {
  currentTime = 0;
  destination = {};
  createOscillator() {
    const frequency = {};
    return { frequency, connect() {}, stop() {}, start: () => window.tones.push(frequency.value) };
  }
};
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualHall]:
    with running_hall(tmp_path_factory.mktemp("shift"), STATIONS, SETTINGS) as running:
        yield running


@pytest.fixture
def listened(browser: WebDriver) -> Iterator[WebDriver]:
    """The browser, whose tones are remembered."""
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _LISTEN})
    yield browser
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


class Shift:
    """The operator, in front of two views: the wall, which stays open all the time, and the one at the desk."""

    def __init__(self, hall: VirtualHall, browser: WebDriver) -> None:
        self.hall = hall
        self.browser = browser
        pile, self._mix = coming_units(7), {}
        for _unit in range(200):
            unit = next(pile)
            self._mix.setdefault(unit.scenario.name, unit)
        browser.get(hall.url + "/")
        until(lambda: "/login" in browser.current_url, "the page shows itself to anybody")
        browser.find_element(By.ID, "name").send_keys("otto" + Keys.TAB + WORDS["otto"] + Keys.ENTER)
        until(lambda: browser.title.startswith("Stations"), "otto cannot log in")
        self._wall = browser.current_window_handle
        browser.switch_to.new_window("tab")
        self._desk = browser.current_window_handle
        browser.switch_to.window(self._wall)
        self._connected()
        browser.find_element(By.ID, "sound").send_keys(Keys.ENTER)
        self.first_event = self.seen("last") - self.seen("count")

    def unit(self, scenario: str) -> ComingUnit:
        """The first of its kind on the pile."""
        return self._mix[scenario]

    # -- at the wall ---------------------------------------------------------------------------------------------------

    def insert(self, station: str, unit: ComingUnit) -> None:
        self.hall.stations[station].insert(unit.scenario.name, unit.seed)
        self.shows(station, "wait for label")

    def scan(self, station: str, label: str) -> None:
        """The station's name first, then the label, as one does where several wait."""
        self._type(station)
        chosen = f"station {station}: now scan the label"
        until(lambda: self.message() == chosen, f"{station} was not chosen", self.message)
        self._type(label)
        until(lambda: self.message() == f"{label}: station {station}", f"{label} was not taken", self.message)

    def shows(self, station: str, state: str) -> None:
        """Until the wall shows it."""
        until(lambda: self.field(station, "state") == state, f"{station} never shows {state}", self.wall)

    def empty(self, station: str) -> None:
        self.hall.stations[station].remove()
        self.shows(station, "empty")

    def field(self, station: str, name: str) -> str:
        script = "return document.querySelector(`[data-card='${arguments[0]}'] [data-field='${arguments[1]}']`)"
        found: str = self.browser.execute_script(script + "?.textContent.trim() || ''", station, name)
        return found

    def wall(self) -> str:
        return self.browser.find_element(By.ID, "wall").text

    def message(self) -> str:
        return self.browser.find_element(By.ID, "message").text

    def seen(self, what: str) -> int:
        """Of the events that came to the wall: "last", "lost", "count"."""
        number: int = self.browser.execute_script("return window.seenEvents[arguments[0]]", what)
        return number

    # -- at the desk ---------------------------------------------------------------------------------------------------

    @contextmanager
    def at_the_desk(self, path: str) -> Iterator[None]:
        self.browser.switch_to.window(self._desk)
        self.browser.get(self.hall.url + path)
        self._connected()
        yield
        self.browser.switch_to.window(self._wall)

    def press(self, button: str) -> str:
        """A button of a station's view, by keyboard; returns what the page says to it."""
        before = self.message()
        self.browser.find_element(By.XPATH, f"//button[.='{button}']").send_keys(Keys.ENTER)
        until(lambda: self.message() not in ("", before), f"nothing comes of {button}")
        return self.message()

    def text(self) -> str:
        return self.browser.find_element(By.ID, "content").text

    def _type(self, text: str) -> None:
        webdriver.ActionChains(self.browser).send_keys(text + Keys.ENTER).perform()

    def _connected(self) -> None:
        until(lambda: self.browser.find_element(By.ID, "link-state").text == "connected", "the events never came")


@pytest.fixture(scope="module")
def engineer(hall: VirtualHall) -> Iterator[httpx.Client]:
    """The session of the engineer, who has made both accounts."""
    with httpx.Client(base_url=hall.url, timeout=60) as client:
        until(lambda: len(client.get("/api/fleet/stations").json()) == len(STATIONS), "a station is missing")
        for name, role in (("eva", "engineer"), ("otto", "operator")):
            account = {"name": name, "role": role, "password": WORDS[name]}
            assert client.post("/api/fleet/accounts", json=account).status_code == 201
            if name == "eva":
                assert client.post("/login", data={"name": name, "password": WORDS[name]}).status_code == 303
        yield client


@pytest.mark.timeout(600)
def test_a_shift_from_the_golden_checks_to_the_figures(
    hall: VirtualHall, listened: WebDriver, engineer: httpx.Client
) -> None:
    shift = Shift(hall, listened)
    for station in STATIONS:
        shift.shows(station, "empty")
    the_golden_unit_comes_first(shift)
    a_station_that_fails_it_is_put_back_by_the_engineer(shift, engineer)
    four_units_at_once(shift)
    a_retest(shift)
    pause_resume_abort(shift, engineer)
    the_histories_and_the_figures(shift, engineer)
    no_event_was_lost(shift, engineer)
    assert hall.complaints() == ""


def the_golden_unit_comes_first(shift: Shift) -> None:
    unit, golden = shift.unit("half-on"), shift.unit("healthy")
    shift.insert("one", unit)
    shift.scan("one", unit.label)
    until(lambda: shift.field("one", "why") == "The golden unit comes first.", "a unit was taken before the golden one")
    shift.empty("one")
    for station in ("one", "two", "three"):
        shift.insert(station, golden)
        shift.scan(station, GOLDEN)
        shift.shows(station, "PASS")
        shift.empty(station)


def a_station_that_fails_it_is_put_back_by_the_engineer(shift: Shift, engineer: httpx.Client) -> None:
    shift.insert("four", shift.unit("held-in-reset"))
    shift.scan("four", GOLDEN)
    shift.shows("four", "out of service")
    assert shift.field("four", "why") == "the golden unit came out as NOT_FIRMWARE"
    with shift.at_the_desk("/stations/four"):
        assert shift.browser.find_elements(By.XPATH, "//button[.='In service']") == [], "that is not an operator's"
    assert engineer.post("/api/fleet/stations/four/service", json={"why": ""}).is_success
    shift.shows("four", "wait for label")
    shift.empty("four")
    shift.insert("four", shift.unit("healthy"))
    shift.scan("four", GOLDEN)
    shift.shows("four", "PASS")
    shift.empty("four")


def four_units_at_once(shift: Shift) -> None:
    """A cure, a fault of the hardware, one that is pulled out in the middle, and one with nothing wrong."""
    kinds = {"one": "half-on", "three": "lockup", "two": "short-3v3", "four": "display-only"}
    pulled = shift.unit(kinds["three"])
    shift.hall.stations["three"].pull_in("backup")
    for station, kind in kinds.items():
        shift.insert(station, shift.unit(kind))
        shift.scan(station, shift.unit(kind).label)
    shift.shows("two", "FAIL")
    assert "a short on 3.3 V" in shift.field("two", "sentence")
    shift.shows("four", "PASS")
    shift.shows("three", "empty")
    assert shift.field("three", "why") == f"{pulled.label} was taken out in the middle: it has to be done again."
    shift.insert("three", pulled)
    shift.scan("three", pulled.label)
    shift.shows("one", "PASS")
    shift.shows("three", "PASS")
    tones = shift.browser.execute_script("return window.tones")
    assert (PASS_TONE in tones, FAIL_TONE in tones) == (True, True)
    for station in ("one", "three", "four"):
        shift.empty(station)


def a_retest(shift: Shift) -> None:
    with shift.at_the_desk("/stations/two"):
        assert shift.press("Retest") == "Retest: done"
    until(lambda: shift.field("two", "tally") == "1 PASS, 2 FAIL", "it was not tried again")
    shift.empty("two")


def pause_resume_abort(shift: Shift, engineer: httpx.Client) -> None:
    def state() -> str:
        told: str = engineer.get("/api/fleet/stations/two").json()["state"]
        return told

    unit = shift.unit("bad-vectors")
    with shift.at_the_desk("/stations/two"):
        assert shift.press("Pause") == "Pause: done"
        shift.insert("two", unit)
        shift.scan("two", unit.label)
        assert engineer.get("/api/fleet/stations/two").json()["paused"]
        assert state() == "wait for label"
        assert shift.press("Resume") == "Resume: done"
        until(lambda: state() == "working", "it is not resumed")
        assert shift.press("Abort") == "Abort: done"
    until(lambda: state() in ("remove unit", "FAIL"), "it is not aborted")
    told = engineer.get("/api/fleet/stations/two").json()
    assert told["result"]["outcome"] in ("ABORTED", "INTERRUPTED")
    shift.empty("two")


def the_histories_and_the_figures(shift: Shift, engineer: httpx.Client) -> None:
    pulled = shift.unit("lockup")
    with shift.at_the_desk(f"/units?q={pulled.label}"):
        history = shift.text()
        assert history.count("helper-three") == 2, history
        shift.browser.find_element(By.PARTIAL_LINK_TEXT, "helper-three").click()
        until(lambda: shift.browser.title.startswith("Attempt helper-three"), "the report does not open")
        assert pulled.label in shift.text()
        assert "RECOVERED" in shift.text()
    lines = [json.loads(line) for line in engineer.get("/api/fleet/export.jsonl").text.splitlines()]
    assert sum(line["taken_out"] for line in lines) == 1
    outcomes = Counter(line["outcome"] for line in lines)
    assert outcomes.pop("ABORTED", 0) + outcomes.pop("INTERRUPTED", 0) == 1
    assert outcomes["NO_FAULT_FOUND"] == 5
    assert outcomes["RECOVERED"] == 2
    assert outcomes.total() == 11
    with shift.at_the_desk("/figures"):
        figures = shift.text()
        for outcome, count in Counter(line["outcome"] for line in lines if not line["taken_out"]).items():
            assert f"{outcome} {count}" in figures
    audited = engineer.get("/api/fleet/audit").json()
    assert "taken out in work" in str(audited)


def no_event_was_lost(shift: Shift, engineer: httpx.Client) -> None:
    last = engineer.get("/api/about").json()["event"]
    until(lambda: shift.seen("last") >= last, "the wall does not follow")
    assert shift.seen("lost") == 0
    assert shift.seen("last") - shift.seen("count") == shift.first_event, "each came once"
    assert shift.seen("count") > 300
