"""What a helper's record says in sentences, in a person's language.

A record holds whole English sentences, which the agent made from templates with values in them: "{rail} stays at {mv}
mV". The catalogue `words/helper.LANGUAGE.po` has these templates, their values numbered in the order in which they
come: "{0} stays at {1} mV". A sentence is looked for among them, and its values among them again. What none fits stays
as the record says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Any

from fastapi import Query

from bmsrescue.fleet.web.catalogues import read
from bmsrescue.fleet.web.languages import in_decimals, words
from bmsrescue.fleet.web.limit_words import RAIL_WORDS
from bmsrescue.fleet.web.people_words import STEP_WORDS

_VALUE = re.compile(r"\{(\w+)\}|%(?:\.\d+)?(?:0\d+)?[sdxXf]")
_RAIL = re.compile(r"(?<![\w.`\"-])(?:" + "|".join(RAIL_WORDS) + r")(?![\w`\"-]|\.\w)")
_FIGURE = re.compile(r"(?<![\w.])\d+\.\d+(?= ?(?:%|[mk]?[VAW]|m?s|[kM]?Hz|[KM]iB)(?!\w))")  # no version: it has a unit
_END = re.compile(r"(?<=[.?!]) ")
_PHASE = re.compile(rf"({'|'.join(STEP_WORDS)}): (.+)\Z", re.IGNORECASE | re.DOTALL)
_LIST = re.compile(r"(\d+ )?\(?[a-z]+\)?(, \d+ [a-z]+)*\Z")  # "0 blank, 1 match", or a word by itself
_ADDRESS = re.compile(r"(.+) at (0x[0-9A-F]{8})\Z", re.DOTALL)
_MOST_SENTENCES = 6
_LONGEST = 600
_DEEPEST = 4
_SENTENCES = ("sentence", "next_step", "message", "why", "note")
Language = Annotated[str, Query(pattern="^[a-z]{2}$", description="Sentences of helpers in it: en, de or zh.")]
_STOP = {"zh": "。"}
_PAUSE = {"zh": "："}


def message_of(template: str) -> str:
    """A template of the agent as the catalogue has it: its values numbered, one that comes twice by one number."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1] or f"%{found.start()}"
        return f"{{{names.setdefault(name, len(names))}}}"

    return _VALUE.sub(numbered, template).strip()


def said(data: Any, language: str) -> Any:
    """What an event or a station's status holds, with its sentences in the language."""
    if not isinstance(data, dict):
        return data
    told = dict(data)
    for key, value in data.items():
        if key in _SENTENCES and isinstance(value, str):
            told[key] = in_language(language, value)
        elif key == "result":
            told[key] = said(value, language)
        elif key == "lines" and isinstance(value, list):
            told[key] = [in_language(language, one) if isinstance(one, str) else one for one in value]
    return told


@dataclass(frozen=True)
class _Template:
    pattern: re.Pattern[str]
    begins: str
    weight: int
    text: str


@cache
def _templates(language: str) -> tuple[_Template, ...]:
    """Those with the most words of their own first."""
    found = []
    for english, text in read(f"helper.{language}").items():
        parts = re.split(r"\{(\d+)\}", english.removesuffix("."))
        goes_on = english[0] in ",;:."  # after whatever it was put behind
        pattern, seen = "(?P<before>.+?)" if goes_on else "", set()
        for number, part in enumerate(parts):
            if number % 2 == 0:
                pattern += re.escape(part)
            else:
                # At an end of the sentence, and with nothing between, there may be no value.
                bare = not (parts[number + 1] if number == 1 and not parts[0] else " ")[:1].isspace()
                bare |= number == len(parts) - 2 and not parts[-1] and not parts[number - 1][-1:].isspace()
                how = ".*?" if bare else ".+?"
                pattern += f"(?P=v{part})" if part in seen else f"(?P<v{part}>{how})"
                seen.add(part)
        begins = "" if goes_on else parts[0].lower()
        weight = sum(len(part) for part in parts[::2])
        said = "{before}" + text if goes_on else text
        found.append(_Template(re.compile(pattern + r"\Z", re.IGNORECASE | re.DOTALL), begins, weight, said))
    return tuple(sorted(found, key=lambda one: -one.weight))


@lru_cache(4096)
def in_language(language: str, text: str) -> str:
    """`text`, which may be several sentences, as far as the catalogue has it; rails by the names that people use.

    A text that is longer than any helper's sentences (600 characters) stays as it is.
    """
    if not text or len(text) > _LONGEST:
        return text
    told = text if language == "en" or not _templates(language) else _told(language, text, 0)[0]
    named = _RAIL.sub(lambda name: rail_name(language, name[0]), told)
    return _FIGURE.sub(lambda figure: in_decimals(language, figure[0]), named)


def rail_name(language: str, name: str) -> str:
    """ "B+" of "B+, the unit's input"; a rail without words keeps its own."""
    english = RAIL_WORDS.get(name, name)
    return re.split(", |，", words(language).get(english, english))[0]


def _told(language: str, text: str, depth: int) -> tuple[str, int]:
    """With how many characters of it were known."""
    parts = _END.split(text)
    if len(parts) > _MOST_SENTENCES:
        parts = [*parts[: _MOST_SENTENCES - 1], " ".join(parts[_MOST_SENTENCES - 1 :])]
    # From the last sentence on: the best that each beginning leads to.
    best: list[tuple[int, str]] = [(0, "")]
    for first in range(len(parts) - 1, -1, -1):
        choices = []
        for after in range(first + 1, len(parts) + 1):
            said, weight = _sentence(language, " ".join(parts[first:after]), depth)
            rest = best[len(parts) - after]
            gap = "" if not rest[1] or (language == "zh" and said.endswith("。")) else " "
            choices.append((weight + rest[0], said + gap + rest[1]))
        best.append(max(choices, key=lambda choice: choice[0]))
    return best[-1][1], best[-1][0]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\d+|before)\}", lambda place: values.get(place[1], place[0]), text)


def _sentence(language: str, text: str, depth: int) -> tuple[str, int]:
    if depth > _DEEPEST:
        return text, 0
    if _LIST.match(text):
        return re.sub(r"[a-z]+", lambda word: read(language).get(word[0], word[0]), text), 0
    plain = text.removesuffix(".")
    stop = _STOP.get(language, ".") if plain != text else ""
    low = plain.lower()
    for one in _templates(language):
        if one.begins and not low.startswith(one.begins):
            continue
        found = one.pattern.match(plain)
        if found is None:
            continue
        values, weight = {}, one.weight
        for name, value in found.groupdict().items():
            bare = value.strip()
            said, known = _told(language, bare, depth + 1)
            values[name.removeprefix("v")] = value.replace(bare, said) if bare else value
            weight += known
        said = _filled(one.text, values)
        said = said.rstrip(".。") + stop if stop or said[-1:] in ".。" else said
        translated = said
        return (translated[:1].upper() + translated[1:] if text[:1].isupper() else translated), weight
    if found := _PHASE.match(plain):
        said, weight = _told(language, found[2], depth + 1)
        phase = read(language).get(STEP_WORDS[found[1].lower()], found[1])
        return phase[:1].upper() + phase[1:] + _PAUSE.get(language, ": ") + said + stop, weight
    if found := _ADDRESS.match(plain):
        said, weight = _told(language, found[1], depth + 1)
        if weight:
            return f"{said} ({found[2]}){stop}", weight
    return text, 0
