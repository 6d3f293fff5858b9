"""All views in German and Chinese: no text is missing, and a browser's language is heard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jinja2 import Environment
from jinja2.ext import babel_extract
from markupsafe import Markup, escape

from bmsrescue.config import Config
from bmsrescue.fleet import consents
from bmsrescue.fleet.accounts import SCOPES
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.line.filters import WORDS
from bmsrescue.fleet.queues import FAULTS, NAMES
from bmsrescue.fleet.records.firmware import BLANK, PART_OF
from bmsrescue.fleet.records.life import FIELDS
from bmsrescue.fleet.records.reading import PHASES
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.unit_life import DISPOSITIONS
from bmsrescue.fleet.web import languages
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.helper_words import in_language
from bmsrescue.fleet.web.languages import said_by_scripts, words
from bmsrescue.fleet.web.limit_words import LIMIT_WORDS, RAIL_WORDS
from bmsrescue.fleet.web.messages import filled, rewritten
from bmsrescue.fleet.web.people_words import KIND_WORDS, OUTCOME_WORDS, PHASE_WORDS, STEP_WORDS
from bmsrescue.fleet.web.rendering import NO_VERDICT
from fake_station import FakeHelper, NoHelpers

_WEB = Path(languages.__file__).parent
_PAGE = re.compile(r"""\bpage\(\s*request,\s*"[\w.]+",\s*(?:person|None),\s*f?"([^"{]+)""")  # up to the title
_ENTRY = re.compile(r"""\("/\w*", "([^"]+)"\)""")


def titles() -> set[str]:
    """Those of the views, as the code gives them ("Station" of "Station bench-2"), and the entries of the menu."""
    given = {title.strip() for path in _WEB.glob("*.py") for title in _PAGE.findall(path.read_text(encoding="utf-8"))}
    return given | set(_ENTRY.findall((_WEB / "templates" / "base.html").read_text(encoding="utf-8")))


_RANGES = ("today", "yesterday", "7 days", "30 days", "90 days")
_SECTORS = ("before", "after", "blank", "match", "differs", "torn", "unknown")
_VERDICTS = ("pass", "fail", "marginal")
_TABLES: tuple[Iterable[str], ...] = (
    *(titles(), _RANGES, _SECTORS, _VERDICTS, PHASES, DISPOSITIONS, FACES, FAULTS, NAMES, (NO_VERDICT,)),
    *(table.values() for table in (STEP_WORDS, OUTCOME_WORDS, PHASE_WORDS, KIND_WORDS)),
    *(table.values() for table in (RAIL_WORDS, WORDS, FIELDS, SCOPES)),
    consents.WORDS.values(),
    (PART_OF + "{0}", BLANK),
    [words for words, _unit in LIMIT_WORDS.values()],
    [unit for _words, unit in LIMIT_WORDS.values() if " " in unit],  # the others are symbols
    [face.advice for face in FACES.values()],
)
_THE_SAME = {"{0} - bmsrescue", "job.json", "Parquet"}  # in any language
_PLURAL = re.compile(r"[a-z]\{[0-9]\}(?= )|[a-z]\{[0-9]\}$")  # "line{1}": an s, which other languages have no use for


def asked_for() -> set[str]:
    """Every text that stands in a template, what they say through `_`, and what comes to it from tables."""
    found: set[str] = {text for table in _TABLES for text in table}
    for template in (_WEB / "templates").glob("*.html"):
        with template.open("rb") as file:
            found |= {
                text for _line, _name, text, _notes in babel_extract(file, ["_"], [], {}) if isinstance(text, str)
            }
        rewritten(template.read_text(encoding="utf-8"), found.add)
    return {text for text in found | said_by_scripts() if text}


@pytest.mark.parametrize("language", ["de", "zh"])
def test_a_catalogue_has_every_word_and_none_that_nobody_asks_for(language: str) -> None:
    asked, there = asked_for(), words(language)
    catalogue = f"host/bmsrescue/fleet/web/words/{language}.po"
    missing, idle = sorted(asked - set(there)), sorted(set(there) - asked)
    assert not missing, f"give these a msgid and a msgstr in {catalogue}: {missing}"
    assert not idle, f"nobody asks for these any more, take them out of {catalogue}: {idle}"
    for english, text in there.items():
        needed = set(re.findall(r"\{[0-9]?\}", _PLURAL.sub("", english)))
        assert needed <= set(re.findall(r"\{[0-9]?\}", text)) <= set(re.findall(r"\{[0-9]?\}", english)), english
        assert sorted(re.findall("<.*?>", text)) == sorted(re.findall("<.*?>", english)), english
    if language == "zh":
        plain = _THE_SAME | set(RAIL_WORDS.values())
        assert [
            text for english, text in there.items() if english not in plain and not re.search("[一-鿿]", text)
        ] == []


def test_a_text_of_a_template_is_a_message_with_its_expressions_in_their_places() -> None:
    found: list[str] = []
    source = (
        '<p title="All {{ n }} of it">You are {{ name | upper }}, {{ "in" if x else "well out" }} <b>now</b>.</p>'
        "<i>{{ n }}</i>"
    )
    made = rewritten(source, found.append)
    assert found == ["All {0} of it", "in", "well out", "You are {0}, {1} <b>now</b>."]
    environment = Environment(autoescape=True)
    german = {"All {0} of it": 'Alle "{0}"', "You are {0}, {1} <b>now</b>.": "<b>Jetzt</b> {1}: {0}"}
    environment.globals |= {
        "_": lambda text: text,
        "_m": lambda text, *more: Markup(filled(german[text], tuple(escape(one) for one in more))),
    }
    shown = environment.from_string(made).render(n="<3>", name="eva & co", x=False)
    assert shown == ('<p title="Alle "&lt;3&gt;""><b>Jetzt</b> well out: EVA &amp; CO</p><i>&lt;3&gt;</i>')


@pytest.mark.parametrize("template", sorted((_WEB / "templates").glob("*.html")), ids=lambda path: path.stem)
def test_no_text_is_handed_on_in_english(template: Path) -> None:
    """What goes through a macro or a table of an expression is no text that stands in the template."""
    made = rewritten(template.read_text(encoding="utf-8"), lambda _message: None)
    given = [
        found[2]
        for expression in re.findall(r"\{\{.*?\}\}", made, re.DOTALL)
        for found in re.finditer(r"""(?<!_\()(?<!_m\()(["'])([A-Z][a-z]+(?: [a-z]+)*)\1""", expression)
    ]
    assert not given, f'{template.name}: put these into _("..."): {given}'


@pytest.mark.parametrize("script", [name for name in languages.SCRIPTS if name != "words.js"])
def test_no_script_says_anything_in_english_only(script: str) -> None:
    source = (_WEB / "static" / script).read_text(encoding="utf-8")
    shown = re.findall(r"""(?:textContent = |\bsay\(|label: )["`]([^"`$]*[a-z]{2}[^"`]*)["`]""", source)
    assert [text for text in shown if text != "mV"] == [], "put these into said(...)"


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("core clock 80.0 MHz", "80,0 MHz"),
        ("3.3 V stays at 1.25 V", "1,25 V"),
        ("part of 1.2.0 s", "1.2.0 s"),
        ("agent 0.1.0", "0.1.0"),
        ("rev 1.2", "1.2"),
    ],
)
def test_a_measured_value_in_a_sentence_has_the_decimal_sign_of_its_language(english: str, german: str) -> None:
    assert german in in_language("de", english)
    assert in_language("zh", english).count(".") == english.count(".")


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
