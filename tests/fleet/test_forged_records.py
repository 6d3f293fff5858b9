"""Whatever stands in a sealed record, it is taken or set aside: nothing stops, nothing else is changed."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.lookup import all_pieces, attempts_called, find_units
from bmsrescue.fleet.models import Attempt, DayCount, QuarantinedLine
from bmsrescue.fleet.records.reading import LineError, read_line
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from rescuelink.seal import seal
from sealed_records import chain, sample

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    2**63,
    float("nan"),
    "",
    "nul\0 and half a pair \ud800",
    "'; DROP TABLE attempts; --",
    "x" * 5000,
    [],
    {},
    [None, {"": [1]}, "y"],
    {"\0": {"mv": 2**53, "min_mv": "z"}, "mv": [], "name": {}, "state": [], "found": 5},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record; of a list the first and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        for index in sorted({0, len(value) - 1}):
            yield from places(value[index], (*path, index))


def forged(honest: dict[str, Any], number: int, path: tuple[Any, ...], value: Any) -> str:
    record = copy.deepcopy(honest) | {"helper": f"h{number}"}
    record["unit"]["uid"] = f"{number:024X}"
    parent: Any = record
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return seal(record, "")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Each place of a record with each hostile value; where a record has the same many times, with some of them."""
    consent = {"words": ["wrp"], "scope": "s", "unit": "u", "by": "policy:x", "given": True}
    record = sample() | {"consent": consent}
    record["evidence"]["version"] = {"found": "1.1.0"}
    made: list[str] = []
    for number, path in enumerate(places(record)):
        for shift, value in enumerate(HOSTILE):
            # Deep places are many and read alike.
            if len(path) <= 2 or (number + shift) % 13 == 0:
                made.append(forged(record, len(made), path, value))
    return made


def test_any_value_at_any_place_of_a_record_is_taken_or_set_aside(store: Store, lines: list[str]) -> None:
    taker = LineTaker("forged", IMPORT)
    with store.write() as session:
        bench = ledger.own_site(session)
        LineTaker("before", IMPORT).take(session, bench, chain("honest", 3))
    for begin in range(0, len(lines), 500):
        with store.write() as session:
            taker.take(session, bench, lines[begin : begin + 500])
    # What is at odds with the names of a record (its helper, its number) may be the same for several lines.
    assert taker.taken.new + taker.taken.quarantined + taker.taken.known == len(lines)
    assert taker.taken.new > 0.8 * len(lines)
    with store.read() as session:
        assert session.scalar(select(func.count(Attempt.id))) == taker.taken.new + 3
        assert session.scalar(select(func.sum(DayCount.count))) == taker.taken.new + 3
        assert session.scalar(select(func.count()).select_from(QuarantinedLine))
        assert sum(len(piece) for piece in all_pieces(session)) == taker.taken.new + 3
        found = list(session.scalars(select(Attempt).where(Attempt.helper == "honest")))
        assert [row.sequence for row in found] == [1, 2, 3]
        figures.by_firmware(session)
        figures.rail_spreads(session)
        assert len(attempts_called(session, "honest", 2)) == 1
        assert [unit.uid for unit in find_units(session, "'; DROP TABLE")] == ["'; DROP TABLE attempts; --"]


def test_every_truncation_of_a_record_is_refused() -> None:
    (line,) = chain("h1", 1)
    for length in range(0, len(line), 37):
        try:
            read_line(line[:length])
        except LineError:
            continue
        raise AssertionError(f"{length} characters of a record were taken")


def test_voltages_beyond_all_measure_do_not_stop_the_counting(store: Store) -> None:
    rails = {"proof": {"v12": {"mv": 2**53}, "v3v3": {"mv": 2**31}}}
    lines = [seal(sample() | {"helper": f"h{number}", "rails": rails}, "") for number in range(3)]
    with store.write() as session:
        LineTaker("forged", IMPORT).take(session, ledger.own_site(session), lines)
    with store.read() as session:
        assert {one.rail for one in figures.rail_spreads(session)} == {"v3v3"}
