"""The views in people's languages, from gettext catalogues (words/LANGUAGE.po), which Babel reads.

English is in the templates. What a catalogue lacks stays English: nothing is missing for want of a translation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel import negotiate_locale
from babel.numbers import get_decimal_symbol
from starlette.requests import HTTPConnection

from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.web.catalogues import read
from bmsrescue.fleet.web.people_words import STEP_WORDS

COOKIE = "bmsrescue_language"
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
_MOST_TAGS = 20
SCRIPTS = ("words.js", "plots.js", "forms.js", "page.js")
_SAID = re.compile(r'said\("([^"]+)"[,)]')


@cache
def words(language: str) -> Mapping[str, str]:
    """Of a language, by the English; empty for English itself."""
    if language == "en" or language not in LANGUAGES:
        return {}
    return read(language)


@cache
def _decimal_sign(language: str) -> str:
    return get_decimal_symbol(language)


def in_decimals(language: str, figure: str) -> str:
    """A figure that has a decimal point, with the language's own decimal sign: 3,3 in German."""
    return figure.replace(".", _decimal_sign(language))


@cache
def said_by_scripts() -> frozenset[str]:
    """The English texts that the page's own scripts look up."""
    static = Path(__file__).parent / "static"
    return frozenset(text for name in SCRIPTS for text in _SAID.findall((static / name).read_text(encoding="utf-8")))


@cache
def script_words(language: str) -> Mapping[str, str]:
    """Those of them that the page's scripts look up."""
    asked = {*said_by_scripts(), *FACES, *(face.advice for face in FACES.values()), *STEP_WORDS.values()}
    return {english: text for english, text in words(language).items() if english in asked}


def language_of(request: HTTPConnection) -> str:
    """What a person has chosen; else the first of their browser's languages that there is; else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    asked = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    preferred = [tag.split("-")[0].lower() for tag in asked[:_MOST_TAGS] if tag]
    return negotiate_locale(preferred, list(LANGUAGES)) or "en"
