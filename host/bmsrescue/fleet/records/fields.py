"""What a record says, field by field: only what any store can hold comes out, whatever a forged line has there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from bmsrescue.fleet.models.base import TEXT_LENGTH

MAX_LISTED = 256
"""Steps, sectors or rails of one record."""

_MAX_NUMBER = 2**53
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HELPER_ID = re.compile(r"[0-9a-f]{2,64}\Z")
# What PostgreSQL's text cannot hold, and what no UTF-8 has: NUL and lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Row = dict[str, Any]


def clean(value: object, length: int = TEXT_LENGTH) -> str | None:
    """Text that any store can hold, or None where there is no text."""
    return storable(value, length) if isinstance(value, str) and value else None


def plain_text(text: str) -> str:
    """Any text, of any length, as a store can hold it."""
    return _UNSTORABLE.sub("�", text)


# The same few names come again in every record.
@lru_cache(4096)
def storable(text: str, length: int) -> str:
    return _UNSTORABLE.sub("�", text)[:length]


def table(record: Row, key: str) -> Row:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    return value[:MAX_LISTED] if isinstance(value, list) else []


def number(value: object) -> int | None:
    # `type`, not isinstance: a bool is no number here.
    return value if type(value) is int and -_MAX_NUMBER <= value <= _MAX_NUMBER else None


def sha256(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA256.match(value) else None


def helper_id(value: object, name: str) -> str | None:
    """What a helper is known by: its hardware's number; the name where its agent told none (None), which is a label
    only. None for what is no such number.

    No number has a space in it, so that no name can pass for one.
    """
    if value is None:
        return f"label {name}"
    return value if isinstance(value, str) and _HELPER_ID.match(value) else None
