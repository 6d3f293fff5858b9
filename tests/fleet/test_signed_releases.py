"""A bench that trusts engineers' keys uses what they have signed, whoever writes into the store that benches share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bmsrescue.card.check import JOB_FILE
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, Person
from bmsrescue.fleet.audit import audit_page
from bmsrescue.fleet.models import JobDocument, Release
from bmsrescue.fleet.releases import ReleaseError, Releases
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.signing import sign_files
from bmsrescue.keys.store import KeyStore
from bmsrescue.twin.rig import default_card_files
from p256_cases import derived_key
from rescuelink.manifest import NAME, key_id

EVA = Person("eva", ENGINEER)
OURS, THEIRS = derived_key(2001), derived_key(2002)
JOB = "bms-1.2.0"


def signed(release: int, key: object = OURS, helper: str = "", version: str = "1.2.0") -> dict[str, bytes]:
    files = default_card_files(version)
    return {**files, NAME: sign_files(key, files, "BR16S", release, helper)}  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(sqlite_url(tmp_path))) as opened:
        yield opened


@pytest.fixture
def releases(store: Store, tmp_path: Path) -> Releases:
    keys = KeyStore(tmp_path / "data" / "keys")
    keys.trust("eva", public_of(OURS))
    with store.write() as session:
        return Releases(store, ledger.own_site(session), keys)


@pytest.fixture
def of_a_thief(store: Store, releases: Releases) -> Releases:
    """Another bench at the same store, with all its rights and no key."""
    return Releases(store, releases._site)


def test_what_an_engineer_signed_reaches_the_card_byte_by_byte(store: Store, releases: Releases) -> None:
    files = signed(7)
    release = releases.publish(files, EVA)
    assert releases.card_files(release.id) == files
    assert release.signed_by == key_id(public_of(OURS))
    assert [one.signed_by for one in releases.versions(JOB)] == [release.signed_by]
    with store.read() as session:
        assert "BR16S" in str(audit_page(session).entries[0].details)


def test_a_release_that_another_bench_writes_is_used_by_none(releases: Releases, of_a_thief: Releases) -> None:
    releases.publish(signed(7), EVA)
    made_up = of_a_thief.publish(default_card_files(), EVA)
    assert releases.in_force(JOB).signed_by == ""
    with pytest.raises(HostError, match="the job is not signed"):
        releases.card_files(made_up.id)
    by_another = of_a_thief.publish(signed(8, THEIRS), EVA)
    assert releases.in_force(JOB).signed_by == ""
    with pytest.raises(HostError, match="not trusted here"):
        releases.card_files(by_another.id)


def test_a_row_that_is_changed_with_sql_is_used_by_none(store: Store, releases: Releases) -> None:
    release = releases.publish(signed(7), EVA)
    with store.write() as session:
        body = default_card_files()[JOB_FILE].decode().replace("repair", "rewrite")
        session.execute(update(JobDocument).values(body=body))
    assert releases.in_force(JOB).signed_by == ""
    with pytest.raises(HostError, match="is not the one"):
        releases.card_files(release.id)


def test_an_image_that_is_changed_with_sql_is_used_by_none(store: Store, releases: Releases) -> None:
    release = releases.publish(signed(7), EVA)
    with store.write() as session:
        image = bytearray(default_card_files()["bms-1.2.0.bin"])
        image[5000] ^= 1
        session.execute(update(JobDocument).values(image=bytes(image)))
    with pytest.raises(HostError, match="SHA-256"):
        releases.card_files(release.id)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (default_card_files(), "not signed"),
        (signed(9, THEIRS), "not trusted here"),
        (signed(7), "release 7 of BR16S has been here, and this is 7"),
        (signed(6), "release 7 of BR16S has been here, and this is 6"),
        (signed(9, helper="e6614103e7175e2b"), "an exception for one helper"),
        ({**signed(9), JOB_FILE: signed(9)[JOB_FILE] + b" "}, "is not the one"),
    ],
)
def test_what_is_not_signed_here_is_not_released(releases: Releases, files: dict[str, bytes], says: str) -> None:
    releases.publish(signed(7), EVA)
    with pytest.raises(HostError, match=says):
        releases.publish(files, EVA)
    assert releases.in_force(JOB).version == 1


def test_a_key_that_is_revoked_takes_its_releases_along(releases: Releases, tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "data" / "keys")
    keys.trust("tom", public_of(THEIRS))
    release = releases.publish(signed(7), EVA)
    keys.revoke(public_of(OURS))
    with pytest.raises(HostError, match="not trusted here"):
        releases.card_files(release.id)


def test_where_the_only_key_is_revoked_nothing_runs_that_did_not_before(
    releases: Releases, of_a_thief: Releases, tmp_path: Path
) -> None:
    """Whoever stole it, or may write to the shared store, gains nothing by its end."""
    release = releases.publish(signed(7), EVA)
    KeyStore(tmp_path / "data" / "keys").revoke(public_of(OURS))
    made_up = of_a_thief.publish(default_card_files(), EVA)
    for one, why in ((release, "not trusted here"), (made_up, "the job is not signed")):
        with pytest.raises(HostError, match=why):
            releases.card_files(one.id)
    with pytest.raises(HostError, match="the job is not signed"):
        releases.publish(default_card_files(), EVA)
    with pytest.raises(ReleaseError, match="take no older release back"):
        releases.roll_back(JOB, 1, EVA, "back")


def test_limits_and_roll_backs_go_by_the_signature_too(releases: Releases) -> None:
    releases.publish(signed(7), EVA)
    with pytest.raises(ReleaseError, match="changed where the job is signed"):
        releases.publish_limits(JOB, 1, {"trip_ma": 200}, EVA)
    with pytest.raises(ReleaseError, match="no older release"):
        releases.roll_back(JOB, 1, EVA, "")


def test_a_bench_without_keys_uses_all_and_says_that_it_is_unsigned(store: Store, of_a_thief: Releases) -> None:
    release = of_a_thief.publish(default_card_files(), EVA)
    assert release.signed_by == ""
    assert set(of_a_thief.card_files(release.id)) == {JOB_FILE, "bms-1.2.0.bin"}
    with store.read() as session:
        assert session.get(Release, release.id).manifest is None  # type: ignore[union-attr]
