"""Alembic's way in: the connection comes from bmsrescue.fleet.store, with its transaction already begun."""

from alembic import context

from bmsrescue.fleet.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
