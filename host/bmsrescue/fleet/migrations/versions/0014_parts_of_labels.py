"""Parts of labels and identities are found by index, where PostgreSQL has pg_trgm and the account may add it.

Without it they are looked for in all of them, as in SQLite. docs/depot.md says how it is added later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    try:
        with bind.begin_nested():
            bind.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except sa.exc.DBAPIError:
        return
    for table, column in (("unit_labels", "label"), ("units", "uid")):
        op.execute(f"CREATE INDEX ix_{table}_{column}_parts ON {table} USING gin ({column} gin_trgm_ops)")
