"""Tables the engine writes through its journal: runs, orders, fills, risk events, timeline."""

from datetime import date
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column
from sqlalchemy import Index
from sqlalchemy import Text
from sqlalchemy import UniqueConstraint
from sqlalchemy import text
from sqlmodel import Field
from sqlmodel import SQLModel

from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitPlanState
from algomirror.domain.run import ExitReason
from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.domain.run import TradingMode
from algomirror.store.columns import Word
from algomirror.store.tables import instant
from algomirror.store.tables import rupees


def word(kind: Any, *, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        None if nullable else ...,
        sa_column=Column(Word(kind), nullable=nullable, index=index),
    )


class StrategyRun(SQLModel, table=True):
    __tablename__ = "strategy_runs"
    __table_args__ = (UniqueConstraint("strategy_id", "number"),)
    id: int = Field(primary_key=True)
    strategy_id: int = Field(index=True)
    number: int
    trigger: RunTrigger = word(RunTrigger)
    state: RunState = word(RunState, index=True)
    frozen_plan: str = Field(sa_column=Column(Text, nullable=False))
    """JSON text: written once a run, so that a state change does not make it anew."""
    session_day: date
    started_by: str = ""
    started_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
    exit_reason: ExitReason | None = word(ExitReason, nullable=True)
    exit_cause_event_id: int | None = None
    realized_pnl: Decimal = rupees()
    unrealized_pnl: Decimal = rupees()
    peak_pnl: Decimal = rupees()
    trough_pnl: Decimal = rupees()
    max_loss_triggered_at: datetime | None = instant(nullable=True)
    max_loss_exit_reason: str = ""
    max_profit_triggered_at: datetime | None = instant(nullable=True)
    max_profit_exit_reason: str = ""


class StrategyExecution(SQLModel, table=True):
    __tablename__ = "strategy_executions"
    id: int = Field(primary_key=True)
    run_id: int = Field(foreign_key="strategy_runs.id", ondelete="CASCADE", index=True)
    strategy_id: int
    account_id: int = Field(index=True)
    status: ExecutionState = word(ExecutionState)
    mode: TradingMode = word(TradingMode)
    planned_sets: int
    realized_pnl: Decimal = rupees()
    unrealized_pnl: Decimal = rupees()
    entry_time: datetime | None = instant(nullable=True)
    exit_time: datetime | None = instant(nullable=True)
    exit_reason: ExitReason | None = word(ExitReason, nullable=True)
    exit_attempts: int = 0
    attention_text: str = ""
    skip_reason: str = ""


class ExitPlanRow(SQLModel, table=True):
    __tablename__ = "exit_plans"
    __table_args__ = (
        Index(
            "one_open_plan",
            "execution_id",
            "leg_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )
    id: int = Field(primary_key=True)
    execution_id: int = Field(foreign_key="strategy_executions.id", ondelete="CASCADE")
    leg_id: int
    reason: ExitReason = word(ExitReason)
    cause: str
    target_quantity: int | None = None
    state: ExitPlanState = word(ExitPlanState)
    created_at: datetime = instant()
    attempts: int = 0
    rejections: int = 0
    not_before: datetime | None = instant(nullable=True)
    escalated_at: datetime | None = instant(nullable=True)
    done_at: datetime | None = instant(nullable=True)
    notes: str = ""


class PositionRow(SQLModel, table=True):
    __tablename__ = "positions"
    __table_args__ = (UniqueConstraint("execution_id", "leg_id"),)
    id: int = Field(primary_key=True)
    execution_id: int = Field(foreign_key="strategy_executions.id", ondelete="CASCADE")
    leg_id: int
    account_id: int
    symbol: str
    exchange: str
    product: str
    side: Side = word(Side)
    quantity: int
    cash: Decimal = rupees()
    entry_quantity: int
    entry_value: Decimal = rupees()
    exit_quantity: int
    exit_value: Decimal = rupees()
    closed_outside: int = 0
    drift_at_entry: int = 0


class OrderTable(SQLModel, table=True):
    __tablename__ = "orders"
    __table_args__ = (
        Index(
            "one_broker_order_a_day",
            "account_id",
            "session_day",
            "broker_order_id",
            unique=True,
            sqlite_where=text("broker_order_id IS NOT NULL"),
            postgresql_where=text("broker_order_id IS NOT NULL"),
        ),
    )
    client_order_id: str = Field(primary_key=True)
    account_id: int
    session_day: date
    execution_id: int | None = Field(
        default=None, foreign_key="strategy_executions.id", ondelete="CASCADE", index=True
    )
    leg_id: int | None = None
    exit_plan_id: int | None = None
    purpose: OrderPurpose = word(OrderPurpose)
    attempt: int
    slice_no: int
    symbol: str
    exchange: str
    product: str
    side: Side = word(Side)
    quantity: int
    price_type: PriceType = word(PriceType)
    limit_price: Decimal | None = rupees(nullable=True)
    trigger_price: Decimal | None = rupees(nullable=True)
    reference_price: Decimal | None = rupees(nullable=True)
    status: OrderStatus = word(OrderStatus)
    broker_order_id: str | None = None
    filled_quantity: int = 0
    filled_value: Decimal = rupees()
    price_pending: bool = False
    reason: str = ""
    cause: str = ""
    submitted_at: datetime = instant()
    acked_at: datetime | None = instant(nullable=True)
    done_at: datetime | None = instant(nullable=True)


class OrderEventRow(SQLModel, table=True):
    __tablename__ = "order_events"
    id: int | None = Field(default=None, primary_key=True)
    client_order_id: str = Field(
        foreign_key="orders.client_order_id", ondelete="CASCADE", index=True
    )
    at: datetime = instant()
    from_status: str
    to_status: str
    source: str
    text: str


class FillTable(SQLModel, table=True):
    __tablename__ = "fills"
    id: int | None = Field(default=None, primary_key=True)
    client_order_id: str = Field(
        foreign_key="orders.client_order_id", ondelete="CASCADE", index=True
    )
    at: datetime = instant()
    quantity: int
    value: Decimal = rupees()
    source: str


class RiskEventTable(SQLModel, table=True):
    __tablename__ = "risk_events"
    id: int = Field(primary_key=True)
    event_type: str
    run_id: int | None = Field(
        default=None, foreign_key="strategy_runs.id", ondelete="CASCADE", index=True
    )
    execution_id: int | None = None
    account_id: int | None = None
    leg_id: int | None = None
    threshold_value: Decimal | None = rupees(nullable=True)
    current_value: Decimal | None = rupees(nullable=True)
    action_taken: str
    reason: ExitReason | None = word(ExitReason, nullable=True)
    triggered_at: datetime = instant()
    notes: str
    inputs: str = ""


class SeenOrderTable(SQLModel, table=True):
    __tablename__ = "seen_orders"
    account_id: int = Field(primary_key=True)
    session_day: date = Field(primary_key=True)
    broker_order_id: str = Field(primary_key=True)
    first_seen_at: datetime = instant()


class TimelineEventTable(SQLModel, table=True):
    __tablename__ = "timeline_events"
    id: int = Field(primary_key=True)
    at: datetime = instant(index=True)
    level: str
    kind: str
    text: str
    detail: str = ""
    run_id: int | None = Field(default=None, index=True)
    account_id: int | None = None


class TradingStateChange(SQLModel, table=True):
    __tablename__ = "trading_state_changes"
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = None
    state: str
    reason: str
    actor: str
    at: datetime = instant()


class DriftNoteTable(SQLModel, table=True):
    __tablename__ = "drift_notes"
    account_id: int = Field(primary_key=True)
    session_day: date = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    product: str = Field(primary_key=True)
    at_start: int = 0
    ignored: int | None = None


class KillTable(SQLModel, table=True):
    __tablename__ = "kills"
    id: int = Field(primary_key=True)
    by: str
    begun_at: datetime = instant()
    account_id: int | None = None
    strategy_id: int | None = None
    with_foreign: bool = False
    ended_at: datetime | None = instant(nullable=True)


class FallbackMerge(SQLModel, table=True):
    """A fallback journal that was merged: a second try finds its mark and does nothing."""

    __tablename__ = "fallback_merges"
    batch: str = Field(primary_key=True)
    at: datetime = instant()
