"""What a person decided goes into the ledger with its audit entry, in one transaction: never one without the other.

With a shared store decisions are made there and come to the sites from there; a site by itself has them in its own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models.base import NAME_LENGTH, TEXT_LENGTH
from bmsrescue.fleet.records.projection import project


def decide(
    session: Session, site: str, actor: str, action: str, subject: str, news: list[News], **details: Any
) -> None:
    """Put down `news`, and that `actor` did it."""
    audit = {
        "actor": actor[:NAME_LENGTH],
        "action": action[:NAME_LENGTH],
        "subject": subject[:TEXT_LENGTH],
        "details": details,
    }
    project(session, ledger.append(session, site, [*news, News(ledger.AUDIT, audit)]))
