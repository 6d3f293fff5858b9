"""What all tables have in common: names of constraints, and column types that SQLite and PostgreSQL agree on."""

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

NAME_LENGTH = 64
HELPER_ID_LENGTH = 80
TEXT_LENGTH = 400
"""Of a sentence; longer ones are shortened in the tables and whole in the sealed line."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so it is taken off there and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite numbers rows by itself only in a column that is called INTEGER; there that has 64 bits as well.
_RowNumber = BigInteger().with_variant(Integer(), "sqlite")

RowId = Annotated[int, mapped_column(_RowNumber, primary_key=True, autoincrement=True)]
Name = Annotated[str, mapped_column(String(NAME_LENGTH))]
OptionalName = Annotated[str | None, mapped_column(String(NAME_LENGTH))]
HelperId = Annotated[str, mapped_column(String(HELPER_ID_LENGTH))]
"""The number of the helper's hardware; "label NAME" where a record comes from an agent that did not tell it."""
OptionalHelperId = Annotated[str | None, mapped_column(String(HELPER_ID_LENGTH))]
Sentence = Annotated[str, mapped_column(String(TEXT_LENGTH))]
OptionalSentence = Annotated[str | None, mapped_column(String(TEXT_LENGTH))]
Sha256 = Annotated[str, mapped_column(String(64))]
OptionalSha256 = Annotated[str | None, mapped_column(String(64))]
Big = Annotated[int, mapped_column(BigInteger)]
OptionalBig = Annotated[int | None, mapped_column(BigInteger)]
Moment = Annotated[datetime, mapped_column(UtcTime)]
OptionalMoment = Annotated[datetime | None, mapped_column(UtcTime)]
Document = Annotated[dict[str, Any], mapped_column(Json)]
Entries = Annotated[list[Any], mapped_column(Json)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
