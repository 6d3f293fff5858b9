"""Jobs that an engineer released: published as versions, put in force, taken back to an earlier one, counted."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bmsrescue.card.check import JOB_FILE, check_image, check_manifest, check_signature, read_job
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, Person
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.limit_changes import limit_changes, other_changes, widened
from bmsrescue.fleet.models import Attempt, JobDocument, JobHead, Release
from bmsrescue.fleet.store import Store
from bmsrescue.keys.store import KeyStore
from rescuelink.errors import JobError
from rescuelink.manifest import NAME as MANIFEST
from rescuelink.manifest import Manifest, read_manifest
from rescuelink.outcomes import RECOVERED, RECOVERED_CHECK_CONFIG

COUNTED = (RECOVERED, RECOVERED_CHECK_CONFIG)
"""Outcomes that use up an allowance: the image was brought to a unit."""

_MAX_IMAGE_BYTES = 4 * 1024 * 1024


class ReleaseError(HostError):
    """There is no such release, or it may not be used any more."""


@dataclass(frozen=True)
class Released:
    """One version of a job, as it was released.

    `signed_by`: the number of the key; "" where it is unsigned, or not by a key that this bench trusts.
    """

    id: str
    job: str
    version: int
    chip: str
    image_version: str
    image_sha256: str
    released_at: datetime
    released_by: str
    note: str
    allowance: int | None
    signed_by: str


@dataclass(frozen=True)
class InForce(Released):
    """The version of a job that sites and cards take now. `remaining`: units it may still recover; None is any."""

    remaining: int | None


@dataclass(frozen=True)
class Version(Released):
    """A version among the others of its job. `used`: how many units it has recovered."""

    used: int
    in_force: bool


class Releases:
    """`site`: the ledger in which releases are decided.

    `keys`: those of engineers whose releases this bench uses. Once there is one, or one was revoked, a row of the store
    is no release without a signature, whoever wrote it; before that every release is used, and said to be unsigned.
    """

    def __init__(self, store: Store, site: str, keys: KeyStore | None = None) -> None:
        self._store = store
        self._site = site
        self._keys = keys

    def publish(self, files: dict[str, bytes], by: Person, note: str = "", allowance: int | None = None) -> InForce:
        """Release the job of a card's files as the next version of its name, in force at once.

        Raises:
            AccessError: it takes an engineer.
            HostError: the files make no card that could work.
        """
        by.require(ENGINEER)
        return self._publish(files, by, note, allowance, None)

    def publish_limits(
        self, job: str, version: int, limits: dict[str, Any], by: Person, note: str = "", allowance: int | None = None
    ) -> InForce:
        """Release the version in force again with other limits, and nothing else changed.

        `version`: the one that the person has seen; somebody else may have released another one meanwhile.

        Raises:
            AccessError: it takes an engineer.
            HostError: the limits make no sense, or `version` is not in force.
        """
        by.require(ENGINEER)
        if self._only_signed():
            raise ReleaseError(
                "limits are changed where the job is signed",
                "Change the job file, sign it with `bmsrescue card build --sign`, and release that.",
            )
        files = self.card_files(self.in_force(job).id)
        files.pop(MANIFEST, None)
        document = json.loads(files[JOB_FILE])
        document["limits"] = limits
        files[JOB_FILE] = json.dumps(document).encode()
        return self._publish(files, by, note, allowance, version)

    def _publish(
        self, files: dict[str, bytes], by: Person, note: str, allowance: int | None, seen: int | None
    ) -> InForce:
        if allowance is not None and allowance < 1:
            raise ReleaseError(f"an allowance of {allowance} lets nothing through", "Leave it out for any number.")
        job, document = read_job(files)
        check_image(job, files)
        image = files[job.image.file]
        if len(image) > _MAX_IMAGE_BYTES:
            raise ReleaseError(f"the image has {len(image):,} bytes", f"At most {_MAX_IMAGE_BYTES:,} can be released.")
        manifest = self._signed(files)
        # What is signed is kept byte by byte.
        text = json.dumps(document, sort_keys=True) if manifest is None else files[JOB_FILE].decode()
        content = {
            "id": uuid.uuid4().hex,
            "job": job.name,
            "document": text,
            "document_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "image_sha256": hashlib.sha256(image).hexdigest(),
            "image": base64.b64encode(image).decode(),
            "allowance": allowance,
            "note": note[:400],
            "released_by": by.name,
            "manifest": None if manifest is None else files[MANIFEST].decode(),
        }
        with self._store.write() as session:
            if seen is not None and session.scalar(select(JobHead.version).where(JobHead.job == job.name)) != seen:
                raise ReleaseError(f"version {seen} is not in force any more", "Look at the newer one first.")
            newest = session.scalar(select(func.max(Release.version)).where(Release.job == job.name)) or 0
            before: str | None = session.scalar(_body_of(job.name, newest))
            earlier = None if before is None else json.loads(before)
            if manifest is not None:
                self._check_number(session, job.name, manifest)
            wider = widened(earlier, document)
            if wider and not note.strip():
                raise ReleaseError(f"wider than before: {', '.join(wider[:5])}", "Say in the note why.")
            news = [News(ledger.RELEASE, content | {"version": newest + 1}), _head(job.name, newest + 1, by)]
            told: dict[str, Any] = {
                "version": newest + 1,
                "allowance": allowance,
                "image_sha256": content["image_sha256"],
            }
            told["limits"] = limit_changes(earlier, document) or "as before"
            told["wider"] = wider
            told["changes"] = other_changes(earlier, document)
            told["note"] = note[:400]
            if manifest is not None:
                told["signed"] = {"key": manifest.key, "series": manifest.series, "release": manifest.release}
            decide(session, self._site, by.name, "job released", job.name, news, **told)
        return self.in_force(job.name)

    def _trusted(self) -> list[bytes]:
        return [] if self._keys is None else self._keys.trusted()

    def _only_signed(self) -> bool:
        return self._keys is not None and self._keys.only_signed()

    def _signed(self, files: dict[str, bytes]) -> Manifest | None:
        """The manifest of files that are to be released. Raises HostError where it is not good, or is missing here."""
        if self._only_signed():
            manifest = check_signature(files, self._trusted())
            if manifest.helper:
                raise ReleaseError("this is an exception for one helper", "Put it on that helper's card.")
            return manifest
        # Nobody's word counts here more than another's; helpers with keys may have use for it.
        return None if MANIFEST not in files else check_manifest(files)

    def _check_number(self, session: Session, job: str, manifest: Manifest) -> None:
        for text in session.scalars(select(Release.manifest).where(Release.job == job, Release.manifest.is_not(None))):
            before = None if text is None else _read(text)
            if before is not None and before.series == manifest.series and before.release >= manifest.release:
                raise ReleaseError(
                    f"release {before.release} of {before.series} has been here, and this is {manifest.release}",
                    "Helpers take none that is older: sign it with a higher number.",
                )

    def _signer(self, manifest: str | None, body: str, image_sha256: str) -> str:
        """The number of the trusted key that has signed this; "" where none has."""
        found = None if manifest is None else _read(manifest)
        if found is None:
            return ""
        try:
            found.verify(self._trusted())
            found.check_file(JOB_FILE, hashlib.sha256(body.encode()).hexdigest())
            found.check_file(json.loads(body)["image"]["file"], image_sha256)
        except JobError:
            return ""
        return found.key

    def roll_back(self, job: str, version: int, by: Person, why: str) -> InForce:
        """Put an earlier version in force again; the others stay. Raises AccessError, ReleaseError."""
        by.require(ENGINEER)
        if self._only_signed():
            raise ReleaseError(
                "helpers with keys take no older release back",
                "Sign the earlier job anew with a higher number (`bmsrescue card build --sign`), and release that.",
            )
        with self._store.write() as session:
            known = select(Release.id).where(Release.job == job, Release.version == version)
            if session.scalar(known) is None:
                raise ReleaseError(f"{job[:64]} has no version {version}", "See the released versions.")
            decide(
                session,
                self._site,
                by.name,
                "job rolled back",
                job,
                [_head(job, version, by)],
                version=version,
                why=why[:400],
            )
        return self.in_force(job)

    def in_force(self, job: str) -> InForce:
        """Raises ReleaseError when the job was never released."""
        with self._store.read() as session:
            found = self._in_force(session, job)
        if not found:
            raise ReleaseError(f"there is no released job {job[:64]}", "An engineer has to release it first.")
        return found[0]

    def all_in_force(self) -> list[InForce]:
        """Of every job, by name."""
        with self._store.read() as session:
            return self._in_force(session, None)

    def versions(self, job: str | None = None) -> list[Version]:
        """Every version that was released, by job, the newest first."""
        counted = (
            select(Attempt.release_id, func.count(Attempt.unit_id.distinct()))
            .where(Attempt.release_id.is_not(None), Attempt.outcome.in_(COUNTED))
            .group_by(Attempt.release_id)
        )
        wanted = (
            select(Release, JobDocument.body, JobDocument.image_sha256, JobHead.version.label("head"))
            .join(JobDocument, JobDocument.sha256 == Release.document_sha256)
            .join(JobHead, JobHead.job == Release.job)
            .order_by(Release.job, Release.version.desc())
        )
        with self._store.read() as session:
            uses: dict[str | None, int] = {row[0]: row[1] for row in session.execute(counted)}
            rows = session.execute(wanted if job is None else wanted.where(Release.job == job)).all()
        return [
            Version(
                **self._facts(release, body, image_sha256),
                used=uses.get(release.id, 0),
                in_force=release.version == head,
            )
            for release, body, image_sha256, head in rows
        ]

    def _in_force(self, session: Session, job: str | None) -> list[InForce]:
        wanted = (
            select(Release, JobDocument.body, JobDocument.image_sha256)
            .join(JobHead, (JobHead.job == Release.job) & (JobHead.version == Release.version))
            .join(JobDocument, JobDocument.sha256 == Release.document_sha256)
            .order_by(Release.job)
        )
        found = []
        for release, body, image_sha256 in session.execute(wanted if job is None else wanted.where(Release.job == job)):
            allowance = release.allowance
            left = None if allowance is None else max(0, allowance - used(session, release.id))
            found.append(InForce(**self._facts(release, body, image_sha256), remaining=left))
        return found

    def _facts(self, release: Release, body: str, image_sha256: str) -> dict[str, Any]:
        """The fields of `Released`."""
        document = json.loads(body)
        return {
            "id": release.id,
            "job": release.job,
            "version": release.version,
            "chip": document["target"]["chip"],
            "image_version": document["image"].get("version", ""),
            "image_sha256": image_sha256,
            "released_at": release.released_at,
            "released_by": release.released_by,
            "note": release.note,
            "allowance": release.allowance,
            "signed_by": self._signer(release.manifest, body, image_sha256),
        }

    def document(self, job: str, version: int) -> dict[str, Any]:
        """The job.json of a version, as it was released. Raises ReleaseError."""
        with self._store.read() as session:
            body: str | None = session.scalar(_body_of(job, version))
        if body is None:
            raise ReleaseError(f"{job[:64]} has no version {version}", "See the released versions.")
        document: dict[str, Any] = json.loads(body)
        return document

    def card_files(self, release_id: str) -> dict[str, bytes]:
        """What a card needs for this release. Raises ReleaseError; CardBuildError where nobody trusted signed it."""
        with self._store.read() as session:
            row = session.execute(
                select(JobDocument.body, JobDocument.image, Release.manifest)
                .join(Release, Release.document_sha256 == JobDocument.sha256)
                .where(Release.id == release_id)
            ).first()
        if row is None:
            raise ReleaseError("this release is not known here", "Wait until the bench is in step with the others.")
        document = json.loads(row.body)
        files = {JOB_FILE: json.dumps(document, indent=2).encode() + b"\n", document["image"]["file"]: row.image}
        if row.manifest is not None:
            files |= {JOB_FILE: row.body.encode(), MANIFEST: row.manifest.encode()}
        if self._only_signed():
            # Whoever may write to the store is no engineer by that: what goes to a card is looked at each time.
            job, _document = read_job(files)
            check_signature(files, self._trusted())
            check_image(job, files)
        return files


def _body_of(job: str, version: int) -> Select[Any]:
    return (
        select(JobDocument.body)
        .join(Release, Release.document_sha256 == JobDocument.sha256)
        .where(Release.job == job, Release.version == version)
    )


def _read(manifest: str) -> Manifest | None:
    try:
        return read_manifest(manifest.encode())
    except JobError:
        return None


def used(session: Session, release_id: str) -> int:
    """How many units this release has recovered, counted from the attempts: nothing else is counted."""
    counted = select(func.count(Attempt.unit_id.distinct())).where(
        Attempt.release_id == release_id, Attempt.outcome.in_(COUNTED)
    )
    return session.scalar(counted) or 0


def _head(job: str, version: int, by: Person) -> News:
    return News(ledger.HEAD, {"job": job, "version": version, "set_by": by.name})
