"""The views in people's languages, from gettext catalogues (words/LANGUAGE.po), which Babel reads.

English is in the templates. What a catalogue lacks stays English: nothing is missing for want of a translation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel import negotiate_locale
from starlette.requests import HTTPConnection

from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.web.catalogues import read
from bmsrescue.fleet.web.people_words import STEP_WORDS

COOKIE = "bmsrescue_language"
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
_MOST_TAGS = 20
_SAID = re.compile(r'said\("([^"]+)"\)')


@cache
def words(language: str) -> Mapping[str, str]:
    """Of a language, by the English; empty for English itself."""
    if language == "en" or language not in LANGUAGES:
        return {}
    return read(language)


@cache
def script_words(language: str) -> Mapping[str, str]:
    """Those of them that the page's script looks up."""
    script = (Path(__file__).parent / "static" / "page.js").read_text(encoding="utf-8")
    asked = {*_SAID.findall(script), *FACES, *(face.advice for face in FACES.values()), *STEP_WORDS.values()}
    return {english: text for english, text in words(language).items() if english in asked}


def language_of(request: HTTPConnection) -> str:
    """What a person has chosen; else the first of their browser's languages that there is; else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    asked = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    preferred = [tag.split("-")[0].lower() for tag in asked[:_MOST_TAGS] if tag]
    return negotiate_locale(preferred, list(LANGUAGES)) or "en"
