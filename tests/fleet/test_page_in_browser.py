"""The page in a real, headless Chromium: what an operator sees, hears of, and does with a scanner and a keyboard."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.fleet.web.languages import COOKIE, LANGUAGES
from page_server import (
    PATIENCE_S,
    Page,
    accessibility_faults,
    card,
    connected,
    no_errors,
    shows,
    type_like_a_scanner,
    until,
)
from sealed_records import chain

_LABEL = "BR16S-24000001"
_PASSWORD = "correct horse battery"


@pytest.fixture
def page(tmp_path: Path, browser: WebDriver) -> Iterator[Page]:
    browser.get_log("browser")  # what an earlier test left
    made = Page(tmp_path)
    yield made
    browser.get("about:blank")
    made.stop()


def test_a_unit_from_insertion_to_removal_as_the_wall_shows_it(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    shows(browser, "left", "empty")
    page.helper("left").present = True
    shows(browser, "left", "wait for label")
    type_like_a_scanner(browser, _LABEL)
    shows(browser, "left", "working")
    assert card(browser, "left")["label"] == _LABEL
    page.helper("left").end_job("RECOVERED")
    shows(browser, "left", "PASS")
    shown = card(browser, "left")
    assert (shown["symbol"], shown["tally"]) == ("✔", "1 PASS, 0 FAIL")
    colour = browser.execute_script("return document.querySelector('[data-card=left]').dataset.colour")
    assert colour == "green"
    page.helper("left").present = False
    shows(browser, "left", "empty")
    assert browser.find_element(By.ID, "lost").text == "0"
    no_errors(browser)


def test_a_scanner_types_into_any_view_and_names_the_station_when_two_wait(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url + "/figures")
    page.helper("left").present = page.helper("right").present = True
    until(lambda: {one.state for one in page.hall.stations.values()} == {"wait for label"}, "nobody waits")
    message = browser.find_element(By.ID, "message")
    type_like_a_scanner(browser, _LABEL)
    until(lambda: "several stations wait" in message.text.lower(), "no refusal")
    type_like_a_scanner(browser, "right")
    until(lambda: "scan the label" in message.text, "the station was not chosen")
    type_like_a_scanner(browser, _LABEL)
    until(lambda: message.text == f"{_LABEL}: station right", "the label was not taken")
    until(lambda: page.hall.stations["right"].state == "working", "it never began")
    page.helper("right").end_job("NOT_FIRMWARE")


def test_script_scanned_as_a_label_is_text(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    page.helper("left").present = True
    shows(browser, "left", "wait for label")
    script = "<img src=x onerror=document.title=1>"
    type_like_a_scanner(browser, script)
    shows(browser, "left", "working")
    assert card(browser, "left")["label"] == script
    page.helper("left").end_job("RECOVERED")
    shows(browser, "left", "PASS")
    browser.get(page.url + "/units/1")
    assert script in browser.find_element(By.ID, "content").text
    assert browser.title == "Unit - bmsrescue"


def test_a_station_is_worked_with_the_keyboard_alone(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    shows(browser, "left", "empty")
    for _tab in range(20):
        webdriver.ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element.get_attribute("data-card") == "left":
            break
    webdriver.ActionChains(browser).send_keys(Keys.ENTER).perform()
    until(lambda: browser.title.startswith("Station left"), "the card did not open")
    pause = browser.find_element(By.XPATH, "//button[.='Pause']")
    pause.send_keys(Keys.SPACE)
    until(lambda: page.hall.stations["left"].paused, "it was not paused")
    browser.find_element(By.XPATH, "//button[.='Abort']").send_keys(Keys.ENTER)
    until(lambda: "station left is empty" in browser.find_element(By.ID, "message").text.lower(), "no refusal")


def test_a_unit_whose_configuration_is_to_be_checked_is_no_green_one(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    page.helper("left").present = True
    shows(browser, "left", "wait for label")
    type_like_a_scanner(browser, _LABEL)
    shows(browser, "left", "working")
    sentence = "The unit runs again; its configuration must be checked."
    page.helper("left").end_job("RECOVERED_CHECK_CONFIG", sentence=sentence)
    shows(browser, "left", "CHECK CONFIG")
    shown = card(browser, "left")
    assert shown["symbol"] == "⚠"
    assert shown["sentence"] == sentence, "not what was wrong before"
    assert shown["tally"] == "0 PASS, 1 CHECK CONFIG, 0 FAIL"
    background = "return getComputedStyle(document.querySelector('[data-card=left]')).backgroundColor"
    assert browser.execute_script(background) == "rgb(242, 178, 0)"
    assert accessibility_faults(browser) == []
    browser.get(page.url + "/units/1")
    assert "CHECK CONFIG" in browser.find_element(By.CSS_SELECTOR, "td.CHECK-CONFIG").text


def test_a_wall_whose_daemon_is_gone_is_grey_and_says_since_when(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    page.helper("left").present = True
    shows(browser, "left", "wait for label")
    type_like_a_scanner(browser, _LABEL)
    shows(browser, "left", "working")
    page.helper("left").end_job("RECOVERED")
    shows(browser, "left", "PASS")
    page.stop()
    stale = browser.find_element(By.ID, "stale")
    until(lambda: stale.text.startswith("Not up to date since "), "it stays green")
    background = "return getComputedStyle(document.querySelector('[data-card=left]')).backgroundColor"
    assert browser.execute_script(background) == "rgb(77, 77, 77)"
    assert accessibility_faults(browser) == []


def test_a_wall_whose_session_is_gone_leads_to_the_log_in(page: Page, browser: WebDriver) -> None:
    """As after a restart of the daemon: the sessions that it had are not known to it."""
    page.fleet.accounts.add("eva", "engineer", "correct horse battery", "bench")
    browser.get(page.url + "/login")
    browser.find_element(By.NAME, "name").send_keys("eva")
    browser.find_element(By.NAME, "password").send_keys("correct horse battery" + Keys.ENTER)
    until(lambda: browser.find_elements(By.ID, "link-state"), "no log-in")
    until(lambda: browser.find_element(By.ID, "link-state").text == "connected", "the events never came")
    page.access.sessions.end_all()
    page.drop_streams()
    until(lambda: browser.current_url.endswith("/login"), "it stays where it was")
    browser.delete_all_cookies()


def test_the_page_finds_its_way_back_when_the_events_were_cut(page: Page, browser: WebDriver) -> None:
    connected(browser, page.url)
    shows(browser, "left", "empty")
    browser.execute_cdp_cmd("Network.enable", {})
    for offline in (True, False):
        values = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", values)
        if offline:
            page.helper("left").present = True
            until(lambda: page.hall.stations["left"].state == "wait for label", "it never settled")
    shows(browser, "left", "wait for label")
    assert browser.execute_script("return window.seenEvents.lost") == 0


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/stations/left",
        "/units",
        "/units/1",
        "/attempts/h1/1",
        "/figures",
        "/line",
        "/attempts",
        "/login",
        "/quarantine",
        "/password",
    ],
)
def test_each_view_passes_the_accessibility_check(page: Page, browser: WebDriver, path: str) -> None:
    page.take(chain("h1", 3))
    until(lambda: len(page.hall.stations) == 2, "no stations")
    browser.get(page.url + path)
    assert accessibility_faults(browser) == []
    no_errors(browser)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_engineers_header_is_one_row_on_a_common_screen(page: Page, browser: WebDriver, language: str) -> None:
    size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(page.url + "/login")
        browser.add_cookie({"name": COOKIE, "value": language})
        browser.get(page.url + "/figures")
        measured = "return [document.querySelector('header').offsetHeight, document.documentElement.scrollWidth]"
        before = browser.execute_script(measured)
        page.fleet.accounts.add("annegret", "engineer", _PASSWORD, "bench")
        browser.get(page.url + "/login")
        browser.find_element(By.ID, "name").send_keys("annegret")
        browser.find_element(By.ID, "password").send_keys(_PASSWORD + Keys.ENTER)
        until(lambda: browser.find_elements(By.ID, "wall"), "not logged in")
        for height, width in (before, browser.execute_script(measured)):
            assert height < 60 and width <= 1280
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.delete_all_cookies()


@pytest.mark.parametrize("inches", [(8.27, 11.69), (8.5, 11.0)], ids=["A4", "Letter"])
def test_a_report_prints_on_two_pages(page: Page, browser: WebDriver, inches: tuple[float, float]) -> None:
    page.take(chain("h1", 25, previous=""))  # enough good units for a report beside them
    browser.get(page.url + "/attempts/h1/1")
    until(lambda: "being looked up" not in browser.page_source, "good units never came")
    paper = {"paperWidth": inches[0], "paperHeight": inches[1], "preferCSSPageSize": True, "printBackground": True}
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 2


def test_what_stands_side_by_side_on_a_screen_does_not_overlap_in_print(page: Page, browser: WebDriver) -> None:
    page.take(chain("h1", 3))
    browser.get(page.url + "/line")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        wider = browser.execute_script(
            "return [...document.querySelectorAll('main .wide')].filter("
            "one => one.scrollWidth > one.clientWidth + 1).map(one => one.getAttribute('aria-label'))"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert wider == []


# -- a shift with virtual stations -------------------------------------------------------------------------------------


@pytest.fixture
def shift(tmp_path: Path, browser: WebDriver) -> Iterator[str]:
    """`bmsrescue serve --twin 2`, as a person starts it."""
    browser.get_log("browser")
    environment = {**os.environ, "BMSRESCUE_DATA": str(tmp_path), "BMSRESCUE_CONFIG": str(tmp_path / "none.toml")}
    command = [sys.executable, "-c", "from bmsrescue.cli import main; main()"]
    with subprocess.Popen(
        [*command, "serve", "--port", "0", "--twin", "2", "--seed", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("listening: ").strip()
        browser.get("about:blank")
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_a_shift_of_virtual_stations_runs_by_itself_and_no_event_is_lost(shift: str, browser: WebDriver) -> None:
    connected(browser, shift)

    def finished() -> int:
        stations = httpx.get(shift + "/api/fleet/stations").json()
        return sum(sum(station["counts"].values()) for station in stations)

    deadline = time.monotonic() + 4 * PATIENCE_S
    while finished() < 2:
        assert time.monotonic() < deadline, httpx.get(shift + "/api/fleet/stations").text
        time.sleep(0.5)
    seen = browser.execute_script("return window.seenEvents")
    last = httpx.get(shift + "/api/about").json()["event"]
    until(lambda: browser.execute_script("return window.seenEvents.last") >= last, "the browser does not follow")
    assert browser.execute_script("return window.seenEvents.lost") == 0
    assert seen["count"] > 20
    lines = httpx.get(shift + "/api/fleet/export.jsonl").text.splitlines()
    assert len(lines) >= 2
    browser.get(shift + "/figures")
    until(lambda: browser.find_elements(By.XPATH, "//h2[.='Rails in the proof, by station']"), "the rails never came")
    ActionChains(browser).move_to_element(
        browser.find_element(By.CSS_SELECTOR, "#yield-plot .u-over")
    ).click().perform()
    until(lambda: "/attempts?from=" in browser.current_url, "a week's point leads nowhere")
    assert browser.find_elements(By.CSS_SELECTOR, "tbody a[href^='/attempts/']"), "its attempts"
    no_errors(browser)
