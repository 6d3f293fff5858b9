"""A record is known by the hash of its line, its helper by the hardware's number: a name and a number are labels."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = {
    "ix_attempts_at_outcome_cause": ["at", "outcome", "cause"],
    "ix_attempts_backup_sha256": ["backup_sha256"],
    "ix_attempts_label": ["label"],
    "ix_attempts_release_id": ["release_id"],
    "ix_attempts_station": ["station"],
    "ix_attempts_unit_id_id": ["unit_id", "id", "outcome", "at", "taken_out"],
}
_NEW_INDEXES = {
    "ix_attempts_helper_sequence": ["helper", "sequence"],
    "ix_attempts_helper_id_sequence": ["helper_id", "sequence"],
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()
    for name, columns in _NEW_INDEXES.items():
        op.create_index(name, "attempts", columns)
    op.add_column("bookings", sa.Column("helper_id", sa.String(80), server_default="", nullable=False))
    op.add_column("bookings", sa.Column("after_attempt", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("UPDATE bookings SET helper_id = 'label ' || helper")
    op.drop_index("ix_bookings_helper_after_sequence", "bookings")
    op.create_index("ix_bookings_helper_id_id", "bookings", ["helper_id", "id"])
    op.add_column("consents", sa.Column("used_helper_id", sa.String(80), nullable=True))
    op.create_index("ix_quarantine_seen_at", "quarantine", ["seen_at"])


def _on_postgresql() -> None:
    op.add_column("attempts", sa.Column("helper_id", sa.String(80), nullable=True))
    op.add_column("attempts", sa.Column("sha256", sa.String(64), nullable=True))
    op.execute(
        "UPDATE attempts SET helper_id = 'label ' || helper, sha256 = s.sha256 "
        "FROM sealed_lines s WHERE s.attempt_id = attempts.id"
    )
    op.alter_column("attempts", "helper_id", nullable=False)
    op.alter_column("attempts", "sha256", nullable=False)
    op.drop_constraint("uq_attempts_helper_sequence", "attempts", type_="unique")
    op.create_unique_constraint("uq_attempts_sha256", "attempts", ["sha256"])
    op.drop_index("ix_sealed_lines_sha256", "sealed_lines")
    op.drop_column("sealed_lines", "sha256")


def _on_sqlite() -> None:
    # A constraint goes only with its table. Foreign keys are off here (bmsrescue.fleet.store).
    name, text = sa.String(64), sa.String(400)
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("helper", name, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("bench", name, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_source", name, nullable=False),
        sa.Column("unit_id", _row, nullable=True),
        sa.Column("label", name, nullable=True),
        sa.Column("station", name, nullable=True),
        sa.Column("operator", name, nullable=True),
        sa.Column("release_id", name, nullable=True),
        sa.Column("outcome", name, nullable=False),
        sa.Column("unit_outcome", name, nullable=False),
        sa.Column("cause", name, nullable=False),
        sa.Column("confidence", name, nullable=True),
        sa.Column("sentence", text, nullable=False),
        sa.Column("next_step", text, nullable=True),
        sa.Column("error_kind", name, nullable=True),
        sa.Column("job", name, nullable=True),
        sa.Column("image_sha256", name, nullable=True),
        sa.Column("image_version", name, nullable=True),
        sa.Column("firmware", name, nullable=True),
        sa.Column("backup_sha256", name, nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("power_cycles", sa.BigInteger(), nullable=True),
        sa.Column("swclk_cycles", sa.BigInteger(), nullable=True),
        sa.Column("resumed", sa.Boolean(), nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.Column("taken_out", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    new = (
        sa.Column("helper_id", sa.String(80), nullable=False),
        sa.Column("sha256", name, nullable=False),
    )
    keys = (
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_attempts_unit_id_units"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("sha256", name="uq_attempts_sha256"),
    )
    names = ", ".join(column.name for column in columns)
    op.create_table("attempts_new", *columns, *new, *keys)
    op.execute(
        f"INSERT INTO attempts_new ({names}, helper_id, sha256) "
        f"SELECT {', '.join(f'a.{column.name}' for column in columns)}, 'label ' || a.helper, s.sha256 "
        "FROM attempts a JOIN sealed_lines s ON s.attempt_id = a.id ORDER BY a.id"
    )
    op.drop_table("attempts")
    op.rename_table("attempts_new", "attempts")
    for index, of in _INDEXES.items():
        op.create_index(index, "attempts", of)
    op.drop_index("ix_sealed_lines_sha256", "sealed_lines")
    op.drop_column("sealed_lines", "sha256")
