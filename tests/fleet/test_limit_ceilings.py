"""No job lifts a rail's limit above what harms people or the unit: the dongle, `card check` and the release page say so
with one sentence. How limits differ from those before is told with each release.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from bmsrescue.cli import app
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, Person
from bmsrescue.fleet.limit_changes import limit_changes, widened
from bmsrescue.fleet.models import AuditEntry
from bmsrescue.fleet.releases import Releases
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.twin.rig import default_card_files
from rescuelink.errors import JobError
from rescuelink.job import validate

EVA = Person("eva", ENGINEER)
RAILS = ("bplus", "v12", "v5iso", "v3v3", "vcap")


def with_limits(change: Callable[[dict[str, dict[str, int]]], None]) -> dict[str, bytes]:
    files = default_card_files()
    document = json.loads(files["job.json"])
    rails: dict[str, dict[str, int]] = {}
    change(rails)
    document["limits"] = {"rails": rails}
    return files | {"job.json": json.dumps(document).encode()}


def everything_at_100_v(rails: dict[str, dict[str, int]]) -> None:
    rails.update({rail: {"danger_mv": 100_000} for rail in RAILS})


@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.parametrize("part", ["high_mv", "danger_mv"])
def test_no_rail_may_be_let_higher_than_its_ceiling(rail: str, part: str) -> None:
    highest = {"bplus": 60_000, "v12": 18_000, "v5iso": 7_000, "v3v3": 4_000, "vcap": 1_500}[rail]
    document = json.loads(default_card_files()["job.json"])
    for value, allowed in ((highest, True), (highest + 1, False)):
        document["limits"] = {"rails": {rail: {"danger_mv": highest, part: value}}}
        if allowed:
            validate(document)
        else:
            with pytest.raises(JobError, match=f"limits.rails.{rail}.{part}: is {value}"):
                validate(document)


@pytest.mark.parametrize("rail", ["v12", "v5iso", "v3v3", "vcap"])
def test_nor_by_calling_it_another_boards(rail: str) -> None:
    """A job that has rails of its own, one of which is a rail that the helper knows, with a part that allows more."""
    document = json.loads(default_card_files()["job.json"])
    supply = {"role": "logic", "low_mv": 3_000, "high_mv": 3_500, "danger_mv": 3_900}
    called = {"role": "other", "low_mv": 0, "high_mv": 1_000, "danger_mv": 60_000}
    document["board"] = {"rails": {"core-supply": supply, rail: called}}
    with pytest.raises(JobError, match=f"board.rails.{rail}.danger_mv: is 60000"):
        validate(document)
    document["board"] = {"rails": {"core-supply": supply, "other": called}}
    validate(document)


def test_nor_by_not_speaking_of_it() -> None:
    document = json.loads(default_card_files()["job.json"])
    document["board"] = {"rails": {"v3v3": {"role": "logic", "low_mv": 3_100, "high_mv": 3_500, "danger_mv": 3_600}}}
    limits = validate(document).limits
    assert {rail: limits.danger_mv(rail) for rail in (*RAILS, "VCAP")} == {
        "bplus": 60_000, "v12": 18_000, "v5iso": 7_000, "v3v3": 3_600, "vcap": 1_500, "VCAP": None,
    }  # fmt: skip
    assert widened({}, document) == [
        "rails.bplus", "rails.v12", "rails.v5iso", "rails.v3v3.low_mv", "rails.v3v3.high_mv", "rails.vcap",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value", [-1, -(2**31), 2**31, 2**70, 1e400, -1e400, float("nan"), 1.5, True, "9999999999", None, [100_000], {}]
)
@pytest.mark.parametrize("name", ["danger_mv", "trip_ma", "energise_ms", "watch_s"])
def test_a_limit_that_is_no_number_of_its_range_is_refused(name: str, value: object) -> None:
    document = json.loads(default_card_files()["job.json"])
    document["limits"] = {"rails": {"vcap": {name: value}}} if name.endswith("_mv") else {name: value}
    with pytest.raises(JobError, match=f"limits.*{name}"):
        validate(document)


def test_the_core_of_a_chip_that_takes_less_has_a_lower_one() -> None:
    document = json.loads(default_card_files()["job.json"])
    document["limits"] = {"rails": {"vcap": {"danger_mv": 1_500}}}
    validate(document)
    document["target"] |= {"chip": "STM32H7B3", "dev_id": "0x480", "flash_kib": 2048}
    with pytest.raises(JobError, match=r"limits\.rails\.vcap\.danger_mv: is 1500"):
        validate(document)


def test_check_and_release_refuse_it_with_one_sentence(tmp_path: Path) -> None:
    files = with_limits(everything_at_100_v)
    with pytest.raises(JobError) as refused:
        validate(json.loads(files["job.json"]))
    sentence = refused.value.message
    assert sentence == "limits.rails.bplus.danger_mv: is 100000 (0x186a0)"
    for name, data in files.items():
        (tmp_path / "card" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "card" / name).write_bytes(data)
    checked = CliRunner().invoke(app, ["card", "check", str(tmp_path / "card")])
    said = " ".join((checked.output + str(checked.exception or "")).split())
    assert checked.exit_code != 0
    assert sentence in said
    store = Store.open(sqlite_url(tmp_path / "store"))
    with store.write() as session:
        bench = ledger.own_site(session)
    with pytest.raises(HostError) as unreleased:
        Releases(store, bench).publish(files, EVA)
    assert sentence in unreleased.value.message
    store.close()


def test_the_audit_line_says_which_limits_are_others(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    with store.write() as session:
        releases = Releases(store, ledger.own_site(session))
    releases.publish(default_card_files(), EVA)
    releases.publish(with_limits(lambda rails: rails.update(v3v3={"danger_mv": 3_900})), EVA, "a noisy supply")
    releases.publish_limits("bms-1.2.0", 2, {"supply_ma": 200}, EVA, "two units in parallel")
    with store.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "job released")).all()
    assert entries[1].details["limits"] == ["rails.v3v3.danger_mv 3630 to 3900"]
    assert entries[2].details["limits"] == ["supply_ma 150 to 200", "rails.v3v3.danger_mv 3900 to 3630"]
    store.close()


@pytest.mark.parametrize(
    ("limits", "wider"),
    [
        ({"rails": {"v3v3": {"danger_mv": 3_900}}}, ["rails.v3v3.danger_mv"]),
        ({"rails": {"v3v3": {"low_mv": 3_000}}}, ["rails.v3v3.low_mv"]),
        ({"rails": {"v3v3": {"low_mv": 3_200}}}, []),
        ({"supply_ma": 200}, ["supply_ma"]),
        ({"supply_ma": 100}, []),
        ({"energise_ms": 300_000}, ["energise_ms"]),
        ({"hold_off_ms": 0}, ["hold_off_ms"]),
        ({"swd_hz": 1_000_000}, []),
    ],
)
def test_a_wider_limit_takes_a_note_and_a_narrower_one_does_not(
    tmp_path: Path, limits: dict[str, Any], wider: list[str]
) -> None:
    store = Store.open(sqlite_url(tmp_path))
    with store.write() as session:
        releases = Releases(store, ledger.own_site(session))
    releases.publish(default_card_files(), EVA)
    if wider:
        with pytest.raises(HostError, match=f"wider than before: {wider[0]}"):
            releases.publish_limits("bms-1.2.0", 1, limits, EVA, "  ")
        assert releases.in_force("bms-1.2.0").version == 1
    assert releases.publish_limits("bms-1.2.0", 1, limits, EVA, "asked for" if wider else "").version == 2
    with store.read() as session:
        last = session.scalars(select(AuditEntry).where(AuditEntry.action == "job released")).all()[-1]
    assert last.details["wider"] == wider
    store.close()


def test_what_else_differs_from_the_release_before_is_told(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    with store.write() as session:
        releases = Releases(store, ledger.own_site(session))
    files = default_card_files()
    releases.publish(files, EVA)
    document = json.loads(files["job.json"])
    document["policy"] = document.get("policy", {}) | {"consent": ["rdp-regression"]}
    document["image"]["version"] = "1.2.0-b"
    releases.publish(files | {"job.json": json.dumps(document).encode()}, EVA)
    with store.read() as session:
        last = session.scalars(select(AuditEntry).where(AuditEntry.action == "job released")).all()[-1]
    assert any('to ["rdp-regression"]' in line for line in last.details["changes"])
    assert "image.version 1.2.0 to 1.2.0-b" in last.details["changes"]
    store.close()


def test_a_board_with_rails_of_its_own_is_compared_by_them() -> None:
    rails = {"vdd": {"role": "logic", "low_mv": 3_000, "high_mv": 3_400, "danger_mv": 3_600}}
    before = {"board": {"rails": rails}}
    after = {"board": {"rails": rails}, "limits": {"rails": {"vdd": {"danger_mv": 3_700}}}}
    assert limit_changes(before, after) == ["rails.vdd.danger_mv 3600 to 3700"]
    assert widened(before, after) == ["rails.vdd.danger_mv"]
    assert "rails.v12.low_mv 10800 to nothing" in limit_changes({}, before)


def test_what_was_allowed_before_and_is_not_any_more_is_told() -> None:
    old = {"limits": {"rails": {"vcap": {"danger_mv": 100_000}}}}
    assert limit_changes(old, {}) == [
        "those before are not allowed any more: limits.rails.vcap.danger_mv: is 100000 (0x186a0)"
    ]
