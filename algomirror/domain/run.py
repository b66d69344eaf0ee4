"""A run (one press of Execute) and its executions (run x account): states, reasons, exit plans."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.money import ZERO
from algomirror.domain.strategy import Plan


class RunState(StrEnum):
    PLANNED = "planned"
    ENTERING = "entering"
    OPEN = "entered"
    EXITING = "exiting"
    CLOSED = "exited"
    MISSED = "missed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ExecutionState(StrEnum):
    PENDING = "pending"
    ENTERING = "entering"
    ENTERED = "entered"
    EXITING = "exiting"
    EXITED = "exited"
    FAILED = "failed"
    SKIPPED = "skipped"


_E = ExecutionState
EXECUTION_TRANSITIONS: Mapping[ExecutionState, frozenset[ExecutionState]] = {
    _E.PENDING: frozenset({_E.ENTERING, _E.SKIPPED, _E.FAILED, _E.EXITING}),
    _E.ENTERING: frozenset({_E.ENTERED, _E.EXITING, _E.FAILED}),
    _E.ENTERED: frozenset({_E.EXITING, _E.EXITED}),
    _E.EXITING: frozenset({_E.EXITED, _E.ENTERED, _E.FAILED}),  # ENTERED: only a part was closed
    # a proven fill that arrives late leads back to exiting (product.md 6.3, step 8)
    _E.EXITED: frozenset({_E.EXITING}),
    _E.FAILED: frozenset({_E.EXITING}),
    _E.SKIPPED: frozenset({_E.EXITING}),
}


class ExitReason(StrEnum):
    """Why a position was left, in deciding order (product.md 6.1)."""

    KILL_SWITCH = "kill_switch"
    MANUAL = "manual"
    FLEET_LIMIT = "fleet_limit"
    ACCOUNT_LIMIT = "account_limit"
    MAX_LOSS = "max_loss"
    TRAILING_STOP = "trailing_sl"
    PROFIT_LOCK = "profit_lock"
    PREMIUM_STOP = "premium_stop"
    LEG_STOP = "leg_stop"
    LEG_TRAIL = "leg_trail"
    SUPERTREND = "supertrend"
    FAIL_SAFE = "fail_safe"
    MAX_PROFIT = "max_profit"
    LEG_TARGET = "leg_target"
    EXIT_TIME = "exit_time"
    SQUARE_OFF = "square_off"
    HEDGE_TIMEOUT = "hedge_timeout"
    UNBALANCED = "unbalanced"


class RunTrigger(StrEnum):
    MANUAL = "manual"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    API = "api"


class TradingState(StrEnum):
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class TradingMode(StrEnum):
    """What an account's OpenAlgo does with orders: real money, sandbox, or not known."""

    LIVE = "live"
    PAPER = "paper"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One press of Execute. Owns P&L, peak and triggers; settings and plan are frozen in `plan`."""

    id: int
    strategy_id: int
    number: int
    trigger: RunTrigger
    state: RunState
    plan: Plan
    session_day: date
    started_at: datetime
    ended_at: datetime | None = None
    exit_reason: ExitReason | None = None
    exit_cause_event_id: int | None = None
    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    peak_pnl: Decimal = ZERO
    trough_pnl: Decimal = ZERO
    max_loss_triggered_at: datetime | None = None
    max_loss_exit_reason: str = ""
    max_profit_triggered_at: datetime | None = None
    max_profit_exit_reason: str = ""
    started_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A run on one account. `attention` is a flag with text beside the state, not a state."""

    id: int
    run_id: int
    strategy_id: int
    account_id: int
    state: ExecutionState
    mode: TradingMode
    planned_sets: int
    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    entry_time: datetime | None = None
    exit_time: datetime | None = None
    exit_reason: ExitReason | None = None
    exit_attempts: int = 0
    attention: str = ""
    skip_reason: str = ""


class ExitPlanState(StrEnum):
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """The one open intention to leave a leg of an execution.

    `target_quantity` unsigned units, None = all there is (late entry fills included).
    """

    id: int
    execution_id: int
    leg_id: int
    reason: ExitReason
    cause: str
    target_quantity: int | None
    state: ExitPlanState
    created_at: datetime
    attempts: int = 0
    rejections: int = 0
    not_before: datetime | None = None
    escalated_at: datetime | None = None
    done_at: datetime | None = None
    notes: str = ""
    """What a person should know of it afterwards, e.g. how far beyond the reference it filled."""
