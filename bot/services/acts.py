"""What moderators and the operator did, noted where it is looked up: the audit, and the guild's journal."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import guilds, journal


async def note_act(
    connection: AsyncConnection,
    guild_id: int,
    actor: str,
    *,
    action: str,
    subject: str,
    detail: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Add the audit's line and the journal's, in the caller's transaction. `actor` is a user's id or `operator`."""
    await guilds.add_audit(
        connection,
        guild_id=guild_id,
        actor=actor,
        action=action,
        subject=subject[:80],
        detail=detail,
        reason=reason,
        at=now,
    )
    await journal.note(
        connection,
        guild_id,
        "moderator",
        now=now,
        action=action,
        actor=actor,
        subject=subject,
        detail=detail[:500],
        reason=reason[:500],
    )
