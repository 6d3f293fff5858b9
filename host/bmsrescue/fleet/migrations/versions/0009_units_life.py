"""What people say of a unit: whose it is, its lot, what became of it; and attempts by their moment and station."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

_moment = sa.DateTime(timezone=True)
_json = sa.JSON().with_variant(JSONB(), "postgresql")
_row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_name = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "unit_cards",
        sa.Column("unit_id", _row, autoincrement=False, nullable=False),
        *(sa.Column(name, _name, nullable=True) for name in ("rma", "customer", "lot", "model", "disposition")),
        sa.Column("changed_at", _moment, nullable=False),
        sa.Column("changed_by", _name, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_unit_cards_unit_id_units"),
        sa.PrimaryKeyConstraint("unit_id", name="pk_unit_cards"),
    )
    for name in ("lot", "customer", "rma"):
        op.create_index(f"ix_unit_cards_{name}", "unit_cards", [name])
    op.create_table(
        "unit_notes",
        sa.Column("bench", _name, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_id", _row, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("actor", _name, nullable=False),
        sa.Column("kind", _name, nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("details", _json, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_unit_notes_unit_id_units"),
        sa.PrimaryKeyConstraint("bench", "number", name="pk_unit_notes"),
    )
    op.create_index("ix_attempts_cause_id", "attempts", ["cause", "id"])
    op.create_index("ix_unit_notes_unit_id_at", "unit_notes", ["unit_id", "at"])
