"""Things known by their hash: images and backups; and what card imports brought that could not be taken as it was."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Entries, Moment, OptionalName, RowId, Sha256


class Image(Base):
    """Firmware that a job brought, as records and releases name it."""

    __tablename__ = "images"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    file: Mapped[OptionalName]
    version: Mapped[OptionalName]


class Backup(Base):
    """What was read out of a unit before an erase. `place` is relative to the folder or URL of the backups."""

    __tablename__ = "backups"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    size: Mapped[Big]
    place: Mapped[str] = mapped_column(String(200))
    stored_at: Mapped[Moment] = mapped_column(index=True)


class CardImport(Base):
    """One import of one card: how many lines it had and what became of them. `breaks`: [[line, what is wrong], ...]."""

    __tablename__ = "card_imports"

    id: Mapped[RowId]
    at: Mapped[Moment]
    source: Mapped[str] = mapped_column(Text)
    lines: Mapped[Big]
    new: Mapped[Big]
    known: Mapped[Big]
    quarantined: Mapped[Big]
    breaks: Mapped[Entries]


class QuarantinedLine(Base):
    """A line that is no sealed record, or says otherwise than one that is here already. Kept as it came."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("ix_quarantine_seen_at", "seen_at"),)

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    line_number: Mapped[Big]
    why: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[Moment]
