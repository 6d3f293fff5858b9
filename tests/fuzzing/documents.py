"""Changes to a JSON document that leave it JSON: what a fuzzer of bytes hardly ever makes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from card_cases import changed_document

_VALUES = (None, True, False, 0, -1, 1.5, 1e300, 2**31, 2**64, "", "x", "0x08000000", "\u00e4", "\x1b[2J", [], {}, [[]])

_BETWEEN = ("", "0", "/", "\n", "\x00", "\u202e", "y" * 200)


def document_changed(data: bytes, dice: random.Random) -> bytes | None:
    """Some values other, gone, doubled or from elsewhere in it; None where the data is no JSON object."""
    document = _read(data)
    if document is None:
        return None
    for _ in range(dice.randint(1, 3)):
        places = list(_places(document))
        if not places:
            break
        where, key = dice.choice(places)
        what = dice.randrange(5)
        if what == 0:
            del where[key]
        elif what == 1:
            other, at = dice.choice(places)
            where[key] = copy.deepcopy(other[at])
        elif what == 2 and isinstance(where[key], list) and where[key]:
            where[key] += [copy.deepcopy(where[key][0])] * dice.choice([1, 8, 70])
        elif what == 3 and isinstance(where[key], str):
            at = dice.randrange(len(where[key]) + 1)
            where[key] = where[key][:at] + dice.choice(_BETWEEN) + where[key][at:]
        else:
            where[key] = copy.deepcopy(dice.choice(_VALUES))
    return _written(document)


def job_changed(data: bytes, dice: random.Random) -> bytes | None:
    """As a job may have it, or just not; None where the data is no JSON object."""
    if dice.random() < 0.3:
        return document_changed(data, dice)
    document = _read(data)
    return None if document is None else _written(changed_document(document, dice))


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        if depth < 8:
            yield from _places(value[key], depth + 1)
