"""The operator's views in German and Chinese: no word is missing, and a browser's language is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jinja2.ext import babel_extract

from bmsrescue.config import Config
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web import languages
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.languages import words
from bmsrescue.fleet.web.people_words import STEP_WORDS
from fake_station import FakeHelper, NoHelpers

_WEB = Path(languages.__file__).parent
_MENU = ("Stations", "Line", "Units", "Figures", "Releases", "Backups", "Health", "Accounts", "Audit log", "Benches")


def asked_for() -> set[str]:
    """What templates say through `_`, found by Jinja's own extractor, and what comes to it from tables."""
    found: set[str] = set(_MENU)
    for template in (_WEB / "templates").glob("*.html"):
        with template.open("rb") as file:
            found |= {
                text for _line, _name, text, _notes in babel_extract(file, ["_"], [], {}) if isinstance(text, str)
            }
    script = (_WEB / "static" / "page.js").read_text(encoding="utf-8")
    found |= set(re.findall(r'said\("([^"]+)"\)', script))
    return found | set(FACES) | {face.advice for face in FACES.values()} | set(STEP_WORDS.values())


@pytest.mark.parametrize("language", ["de", "zh"])
def test_a_catalogue_has_every_word_and_none_that_nobody_asks_for(language: str) -> None:
    asked, there = asked_for(), words(language)
    assert asked - set(there) == set()
    assert set(there) - asked == set()
    assert all(text.count("{}") == english.count("{}") for english, text in there.items())
    if language == "zh":
        assert all(re.search("[一-鿿]", text) for text in there.values())


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    fleet = Fleet(Config(), tmp_path)
    connected = NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    station = hall.stations["one"] = Station("one", FakeHelper("one"), fleet.desk, hall._tell)
    station.state = "wait for label"
    yield TestClient(create_page(fleet, hall, connected.events), client=("127.0.0.1", 50000))
    fleet.store.close()


@pytest.mark.parametrize(
    ("asked", "language", "state", "advice"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "wartet auf Etikett", "Etikett der Einheit scannen."),
        ("zh-CN", "zh", "等待标签", "请扫描单元标签。"),
        ("fr,en;q=0.3", "en", "wait for label", "Scan the unit&#39;s label."),
        ("", "en", "wait for label", "Scan the unit&#39;s label."),
        (";;,,*" * 50, "en", "wait for label", "Scan the unit&#39;s label."),
    ],
)
def test_a_browsers_language_is_heard(client: TestClient, asked: str, language: str, state: str, advice: str) -> None:
    wall = client.get("/", headers={"Accept-Language": asked}).text
    assert f'<html lang="{language}">' in wall
    assert f'data-field="state">{state}</strong>' in wall
    assert 'data-state="wait for label"' in wall, "colours go by the English name"
    assert advice in client.get("/stations/one", headers={"Accept-Language": asked}).text


def test_a_choice_counts_more_than_the_browser(client: TestClient) -> None:
    client.cookies.set(languages.COOKIE, "zh")
    assert '<html lang="zh">' in client.get("/", headers={"Accept-Language": "de"}).text
    client.cookies.set(languages.COOKIE, "../../etc")
    assert '<html lang="de">' in client.get("/", headers={"Accept-Language": "de"}).text
