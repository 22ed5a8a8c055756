"""Indexes for what is asked at every request or every few seconds, so that it does not grow with finished jobs."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward."""
    op.drop_index('ix_job_due', 'job')
    op.create_index('ix_job_due', 'job', ['run_at'], unique=False, sqlite_where=sa.text("(finished_at IS NULL OR watch_until IS NOT NULL) AND state <> 'queued'"), postgresql_where=sa.text("(finished_at IS NULL OR watch_until IS NOT NULL) AND state <> 'queued'"))
    op.create_index('ix_job_open', 'job', ['guild_id', 'user_id'], unique=False, sqlite_where=sa.text('finished_at IS NULL'), postgresql_where=sa.text('finished_at IS NULL'))
    op.create_index('ix_job_past', 'job', ['model', 'finished_at'], unique=False, sqlite_where=sa.text('finished_at IS NOT NULL'), postgresql_where=sa.text('finished_at IS NOT NULL'))
    op.create_index('ix_job_parked', 'job', ['created_at'], unique=False, sqlite_where=sa.text('parked_reason IS NOT NULL'), postgresql_where=sa.text('parked_reason IS NOT NULL'))
    op.create_index('ix_job_token', 'job', ['token_expires_at'], unique=False, sqlite_where=sa.text('interaction_token IS NOT NULL'), postgresql_where=sa.text('interaction_token IS NOT NULL'))
    op.create_index('ix_hold_open', 'hold', ['job_id'], unique=False, sqlite_where=sa.text('is_open = 1'), postgresql_where=sa.text('is_open'))


def downgrade() -> None:
    """Move back."""
    op.drop_index('ix_hold_open', 'hold')
    op.drop_index('ix_job_token', 'job')
    op.drop_index('ix_job_parked', 'job')
    op.drop_index('ix_job_past', 'job')
    op.drop_index('ix_job_open', 'job')
    op.drop_index('ix_job_due', 'job')
    op.create_index('ix_job_due', 'job', ['run_at'], unique=False, sqlite_where=sa.text('finished_at IS NULL OR watch_until IS NOT NULL'), postgresql_where=sa.text('finished_at IS NULL OR watch_until IS NOT NULL'))
