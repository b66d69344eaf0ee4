"""The frozen messages of the engine's inbox: all that may change live state."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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
    """Exit everything AlgoMirror opened; on one account, or of one strategy, where named.

    Without a scope the fleet becomes REDUCING. `with_foreign` also closes what others opened there
    (NFO, BFO); it does not go with a strategy.
    """

    by: str
    account_id: int | None = None
    strategy_id: int | None = None
    with_foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Take a resting order back; what fills meanwhile counts."""

    client_order_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyOrder:
    """Other prices for a resting entry, rupees on tick; None keeps what the order has."""

    client_order_id: str
    by: str
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertToMarket:
    """Cancel a resting entry and, once the cancel is proven, send the unfilled rest at market."""

    client_order_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleOrder:
    """A person states how an order ended that no book settles: so many units filled at a price.

    0 units: it never traded. Refused for an order that a book can still settle.
    """

    client_order_id: str
    by: str
    filled_quantity: int
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLongs:
    """A person lets the longs of an exit go although a short is not proven flat."""

    execution_id: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimExecution:
    """Close what exceeds the complete sets of an unbalanced execution."""

    execution_id: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """A person wants an account's books read at once."""

    account_id: int
    by: str


# --- drift: what the broker shows and our runs do not explain -----------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreDrift:
    """Stay quiet about this drift until it changes."""

    account_id: int
    symbol: str
    exchange: str
    product: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptOutside:
    """A person confirms that this many units of a position of ours were closed outside."""

    execution_id: int
    leg_id: int
    quantity: int
    price: Decimal
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSettlement:
    """A person confirms at which price an expired position was settled, rupees a unit."""

    execution_id: int
    leg_id: int
    price: Decimal
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """A position that others opened becomes a run of its own under a strategy's stops.

    `plan` holds one leg and one account; `quantity` signed units, `price` rupees.
    """

    plan: Plan
    quantity: int
    price: Decimal
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenDrift:
    """Send one explicit order that brings the broker's net back to what our runs hold."""

    account_id: int
    symbol: str
    exchange: str
    product: str
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
    is_unreachable: bool = False
    """Not one byte of the question left: nothing answers there."""


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
class OrderModeRead:
    """The probe of the order mode; None: it could not be told."""

    account_id: int
    is_semi_auto: bool | None


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
    | ModifyOrder
    | ConvertToMarket
    | SettleOrder
    | ReleaseLongs
    | TrimExecution
    | LookAgain
    | IgnoreDrift
    | AdoptOutside
    | ConfirmSettlement
    | TakeOver
    | FlattenDrift
    | SetTradingState
    | Acknowledge
    | AccountAdded
    | AccountRemoved
    | WatchSymbols
    | SendOutcome
    | BooksRead
    | FundsRead
    | Pinged
    | OrderModeRead
    | FeedChanged
    | OrderHint
    | PollDue
    | Tick
)
