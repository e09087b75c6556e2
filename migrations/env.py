"""Alembic's environment: one transaction for each upgrade, on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base
from pharmacy.unblinded import tables

# Both sides' tables stand in the metadata once these are imported.
TABLES = (schema, tables)


def run() -> None:
    """Run the wanted revisions on what `pharmacy.persistence.migrating` hands in.

    That is an engine, or a connection whose transaction goes on afterwards.
    """
    within: sa.Connection | None = context.config.attributes.get("connection")
    if within is not None:
        _run_on(within)
        return
    engine: sa.Engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # On the driver: SQLite takes no notice of this within a transaction, and the engine
            # begins one with the first statement.
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        _run_on(connection)
        connection.commit()


def _run_on(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
