"""Every table. Money is integer millicredits (`…_milli`), moments are UTC, Discord ids are 64-bit integers."""

from typing import Any

import sqlalchemy as sa

from bot.db.column_types import Moment, Texts

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows itself only in INTEGER columns


def _serial() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True, autoincrement=True)


def _index_where(condition: str, name: str, *columns: sa.Column[Any]) -> None:
    """Index only the rows for which `condition` holds, which both databases spell alike."""
    where = sa.text(condition)
    sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


#: Values of the whole installation: the callback secret, hashes of synced commands.
instance_value = sa.Table(
    "instance_value",
    metadata,
    sa.Column("key", sa.String(100), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

guild = sa.Table(
    "guild",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("owner_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("locale", sa.String(10), nullable=False, server_default="en-US"),
    sa.Column("zone", sa.String(64), nullable=False, server_default="UTC"),
    sa.Column("allowance_period", sa.String(10)),  # NULL: the installation's default
    sa.Column("week_start", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column(
        "pool_is_set", sa.Boolean, nullable=False, server_default=sa.false()
    ),  # false: default or unlimited by rule
    sa.Column("pool_limit_milli", sa.BigInteger),  # NULL with pool_is_set: unlimited
    sa.Column("settings", sa.Text, nullable=False, server_default="{}"),  # JSON of domain.rules.GuildRules
    sa.Column("removed_at", Moment),
    sa.Column("log_channel_id", sa.BigInteger),  # as in `settings`: what `log_line` rows are written for
    #: A calendar that takes effect at the end of the running period; all NULL: none waits.
    sa.Column("next_zone", sa.String(64)),
    sa.Column("next_allowance_period", sa.String(10)),
    sa.Column("next_week_start", sa.SmallInteger),
    sa.Column("next_calendar_at", Moment),
    sa.Column("welcomed_at", Moment),
    sa.Column("erased_at", Moment),  # when the data of a guild that the bot had left were erased
)

#: Members who deleted their data while an allowance period that they had used was still running: a keyed hash of who
#: they were, and the pseudonym that the row of that period goes by.
erased_member = sa.Table(
    "erased_member",
    metadata,
    sa.Column("mark", sa.String(64), primary_key=True),
    sa.Column("pseudonym", sa.BigInteger, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

#: A member whom moderators let ask for nothing. `until` NULL: until somebody resumes them.
suspension = sa.Table(
    "suspension",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until", Moment),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("actor", sa.String(40), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

#: What the last interaction told of a member: their roles, as a JSON list.
member = sa.Table(
    "member",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("role_ids", sa.Text, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Index("ix_member_user", "user_id"),
)

#: What waits to be written in a guild's log channel, as an event and its JSON; deleted once it is posted.
log_line = sa.Table(
    "log_line",
    metadata,
    _serial(),
    sa.Column("guild_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

#: A moderator's limits. No row: inherit. `limit_milli` NULL: unlimited. `subject` 0 for everyone.
quota = sa.Table(
    "quota",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("scope", sa.String(10), primary_key=True),
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("limit_milli", sa.BigInteger),
    sa.CheckConstraint("limit_milli >= 0", name="limit"),
)

#: One level in one period. No CHECK against the limit: a recorded overrun must be able to settle.
budget = sa.Table(
    "budget",
    metadata,
    _serial(),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("guild_id", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("limit_milli", sa.BigInteger),  # NULL: unlimited
    sa.Column("settled_milli", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("held_milli", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("level", "guild_id", "subject", "starts_at"),
    sa.CheckConstraint("held_milli >= 0", name="held"),
    sa.CheckConstraint("settled_milli >= 0", name="settled"),
    sa.CheckConstraint("ends_at > starts_at", name="period"),
)

#: A wallet grant. available = granted − revoked − settled − held, while not expired.
wallet_grant = sa.Table(
    "wallet_grant",
    metadata,
    _serial(),
    sa.Column("guild_id", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("granted_milli", sa.BigInteger, nullable=False),
    sa.Column("revoked_milli", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("settled_milli", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("held_milli", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("expires_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.CheckConstraint(
        "granted_milli > 0 AND revoked_milli >= 0 AND settled_milli >= 0 AND held_milli >= 0", name="signs"
    ),
    sa.CheckConstraint("revoked_milli + settled_milli + held_milli <= granted_milli", name="within"),
    sa.Index("ix_wallet_grant_member", "guild_id", "user_id"),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("guild_id", sa.BigInteger, nullable=False),
    sa.Column("channel_id", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("locale", sa.String(10), nullable=False),
    sa.Column("public_locale", sa.String(10), nullable=False),
    sa.Column("provider", sa.String(30), nullable=False),
    sa.Column("model", sa.String(80), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),  # JSON of domain.requests.Spec
    sa.Column("is_private", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("run_at", Moment, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("quote_milli", sa.BigInteger, nullable=False),
    sa.Column("actual_milli", sa.BigInteger),
    sa.Column("size_limit_bytes", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.String(200)),
    sa.Column("submit_attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("submit_body", sa.LargeBinary),
    sa.Column("submitted_at", Moment),
    sa.Column("checked_at", Moment),  # when the provider was last asked
    sa.Column("expected_s", sa.Integer, nullable=False, server_default="120"),
    sa.Column("fetch_failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unknown_since", Moment),
    sa.Column("search_misses", sa.Integer, nullable=False, server_default="0"),
    sa.Column("missing_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("missing_since", Moment),
    sa.Column("candidate_task_id", sa.String(200)),
    sa.Column("cancel_requested_at", Moment),
    sa.Column("cancel_sent_at", Moment),
    sa.Column("parked_reason", sa.String(200)),
    sa.Column("error_code", sa.String(80)),
    sa.Column("result_url", sa.Text),
    sa.Column("last_frame_url", sa.Text),
    sa.Column("clip_key", sa.String(200)),
    sa.Column("expected_end_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("delivery_number", sa.Integer, nullable=False, server_default="0"),
    sa.Column("delivery_rung", sa.String(20)),
    sa.Column("message_channel_id", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("told_at", Moment),
    sa.Column("is_late", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("watch_until", Moment),
    sa.Column("application_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("interaction_token", sa.Text),
    sa.Column("token_expires_at", Moment),
    sa.Column("card_channel_id", sa.BigInteger),
    sa.Column("card_message_id", sa.BigInteger),
    sa.Column("parent_channel_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("is_age_restricted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("approval_channel_id", sa.BigInteger),
    sa.Column("approval_message_id", sa.BigInteger),
    sa.Column("decided_by", sa.BigInteger),
    sa.Column("decision_reason", sa.String(500)),
    sa.Column("refunded_at", Moment),
    sa.Column("source_job_id", sa.String(12)),
    sa.Column("tidied_at", Moment),  # when retention put this job's references away
    sa.Column("result_urls", Texts),  # every picture; empty texts stand for those that can never be fetched
    sa.UniqueConstraint("provider", "task_id"),
    sa.CheckConstraint("quote_milli >= 0", name="quote"),
)
#: What a worker may take, in the words of `bot.db.jobs`: a partial index serves only a query that says the same.
_DUE = "(finished_at IS NULL OR watch_until IS NOT NULL) AND state <> 'queued'"
_index_where(_DUE, "ix_job_due", job.c.run_at)
_index_where("tidied_at IS NULL", "ix_job_untidied", job.c.finished_at)
_index_where("clip_key IS NOT NULL", "ix_job_clip", job.c.finished_at)
_index_where("finished_at IS NULL", "ix_job_open", job.c.guild_id, job.c.user_id)
_index_where("finished_at IS NOT NULL", "ix_job_past", job.c.model, job.c.finished_at)
_index_where("parked_reason IS NOT NULL", "ix_job_parked", job.c.created_at)
_index_where("interaction_token IS NOT NULL", "ix_job_token", job.c.token_expires_at)
sa.Index("ix_job_member", job.c.guild_id, job.c.user_id, job.c.created_at)
sa.Index("ix_job_user", job.c.user_id, job.c.created_at)
sa.Index("ix_job_state", job.c.state, job.c.provider)

job_event = sa.Table(
    "job_event",
    metadata,
    _serial(),
    sa.Column("job_id", sa.String(12), sa.ForeignKey("job.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("before", sa.String(20)),
    sa.Column("after", sa.String(20), nullable=False),
    sa.Column("cause", sa.String(200), nullable=False),
)

#: A hold's share on one account (`budget:7`, `grant:3`), in the order in which it was taken.
hold = sa.Table(
    "hold",
    metadata,
    sa.Column("job_id", sa.String(12), sa.ForeignKey("job.id"), primary_key=True),
    sa.Column("account", sa.String(30), primary_key=True),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("amount_milli", sa.BigInteger, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.CheckConstraint("amount_milli >= 0", name="amount"),
)
sa.Index("ix_hold_open", hold.c.job_id, sqlite_where=sa.text("is_open = 1"), postgresql_where=sa.text("is_open"))

#: Append-only. A kind happens to a job's account at most once.
ledger_entry = sa.Table(
    "ledger_entry",
    metadata,
    _serial(),
    sa.Column("job_id", sa.String(12)),
    sa.Column("account", sa.String(30), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),  # hold settle release extra overrun loss grant revoke refund
    sa.Column("amount_milli", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(40), nullable=False),  # a Discord user id, `operator` or `bot`
    sa.Column("reason", sa.String(500), nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("job_id", "account", "kind"),
    sa.CheckConstraint("amount_milli >= 0", name="amount"),
    sa.Index("ix_ledger_entry_account", "account"),
)

#: A moderator's or operator's change of a rule or budget.
audit = sa.Table(
    "audit",
    metadata,
    _serial(),
    sa.Column("guild_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("actor", sa.String(40), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("detail", sa.String(500), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
)

#: One row per callback address: repeats only count, so that nothing a stranger sends can fill the table.
callback = sa.Table(
    "callback",
    metadata,
    sa.Column("job_id", sa.String(12), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(30), nullable=False),
    sa.Column("task_id", sa.String(200)),  # what the newest body names; a hint only
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)

#: A message that a delivery makes. `intended_at` is written before the request leaves, `message_id` after its answer.
delivery_part = sa.Table(
    "delivery_part",
    metadata,
    sa.Column("job_id", sa.String(12), sa.ForeignKey("job.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("rung", sa.String(20), nullable=False),
    sa.Column("channel_id", sa.BigInteger, nullable=False),
    sa.Column("intended_at", Moment, nullable=False),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("posted_at", Moment),
    sa.Column("pictures", sa.String(80)),  # the numbers of those in it, with commas between; NULL for a clip
)

rate_slot = sa.Table(
    "rate_slot",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("used_at", sa.Float, nullable=False),  # seconds since 1970 by the database's clock
)

#: One row per provider: its breaker, and the row that dispatch locks while it hands out running places.
provider_state = sa.Table(
    "provider_state",
    metadata,
    sa.Column("provider", sa.String(30), primary_key=True),
    sa.Column("reason", sa.String(20)),  # NULL: closed
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("opened_at", Moment),
    sa.Column("probe_at", Moment),
    sa.Column("paused_until", Moment),  # a Retry-After that all processes obey
    sa.Column(
        "polled_in_a_row", sa.Integer, nullable=False, server_default="0"
    ),  # jobs found done by poll with callbacks on
    sa.Column("polls_booked_until", Moment),  # the last turn that was promised to a poll
    sa.Column("crowded_at", Moment),  # when it last said that it has too much to do
    sa.Column("learned_places", sa.Integer),  # running places that this taught, growing again from learned_at on
    sa.Column("learned_at", Moment),
    sa.Column("create_failures", sa.Integer, nullable=False, server_default="0"),  # those of `failures` that polls keep
)

#: When a guild (user_id 0) or member was last given a place, per provider.
served = sa.Table(
    "served",
    metadata,
    sa.Column("provider", sa.String(30), primary_key=True),
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
)

#: An upload limit that a 413 taught, until it is forgotten.
learned_limit = sa.Table(
    "learned_limit",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("limit_bytes", sa.BigInteger, nullable=False),
    sa.Column("until", Moment, nullable=False),
)
