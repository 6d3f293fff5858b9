"""People: who may do what, and what they decided."""

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import (
    Base,
    Big,
    Document,
    Entries,
    Moment,
    Name,
    OptionalBig,
    OptionalHelperId,
    OptionalMoment,
    OptionalName,
    Sentence,
    Sha256,
)


class Operator(Base):
    """An account. `role` is "viewer", "operator" or "engineer"; `password` is an Argon2 hash, empty for tokens only."""

    __tablename__ = "operators"

    name: Mapped[Name] = mapped_column(primary_key=True)
    role: Mapped[Name]
    password: Mapped[str] = mapped_column(Text)
    disabled: Mapped[bool]
    changed_at: Mapped[Moment]


class ApiToken(Base):
    """A program's key. Only its hash is kept: it is random, so a plain SHA-256 cannot be searched.

    `scopes`: words, what it is for; None is all that its account may.
    """

    __tablename__ = "api_tokens"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    purpose: Mapped[Name]
    made_at: Mapped[Moment]
    expires_at: Mapped[OptionalMoment]
    scopes: Mapped[OptionalName]


class AuditEntry(Base):
    """What a person decided. Numbers are those of the site's ledger, which holds the same, chained."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at_number", "at", "number"),)

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor: Mapped[Name]
    action: Mapped[Name] = mapped_column(index=True)
    subject: Mapped[Sentence]
    details: Mapped[Document]


class ConsentGiven(Base):
    """An engineer's consent to what cannot be undone on one unit, before the act. `scopes`: words as a job's policy.

    With a `uid` it is for that chip whatever label is on it, else for what comes under `label`. The next attempt at the
    unit uses it up: the first record of `used_helper` after number `used_after`.
    """

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_label", "label"),
        Index("ix_consents_uid", "uid"),
        Index("ix_consents_used_helper_used_after", "used_helper", "used_after"),
    )

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor: Mapped[Name]
    station: Mapped[OptionalName]
    label: Mapped[OptionalName]
    scopes: Mapped[Entries]
    sectors: Mapped[Entries]
    why: Mapped[Sentence]
    uid: Mapped[OptionalName]
    until: Mapped[OptionalMoment]
    used_at: Mapped[OptionalMoment]
    used_helper: Mapped[OptionalName]
    used_helper_id: Mapped[OptionalHelperId]
    used_after: Mapped[OptionalBig]
    withdrawn_at: Mapped[OptionalMoment]
    withdrawn_by: Mapped[OptionalName]
