"""The first tables: records, benches and their ledgers, people, releases, stations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_moment = sa.DateTime(timezone=True)
_json = sa.JSON().with_variant(JSONB(), "postgresql")
_row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("details", _json, nullable=False),
        sa.PrimaryKeyConstraint("bench", "number", name="pk_audit"),
    )
    op.create_index("ix_audit_action", "audit", ["action"], unique=False)
    op.create_table(
        "backups",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("stored_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_backups"),
    )
    op.create_table(
        "benches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("first_seen", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_benches"),
    )
    op.create_table(
        "bookings",
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("helper", sa.String(length=64), nullable=False),
        sa.Column("after_sequence", sa.BigInteger(), nullable=False),
        sa.Column("made_at", _moment, nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=True),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("release_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
    )
    op.create_index("ix_bookings_helper_after_sequence", "bookings", ["helper", "after_sequence"], unique=False)
    op.create_table(
        "card_imports",
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("breaks", _json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_card_imports"),
    )
    op.create_table(
        "consents",
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("scopes", _json, nullable=False),
        sa.Column("sectors", _json, nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("bench", "number", name="pk_consents"),
    )
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_images"),
    )
    op.create_table(
        "job_documents",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_job_documents"),
    )
    op.create_table(
        "job_heads",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("set_at", _moment, nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("job", name="pk_job_heads"),
    )
    op.create_table(
        "ledger",
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("bench", "number", name="pk_ledger"),
    )
    op.create_table(
        "operators",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_operators"),
    )
    op.create_table(
        "quarantine",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("line_number", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seen_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_quarantine"),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("allowance", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("released_at", _moment, nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        sa.UniqueConstraint("job", "version", name="uq_releases_job_version"),
    )
    op.create_table(
        "stations",
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("helper", sa.String(length=64), nullable=True),
        sa.Column("out_of_service", sa.String(length=400), nullable=True),
        sa.Column("golden_at", _moment, nullable=True),
        sa.Column("changed_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("bench", "name", name="pk_stations"),
    )
    op.create_table(
        "units",
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=True),
        sa.Column("chip", sa.String(length=64), nullable=True),
        sa.Column("first_seen", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_units"),
        sa.UniqueConstraint("uid", name="uq_units_uid"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("made_at", _moment, nullable=False),
        sa.Column("expires_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.name"], name="fk_api_tokens_operator_operators"),
        sa.PrimaryKeyConstraint("sha256", name="pk_api_tokens"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("helper", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("time_source", sa.String(length=64), nullable=False),
        sa.Column("unit_id", _row, nullable=True),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("station", sa.String(length=64), nullable=True),
        sa.Column("operator", sa.String(length=64), nullable=True),
        sa.Column("release_id", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("unit_outcome", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("confidence", sa.String(length=64), nullable=True),
        sa.Column("sentence", sa.String(length=400), nullable=False),
        sa.Column("next_step", sa.String(length=400), nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=True),
        sa.Column("job", sa.String(length=64), nullable=True),
        sa.Column("image_sha256", sa.String(length=64), nullable=True),
        sa.Column("image_version", sa.String(length=64), nullable=True),
        sa.Column("backup_sha256", sa.String(length=64), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("power_cycles", sa.BigInteger(), nullable=True),
        sa.Column("swclk_cycles", sa.BigInteger(), nullable=True),
        sa.Column("resumed", sa.Boolean(), nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_attempts_unit_id_units"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("helper", "sequence", name="uq_attempts_helper_sequence"),
    )
    op.create_index("ix_attempts_at_outcome_cause", "attempts", ["at", "outcome", "cause"], unique=False)
    op.create_index("ix_attempts_backup_sha256", "attempts", ["backup_sha256"], unique=False)
    op.create_index("ix_attempts_label", "attempts", ["label"], unique=False)
    op.create_index("ix_attempts_release_id", "attempts", ["release_id"], unique=False)
    op.create_index("ix_attempts_station", "attempts", ["station"], unique=False)
    op.create_index("ix_attempts_unit_id_at", "attempts", ["unit_id", "at"], unique=False)
    op.create_table(
        "unit_labels",
        sa.Column("id", _row, autoincrement=True, nullable=False),
        sa.Column("unit_id", _row, nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("first_seen", _moment, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_unit_labels_unit_id_units"),
        sa.PrimaryKeyConstraint("id", name="pk_unit_labels"),
        sa.UniqueConstraint("unit_id", "label", name="uq_unit_labels_unit_id_label"),
    )
    op.create_index("ix_unit_labels_label", "unit_labels", ["label"], unique=False)
    op.create_table(
        "courses",
        sa.Column("attempt_id", _row, autoincrement=False, nullable=False),
        sa.Column("steps", _json, nullable=False),
        sa.Column("before", _json, nullable=False),
        sa.Column("after", _json, nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_courses_attempt_id_attempts"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_courses"),
    )
    op.create_table(
        "measurements",
        sa.Column("attempt_id", _row, autoincrement=False, nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("rail", sa.String(length=64), nullable=False),
        sa.Column("mv", sa.BigInteger(), nullable=False),
        sa.Column("min_mv", sa.BigInteger(), nullable=True),
        sa.Column("max_mv", sa.BigInteger(), nullable=True),
        sa.Column("limit_low", sa.BigInteger(), nullable=True),
        sa.Column("limit_high", sa.BigInteger(), nullable=True),
        sa.Column("uncertainty", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_measurements_attempt_id_attempts"),
        sa.PrimaryKeyConstraint("attempt_id", "phase", "rail", name="pk_measurements"),
    )
    op.create_index("ix_measurements_rail_phase", "measurements", ["rail", "phase"], unique=False)
    op.create_table(
        "sealed_lines",
        sa.Column("attempt_id", _row, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_sealed_lines_attempt_id_attempts"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_sealed_lines"),
    )
    op.create_index("ix_sealed_lines_sha256", "sealed_lines", ["sha256"], unique=False)
