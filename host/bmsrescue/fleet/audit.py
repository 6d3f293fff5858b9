"""Reading the audit log: what people decided, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import AuditEntry

PAGE = 50


@dataclass(frozen=True)
class AuditPage:
    """`more`: there are older ones."""

    entries: list[AuditEntry]
    more: bool


def audit_page(session: Session, text: str = "", page: int = 0, size: int = PAGE, down: bool = True) -> AuditPage:
    """Entries in which `text` stands: who, what, on what, or in the details. The newest first, or else the oldest."""
    at, number = AuditEntry.at, AuditEntry.number
    wanted = select(AuditEntry).order_by(*((at.desc(), number.desc()) if down else (at, number)))
    if text:
        places = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject, cast(AuditEntry.details, Text))
        wanted = wanted.where(or_(*(place.icontains(text, autoescape=True) for place in places)))
    found = list(session.scalars(wanted.limit(size + 1).offset(page * size)))
    return AuditPage(found[:size], len(found) > size)


def told(entry: AuditEntry) -> dict[str, Any]:
    """For programs."""
    names = ("bench", "number", "at", "actor", "action", "subject", "details")
    return {name: getattr(entry, name) for name in names}
