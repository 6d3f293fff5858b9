"""The backups of a site: found, looked at, taken out, and made into a card that puts one back."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bmsrescue.card.build import describe_job
from bmsrescue.card.check import JOB_FILE, check_image, read_job
from bmsrescue.errors import HostError, UsageError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.models import Attempt, Backup, Unit
from bmsrescue.fleet.store import Store
from bmsrescue.image.read import read_firmware
from bmsrescue.image.whole_backup import whole_flash
from rescuelink.targets import FLASH_BASE

PAGE = 50


@dataclass(frozen=True)
class KeptBackup:
    """A backup and the attempt before whose erase it was made; several attempts may have read the same."""

    sha256: str
    size: int
    stored_at: datetime
    uid: str | None
    chip: str | None
    label: str | None
    unit_id: int | None
    attempt_sha256: str | None
    at: datetime | None


def find_backups(session: Session, text: str = "", page: int = 0, down: bool = True) -> list[KeptBackup]:
    """Newest first, one more than a page where there are more; `text`: in the label, the chip or the backup's hash.
    Not `down`: the oldest first.

    Those of which it is the whole label, chip's identity or hash come alone.
    """
    first = select(func.min(Attempt.id)).where(Attempt.backup_sha256 == Backup.sha256).correlate(Backup)
    wanted = (
        select(Backup, Attempt, Unit)
        .join(Attempt, Attempt.id == first.scalar_subquery(), isouter=True)
        .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
        .order_by(Backup.stored_at.desc() if down else Backup.stored_at, Backup.sha256)
    )
    exactly = _called(session, text) if text else set()
    if exactly:
        wanted = wanted.where(Backup.sha256.in_(exactly))
    elif text:
        places = (Attempt.label, Unit.uid, Backup.sha256)
        wanted = wanted.where(or_(*(place.icontains(text, autoescape=True) for place in places)))
    return [
        KeptBackup(
            backup.sha256,
            backup.size,
            backup.stored_at,
            unit.uid if unit else None,
            unit.chip if unit else None,
            attempt.label if attempt else None,
            attempt.unit_id if attempt else None,
            attempt.sha256 if attempt else None,
            attempt.at if attempt else None,
        )
        for backup, attempt, unit in session.execute(wanted.limit(PAGE + 1).offset(page * PAGE))
    ]


def _called(session: Session, text: str) -> set[str]:
    """The hashes of backups of which this is the whole label, identity or hash. By indexes only."""
    unit = select(Unit.id).where(Unit.uid == text.upper()).scalar_subquery()
    whole = (
        select(Backup.sha256).where(Backup.sha256 == text),
        select(Attempt.backup_sha256).where(Attempt.label == text),
        select(Attempt.backup_sha256).where(Attempt.unit_id == unit),
    )
    return {one for each in whole for one in session.scalars(each) if one is not None}


def missing_backups(session: Session, site: str) -> int:
    """How many attempts of the site name a backup that has not come from the helper yet."""
    here = select(Backup.sha256).where(Backup.sha256 == Attempt.backup_sha256).exists()
    counted = select(func.count()).where(Attempt.bench == site, Attempt.backup_sha256.is_not(None), ~here)
    return session.scalar(counted) or 0


def backup_of(session: Session, sha256: str) -> KeptBackup | None:
    """By its hash."""
    return next((one for one in find_backups(session, sha256) if one.sha256 == sha256), None)


def fetch(store: Store, site: str, backups: BackupFolder, sha256: str, actor: str, action: str) -> bytes:
    """A backup's bytes, read back and held against its hash; who took it is in the audit log. Raises HostError."""
    data = backups.get(sha256)
    with store.write() as session:
        decide(session, site, actor, action, sha256, [], bytes=len(data))
    return data


def put_back_card(kept: KeptBackup, data: bytes) -> bytes:
    """A card (zip: job.json and its image) whose job writes the backup back, sector by sector, and proves it.

    Everything in it is this one unit's own: calibration, serial number. It is for no other.

    Raises:
        HostError: it is not known whose it is, or what it holds starts no chip.
    """
    if kept.uid is None or kept.chip is None:
        raise HostError("nobody knows of which chip this backup is", "Bring the record of its attempt in first.")
    data = whole_flash(data, f"backup {kept.sha256[:8]}")
    firmware = read_firmware(data, f"{kept.sha256[:8]}.bin", FLASH_BASE)
    stem = f"put-back-{kept.uid[-8:]}"
    boot = firmware.boot_address
    if boot is None:
        raise UsageError(
            "this backup holds nothing that starts: it was made of a unit whose firmware was damaged",
            "Download it, and take the parts that are needed from it by hand.",
        )
    files = describe_job(stem, f"backup {kept.sha256[:8]}", firmware.segments, kept.chip, len(data) // 1024, boot)
    document = json.loads(files[JOB_FILE])
    document["target"]["uid"] = kept.uid  # the helper refuses any other chip
    files[JOB_FILE] = (json.dumps(document, indent=2) + "\n").encode()
    job, _document = read_job(files)
    check_image(job, files)
    readme = (
        f"Puts back what chip {kept.uid} ({kept.label or 'no label'}) held on {kept.stored_at:%Y-%m-%d} UTC.\n"
        "For this unit and no other: its calibration and serial number are in it.\n"
        f"Made by bmsrescue on {ledger.now():%Y-%m-%d %H:%M} UTC.\n"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as card:
        for name, content in files.items():
            card.writestr(name, content)
        card.writestr("README.txt", readme)
    return packed.getvalue()
