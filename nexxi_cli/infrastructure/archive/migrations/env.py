"""Alembic's way into the archive: it works on the connection, and in the transaction, that `migrating` hands it."""

from alembic import context

from nexxi_cli.infrastructure.archive.layout import VERSION_TABLE
from nexxi_cli.infrastructure.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
