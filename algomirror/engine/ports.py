"""What the engine needs from outside, in its own words; broker and store implement it."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from decimal import Decimal
from typing import Literal
from typing import Protocol

from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import Side
from algomirror.domain.position import Position
from algomirror.domain.quote import Quote
from algomirror.domain.risk.events import RiskEvent
from algomirror.domain.run import Execution
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import Run
from algomirror.domain.run import TradingMode


# --- outcomes of a send (product.md 5.1) -------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """200, success, a non-empty order id. `mode` says where it went: live or paper (analyze)."""

    broker_order_id: str
    mode: TradingMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A definite no with the broker's sentence."""

    reason: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Not one byte was written, or OpenAlgo's limiter said 429 (`retry_after_s`)."""

    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Anything else; never resent. `semi_auto` is the pending order's number, if it was that."""

    reason: str
    semi_auto: str | None = None


Outcome = Accepted | Refused | NotSent | Unknown


class OrderDesk(Protocol):
    """Sends single orders of one account; used by the sender threads. Never raises: outcomes only.

    `tag` is the wire's strategy field, "<mark>-<client order id>".
    """

    def place(self, intent: OrderIntent, *, tag: str) -> Outcome: ...

    def modify(self, intent: OrderIntent, *, broker_order_id: str, tag: str) -> Outcome: ...

    def cancel(self, broker_order_id: str, *, tag: str) -> Outcome: ...


class BookReader(Protocol):
    """Reads one account's books on its reader thread. Raises errors.BrokerError subclasses."""

    def order_book(self) -> Sequence[BookOrder]:
        """Where nothing has changed it may be the same object as last time."""
        ...

    def trade_book(self) -> Sequence[BookTrade]: ...

    def position_book(self) -> Sequence[BookPosition]: ...

    def funds(self) -> Funds: ...

    def mode(self) -> TradingMode: ...

    def is_semi_auto(self) -> bool | None:
        """Whether orders wait for approval in OpenAlgo; None when it cannot be told now."""
        ...

    def ping(self) -> str:
        """The broker's name as OpenAlgo gives it."""
        ...

    def quotes(self, instruments: Sequence[Instrument]) -> dict[Instrument, Quote]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginLeg:
    instrument: Instrument
    side: Side
    quantity: int
    product: Product


class MarketData(Protocol):
    """Reference data of one account, for plans and the builder. Raises errors.BrokerError."""

    def expiries(self, underlying: str, exchange: Exchange, *, futures: bool) -> list[date]: ...

    def contract(self, instrument: Instrument) -> Contract: ...

    def option_chain(
        self, underlying: str, index_exchange: Exchange, expiry: date, *, strikes_each_side: int
    ) -> OptionChain: ...

    def margin(self, legs: Sequence[MarginLeg]) -> Decimal:
        """Rupees the broker would block for these legs together."""
        ...


class Broker(OrderDesk, BookReader, MarketData, Protocol):
    """Everything one account's OpenAlgo offers us."""

    def close(self) -> None: ...


# --- feed -------------------------------------------------------------------------------------
FeedState = Literal["connecting", "authenticated", "auth_refused", "down", "stopped"]


class FeedListener(Protocol):
    """Where a feed delivers; every method may be called from the feed's thread."""

    def on_quote(self, quote: Quote) -> None: ...

    def on_order_hint(self, account_id: int, report: BookOrder) -> None:
        """A pushed order update: a hint that makes the books be read, never a fill."""
        ...

    def on_feed_state(self, account_id: int, state: FeedState, reason: str) -> None: ...


class Feed(Protocol):
    """One socket to one OpenAlgo server."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def want(self, instruments: frozenset[Instrument]) -> None:
        """The whole set to be subscribed; differences are sent, positions first."""
        ...


# --- persistence ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One row of an order's append-only journal."""

    client_order_id: str
    at: datetime
    from_status: str
    to_status: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """A broker order id that stood in an account's book on a session day; foreign ids too."""

    account_id: int
    session_day: date
    broker_order_id: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """One line of a run's or account's timeline; also what alerts and notifications are made of."""

    id: int
    at: datetime
    level: Literal["info", "warning", "critical"]
    kind: str
    text: str
    detail: str = ""
    run_id: int | None = None
    account_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """Trading state of the fleet (account_id None) or an account."""

    account_id: int | None
    state: str
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftNote:
    """What is known of an account's drift on a symbol on a session day (signed units).

    `at_start`: what the first confirmed look of the day showed, less what trades of that day had
    made of it; `ignored`: what a person chose to ignore until it changes. A note without a symbol
    says that the start of the day was taken.
    """

    account_id: int
    session_day: date
    symbol: str
    exchange: str
    product: str
    at_start: int = 0
    ignored: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KillRecord:
    """A pull of the kill switch; open until every book of its scope agrees that we are flat."""

    id: int
    by: str
    begun_at: datetime
    account_id: int | None = None
    strategy_id: int | None = None
    with_foreign: bool = False
    ended_at: datetime | None = None


Fact = (
    Run
    | Execution
    | ExitPlan
    | Position
    | Order
    | OrderEvent
    | Fill
    | RiskEvent
    | SeenOrder
    | TimelineEvent
    | StateChange
    | DriftNote
    | KillRecord
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """All that a restart needs: every run not closed with its parts, and today's counters."""

    runs: tuple[Run, ...]
    executions: tuple[Execution, ...]
    plans: tuple[ExitPlan, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    risk_events: tuple[RiskEvent, ...]
    seen: tuple[SeenOrder, ...]
    timeline: tuple[TimelineEvent, ...]
    states: tuple[StateChange, ...]
    drift_notes: tuple[DriftNote, ...]
    kills: tuple[KillRecord, ...]
    """Those that have not ended."""
    next_ids: Mapping[str, int]
    """Next free id by kind: run, execution, exit_plan, position, risk_event, timeline, kill,
    flatten."""
    run_numbers: Mapping[int, int]
    """Highest run number by strategy id."""


class Journal(Protocol):
    """The engine's only way to the database. `commit` is one durable transaction, in order given.

    Facts with an id are upserts (Run, Execution, ExitPlan, Position, Order by client id);
    OrderEvent, Fill, RiskEvent, TimelineEvent, StateChange append; SeenOrder inserts if absent.
    Raises errors.LeaseHeld when the lease is lost (checked with every transaction that saves
    orders) and JournalUnavailable when the database cannot be written in time.
    """

    def commit(self, facts: Sequence[Fact]) -> None:
        """With everything that `fall_back` took, in order, in the same transaction."""
        ...

    def fall_back(self, facts: Sequence[Fact]) -> None:
        """Facts durable in the synced fallback journal (product.md 15.2) until the next `commit`.

        Raises JournalUnavailable when that cannot be written either, or is not allowed.
        """
        ...

    def load(self, session_day: date) -> Recovered:
        """Everything back; a fallback journal left by an earlier life is merged first."""
        ...


class JournalUnavailable(Exception):  # noqa: N818 - a state of the database, not a bug
    """The database could not be written within the engine's patience."""


# --- accounts ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProfile:
    """What the engine must know of an account; no secrets."""

    id: int
    name: str
    broker_name: str
    colour: str
    is_primary: bool
    is_active: bool
    backup_rank: int | None = None
    max_orders_per_second: int = 10
    max_orders_per_minute: int | None = None
    max_orders_per_day: int | None = None
    chase_by: ChaseBy = ChaseBy.REPLACE
    market_orders: MarketOrders = MarketOrders.ALLOWED
    is_loopback: bool = True
    """OpenAlgo never bans the machine it runs on; elsewhere refused calls are rationed."""


Post = Callable[[object], None]
