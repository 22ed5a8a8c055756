"""What Alembic runs for each command: on the connection that `bot.db.migrate` hands over, else on DATABASE_URL."""

import asyncio
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from bot.db.column_types import Moment, Texts
from bot.db.engine import Database
from bot.db.tables import metadata
from bot.settings import Settings


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write a revision so that it never changes with the code and is right on both databases."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Texts):
        return "sa.Text()"
    if kind == "server_default" and isinstance(item, sa.DefaultClause):
        words: dict[type, str] = {sa.False_: "sa.false()", sa.True_: "sa.true()"}  # 0 and 1 are no truths to PostgreSQL
        return words.get(type(item.arg), False)
    return False


def run(connection: sa.Connection) -> None:
    """Run the command in the transaction that the connection is in; both databases can roll back table changes."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_settings() -> None:
    """Run a command of Alembic's own command line, such as `revision --autogenerate`."""
    database = Database(Settings.load().database_url)
    try:
        async with database.begin() as connection:
            await connection.run_sync(run)
    finally:
        await database.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database; --sql is not offered.")
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_on_settings())
