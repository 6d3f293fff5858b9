"""What people said of units, from the ledger into the tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Unit, UnitCard, UnitLabel, UnitNote
from bmsrescue.fleet.records.rollups import BY_CARD, roll_over
from bmsrescue.fleet.upsert import insert_new, insert_or_replace

FIELDS = {"rma": "RMA number", "customer": "Customer", "lot": "Lot", "model": "Board model"}
"""Of a unit's card, in words."""


def project_notes(session: Session, entries: Sequence[Entry]) -> None:
    """From the ledger into the tables."""
    for entry in entries:
        content = entry.content
        unit = _unit_of(session, content.get("uid"), content.get("label"))
        if unit is None:
            continue  # its attempts have not come here; the ledger keeps what was said
        details = content["details"]
        row = {name: content[name] for name in ("actor", "kind", "text")} | {"details": details, "unit_id": unit}
        insert_new(session, UnitNote, [row | {"bench": entry.bench, "number": entry.number, "at": entry.at}])
        if content["kind"] == "label":
            insert_new(session, UnitLabel, [{"unit_id": unit, "label": details["label"], "first_seen": entry.at}])
        if content["kind"] in ("card", "disposition"):
            before = session.get(UnitCard, unit, populate_existing=True)
            names = (*FIELDS, "disposition")
            card = {name: None if before is None else getattr(before, name) for name in names}
            card |= {name: value for name, value in details.items() if name in card}
            roll_over(session, entry.bench, unit, {name: card[name] for name in BY_CARD})
            changed = {"unit_id": unit, "changed_at": entry.at, "changed_by": content["actor"]}
            insert_or_replace(session, UnitCard, [card | changed])


def _unit_of(session: Session, uid: str | None, label: str | None) -> int | None:
    if uid is not None:
        return session.scalar(select(Unit.id).where(Unit.uid == uid))
    newest = select(func.max(UnitLabel.id)).where(UnitLabel.label == label).scalar_subquery()
    return session.scalar(select(UnitLabel.unit_id).where(UnitLabel.id == newest))
