"""Order core: budgets and order styles of accounts, chase, claims, drift notes, kills, fallback."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

_COLUMNS = {
    'trading_accounts': (
        ('max_orders_per_minute', sa.Integer(), None),
        ('max_orders_per_day', sa.Integer(), None),
        ('chase_by', sa.String(), 'replace'),
        ('market_orders', sa.String(), 'allowed'),
    ),
    'strategies': (
        ('entry_order_mode', sa.String(), 'as_leg'),
        ('exit_order_mode', sa.String(), 'market'),
    ),
    'exit_plans': (('notes', sa.String(), ''),),
    'positions': (('closed_outside', sa.Integer(), '0'), ('drift_at_entry', sa.Integer(), '0')),
    'orders': (('reference_price', sa.BigInteger(), None),),
}


def upgrade() -> None:
    for table, columns in _COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind, default in columns:
                batch_op.add_column(
                    sa.Column(name, kind, nullable=default is None, server_default=default)
                )
    op.create_table('drift_notes',
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('session_day', sa.Date(), nullable=False),
    sa.Column('symbol', sa.String(), nullable=False),
    sa.Column('exchange', sa.String(), nullable=False),
    sa.Column('product', sa.String(), nullable=False),
    sa.Column('at_start', sa.Integer(), nullable=False),
    sa.Column('ignored', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('account_id', 'session_day', 'symbol', 'exchange', 'product')
    )
    op.create_table('kills',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.Column('begun_at', sa.String(32), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('strategy_id', sa.Integer(), nullable=True),
    sa.Column('with_foreign', sa.Boolean(), nullable=False),
    sa.Column('ended_at', sa.String(32), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('fallback_merges',
    sa.Column('batch', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('batch')
    )


def downgrade() -> None:
    op.drop_table('fallback_merges')
    op.drop_table('kills')
    op.drop_table('drift_notes')
    for table, columns in reversed(_COLUMNS.items()):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _, _ in reversed(columns):
                batch_op.drop_column(name)
