"""A record may be signed by its helper; of those of before nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("signed", sa.Boolean(), nullable=True))
