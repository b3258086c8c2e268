"""Which step of `migrations` a database has seen, and how it is taken to the newest. Only that loads Alembic."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from nexxi_cli.infrastructure.archive.layout import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config


def version_of(connection: Connection) -> str | None:
    """The last step that the database has seen, or None."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return version


def load_steps() -> "Config":
    """What `upgrade` needs. Takes a while, so let nobody wait for a lock meanwhile."""
    from alembic import command  # noqa: F401  loaded for `upgrade`
    from alembic.config import Config

    steps = Config()
    folder = str(Path(__file__).with_name("migrations"))
    steps.set_main_option("script_location", folder.replace("%", "%%"))
    return steps


def upgrade(connection: Connection, steps: "Config") -> None:
    """Take the steps that the database has not seen, within the connection's transaction."""
    from alembic import command

    steps.attributes["connection"] = connection
    command.upgrade(steps, "head")
