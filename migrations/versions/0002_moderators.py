"""Moderators' rules: suspensions, roles last seen, log lines, approvals, a calendar that waits. Jobs of pictures."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward."""
    op.create_table('erased_member',
    sa.Column('mark', sa.String(length=64), nullable=False),
    sa.Column('pseudonym', sa.BigInteger(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('mark', name=op.f('pk_erased_member'))
    )
    op.create_table('log_line',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('guild_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_line'))
    )
    with op.batch_alter_table('log_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_log_line_guild_id'), ['guild_id'], unique=False)

    op.create_table('member',
    sa.Column('guild_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('user_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('role_ids', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('guild_id', 'user_id', name=op.f('pk_member'))
    )
    with op.batch_alter_table('member', schema=None) as batch_op:
        batch_op.create_index('ix_member_user', ['user_id'], unique=False)

    op.create_table('suspension',
    sa.Column('guild_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('user_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('actor', sa.String(length=40), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('guild_id', 'user_id', name=op.f('pk_suspension'))
    )
    with op.batch_alter_table('delivery_part', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pictures', sa.String(length=80), nullable=True))

    with op.batch_alter_table('guild', schema=None) as batch_op:
        batch_op.add_column(sa.Column('log_channel_id', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('next_zone', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('next_allowance_period', sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column('next_week_start', sa.SmallInteger(), nullable=True))
        batch_op.add_column(sa.Column('next_calendar_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('welcomed_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('erased_at', sa.BigInteger(), nullable=True))

    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.add_column(sa.Column('parent_channel_id', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('is_age_restricted', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('approval_channel_id', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('approval_message_id', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('decided_by', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('decision_reason', sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column('refunded_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('source_job_id', sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column('tidied_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('result_urls', sa.Text(), nullable=True))
        batch_op.create_index('ix_job_clip', ['finished_at'], unique=False, sqlite_where=sa.text('clip_key IS NOT NULL'), postgresql_where=sa.text('clip_key IS NOT NULL'))
        batch_op.create_index('ix_job_untidied', ['finished_at'], unique=False, sqlite_where=sa.text('tidied_at IS NULL'), postgresql_where=sa.text('tidied_at IS NULL'))

    with op.batch_alter_table('provider_state', schema=None) as batch_op:
        batch_op.add_column(sa.Column('polls_booked_until', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('crowded_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('learned_places', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('learned_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Move back."""
    with op.batch_alter_table('provider_state', schema=None) as batch_op:
        batch_op.drop_column('learned_at')
        batch_op.drop_column('learned_places')
        batch_op.drop_column('crowded_at')
        batch_op.drop_column('polls_booked_until')

    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('ix_job_untidied', sqlite_where=sa.text('tidied_at IS NULL'), postgresql_where=sa.text('tidied_at IS NULL'))
        batch_op.drop_index('ix_job_clip', sqlite_where=sa.text('clip_key IS NOT NULL'), postgresql_where=sa.text('clip_key IS NOT NULL'))
        batch_op.drop_column('result_urls')
        batch_op.drop_column('tidied_at')
        batch_op.drop_column('source_job_id')
        batch_op.drop_column('refunded_at')
        batch_op.drop_column('decision_reason')
        batch_op.drop_column('decided_by')
        batch_op.drop_column('approval_message_id')
        batch_op.drop_column('approval_channel_id')
        batch_op.drop_column('is_age_restricted')
        batch_op.drop_column('parent_channel_id')

    with op.batch_alter_table('guild', schema=None) as batch_op:
        batch_op.drop_column('erased_at')
        batch_op.drop_column('welcomed_at')
        batch_op.drop_column('next_calendar_at')
        batch_op.drop_column('next_week_start')
        batch_op.drop_column('next_allowance_period')
        batch_op.drop_column('next_zone')
        batch_op.drop_column('log_channel_id')

    with op.batch_alter_table('delivery_part', schema=None) as batch_op:
        batch_op.drop_column('pictures')

    op.drop_table('suspension')
    with op.batch_alter_table('member', schema=None) as batch_op:
        batch_op.drop_index('ix_member_user')

    op.drop_table('member')
    with op.batch_alter_table('log_line', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_log_line_guild_id'))

    op.drop_table('log_line')
    op.drop_table('erased_member')
