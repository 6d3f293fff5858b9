"""From ledger entries to the tables that are searched. The same code serves a site's own store and the shared one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import (
    ApiToken,
    AuditEntry,
    Backup,
    CardImport,
    ConsentGiven,
    JobDocument,
    JobHead,
    Operator,
    QuarantinedLine,
    Release,
    Station,
)
from bmsrescue.fleet.records.counting import count_out
from bmsrescue.fleet.records.life import project_notes
from bmsrescue.fleet.records.projecting import project_attempts
from bmsrescue.fleet.upsert import insert_new, insert_or_replace

Row = dict[str, Any]
Projector = Callable[[Session, Sequence[Entry]], None]


def project(session: Session, entries: Sequence[Entry]) -> None:
    """Carry entries into the tables, in their order. A kind that this version does not know stays in the ledger."""
    for kind, same in groupby(entries, key=lambda entry: entry.kind):
        projector = _PROJECTORS.get(kind)
        if projector is not None:
            projector(session, list(same))


def _audit(session: Session, entries: Sequence[Entry]) -> None:
    insert_new(session, AuditEntry, [_placed(entry) for entry in entries])


def _consents(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        until = datetime.fromisoformat(entry.content["until"])
        insert_new(session, ConsentGiven, [_placed(entry) | {"sectors": [], "until": until}])


def _consents_end(session: Session, entries: Sequence[Entry]) -> None:
    """Used up or withdrawn, whichever came first."""
    for entry in entries:
        content = entry.content
        session.execute(
            update(ConsentGiven)
            .where(ConsentGiven.bench == entry.bench, ConsentGiven.number == content["number"])
            .where(ConsentGiven.used_at.is_(None), ConsentGiven.withdrawn_at.is_(None))
            .values(
                {"withdrawn_at": entry.at, "withdrawn_by": content["withdrawn_by"]}
                if "withdrawn_by" in content
                else {"used_at": entry.at, "used_helper_id": content.get("used_helper_id")}
                | _only(entry, "station", "used_helper", "used_after")
            )
        )


def _backups(session: Session, entries: Sequence[Entry]) -> None:
    insert_new(
        session, Backup, [_only(entry, "sha256", "size", "place") | {"stored_at": entry.at} for entry in entries]
    )


def _quarantine(session: Session, entries: Sequence[Entry]) -> None:
    """The text is the entry's line; entries of before that have it in themselves."""
    rows = [{"text": entry.line or ""} | entry.content | {"seen_at": entry.at} for entry in entries]
    insert_new(session, QuarantinedLine, rows)


def _imports(session: Session, entries: Sequence[Entry]) -> None:
    fields = ("source", "lines", "new", "known", "quarantined", "breaks")
    insert_new(session, CardImport, [_only(entry, *fields) | {"at": entry.at} for entry in entries])


def _stations(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        golden_at = entry.content["golden_at"]
        row = _only(entry, "name", "helper", "out_of_service") | {
            "bench": entry.bench,
            "changed_at": entry.at,
            "golden_at": datetime.fromisoformat(golden_at) if golden_at else None,
        }
        insert_or_replace(session, Station, [row])


def _operators(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        row = _only(entry, "name", "role", "password", "disabled") | {"changed_at": entry.at}
        insert_or_replace(session, Operator, [row])


def _tokens(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        content = entry.content
        if content.get("revoked"):
            session.execute(delete(ApiToken).where(ApiToken.sha256 == content["sha256"]))
            continue
        expires = content["expires_at"]
        row = _only(entry, "sha256", "operator", "purpose") | {
            "made_at": entry.at,
            "expires_at": datetime.fromisoformat(expires) if expires else None,
            "scopes": content.get("scopes"),
        }
        insert_new(session, ApiToken, [row])


def _releases(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        content = entry.content
        document = {
            "sha256": content["document_sha256"],
            "body": content["document"],
            "image_sha256": content["image_sha256"],
            "image": base64.b64decode(content["image"]),
        }
        insert_new(session, JobDocument, [document])
        row = _only(entry, "id", "job", "version", "document_sha256", "allowance", "note", "released_by")
        insert_new(session, Release, [row | {"released_at": entry.at, "manifest": content.get("manifest")}])


def _heads(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        insert_or_replace(session, JobHead, [_only(entry, "job", "version", "set_by") | {"set_at": entry.at}])


def _taken_out(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        count_out(session, entry.bench, entry.content)


def _placed(entry: Entry) -> Row:
    return entry.content | {"bench": entry.bench, "number": entry.number, "at": entry.at}


def _only(entry: Entry, *names: str) -> Row:
    content = entry.content
    return {name: content[name] for name in names}


_PROJECTORS: dict[str, Projector] = {
    ledger.ATTEMPT: project_attempts,
    ledger.AUDIT: _audit,
    ledger.BACKUP: _backups,
    ledger.CONSENT: _consents,
    ledger.CONSENT_END: _consents_end,
    ledger.HEAD: _heads,
    ledger.IMPORT: _imports,
    ledger.OPERATOR: _operators,
    ledger.QUARANTINE: _quarantine,
    ledger.RELEASE: _releases,
    ledger.STATION: _stations,
    ledger.TAKEN_OUT: _taken_out,
    ledger.TOKEN: _tokens,
    ledger.UNIT_NOTE: project_notes,
}
