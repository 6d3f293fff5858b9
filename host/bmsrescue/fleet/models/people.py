"""People: who may do what, and what they decided."""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import (
    Base,
    Big,
    Document,
    Entries,
    Moment,
    Name,
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
    """A program's key. Only its hash is kept: it is random, so a plain SHA-256 cannot be searched."""

    __tablename__ = "api_tokens"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    purpose: Mapped[Name]
    made_at: Mapped[Moment]
    expires_at: Mapped[OptionalMoment]


class AuditEntry(Base):
    """What a person decided. Numbers are those of the bench's ledger, which holds the same, chained."""

    __tablename__ = "audit"

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor: Mapped[Name]
    action: Mapped[Name] = mapped_column(index=True)
    subject: Mapped[Sentence]
    details: Mapped[Document]


class ConsentGiven(Base):
    """A person's consent to what cannot be undone, with its scopes, before the act."""

    __tablename__ = "consents"

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor: Mapped[Name]
    station: Mapped[OptionalName]
    label: Mapped[OptionalName]
    scopes: Mapped[Entries]
    sectors: Mapped[Entries]
    why: Mapped[Sentence]
