"""Pages out of templates. What a person typed or a record says is escaped by the templates, always."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bmsrescue.fleet.accounts import AccessError, Person
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.queues import time_fault
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.records.firmware import BLANK, PART_OF
from bmsrescue.fleet.stations.states import FACES, REMOVE, state_for
from bmsrescue.fleet.web.access import Access
from bmsrescue.fleet.web.helper_words import in_language, rail_name
from bmsrescue.fleet.web.languages import LANGUAGES, in_decimals, language_of, script_words, words
from bmsrescue.fleet.web.limit_words import RAIL_WORDS
from bmsrescue.fleet.web.messages import Messages, filled
from bmsrescue.fleet.web.ordering import order_of
from bmsrescue.fleet.web.people_words import (
    KIND_WORDS,
    PHASE_WORDS,
    STEP_WORDS,
    cause_words,
    confidence_words,
    outcome_words,
    step_words,
)


def _verdict(attempt: Attempt) -> str:
    return REMOVE if attempt.taken_out else state_for(attempt.outcome)


def _result(attempt: Attempt) -> str:
    """The verdict, afterwards: a unit that was taken out in work has none."""
    return NO_VERDICT if attempt.taken_out else _verdict(attempt)


@pass_context
def _number(context: Context, value: float, digits: int | None = 0) -> str:
    """With the decimal sign of the person's language; `digits` None: with as many behind it as the value has."""
    return in_decimals(context.get("language") or "en", str(value) if digits is None else f"{value:.{digits}f}")


@pass_context
def _percent(context: Context, share: float) -> str:
    """One digit behind the decimal sign; 0 % and 100 % only where it is none and all."""
    if 0 < share < _SMALLEST:
        return "< " + _number(context, 0.1, 1) + " %"
    if 1 - _SMALLEST < share < 1:
        return "> " + _number(context, 99.9, 1) + " %"
    return _number(context, 100 * share, 1 if 0 < share < 1 else 0) + " %"


@pass_context
def _when(context: Context, at: datetime) -> str:
    """In the site's zone, which the page names at its end."""
    clock: Clock = context.get("clock") or Clock()
    return clock.local(at).strftime("%Y-%m-%d %H:%M")


@pass_context
def _said(context: Context, english: str) -> str:
    """In the person's language."""
    found: str = words(context.get("language") or "en").get(english, english)
    return found


@pass_context
def _message(context: Context, english: str, *arguments: object) -> Markup:
    """A text of a template (`messages`) in the person's language; its expressions are escaped as everywhere."""
    found = words(context.get("language") or "en").get(english, english)
    return Markup(filled(found, tuple(escape(one) for one in arguments)))


@pass_context
def _helper_says(context: Context, english: str) -> str:
    """A sentence of a record in the person's language."""
    return in_language(context.get("language") or "en", english)


def _in_words(table: Callable[[str], str]) -> Any:
    """A filter that tells what a record calls something, in the person's language."""

    @pass_context
    def told(context: Context, name: str) -> str:
        return _said(context, table(name))

    return told


@pass_context
def _firmware(context: Context, name: str | None) -> str:
    """What a unit came with (`records.firmware`), in the person's language; a version is what it is."""
    if name and name.startswith(PART_OF):
        return _message(context, PART_OF + "{0}", name.removeprefix(PART_OF))
    return name if name and name != BLANK else _said(context, name or "not known")


def _of_display(words_of: Callable[[str, str], str]) -> Any:
    """A filter of words that the dongle's own catalogues have."""
    return pass_context(lambda context, name: words_of(name, context.get("language") or "en"))


def _title(language: str, title: str) -> str:
    """In the person's language; of "Station bench-2" the first word."""
    known = words(language)
    first, space, rest = title.partition(" ")
    return known.get(title) or known.get(first, first) + space + rest


_SMALLEST = 0.001
NO_VERDICT = "no verdict"
templates = Jinja2Templates(Path(__file__).parent / "templates")
templates.env.filters["verdict"] = _verdict
templates.env.filters["result"] = _result
templates.env.filters["symbol"] = lambda attempt: FACES[_verdict(attempt)].symbol
templates.env.filters["percent"] = _percent
templates.env.filters["number"] = _number
templates.env.filters["when"] = _when
templates.env.globals["_"] = _said
templates.env.globals["_m"] = _message
templates.env.add_extension(Messages)
templates.env.filters["duration"] = lambda s: f"{s} s" if s < 120 else f"{s // 60} min"
templates.env.filters["said"] = _said
templates.env.filters["helper_says"] = _helper_says
templates.env.filters["step"] = _in_words(step_words)
templates.env.filters["outcome"] = _in_words(outcome_words)
templates.env.filters["cause"] = _of_display(cause_words)
templates.env.filters["confidence"] = _of_display(confidence_words)
templates.env.filters["rail"] = _in_words(lambda rail: RAIL_WORDS.get(rail, rail))
templates.env.filters["rail_name"] = pass_context(
    lambda context, rail: rail_name(context.get("language") or "en", rail)
)
templates.env.filters["firmware"] = _firmware
templates.env.filters["kind"] = _in_words(lambda kind: KIND_WORDS.get(kind, kind))
templates.env.filters["phase"] = _in_words(lambda phase: PHASE_WORDS.get(phase, phase))
templates.env.filters["json_text"] = json.dumps
templates.env.filters["json_lines"] = lambda document: json.dumps(document, indent=2, ensure_ascii=False)


def page(request: Request, template: str, person: Person | None, title: str, **values: Any) -> Response:
    """A view, or a part of one. Every view says how many lines were set aside.

    `stored_order`: of `ordering.Order`, for tables that go over several pages.
    """
    values["order"] = order_of(request, values.pop("stored_order", None))
    if person is not None and title:
        values["set_aside"] = _set_aside(request)
        values["troubles"] = troubles(request)
    fleet: Fleet = request.app.state.fleet
    language = language_of(request)
    values["language"], values["languages"], values["own_words"] = language, LANGUAGES, script_words(language)
    values["bench"] = fleet.name
    values["only_looks"] = values["read_only"] = fleet.only_looks
    values["step_words"] = STEP_WORDS
    values["rail_words"] = {name: rail_name(language, name) for name in RAIL_WORDS}
    values["clock"] = fleet.desk.settings.clock
    return templates.TemplateResponse(
        request, template, {"person": person, "title": title, "shown_title": _title(language, title), **values}
    )


def troubles(request: Request) -> list[tuple[str, str]]:
    """What does not get out of this site just now: of the shared store, the time, the webhook, and what is wrong."""
    fleet: Fleet = request.app.state.fleet
    told = []
    if fleet.link is not None and fleet.link.problem is not None:
        told.append(("shared store", fleet.link.problem.message))
    if fault := time_fault():
        told.append(("time", fault))
    if fleet.webhook is not None and fleet.webhook.problem:
        refused = fleet.webhook.refused
        told.append(("refused", str(refused)) if refused else ("webhook", fleet.webhook.problem))
    return told


def _set_aside(request: Request) -> int:
    fleet: Fleet = request.app.state.fleet
    with fleet.store.read() as session:
        return aside.count(session)


def wants_page(request: Request) -> bool:
    """Whether a person is looking, not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def refusal_page(request: Request, status: int, message: str, next_step: str) -> Response:
    """Why not, and what to do, with the way back."""
    access: Access = request.app.state.access
    try:
        person: Person | None = access.person(request)
    except AccessError:
        person = None
    told = {"message": message, "next_step": next_step}
    answer = page(request, "refused.html", person, "That does not work", **told)
    answer.status_code = status
    return answer
