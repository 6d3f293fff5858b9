"""One sealed line, taken apart into the rows of a store. What a forged line holds can break nothing here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.records.consents import consent_of
from bmsrescue.fleet.records.fields import MAX_LISTED, Row, clean, helper_id, listed, number, sha256, storable, table
from bmsrescue.fleet.records.firmware import firmware_before
from bmsrescue.fleet.records.uncertainty import uncertainty_mv, verdict
from rescuelink.chain import damage
from rescuelink.outcomes import CHECK_WIRES, OUTCOMES, RECOVERED_CHECK_CONFIG, VERIFIED_UNPROVEN
from rescuelink.seal import line_hash

FORMATS = ("bmsrescue-record/1",)
MAX_LINE_CHARACTERS = 512 * 1024
_OFF_LIMIT_MV = 300
_SAYS_MORE = (RECOVERED_CHECK_CONFIG, VERIFIED_UNPROVEN, CHECK_WIRES)
_MAX_MV = 2**31  # no voltage is beyond that, and sums of such ones fit any store

PHASES = ("off", "on", "proof")
COURSE = ("steps", "before", "after")
MEASURED = ("phase", "rail", "mv", "min_mv", "max_mv", "limit_low", "limit_high", "uncertainty", "verdict")


class LineError(Exception):
    """The line is no record that could be taken; says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows without the attempt's number, which only a store knows.

    `measurements`: tuples of MEASURED; `course`: JSON for each of COURSE; `consent`: a value for each of CONSENT.
    """

    line: str
    sha256: str
    previous: str
    helper: str
    helper_id: str
    sequence: int
    attempt: Row
    measurements: list[tuple[Any, ...]]
    course: tuple[str, str, str]
    uid: str | None
    chip: str | None
    image: Row | None
    consent: tuple[str, str | None, str | None, bool] | None


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


def _read(record: Row, line: str) -> Reading:
    helper, sequence = clean(record.get("helper"), NAME_LENGTH), number(record.get("sequence"))
    if helper is None or helper != record.get("helper") or sequence is None or sequence < 1:
        raise LineError("no helper or no sequence number")
    identity = helper_id(record.get("helper_id"), helper)
    if identity is None:
        raise LineError("no helper_id that hardware could have")
    outcome = record.get("outcome")
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        raise LineError("no outcome that is known")
    previous = record.get("previous")
    if not isinstance(previous, str) or (previous and sha256(previous) is None):
        raise LineError("no hash of the line before")
    unit, job, diagnosis = table(record, "unit"), table(record, "job"), table(record, "diagnosis")
    image_sha256 = sha256(job.get("sha256"))
    unit_outcome = record.get("unit_outcome")
    attempt: Row = {
        "helper": helper,
        "helper_id": identity,
        "sequence": sequence,
        "sha256": line_hash(line),
        "outcome": outcome,
        "unit_outcome": unit_outcome if isinstance(unit_outcome, str) and unit_outcome in OUTCOMES else outcome,
        "cause": clean(diagnosis.get("cause"), NAME_LENGTH) or "not-examined",
        "confidence": clean(diagnosis.get("confidence"), NAME_LENGTH),
        "sentence": _sentence(outcome, clean(diagnosis.get("sentence")), clean(record.get("sentence"))),
        "next_step": clean(record.get("next_step")),
        "error_kind": clean(table(record, "error").get("kind"), NAME_LENGTH),
        "job": clean(job.get("name"), NAME_LENGTH),
        "image_sha256": image_sha256,
        "image_version": clean(job.get("version"), NAME_LENGTH),
        "firmware": clean(firmware_before(record), NAME_LENGTH),
        "backup_sha256": sha256(table(record, "backup").get("sha256")),
        "duration_ms": number(record.get("virtual_ms")) or 0,
        "power_cycles": number(record.get("power_cycles")),
        "swclk_cycles": number(record.get("swclk_cycles")),
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
        attempt["sha256"],
        previous,
        helper,
        identity,
        sequence,
        attempt,
        _measurements(record),
        _course(record),
        clean(unit.get("uid"), NAME_LENGTH),
        clean(unit.get("name"), NAME_LENGTH),
        image,
        consent_of(record),
    )


def _sentence(outcome: str, before: str | None, after: str | None) -> str:
    """What a person reads first: what was wrong, or where more than that is to be done, what is."""
    if outcome in _SAYS_MORE:
        return after or OUTCOMES[outcome].sentence
    return before or after or ""


def _measurements(record: Row) -> list[tuple[Any, ...]]:
    expected = table(table(table(record, "evidence"), "expected"), "rails")
    limits = {rail: _limits(value) for rail, value in expected.items()}
    phases = table(record, "rails")
    rows: list[tuple[Any, ...]] = []
    for phase in PHASES:
        seen: set[str] = set()
        for rail, reading in islice(table(phases, phase).items(), MAX_LISTED):
            if not rail or not isinstance(reading, dict):
                continue
            name, mv = storable(rail, NAME_LENGTH), number(reading.get("mv"))
            if mv is None or abs(mv) > _MAX_MV or name in seen:
                continue
            seen.add(name)
            low, high = (None, _OFF_LIMIT_MV) if phase == "off" else limits.get(rail, (None, None))
            lowest, highest = number(reading.get("min_mv")), number(reading.get("max_mv"))
            rows.append((phase, name, mv, lowest, highest, low, high, *_judged(name, mv, low, high)))
    return rows


# A supply at rest is at one of a few hundred voltages.
@lru_cache(16_384)
def _judged(rail: str, mv: int, low: int | None, high: int | None) -> tuple[int, str]:
    uncertainty = uncertainty_mv(rail, mv)
    return uncertainty, verdict(mv, low, high, uncertainty)


def _limits(value: object) -> tuple[int | None, int | None]:
    if isinstance(value, list) and len(value) == 2:
        return number(value[0]), number(value[1])
    return None, None


def _course(record: Row) -> tuple[str, str, str]:
    sectors = table(record, "sectors")
    steps = [
        (clean(step.get("name"), NAME_LENGTH), number(step.get("ms")), clean(step.get("outcome"), NAME_LENGTH))
        for step in listed(record.get("steps"))
        if isinstance(step, dict)
    ]
    before, after = _states(sectors.get("before")), _states(sectors.get("after"))
    return orjson.dumps(steps).decode(), _json_of(before), _json_of(after)


def _states(sectors: object) -> tuple[str, ...]:
    return tuple(
        state if type(sector) is dict and type(state := sector.get("state")) is str else "unknown"
        for sector in listed(sectors)
    )


# Most units have the same few sector maps.
@lru_cache(4096)
def _json_of(states: tuple[str, ...]) -> str:
    return orjson.dumps([clean(state, NAME_LENGTH) or "unknown" for state in states]).decode()
