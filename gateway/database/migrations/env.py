"""Alembic's entry: runs the scripts on the connection that `gateway.database.migrate` hands over.

The transaction is the caller's, so a script that fails leaves nothing behind, on SQLite too.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
