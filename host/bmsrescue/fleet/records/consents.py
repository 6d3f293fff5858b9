"""What a record says of a consent to what cannot be undone: which words were asked for, of whom, and the answer."""

from __future__ import annotations

import orjson

from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.records.fields import Row, clean, listed, table

CONSENT = ("words", "scope", "said_by", "given")


def consent_of(record: Row) -> tuple[str, str | None, str | None, bool] | None:
    """A value for each of CONSENT, `words` as JSON; None where nothing was asked."""
    consent = table(record, "consent")
    if not consent:
        return None
    words = [word for word in map(_word, listed(consent.get("words"))) if word]
    return (
        orjson.dumps(words).decode(),
        clean(consent.get("scope")),
        clean(consent.get("by"), NAME_LENGTH),
        consent.get("given") is True,
    )


def _word(value: object) -> str | None:
    return clean(value, NAME_LENGTH)
