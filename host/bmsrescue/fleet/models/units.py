"""Units: the boards that are brought back. A unit is its chip's unique ID; labels are stuck on and may be wrong."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Moment, Name, OptionalName, RowId


class Unit(Base):
    """`uid` is empty while the chip has never answered: such a unit is known by its label alone."""

    __tablename__ = "units"

    id: Mapped[RowId]
    uid: Mapped[str | None] = mapped_column(String(64), unique=True)
    chip: Mapped[OptionalName]
    first_seen: Mapped[Moment]


class UnitLabel(Base):
    """A label that was scanned for a unit. The same label on two units, or two on one, is shown, not put right."""

    __tablename__ = "unit_labels"
    __table_args__ = (UniqueConstraint("unit_id", "label"),)

    id: Mapped[RowId]
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    label: Mapped[Name] = mapped_column(index=True)
    first_seen: Mapped[Moment]
