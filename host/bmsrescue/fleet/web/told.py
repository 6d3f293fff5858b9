"""What a record says in lists, for the report: whatever stands there, lines of text come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bmsrescue.fleet.records.fields import clean, listed, number, table


@dataclass(frozen=True)
class TookStep:
    """A step of the job."""

    name: str
    ms: int | None
    outcome: str


@dataclass(frozen=True)
class SignedJob:
    """What an engineer released, as the helper found it."""

    series: str
    number: int
    key: str
    exception: bool


@dataclass(frozen=True)
class Told:
    """`consent`: the words, the chip and who said so, where one was given; empty words where it was asked for only.
    `has_job`: `signed_job` None then means an unsigned one, on a helper for development.
    """

    evidence: list[str]
    plan: list[str]
    steps: list[TookStep]
    consent_words: list[str]
    consent_asked: bool
    consent_unit: str
    consent_by: str
    has_job: bool
    signed_job: SignedJob | None


def told_lines(record: dict[str, Any]) -> Told:
    """Out of a record that anybody may have sealed."""
    consent = table(record, "consent")
    return Told(
        _texts(table(record, "diagnosis").get("evidence")),
        _texts(record.get("plan")),
        [
            TookStep(clean(step.get("name")) or "?", number(step.get("ms")), clean(step.get("outcome")) or "?")
            for step in listed(record.get("steps"))
            if isinstance(step, dict)
        ],
        _texts(consent.get("words")) if consent.get("given") is True else [],
        bool(consent),
        clean(consent.get("unit")) or "not named",
        clean(consent.get("by")) or "not named",
        bool(table(record, "job")),
        _signed_job(table(table(record, "job"), "release")),
    )


def _signed_job(release: dict[str, Any]) -> SignedJob | None:
    found = number(release.get("number"))
    if found is None:
        return None
    return SignedJob(
        clean(release.get("series")) or "?", found, clean(release.get("key")) or "?", "exception" in release
    )


def _texts(value: object) -> list[str]:
    return [text for text in map(clean, listed(value)) if text]
