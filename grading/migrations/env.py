"""Alembic's entry: the connection comes from whoever calls `grading.migrations`."""

from typing import Any

from alembic import context

from grading.models import Base


def _render(kind: str, item: Any, _autogen: Any) -> Any:
    """Write our own column types as the plain ones they stand on."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
