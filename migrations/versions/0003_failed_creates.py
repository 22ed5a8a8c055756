"""Breakers count creates that fail apart from polls."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward."""
    with op.batch_alter_table('provider_state', schema=None) as batch_op:
        batch_op.add_column(sa.Column('create_failures', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    """Move back."""
    with op.batch_alter_table('provider_state', schema=None) as batch_op:
        batch_op.drop_column('create_failures')
