"""Every attempt, for other programs: CSV, JSON lines, Parquet; as many as there are, in little memory."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet
from sqlalchemy import BigInteger, Boolean
from sqlalchemy.orm import Session

from bmsrescue.fleet.lookup import COLUMNS, all_pieces
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.models.base import UtcTime

_CHUNK_BYTES = 64 * 1024
_ROWS_IN_GROUP = 20_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def as_csv(session: Session, since: datetime | None) -> Iterator[str]:
    """A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for piece in all_pieces(session, since):
        writer.writerows([_harmless(value) for value in tuple(row)[1:]] for row in piece)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_json_lines(session: Session, since: datetime | None) -> Iterator[bytes]:
    """An object for each attempt."""
    for piece in all_pieces(session, since):
        yield b"".join(orjson.dumps(dict(zip(COLUMNS, row[1:], strict=True))) + b"\n" for row in piece)


def as_parquet(session: Session, since: datetime | None) -> Iterator[bytes]:
    """Typed columns; moments are in UTC, to the microsecond.

    It passes through a temporary file, because a Parquet file is put together by an index at its end.
    """
    types = {name: _type(name) for name in COLUMNS}
    schema = Schema([Field(name, kind, nullable=True) for name, kind in types.items()])
    batches = (
        RecordBatch.from_arrays(
            [_array(list(column), types[name]) for name, column in zip(COLUMNS, columns, strict=True)], schema=schema
        )
        for columns in (list(zip(*piece, strict=True))[1:] for piece in all_pieces(session, since))
    )
    with tempfile.TemporaryFile() as file:
        reader = RecordBatchReader.from_batches(schema, batches)
        write_parquet(reader, file, compression="zstd(3)", max_row_group_size=_ROWS_IN_GROUP)
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _type(name: str) -> DataType:
    if name == "uid":
        return DataType.utf8()
    column = Attempt.__table__.columns[name].type
    if isinstance(column, UtcTime):
        return DataType.timestamp("us", tz="UTC")
    if isinstance(column, BigInteger):
        return DataType.int64()
    return DataType.bool() if isinstance(column, Boolean) else DataType.utf8()


def _array(values: list[Any], kind: DataType) -> Array:
    if not DataType.is_timestamp(kind):
        return Array(values, type=kind)
    microseconds = [None if at is None else (at - _EPOCH) // _MICROSECOND for at in values]
    return Array(microseconds, type=DataType.int64()).cast(kind)


def _harmless(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value
