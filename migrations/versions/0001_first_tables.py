"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('activity_logs',
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('previous_hash', sa.String(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('object_text', sa.String(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('strategy_id', sa.Integer(), nullable=True),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('ip_address', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('error_message', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('seq')
    )
    with op.batch_alter_table('activity_logs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_activity_logs_at'), ['at'], unique=False)

    op.create_table('app_settings',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('updated_at', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    op.create_table('applied_migrations',
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('revision')
    )
    op.create_table('engine_leases',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('since', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('seen_orders',
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('session_day', sa.Date(), nullable=False),
    sa.Column('broker_order_id', sa.String(), nullable=False),
    sa.Column('first_seen_at', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('account_id', 'session_day', 'broker_order_id')
    )
    op.create_table('strategies',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(100), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('product_order_type', sa.String(), nullable=False),
    sa.Column('max_loss', sa.BigInteger(), nullable=True),
    sa.Column('max_loss_action', sa.String(), nullable=False),
    sa.Column('max_profit', sa.BigInteger(), nullable=True),
    sa.Column('max_profit_action', sa.String(), nullable=False),
    sa.Column('hedge_timeout_s', sa.Integer(), nullable=False),
    sa.Column('hedge_timeout_policy', sa.String(), nullable=False),
    sa.Column('entry_timeout_s', sa.Integer(), nullable=False),
    sa.Column('entry_timeout_policy', sa.String(), nullable=False),
    sa.Column('unbalanced_policy', sa.String(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.String(32), nullable=False),
    sa.Column('updated_at', sa.String(32), nullable=False),
    sa.Column('archived_at', sa.String(32), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('strategies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_strategies_name'), ['name'], unique=False)

    op.create_table('strategy_runs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('strategy_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('trigger', sa.String(40), nullable=False),
    sa.Column('state', sa.String(40), nullable=False),
    sa.Column('frozen_plan', sa.Text(), nullable=False),
    sa.Column('session_day', sa.Date(), nullable=False),
    sa.Column('started_by', sa.String(), nullable=False),
    sa.Column('started_at', sa.String(32), nullable=False),
    sa.Column('ended_at', sa.String(32), nullable=True),
    sa.Column('exit_reason', sa.String(40), nullable=True),
    sa.Column('exit_cause_event_id', sa.Integer(), nullable=True),
    sa.Column('realized_pnl', sa.BigInteger(), nullable=False),
    sa.Column('unrealized_pnl', sa.BigInteger(), nullable=False),
    sa.Column('peak_pnl', sa.BigInteger(), nullable=False),
    sa.Column('trough_pnl', sa.BigInteger(), nullable=False),
    sa.Column('max_loss_triggered_at', sa.String(32), nullable=True),
    sa.Column('max_loss_exit_reason', sa.String(), nullable=False),
    sa.Column('max_profit_triggered_at', sa.String(32), nullable=True),
    sa.Column('max_profit_exit_reason', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('strategy_id', 'number')
    )
    with op.batch_alter_table('strategy_runs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_strategy_runs_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_strategy_runs_strategy_id'), ['strategy_id'], unique=False)

    op.create_table('timeline_events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.Column('level', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('timeline_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timeline_events_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_timeline_events_run_id'), ['run_id'], unique=False)

    op.create_table('trading_accounts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_name', sa.String(100), nullable=False),
    sa.Column('broker_name', sa.String(), nullable=False),
    sa.Column('host_url', sa.String(), nullable=False),
    sa.Column('websocket_url', sa.String(), nullable=False),
    sa.Column('api_key_encrypted', sa.String(), nullable=False),
    sa.Column('key_last4', sa.String(), nullable=False),
    sa.Column('group', sa.String(), nullable=False),
    sa.Column('colour', sa.String(), nullable=False),
    sa.Column('is_primary', sa.Boolean(), nullable=False),
    sa.Column('backup_rank', sa.Integer(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('max_orders_per_second', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.String(32), nullable=False),
    sa.Column('updated_at', sa.String(32), nullable=False),
    sa.Column('archived_at', sa.String(32), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('trading_accounts', schema=None) as batch_op:
        batch_op.create_index('one_primary', ['is_primary'], unique=True, sqlite_where=sa.text('is_primary AND archived_at IS NULL'), postgresql_where=sa.text('is_primary AND archived_at IS NULL'))

    op.create_table('trading_state_changes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('users',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('username', sa.String(20), nullable=False),
    sa.Column('email', sa.String(254), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('is_admin', sa.Boolean(), nullable=False),
    sa.Column('session_epoch', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.String(32), nullable=False),
    sa.Column('last_login', sa.String(32), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('username')
    )
    op.create_table('login_sessions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.String(32), nullable=False),
    sa.Column('last_seen', sa.String(32), nullable=False),
    sa.Column('expires_at', sa.String(32), nullable=False),
    sa.Column('remember', sa.Boolean(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('revoked_at', sa.String(32), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token_hash')
    )
    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_sessions_user_id'), ['user_id'], unique=False)

    op.create_table('risk_events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_type', sa.String(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('execution_id', sa.Integer(), nullable=True),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('leg_id', sa.Integer(), nullable=True),
    sa.Column('threshold_value', sa.BigInteger(), nullable=True),
    sa.Column('current_value', sa.BigInteger(), nullable=True),
    sa.Column('action_taken', sa.String(), nullable=False),
    sa.Column('reason', sa.String(40), nullable=True),
    sa.Column('triggered_at', sa.String(32), nullable=False),
    sa.Column('notes', sa.String(), nullable=False),
    sa.Column('inputs', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['strategy_runs.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('risk_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_risk_events_run_id'), ['run_id'], unique=False)

    op.create_table('strategy_accounts',
    sa.Column('strategy_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('custom_lots', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['trading_accounts.id'], ),
    sa.ForeignKeyConstraint(['strategy_id'], ['strategies.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('strategy_id', 'account_id')
    )
    op.create_table('strategy_executions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('strategy_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(40), nullable=False),
    sa.Column('mode', sa.String(40), nullable=False),
    sa.Column('planned_sets', sa.Integer(), nullable=False),
    sa.Column('realized_pnl', sa.BigInteger(), nullable=False),
    sa.Column('unrealized_pnl', sa.BigInteger(), nullable=False),
    sa.Column('entry_time', sa.String(32), nullable=True),
    sa.Column('exit_time', sa.String(32), nullable=True),
    sa.Column('exit_reason', sa.String(40), nullable=True),
    sa.Column('exit_attempts', sa.Integer(), nullable=False),
    sa.Column('attention_text', sa.String(), nullable=False),
    sa.Column('skip_reason', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['strategy_runs.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('strategy_executions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_strategy_executions_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_strategy_executions_run_id'), ['run_id'], unique=False)

    op.create_table('strategy_legs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('strategy_id', sa.Integer(), nullable=False),
    sa.Column('leg_number', sa.Integer(), nullable=False),
    sa.Column('instrument', sa.String(), nullable=False),
    sa.Column('expiry', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('option_type', sa.String(), nullable=True),
    sa.Column('strike_selection', sa.String(), nullable=False),
    sa.Column('strike_offset', sa.Integer(), nullable=False),
    sa.Column('strike_price', sa.BigInteger(), nullable=True),
    sa.Column('lots', sa.Integer(), nullable=False),
    sa.Column('order_type', sa.String(), nullable=False),
    sa.Column('limit_price', sa.BigInteger(), nullable=True),
    sa.Column('trigger_price', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['strategy_id'], ['strategies.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('strategy_legs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_strategy_legs_strategy_id'), ['strategy_id'], unique=False)

    op.create_table('exit_plans',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('execution_id', sa.Integer(), nullable=False),
    sa.Column('leg_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(40), nullable=False),
    sa.Column('cause', sa.String(), nullable=False),
    sa.Column('target_quantity', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(40), nullable=False),
    sa.Column('created_at', sa.String(32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('rejections', sa.Integer(), nullable=False),
    sa.Column('not_before', sa.String(32), nullable=True),
    sa.Column('escalated_at', sa.String(32), nullable=True),
    sa.Column('done_at', sa.String(32), nullable=True),
    sa.ForeignKeyConstraint(['execution_id'], ['strategy_executions.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('exit_plans', schema=None) as batch_op:
        batch_op.create_index('one_open_plan', ['execution_id', 'leg_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('orders',
    sa.Column('client_order_id', sa.String(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('session_day', sa.Date(), nullable=False),
    sa.Column('execution_id', sa.Integer(), nullable=True),
    sa.Column('leg_id', sa.Integer(), nullable=True),
    sa.Column('exit_plan_id', sa.Integer(), nullable=True),
    sa.Column('purpose', sa.String(40), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('slice_no', sa.Integer(), nullable=False),
    sa.Column('symbol', sa.String(), nullable=False),
    sa.Column('exchange', sa.String(), nullable=False),
    sa.Column('product', sa.String(), nullable=False),
    sa.Column('side', sa.String(40), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('price_type', sa.String(40), nullable=False),
    sa.Column('limit_price', sa.BigInteger(), nullable=True),
    sa.Column('trigger_price', sa.BigInteger(), nullable=True),
    sa.Column('status', sa.String(40), nullable=False),
    sa.Column('broker_order_id', sa.String(), nullable=True),
    sa.Column('filled_quantity', sa.Integer(), nullable=False),
    sa.Column('filled_value', sa.BigInteger(), nullable=False),
    sa.Column('price_pending', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('cause', sa.String(), nullable=False),
    sa.Column('submitted_at', sa.String(32), nullable=False),
    sa.Column('acked_at', sa.String(32), nullable=True),
    sa.Column('done_at', sa.String(32), nullable=True),
    sa.ForeignKeyConstraint(['execution_id'], ['strategy_executions.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('client_order_id')
    )
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_orders_execution_id'), ['execution_id'], unique=False)
        batch_op.create_index('one_broker_order_a_day', ['account_id', 'session_day', 'broker_order_id'], unique=True, sqlite_where=sa.text('broker_order_id IS NOT NULL'), postgresql_where=sa.text('broker_order_id IS NOT NULL'))

    op.create_table('positions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('execution_id', sa.Integer(), nullable=False),
    sa.Column('leg_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('symbol', sa.String(), nullable=False),
    sa.Column('exchange', sa.String(), nullable=False),
    sa.Column('product', sa.String(), nullable=False),
    sa.Column('side', sa.String(40), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('cash', sa.BigInteger(), nullable=False),
    sa.Column('entry_quantity', sa.Integer(), nullable=False),
    sa.Column('entry_value', sa.BigInteger(), nullable=False),
    sa.Column('exit_quantity', sa.Integer(), nullable=False),
    sa.Column('exit_value', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['execution_id'], ['strategy_executions.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('execution_id', 'leg_id')
    )
    op.create_table('fills',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_order_id', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['client_order_id'], ['orders.client_order_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('fills', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fills_client_order_id'), ['client_order_id'], unique=False)

    op.create_table('order_events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_order_id', sa.String(), nullable=False),
    sa.Column('at', sa.String(32), nullable=False),
    sa.Column('from_status', sa.String(), nullable=False),
    sa.Column('to_status', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['client_order_id'], ['orders.client_order_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('order_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_order_events_client_order_id'), ['client_order_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('order_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_order_events_client_order_id'))

    op.drop_table('order_events')
    with op.batch_alter_table('fills', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_fills_client_order_id'))

    op.drop_table('fills')
    op.drop_table('positions')
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index('one_broker_order_a_day', sqlite_where=sa.text('broker_order_id IS NOT NULL'), postgresql_where=sa.text('broker_order_id IS NOT NULL'))
        batch_op.drop_index(batch_op.f('ix_orders_execution_id'))

    op.drop_table('orders')
    with op.batch_alter_table('exit_plans', schema=None) as batch_op:
        batch_op.drop_index('one_open_plan', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.drop_table('exit_plans')
    with op.batch_alter_table('strategy_legs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_strategy_legs_strategy_id'))

    op.drop_table('strategy_legs')
    with op.batch_alter_table('strategy_executions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_strategy_executions_run_id'))
        batch_op.drop_index(batch_op.f('ix_strategy_executions_account_id'))

    op.drop_table('strategy_executions')
    op.drop_table('strategy_accounts')
    with op.batch_alter_table('risk_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_risk_events_run_id'))

    op.drop_table('risk_events')
    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_sessions_user_id'))

    op.drop_table('login_sessions')
    op.drop_table('users')
    op.drop_table('trading_state_changes')
    with op.batch_alter_table('trading_accounts', schema=None) as batch_op:
        batch_op.drop_index('one_primary', sqlite_where=sa.text('is_primary AND archived_at IS NULL'), postgresql_where=sa.text('is_primary AND archived_at IS NULL'))

    op.drop_table('trading_accounts')
    with op.batch_alter_table('timeline_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timeline_events_run_id'))
        batch_op.drop_index(batch_op.f('ix_timeline_events_at'))

    op.drop_table('timeline_events')
    with op.batch_alter_table('strategy_runs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_strategy_runs_strategy_id'))
        batch_op.drop_index(batch_op.f('ix_strategy_runs_state'))

    op.drop_table('strategy_runs')
    with op.batch_alter_table('strategies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_strategies_name'))

    op.drop_table('strategies')
    op.drop_table('seen_orders')
    op.drop_table('engine_leases')
    op.drop_table('applied_migrations')
    op.drop_table('app_settings')
    with op.batch_alter_table('activity_logs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_activity_logs_at'))

    op.drop_table('activity_logs')
