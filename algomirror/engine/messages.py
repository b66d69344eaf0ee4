"""The frozen messages of the engine's inbox: all that may change live state."""

from dataclasses import dataclass
from datetime import datetime

from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.run import ExitReason
from algomirror.domain.run import RunTrigger
from algomirror.domain.run import TradingMode
from algomirror.domain.run import TradingState
from algomirror.domain.strategy import Plan
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import FeedState
from algomirror.engine.ports import Outcome


# --- from people and schedules ----------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Send the orders of a plan. `token` makes a double click one run."""

    plan: Plan
    trigger: RunTrigger
    by: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExit:
    """Leave a run, or one account of it, or one leg; None widens the scope."""

    run_id: int
    by: str
    account_id: int | None = None
    leg_id: int | None = None
    reason: ExitReason = ExitReason.MANUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKill:
    """Exit everything AlgoMirror opened, on all accounts or one; fleet becomes REDUCING."""

    by: str
    account_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    client_order_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTradingState:
    account_id: int | None
    state: TradingState
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """A person has seen an attention flag of an execution."""

    execution_id: int
    by: str


# --- accounts ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAdded:
    """An account is new or was edited; its broker and workers exist already."""

    profile: AccountProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRemoved:
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSymbols:
    """A page wants live prices of instruments; `holder` names it, an empty set releases."""

    holder: str
    instruments: frozenset[tuple[str, str]]


# --- from senders, readers, feeds -------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutcome:
    """How a place, modify or cancel ended (`act`)."""

    client_order_id: str
    act: str
    outcome: Outcome
    sent_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksRead:
    """A look at an account: order book, then trade book, then position book; None = not read.

    `error` is the sentence of a failed read. `begun_at`/`ended_at` bound the look.
    """

    account_id: int
    begun_at: datetime
    ended_at: datetime
    orders: tuple[BookOrder, ...] | None
    trades: tuple[BookTrade, ...] | None
    positions: tuple[BookPosition, ...] | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsRead:
    account_id: int
    funds: Funds | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    account_id: int
    ok: bool
    milliseconds: int
    broker_name: str
    mode: TradingMode
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedChanged:
    account_id: int
    state: FeedState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHint:
    """A pushed order update: makes the books be read at once."""

    account_id: int
    report: BookOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class PollDue:
    """The schedule says: ping every account and read its funds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A round without news: timers, timeouts, safety evaluation."""


Message = (
    StartRun
    | RequestExit
    | RequestKill
    | CancelOrder
    | SetTradingState
    | Acknowledge
    | AccountAdded
    | AccountRemoved
    | WatchSymbols
    | SendOutcome
    | BooksRead
    | FundsRead
    | Pinged
    | FeedChanged
    | OrderHint
    | PollDue
    | Tick
)
