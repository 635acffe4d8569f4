"""Alembic's entry: runs on the connection that `db.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from dropoff.db import schema

connection = context.config.attributes["connection"]


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Columns that mean the same on both databases are written by their own names."""
    if kind != "type":
        return False
    if isinstance(item, schema.Timestamp):
        return "schema.Timestamp()"
    for name in ("Json", "Serial"):
        if item is getattr(schema, name):
            return f"schema.{name}"
    return False


context.configure(
    connection=connection,
    target_metadata=schema.metadata,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
