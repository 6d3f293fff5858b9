"""What helpers say in their records is in German and Chinese, too: each sentence of the agent has its translation."""

from __future__ import annotations

import ast
import json
import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bmsrescue.config import Config
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.catalogues import read
from bmsrescue.fleet.web.helper_words import in_language, message_of, said
from bmsrescue.fleet.web.people_words import cause_words
from fake_station import FakeHelper, NoHelpers
from helper_sentences import sentences
from repository import ROOT
from rescuelink import causes_supply
from rescuelink.outcomes import OUTCOMES
from sealed_records import chain

_RECORD = Path(__file__).parent / "data" / "half-on.json"
_END = re.compile(r"(?<=[.?!]) |(?<=^\{0\}) ?(?=[A-Z])|(?<=[.] \{0\})")


def parts(message: str) -> list[str]:
    """The sentences that a message is put together of; a value alone is none."""
    return [part for part in map(str.strip, _END.split(message)) if part and not re.fullmatch(r"\{[0-9]\}", part)]


def renumbered(message: str) -> str:
    """As it stands by itself: its values from 0 on."""
    return message_of(re.sub(r"\{([0-9])\}", r"{v\1}", message))


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_sentence_of_the_agent_has_its_translation(language: str) -> None:
    there, asked = read(f"helper.{language}"), sentences()
    assert len(asked) > 600, "or they are not found any more"
    missing = [
        f"{message}  ({place})"
        for message, place in asked.items()
        if message not in there and not all(renumbered(part) in there for part in parts(message))
    ]
    catalogue = f"host/bmsrescue/fleet/web/words/helper.{language}.po"
    assert not missing, "\n".join([f"give these a msgid and a msgstr in {catalogue}:", *missing])
    # What no agent says any more stays: records from before say it.
    for english, text in there.items():
        values = re.compile(r"\{[0-9]\}")
        assert set(values.findall(text)) == set(values.findall(english)), english
        if language == "zh" and re.search("[a-z]{5}", english):
            assert re.search("[一-鿿]", text), english


@pytest.mark.parametrize("language", ["de", "zh"])
def test_what_a_station_says_on_the_wall_has_its_translation(language: str) -> None:
    """Reasons, notes and refused scans, out of the source: each text of several words that ends up on a card."""
    said_there = [
        text
        for name in ("station", "desk", "who", "settings")
        for text in _shown(ROOT / f"host/bmsrescue/fleet/stations/{name}.py")
    ]
    assert len(said_there) > 20, "or they are not found any more"
    assert [text for text in said_there if in_language(language, text) == text] == []


def _shown(file: Path) -> list[str]:
    """What is entered as a state's reason, noted, or returned as a sentence; values are X1."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        texts: list[ast.expr] = []
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_enter":
            texts = node.args[1:]
        elif isinstance(node, ast.Return) and node.value is not None:
            texts = list(node.value.elts) if isinstance(node.value, ast.Tuple) else [node.value]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") in ("why", "_left", "note"):
            texts = [node.value]
        for text in texts:
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            words = "".join(
                one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "X1" for one in parts
            )
            words = re.sub("^X1 (?=[A-Z])", "", words)  # a sentence that is told elsewhere, before this one
            if len(re.findall("[a-z]{2}", words)) >= 3 and words.count(" ") >= 2:
                found.append(words)
    return found


def test_rails_have_the_names_that_people_use() -> None:
    raw = "v3v3 dipped while the unit was powered (0 mV): brown-out. Power was cut."
    assert in_language("en", raw) == raw.replace("v3v3", "3.3 V")
    assert in_language("de", raw).startswith("3,3 V ist eingebrochen")
    assert in_language("en", "See `v12` in limits.rails_mv.v12, not vcap.") == (
        "See `v12` in limits.rails_mv.v12, not VCAP."
    )


def test_a_template_has_its_values_by_number() -> None:
    assert message_of("{rail} at {mv} mV: {rail} of %s, %d in 0x%08x, %.1f.") == (
        "{0} at {1} mV: {0} of {2}, {3} in 0x{4}, {5}."
    )


@pytest.mark.parametrize(
    ("english", "german", "chinese"),
    [
        (
            "A firmware update was cut: the start of the application is erased, the rest is there.",
            "Ein Firmware-Update wurde unterbrochen: Der Anfang der Anwendung ist gelöscht, der Rest ist da.",
            "固件更新被中断：应用程序开头已擦除，其余仍在。",
        ),
        (  # a value that is a sentence of its own, in which another one is
            "The firmware matches the image but the core is stuck in a loop of 3 instructions at 0x08000400.",
            "Die Firmware entspricht dem Image, aber der Kern hängt in einer Schleife von 3 Befehlen an 0x08000400.",
            "固件与映像一致，但内核卡在0x08000400 处 3 条指令的循环。",
        ),
        (  # an error: the step, where, and what to do
            "Act: flash does not hold what was written at 0x08012300. Use another card.",
            "Schreibt den Flash: der Flash enthält nicht, was geschrieben wurde (0x08012300). "
            "Eine andere Karte nehmen.",
            "写入闪存：闪存内容与写入不符 (0x08012300)。换一张卡。",
        ),
        (  # several sentences, the second of them nobody knows
            "Write the image. Ask Otto. Nothing was written.",
            "Das Image schreiben. Ask Otto. Nothing was written.",
            "写入映像。Ask Otto. Nothing was written.",
        ),
        (
            "B+ reads 10 mV with the unit's button held, 3 mV without",
            "B+ hat 10 mV bei gehaltenem Knopf der Einheit, 3 mV ohne",
            "按住单元按钮时 B+ 读数为 10 mV，不按时 3 mV",
        ),
        ("sector 0 blank, 1 match", "Sektor 0 leer, 1 gleich", "扇区 0 空白, 1 一致"),
        ("", "", ""),
        ("nobody has ever said this", "nobody has ever said this", "nobody has ever said this"),
    ],
)
def test_a_sentence_is_told_in_the_language(english: str, german: str, chinese: str) -> None:
    assert in_language("en", english) == english
    assert in_language("de", english) == german
    assert in_language("zh", english) == chinese


def test_a_template_that_is_filled_is_known_again() -> None:
    for _name, sentence, next_step, _outcome in causes_supply.TABLE:
        for template in (sentence, next_step):
            filled = re.sub(r"\{\w+\}", "X1", template)
            assert in_language("de", filled) != filled, f"words/helper.de.po does not have: {template}"
    for one in OUTCOMES.values():
        assert in_language("zh", one.sentence) == read("helper.zh")[one.sentence]


def test_what_a_real_record_says_is_told() -> None:
    record = json.loads(_RECORD.read_text())
    told = in_language("de", record["diagnosis"]["sentence"])
    assert told.startswith("Ein Firmware-Update")
    assert [in_language("de", line) for line in record["plan"][1:4]] == [
        "lösche und schreibe Sektor 2 (anders)",
        "Sektor 0 (leer) schreiben",
        "das erste Flash-Wort an 0x08000000 zuletzt schreiben",
    ]


def test_a_forged_record_costs_no_more_than_a_moment() -> None:
    began = time.process_time()
    for text in ("a. " * 200, "x" * 600, "{0} " * 150, "sector 1 " * 66, "." * 600, "not read: " * 60):
        assert in_language("de", text)
    assert time.process_time() - began < 2
    assert in_language("de", "y. " * 5000) == "y. " * 5000


def test_the_wall_and_the_report_say_it_in_the_persons_language(tmp_path: Path) -> None:
    fleet = Fleet(Config(), tmp_path)
    with fleet.store.write() as session:
        bench = ledger.own_site(session)
        LineTaker("card", IMPORT).take(session, bench, chain("pocket", 1))
        sha256 = session.scalars(select(Attempt.sha256)).one()
    connected = NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    station = hall.stations["one"] = Station("one", FakeHelper("one"), fleet.desk, hall._tell)
    station.why = "Power was cut."
    client = TestClient(create_page(fleet, hall, connected.events), client=("127.0.0.1", 50000))
    german = {"Accept-Language": "de"}
    for path in ("/", "/stations/one"):
        assert "Die Versorgung wurde abgeschaltet." in client.get(path, headers=german).text
    report = client.get(f"/attempts/{sha256}", headers=german).text
    assert "Ein Firmware-Update wurde unterbrochen" in report
    assert "Startsektor 0 ist gelöscht" in report
    assert "A firmware update was cut" in client.get(f"/attempts/{sha256}").text
    # For programs it stays as the record says it, unless they ask.
    assert client.get("/api/fleet/stations").json()[0]["why"] == "Power was cut."
    assert client.get("/api/fleet/stations?language=zh").json()[0]["why"] == "已断电。"
    fleet.store.close()


def test_an_events_sentences_are_told_and_all_else_stays() -> None:
    event = {"sentence": "Write the image.", "cause": "blank", "lines": ["erase sector 3", 7], "n": 1}
    assert said(event, "de") == {
        "sentence": "Das Image schreiben.",
        "cause": "blank",
        "lines": ["Sektor 3 löschen", 7],
        "n": 1,
    }
    assert said({"result": {"sentence": "Write the image."}, "why": None}, "zh") == {
        "result": {"sentence": "写入映像。"},
        "why": None,
    }
    assert said(event, "en") == event
    assert said(None, "de") is None


def test_causes_are_called_what_the_dongle_calls_them() -> None:
    assert [cause_words("update-cut", language) for language in ("en", "de", "zh")] == [
        "update was cut short",
        "Update brach ab",
        in_words("zh", "cause.update-cut"),
    ]
    assert cause_words("a-cause-of-tomorrow", "de") == "a cause of tomorrow"


def in_words(language: str, key: str) -> str:
    rows = (ROOT / f"device/words/{language}.txt").read_text(encoding="utf-8").splitlines()
    return next(row.removeprefix(f"{key} = ") for row in rows if row.startswith(f"{key} = "))
