"""One sealed line, taken apart into the rows of a store. What a forged line holds can break nothing here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from bmsrescue.fleet.models.base import NAME_LENGTH, TEXT_LENGTH
from bmsrescue.fleet.records.uncertainty import uncertainty_mv, verdict
from rescuelink.chain import damage
from rescuelink.outcomes import OUTCOMES
from rescuelink.seal import line_hash

FORMATS = ("bmsrescue-record/1",)
MAX_LINE_CHARACTERS = 512 * 1024
_MAX_NUMBER = 2**53
_OFF_LIMIT_MV = 300
_MAX_LISTED = 256  # steps, sectors or rails of one record
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
# What PostgreSQL's text cannot hold, and what no UTF-8 has: NUL and lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

PHASES = ("off", "on", "proof")
COURSE = ("steps", "before", "after")
MEASURED = ("phase", "rail", "mv", "min_mv", "max_mv", "limit_low", "limit_high", "uncertainty", "verdict")

Row = dict[str, Any]


class LineError(Exception):
    """The line is no record that could be taken; says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows without the attempt's number, which only a store knows.

    `measurements`: tuples of MEASURED; `course`: JSON for each of COURSE.
    """

    line: str
    sha256: str
    previous: str
    helper: str
    sequence: int
    attempt: Row
    measurements: list[tuple[Any, ...]]
    course: tuple[str, str, str]
    uid: str | None
    chip: str | None
    image: Row | None


def read_line(line: str) -> Reading:
    """A sealed line without its newline. Raises LineError."""
    if len(line) > MAX_LINE_CHARACTERS:
        raise LineError("longer than any record")
    wrong = damage(line)
    if wrong:
        raise LineError(wrong)
    record = _parsed(line)
    if not isinstance(record, dict) or record.get("format") not in FORMATS:
        raise LineError("not the format of a record")
    return _read(record, line)


def _parsed(line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass  # it is stricter than the helper's own writer: half a surrogate pair, NaN
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise LineError("no JSON") from None


def clean(value: object, length: int = TEXT_LENGTH) -> str | None:
    """Text that any store can hold, or None where there is no text."""
    return _storable(value, length) if isinstance(value, str) and value else None


# The same few names come again in every record.
@lru_cache(4096)
def _storable(text: str, length: int) -> str:
    return _UNSTORABLE.sub("�", text)[:length]


def _read(record: Row, line: str) -> Reading:
    helper, sequence = clean(record.get("helper"), NAME_LENGTH), _number(record.get("sequence"))
    if helper is None or helper != record.get("helper") or sequence is None or sequence < 1:
        raise LineError("no helper or no sequence number")
    outcome = record.get("outcome")
    if outcome not in OUTCOMES:
        raise LineError("no outcome that is known")
    previous = record.get("previous")
    if not isinstance(previous, str) or (previous and not _SHA256.match(previous)):
        raise LineError("no hash of the line before")
    unit, job, diagnosis = _table(record, "unit"), _table(record, "job"), _table(record, "diagnosis")
    image_sha256 = _sha256(job.get("sha256"))
    unit_outcome = record.get("unit_outcome")
    attempt = {
        "helper": helper,
        "sequence": sequence,
        "outcome": outcome,
        "unit_outcome": unit_outcome if unit_outcome in OUTCOMES else outcome,
        "cause": clean(diagnosis.get("cause"), NAME_LENGTH) or "not-examined",
        "confidence": clean(diagnosis.get("confidence"), NAME_LENGTH),
        "sentence": clean(diagnosis.get("sentence")) or clean(record.get("sentence")) or "",
        "next_step": clean(record.get("next_step")),
        "error_kind": clean(_table(record, "error").get("kind"), NAME_LENGTH),
        "job": clean(job.get("name"), NAME_LENGTH),
        "image_sha256": image_sha256,
        "image_version": clean(job.get("version"), NAME_LENGTH),
        "backup_sha256": _sha256(_table(record, "backup").get("sha256")),
        "duration_ms": _number(record.get("virtual_ms")) or 0,
        "power_cycles": _number(record.get("power_cycles")),
        "swclk_cycles": _number(record.get("swclk_cycles")),
        "resumed": bool(record.get("resumed")),
    }
    image = None
    if image_sha256:
        image = {
            "sha256": image_sha256,
            "file": clean(job.get("image"), NAME_LENGTH),
            "version": attempt["image_version"],
        }
    return Reading(
        line,
        line_hash(line),
        previous,
        helper,
        sequence,
        attempt,
        _measurements(record),
        _course(record),
        clean(unit.get("uid"), NAME_LENGTH),
        clean(unit.get("name"), NAME_LENGTH),
        image,
    )


def _measurements(record: Row) -> list[tuple[Any, ...]]:
    expected = _table(_table(_table(record, "evidence"), "expected"), "rails")
    limits = {rail: _limits(value) for rail, value in expected.items()}
    phases = _table(record, "rails")
    rows: list[tuple[Any, ...]] = []
    for phase in PHASES:
        seen: set[str] = set()
        for rail, reading in islice(_table(phases, phase).items(), _MAX_LISTED):
            if not rail or not isinstance(reading, dict):
                continue
            name, mv = _storable(rail, NAME_LENGTH), _number(reading.get("mv"))
            if mv is None or name in seen:
                continue
            seen.add(name)
            low, high = (None, _OFF_LIMIT_MV) if phase == "off" else limits.get(rail, (None, None))
            lowest, highest = _number(reading.get("min_mv")), _number(reading.get("max_mv"))
            rows.append((phase, name, mv, lowest, highest, low, high, *_judged(name, mv, low, high)))
    return rows


# A supply at rest is at one of a few hundred voltages.
@lru_cache(16_384)
def _judged(rail: str, mv: int, low: int | None, high: int | None) -> tuple[int, str]:
    uncertainty = uncertainty_mv(rail, mv)
    return uncertainty, verdict(mv, low, high, uncertainty)


def _limits(value: object) -> tuple[int | None, int | None]:
    if isinstance(value, list) and len(value) == 2:
        return _number(value[0]), _number(value[1])
    return None, None


def _course(record: Row) -> tuple[str, str, str]:
    sectors = _table(record, "sectors")
    steps = [
        (clean(step.get("name"), NAME_LENGTH), _number(step.get("ms")), clean(step.get("outcome"), NAME_LENGTH))
        for step in _list(record.get("steps"))
        if isinstance(step, dict)
    ]
    before, after = _states(sectors.get("before")), _states(sectors.get("after"))
    return orjson.dumps(steps).decode(), _json_of(before), _json_of(after)


def _states(sectors: object) -> tuple[str, ...]:
    return tuple(
        state if type(sector) is dict and type(state := sector.get("state")) is str else "unknown"
        for sector in _list(sectors)
    )


# Most units have the same few sector maps.
@lru_cache(4096)
def _json_of(states: tuple[str, ...]) -> str:
    return orjson.dumps([clean(state, NAME_LENGTH) or "unknown" for state in states]).decode()


def _table(record: Row, key: str) -> Row:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value[:_MAX_LISTED] if isinstance(value, list) else []


def _number(value: object) -> int | None:
    # `type`, not isinstance: a bool is no number here.
    return value if type(value) is int and -_MAX_NUMBER <= value <= _MAX_NUMBER else None


def _sha256(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA256.match(value) else None
