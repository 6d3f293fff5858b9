"""What people say of a unit besides its attempts: whose it is, where it belongs, what became of it."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Document, Moment, Name, OptionalName, Sentence


class UnitCard(Base):
    """The newest of each; all that was said before is in `UnitNote`. `model`: the board's, where somebody named it."""

    __tablename__ = "unit_cards"
    __table_args__ = (
        Index("ix_unit_cards_lot", "lot"),
        Index("ix_unit_cards_customer", "customer"),
        Index("ix_unit_cards_rma", "rma"),
    )

    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True, autoincrement=False)
    rma: Mapped[OptionalName]
    customer: Mapped[OptionalName]
    lot: Mapped[OptionalName]
    model: Mapped[OptionalName]
    disposition: Mapped[OptionalName]
    changed_at: Mapped[Moment]
    changed_by: Mapped[Name]


class UnitNote(Base):
    """Something that a person said of a unit. `kind`: "card", "disposition", "label", "note", "photo" or "test"."""

    __tablename__ = "unit_notes"
    __table_args__ = (Index("ix_unit_notes_unit_id_at", "unit_id", "at"),)

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    at: Mapped[Moment]
    actor: Mapped[Name]
    kind: Mapped[Name]
    text: Mapped[Sentence]
    details: Mapped[Document]
