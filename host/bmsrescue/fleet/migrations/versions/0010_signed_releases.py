"""A release may be signed; those of before are not."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("releases", sa.Column("manifest", sa.Text(), nullable=True))
