"""An engineer decides on the page, in a real Chromium: accounts, releases, limits, consents; nobody else can."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.twin.rig import default_card_files
from page_server import Page, accessibility_faults, no_errors, until
from sealed_records import chain, sample

PASSWORD = "correct horse battery"
JOB = "bms-1.2.0"
VIEWS = (
    *("/", "/stations/left", "/units/1", "/accounts", "/units", "/attempts/h1/1", "/figures", "/releases"),
    *(f"/releases/{JOB}/1", f"/releases/{JOB}/2", "/audit", "/nowhere"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: WebDriver) -> Iterator[Page]:
    """One page for the whole module: its tests follow each other like a morning."""
    made = Page(tmp_path_factory.mktemp("decisions"))
    needs = sample()["diagnosis"] | {"cause": "rdp1", "needs": ["rdp-regression"], "ask": True}
    made.take(chain("h1", 3, diagnosis=needs, unit=sample()["unit"]))
    until(lambda: len(made.hall.stations) == 2, "no stations")
    yield made
    browser.get("about:blank")
    made.stop()


def text_of(browser: WebDriver) -> str:
    # In one go: the page may be loading anew.
    found: str = browser.execute_script("return (document.getElementById('content') || {innerText: ''}).innerText")
    return found


def fill(browser: WebDriver, **values: str) -> None:
    for name, value in values.items():
        field = browser.find_element(By.ID, name)
        field.clear() if field.get_attribute("type") != "file" else None
        field.send_keys(value)


def sees(browser: WebDriver, text: str) -> None:
    until(lambda: text in text_of(browser), f"{text!r} never shows")


def log_in(browser: WebDriver, served: Page, name: str) -> None:
    browser.delete_all_cookies()
    browser.get(served.url + "/login")
    fill(browser, name=name, password=PASSWORD + Keys.ENTER)
    until(lambda: browser.find_elements(By.ID, "wall"), "not logged in")


def test_the_first_account_is_made_on_the_page_and_logs_in(served: Page, browser: WebDriver) -> None:
    browser.get(served.url + "/accounts")
    fill(browser, name="eva", password=PASSWORD + Keys.ENTER)
    until(lambda: browser.current_url.endswith("/login"), "who has an account logs in")
    log_in(browser, served, "eva")
    mine = browser.find_element(By.CSS_SELECTOR, ".own summary")
    assert mine.text == "eva"
    mine.click()
    shown = browser.find_element(By.CLASS_NAME, "own").text.split("\n")
    assert {"engineer", "Accounts", "Audit log", "log out"} <= set(shown)


def test_accounts_of_others_are_made_and_a_token_is_shown_once(served: Page, browser: WebDriver) -> None:
    browser.get(served.url + "/accounts")
    fill(browser, name="vera", password=PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "#role option[value='viewer'], #role option:first-child").click()
    browser.find_element(By.ID, "name").send_keys(Keys.ENTER)
    sees(browser, "✔ The account is made.")
    browser.find_element(By.XPATH, "//summary[.='Change vera']").send_keys(Keys.ENTER)
    fill(browser, **{"account-2-purpose": "the wall's screen" + Keys.ENTER})
    token = until(lambda: browser.find_element(By.ID, "token-text").text, "no token")
    assert served.fleet.accounts.by_token(token).name == "vera"
    browser.get(served.url + "/accounts")
    sees(browser, "token for the wall's screen")
    assert token not in browser.page_source


def test_a_job_is_released_from_files_and_refused_in_words(served: Page, browser: WebDriver, tmp_path: Path) -> None:
    files = []
    for name, data in default_card_files().items():
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
    browser.get(served.url + "/releases")
    fill(browser, files=next(one for one in files if one.endswith("job.json")))
    browser.find_element(By.ID, "note").send_keys(Keys.ENTER)
    sees(browser, "bms-1.2.0.bin is missing on the card")
    browser.get(served.url + "/releases")
    fill(browser, files="\n".join(files), note="first lot", allowance="500" + Keys.ENTER)
    sees(browser, "✔ Released and in force.")
    sees(browser, "0 of 500 allowed")


def test_limits_are_changed_and_rolled_back_with_a_reason(served: Page, browser: WebDriver) -> None:
    browser.get(served.url + f"/releases/{JOB}/1")
    low = browser.find_element(By.NAME, "rails.v3v3.low_mv")
    low.clear()
    low.send_keys("3500")
    fill(browser, note="tighter" + Keys.ENTER)
    sees(browser, "limits.rails.v3v3")
    low.clear()
    low.send_keys("3200")
    low.send_keys(Keys.ENTER)
    sees(browser, "✔ Released with the new limits.")
    assert served.fleet.desk.releases.in_force(JOB).version == 2
    assert served.fleet.desk.releases.document(JOB, 2)["limits"]["rails"]["v3v3"]["low_mv"] == 3200
    browser.get(served.url + f"/releases/{JOB}/1")
    fill(browser, why="3.2 V was too much to ask" + Keys.ENTER)
    sees(browser, "✔ Version 1 is in force again.")
    browser.get(served.url + "/audit?q=rolled")
    sees(browser, "3.2 V was too much to ask")


def test_a_consent_is_typed_out_and_waits_on_the_units_page(served: Page, browser: WebDriver) -> None:
    browser.get(served.url + "/units/1")
    phrase = browser.find_element(By.ID, "phrase").text
    assert phrase.startswith("allow rdp-regression on ")
    fill(browser, why="the customer agreed", typed="allow everything" + Keys.ENTER)
    sees(browser, "the typed words differ")
    fill(browser, typed=phrase + Keys.ENTER)
    sees(browser, "waits for the next attempt")
    browser.find_element(By.XPATH, "//button[.='Withdraw']").send_keys(Keys.ENTER)
    sees(browser, "withdrawn by eva")


def test_both_displays_of_a_virtual_station_are_shown(served: Page, browser: WebDriver) -> None:
    browser.get(served.url + "/stations/left")
    assert "no wire of the fixture carries it" in text_of(browser)
    until(lambda: browser.find_element(By.ID, "link-state").text == "connected", "the events never came")
    served.hall.show_display("left", {"front": base64.b64encode(b"\xff" * 1024).decode()})
    served.hall.show_display("left", {"unit": ["PACK 52.8 V   SOC  61 %"]})
    served.hall.show_display("right", {"unit": ["PACK 11.1 V"]})
    sees(browser, "PACK 52.8 V")
    until(lambda: browser.find_element(By.ID, "front").is_displayed(), "no picture")
    browser.refresh()
    sees(browser, "PACK 52.8 V")
    assert "11.1" not in text_of(browser)


@pytest.mark.parametrize(("scheme", "views"), [("light", VIEWS), ("dark", VIEWS[:4])])
def test_each_view_passes_the_accessibility_check_and_fits_a_phone(
    served: Page, browser: WebDriver, scheme: str, views: tuple[str, ...]
) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    faults = {}
    for path in views:
        browser.get(served.url + path)
        for summary in browser.find_elements(By.TAG_NAME, "summary"):
            browser.execute_script("arguments[0].parentElement.open = true", summary)
        faults[path] = accessibility_faults(browser)
        if browser.execute_script("return document.documentElement.scrollWidth > innerWidth"):
            faults[path].append("wider than a phone")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert {path: found for path, found in faults.items() if found} == {}


def test_a_viewer_looks_and_is_told_whom_to_ask(served: Page, browser: WebDriver) -> None:
    log_in(browser, served, "vera")
    for path in ("/releases", f"/releases/{JOB}/1", "/units/1", "/stations/left"):
        browser.get(served.url + path)
        assert not browser.find_elements(By.CSS_SELECTOR, "form[data-send], [data-post], #scan-form"), path
    browser.get(served.url + "/audit")
    assert "✖ Vera is viewer; this takes an engineer." in text_of(browser)
    browser.get_log("browser")  # Chromium notes each answer that refuses
    browser.get(served.url + "/units/1")
    no_errors(browser)
