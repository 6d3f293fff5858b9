"""Consents are for a unit, run out, and are used once; the audit log is read by time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("uid", sa.String(length=64), nullable=True),
        sa.Column("until", _moment, nullable=True),
        sa.Column("used_at", _moment, nullable=True),
        sa.Column("used_helper", sa.String(length=64), nullable=True),
        sa.Column("used_after", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", _moment, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
    ):
        op.add_column("consents", column)
    op.create_index("ix_consents_label", "consents", ["label"])
    op.create_index("ix_consents_uid", "consents", ["uid"])
    op.create_index("ix_consents_used_helper_used_after", "consents", ["used_helper", "used_after"])
    op.create_index("ix_audit_at_number", "audit", ["at", "number"])
