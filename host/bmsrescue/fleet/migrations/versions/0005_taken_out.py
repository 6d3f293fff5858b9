"""Attempts in which the unit was taken out in work."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("taken_out", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("ix_attempts_unit_id_id", "attempts")
    op.create_index("ix_attempts_unit_id_id", "attempts", ["unit_id", "id", "outcome", "at", "taken_out"])
