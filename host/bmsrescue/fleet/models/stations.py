"""Stations of a site, and what was asked of them before the helper began to work."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import (
    Base,
    Big,
    HelperId,
    Moment,
    Name,
    OptionalMoment,
    OptionalName,
    OptionalSentence,
    RowId,
)


class Station(Base):
    """A place where units are recovered: one helper. `out_of_service` says why it takes no units."""

    __tablename__ = "stations"

    bench: Mapped[Name] = mapped_column(primary_key=True)
    name: Mapped[Name] = mapped_column(primary_key=True)
    helper: Mapped[OptionalName]
    out_of_service: Mapped[OptionalSentence]
    golden_at: Mapped[OptionalMoment]
    changed_at: Mapped[Moment]


class Booking(Base):
    """Who asked for the job whose record comes next from a helper: noted before the job begins.

    `after_sequence` is the helper's last record by then, `after_attempt` the store's; the first newer one that comes
    from the helper itself takes this along, even if the host died in between.
    """

    __tablename__ = "bookings"
    __table_args__ = (Index("ix_bookings_helper_id_id", "helper_id", "id"),)

    id: Mapped[RowId]
    helper: Mapped[Name]
    helper_id: Mapped[HelperId] = mapped_column(server_default="")
    after_sequence: Mapped[Big]
    after_attempt: Mapped[Big] = mapped_column(server_default="0")
    made_at: Mapped[Moment]
    station: Mapped[Name]
    operator: Mapped[OptionalName]
    label: Mapped[OptionalName]
    release_id: Mapped[OptionalName]
