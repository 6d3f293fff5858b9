"""A token may be for a part of what its account may; those of before are for all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("scopes", sa.String(length=64), nullable=True))
