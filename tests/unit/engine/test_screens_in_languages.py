"""The dongle's texts in every language: each is there, each fits, and the pictures that are kept are what is drawn."""

from __future__ import annotations

import ast
import re
import struct
from pathlib import Path
from typing import Any, TypeGuard

import pytest

from bmsrescue.agent import choose_glyphs, words
from bmsrescue.agent.files import device_dir
from bmsrescue.twin.face import sheets
from repository import ROOT
from rescuelink.diagnoses import all_causes
from rescuelink.outcomes import OUTCOMES

LANGUAGES = words.languages()
FRONT = device_dir() / "rescue" / "front"
SCRIPT = ROOT / "host" / "bmsrescue" / "twin" / "face" / "micropython" / "draw_screens.py"


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def drawn(language: str) -> dict[str, Any]:
    return sheets.drawn(language)


def test_english_german_and_chinese_are_there() -> None:
    assert set(LANGUAGES) >= {"en", "de", "zh"}


def test_every_text_is_in_every_catalogue(language: str) -> None:
    here, english = set(words.texts(language)), set(words.texts("en"))
    assert here == english, (
        f"device/words/{language}.txt lacks {sorted(english - here)}, and en.txt lacks {sorted(here - english)}"
    )
    assert all(text.strip() == text and text for text in words.texts(language).values())


def test_every_outcome_and_every_cause_has_its_words() -> None:
    wanted = {f"{kind}.{name}" for kind in ("word", "do") for name in OUTCOMES}
    wanted |= {f"{kind}.{cause.name}" for kind in ("cause", "do") for cause in all_causes()}
    missing = sorted(wanted - set(words.texts("en")))
    assert not missing, f"add to device/words/en.txt and the other languages there, in few words: {missing}"


def test_every_kind_of_text_is_known_where_it_is_said_and_where_it_is_measured() -> None:
    kinds = kinds_of_text()
    pages = (FRONT / "pages.py").read_text(encoding="utf-8")
    said = re.findall(r'^_KINDS = "(.*)"', pages, re.M)[0].split()
    assert set(said) == kinds, (
        f"_KINDS of device/rescue/front/pages.py has the first word of each key in device/words: "
        f"add {sorted(kinds - set(said))}, take out {sorted(set(said) - kinds)}"
    )
    room = re.findall(r"^ROOM = \{(.*?)^\}", SCRIPT.read_text(encoding="utf-8"), re.M | re.S)[0]
    measured = set(re.findall(r'"(\w+)":', room))
    assert measured == kinds, (
        f"ROOM of {SCRIPT.relative_to(ROOT)} says how much fits of each kind: "
        f"add {sorted(kinds - measured)}, take out {sorted(measured - kinds)}"
    )


def kinds_of_text() -> set[str]:
    """What stands before the point of a key."""
    return {key.split(".")[0] for key in words.texts("en") if key != "steps"}


def test_every_text_that_the_agent_asks_for_is_there() -> None:
    kinds = kinds_of_text()
    asked = {
        key[1]
        for path in FRONT.glob("*.py")
        for key in re.findall(r'(\bsaid\([\w.]+, )?"([a-z]+\.[a-z-]+)"', path.read_text(encoding="utf-8"))
        if key[0] or key[1].split(".")[0] in kinds
    }
    assert len(asked) > 20
    missing = sorted(asked - set(words.texts("en")))
    assert not missing, f"add to device/words/en.txt and the other languages there: {missing}"


def test_every_screen_is_drawn_for_the_documents() -> None:
    calls = {f"{path.stem}.{name}(" for path in FRONT.glob("*.py") for name in drawing(path) if path.stem != "screens"}
    calls |= {f".{name}(" for name in drawing(FRONT / "screens.py")}
    assert len(calls) > 10
    script = SCRIPT.read_text(encoding="utf-8")
    missing = sorted(call for call in calls if call not in script)
    assert not missing, f"draw it in {SCRIPT.relative_to(ROOT)}, then run `make screens`: {missing}"


def test_every_entry_of_the_menu_is_in_the_document() -> None:
    menu = (FRONT / "menu.py").read_text(encoding="utf-8")
    entries = [*re.findall(r"^_ENTRIES = \((.*)\)", menu, re.M)[0].replace('"', "").split(", "), "probe"]
    page = (ROOT / "docs" / "face.md").read_text(encoding="utf-8")
    table = page.partition("## The menu\n")[2].partition("\n#")[0]
    named = [name for row in re.findall(r"^\| ([^|]+) \|", table, re.M) for name in row.split(", ")]
    texts = words.texts("en")
    missing = [one for one in entries if one != "back" and texts.get(f"menu.{one}", "its words") not in named]
    assert not missing, f"say under The menu in docs/face.md what these entries show: {missing}"


def drawing(path: Path) -> list[str]:
    """The functions of a module that draw a screen of their own; of `Screen` the methods that show one of pages.py."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            shows = {n.func.value.id for n in ast.walk(node) if isinstance(n, ast.Call) and _is_of_a_name(n.func)}
            own = re.match(r"draw(_|$)", node.name) and node.args.args[0].arg == "screen"
            if own or (path.stem == "screens" and "pages" in shows and not node.name.startswith("_")):
                found.append(node.name)
    return found


def _is_of_a_name(node: ast.expr) -> TypeGuard[Any]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)


def test_the_steps_of_a_job_have_their_names_in_their_order(language: str) -> None:
    steps = re.findall(r'^    "([\w-]+)",$', (FRONT.parent / "engine" / "steps.py").read_text(encoding="utf-8"), re.M)
    assert len(steps) > 10
    names = words.texts(language)["steps"].split(",")
    assert len(names) == len(steps) + 2, "with safe-off and record"
    assert len(set(names)) == len(names)


def test_every_text_fits_where_it_stands_whatever_is_put_into_it(drawn: dict[str, Any]) -> None:
    assert drawn["too_long"] == [], f"shorter, or a kind of its own in ROOM of {SCRIPT.relative_to(ROOT)}"


def test_every_cause_draws_a_screen_of_its_own(drawn: dict[str, Any], language: str) -> None:
    texts = words.texts(language)
    shown = {(texts[f"cause.{cause.name}"], texts[f"do.{cause.name}"], cause.ends_as) for cause in all_causes()}
    assert set(drawn["causes"]) == {cause.name for cause in all_causes()}
    assert len(set(drawn["causes"].values())) > 0.8 * len(shown)


def test_the_pictures_in_the_documents_are_what_the_agent_draws(drawn: dict[str, Any], language: str) -> None:
    kept = ROOT / "docs" / "pictures" / f"screens-{language}.png"
    assert kept.read_bytes() == sheets.sheet(drawn["screens"]), "make screens, and look at them"


def test_a_compiled_catalogue_gives_every_text_back(language: str) -> None:
    # Read here by its description in words.py, not by the agent's own reader.
    data = words.compiled(words.texts(language))
    (count,) = struct.unpack_from("<H", data)
    rows = [struct.unpack_from("<IHH", data, 2 + 8 * number) for number in range(count)]
    assert rows == sorted(rows)
    assert sorted(data[place : place + size].decode() for _hash, place, size in rows) == sorted(
        words.texts(language).values()
    )


def test_every_character_has_a_glyph() -> None:
    data = words.files()["words/glyphs.bin"]
    codes = [struct.unpack_from("<H", data, place)[0] for place in range(0, len(data), 34)]
    assert codes == sorted(set(codes))
    there, used = {chr(code) for code in codes}, choose_glyphs.used()
    assert there == used, (
        f"without a glyph: {''.join(sorted(used - there))}, no longer used: {''.join(sorted(there - used))}. "
        f"Run: {choose_glyphs.COMMAND} (docs/face.md), or choose words whose characters are there"
    )


def test_two_keys_that_a_helper_could_not_tell_apart_are_refused() -> None:
    # A known pair of words with one CRC-32.
    with pytest.raises(ValueError, match="CRC-32"):
        words.compiled({"plumless": "a", "buckeroo": "b"})
