"""Attempts: what each sealed record of a helper says, taken apart so that it can be searched and counted.

The sealed line itself, with the evidence whole, stays as the helper wrote it (`SealedLine`).
"""

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import (
    Base,
    Big,
    Entries,
    HelperId,
    Moment,
    Name,
    OptionalBig,
    OptionalName,
    OptionalSentence,
    OptionalSha256,
    RowId,
    Sentence,
    Sha256,
)


class Attempt(Base):
    """One record, known by the hash of its sealed line; `at` is the host's time when the record reached it.

    `helper` and `sequence` are what people call it by. Two helpers may have one name, and one helper's numbers may
    begin anew: nothing is looked up by them that has to be this record and no other.

    A helper has no clock: `time_source` is "bench" when the host was there, "import" when a card brought it later.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("sha256"),
        Index("ix_attempts_helper_sequence", "helper", "sequence"),
        Index("ix_attempts_helper_id_sequence", "helper_id", "sequence"),
        Index("ix_attempts_unit_id_id", "unit_id", "id", "outcome", "at", "taken_out"),
        Index("ix_attempts_cause_id", "cause", "id"),
        Index("ix_attempts_at_outcome_cause", "at", "outcome", "cause"),
        Index("ix_attempts_bench_at", "bench", "at"),
        Index("ix_attempts_station_id", "station", "id"),
    )

    id: Mapped[RowId]
    helper: Mapped[Name]
    helper_id: Mapped[HelperId]
    sequence: Mapped[Big]
    sha256: Mapped[Sha256]
    bench: Mapped[Name]
    at: Mapped[Moment]
    time_source: Mapped[Name]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    label: Mapped[OptionalName] = mapped_column(index=True)
    station: Mapped[OptionalName]
    operator: Mapped[OptionalName]
    release_id: Mapped[OptionalName] = mapped_column(index=True)
    outcome: Mapped[Name]
    unit_outcome: Mapped[Name]
    cause: Mapped[Name]
    confidence: Mapped[OptionalName]
    sentence: Mapped[Sentence]
    next_step: Mapped[OptionalSentence]
    error_kind: Mapped[OptionalName]
    job: Mapped[OptionalName]
    image_sha256: Mapped[OptionalSha256]
    image_version: Mapped[OptionalName]
    firmware: Mapped[OptionalName]
    """What the unit carried when it came: a version, "part of" one, "blank"; None where nothing tells."""
    backup_sha256: Mapped[OptionalSha256] = mapped_column(index=True)
    duration_ms: Mapped[Big]
    power_cycles: Mapped[OptionalBig]
    swclk_cycles: Mapped[OptionalBig]
    resumed: Mapped[bool]
    follows: Mapped[bool]
    """Whether its line follows, by hash, the line before it; where it does not, something is missing or was changed."""
    signed: Mapped[bool | None]
    """Whether its helper has signed the line, by the key that was known of it here; None: of that helper none was.
    False: a check of the store has found that it is not what its helper signed; then it is `taken_out`, too."""
    taken_out: Mapped[bool] = mapped_column(server_default=false())
    """Whether the unit was taken out in work, or the record does not verify (`signed`): what it says is then no
    verdict, and is not counted."""
    first: Mapped[bool] = mapped_column(server_default=false())
    """Whether it counts and was the first of its unit that does, by `id`."""


class SealedLine(Base):
    """The record as the helper sealed it, without its newline; its hash is the attempt's."""

    __tablename__ = "sealed_lines"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True, autoincrement=False)
    line: Mapped[str] = mapped_column(Text)


class Measurement(Base):
    """A rail in one phase ("off", "on", "proof"). Voltages in mV; `uncertainty` is U with k = 2, in mV.

    No foreign key: the rows of an attempt are written with it, in one transaction, and PostgreSQL would look the
    attempt up fifteen times again.
    """

    __tablename__ = "measurements"
    __table_args__ = ({"sqlite_with_rowid": False},)

    attempt_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    phase: Mapped[Name] = mapped_column(primary_key=True)
    rail: Mapped[Name] = mapped_column(primary_key=True)
    mv: Mapped[Big]
    min_mv: Mapped[OptionalBig]
    max_mv: Mapped[OptionalBig]
    limit_low: Mapped[OptionalBig]
    limit_high: Mapped[OptionalBig]
    uncertainty: Mapped[Big]
    verdict: Mapped[Name]


class Course(Base):
    """How the attempt went. `steps`: [[name, ms, outcome], ...]; `before` and `after`: what each sector held."""

    __tablename__ = "courses"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True, autoincrement=False)
    steps: Mapped[Entries]
    before: Mapped[Entries]
    after: Mapped[Entries]


class RecordedConsent(Base):
    """What a record says of a consent: the words that were asked for, of whom, and whether they were given."""

    __tablename__ = "recorded_consents"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True, autoincrement=False)
    words: Mapped[Entries]
    scope: Mapped[OptionalSentence]
    said_by: Mapped[OptionalName]
    given: Mapped[bool]
