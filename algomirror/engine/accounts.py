"""What the engine knows of each account right now: health, mode, books, what was seen before."""

from dataclasses import dataclass
from dataclasses import field
from datetime import date
from datetime import datetime
from decimal import Decimal

from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.books import PositionKey
from algomirror.domain.run import TradingMode
from algomirror.domain.run import TradingState
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import DriftNote

MODE_FRESH_S = 5.0


@dataclass(slots=True)
class Track:
    """What must be remembered of an order that is not settled. Times are monotonic seconds."""

    sent_at: float
    submitted_at: float = 0.0
    ended_at: float | None = None
    tries: int = 0
    retry_at: float | None = None
    at_sender: bool = False
    looks: int = 0
    first_look_at: float | None = None
    drift_before: int | None = None
    semi_auto: str | None = None
    cancel_wanted: bool = False
    cancel_sent_at: float | None = None
    missing_looks: int = 0
    missing_since: float | None = None
    is_missing: bool = False
    final_word: str = ""
    final_seen_at: float | None = None
    after_cancel: bool = False
    """The rest is to be placed anew (at market, or a step further) once the cancel is proven."""
    to_market: bool = False
    event_before: float | None = None
    """When something last happened on its symbol before it was submitted."""
    modify_sent_at: float | None = None
    wanted_prices: tuple[Decimal | None, Decimal | None] | None = None
    """(limit, trigger) of a modify whose answer is not in yet."""
    modify_failed: bool = False


@dataclass(slots=True)
class DriftLook:
    """How long the eligible looks have shown one drift (signed units); monotonic seconds.

    Eligible: begun 5 s after our last order event there, no order of ours working or unresolved.
    """

    value: int
    first_at: float
    since: datetime
    is_confirmed: bool = False
    """Two eligible looks at least 2 s apart agree."""


@dataclass(slots=True)
class AccountState:
    """Owned by the engine thread. Times are monotonic seconds unless they are datetimes."""

    profile: AccountProfile
    id: int = field(init=False)
    connection: str = "unknown"
    connection_text: str = ""
    connection_since: datetime | None = None
    failures: int = 0
    mode: TradingMode = TradingMode.UNKNOWN
    mode_at: float | None = None
    ping_ms: int | None = None
    pinged_at: datetime | None = None
    trading_state: TradingState = TradingState.ACTIVE
    funds: Funds | None = None
    funds_error: str = ""
    feed_state: str = "down"
    is_reconciled: bool = False
    look_in_flight: float | None = None
    look_due: float = 0.0
    look_wants_positions: bool = True
    complete_look_at: float | None = None
    """When the last complete look began."""
    books_at: datetime | None = None
    books_error: str = ""
    is_unreachable: bool = False
    """The last look found nobody at the address."""
    positions_look_at: float | None = None
    """When the last complete look with a position book began."""
    positions: dict[PositionKey, BookPosition] = field(default_factory=dict)
    drift: dict[PositionKey, int] = field(default_factory=dict)
    drift_alarmed: dict[PositionKey, int] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    """Broker order id -> when it first stood in a book (0.0 for earlier lives of this process)."""
    last_order_event: float = 0.0
    tracks: dict[str, Track] = field(default_factory=dict)
    """By client order id."""
    provisional: dict[str, float] = field(default_factory=dict)
    """Orders called "not found": watched until the session ends."""
    last_orders: tuple[BookOrder, ...] | None = None
    """The order book of the last complete look; the same object means nothing has changed."""
    last_trades: tuple[BookTrade, ...] | None = None
    last_trades_at: float = 0.0
    trades_look_at: float | None = None
    """When the last complete look with a trade book began."""
    has_todays_trades: bool = False
    """The trade book was read since the broker's day began."""
    books_day: date | None = None
    """The broker's day that `seen`, the trades of others and our acts belong to."""
    refused_calls: int = 0
    """Calls spent on a refused key on `refused_day` (OpenAlgo bans an address after 100)."""
    refused_day: date | None = None
    has_queued: bool = False
    """OpenAlgo queued an order for approval today; a sandbox cannot be asked if it still does."""
    auto_at: float | None = None
    """When a probe last said that orders are not queued for approval."""
    semi_auto_since: float | None = None
    """OpenAlgo queues orders for approval: nothing else is sent until a probe says auto."""
    last_event_at: dict[PositionKey, float] = field(default_factory=dict)
    drift_looks: dict[PositionKey, DriftLook] = field(default_factory=dict)
    foreign_net: dict[PositionKey, int] = field(default_factory=dict)
    """Signed units of today's trades that are not ours, as the trade book shows them."""
    foreign_price: dict[PositionKey, Decimal] = field(default_factory=dict)
    """Average price of those trades, rupees."""
    expected_drift: dict[PositionKey, int] = field(default_factory=dict)
    """Drift that acts of ours made today: adopted fills (minus), FLATTEN fills (plus)."""
    notes: dict[PositionKey, DriftNote] = field(default_factory=dict)
    day_noted: date | None = None
    """Session day whose start was noted (DriftNote.at_start)."""

    def __post_init__(self) -> None:
        self.id = self.profile.id

    def begin_day(self, day: date) -> None:
        """A broker's books start empty and their ids start again: nothing of yesterday counts."""
        if self.books_day not in (None, day):
            self.seen.clear()
            self.provisional.clear()
            self.foreign_net, self.foreign_price = {}, {}
            self.expected_drift = {}
            self.has_todays_trades, self.look_wants_positions = False, True
        self.books_day = day

    def fresh_drift(self, key: PositionKey) -> int | None:
        """The drift of the last look, None when something of ours happened there since."""
        looked = self.positions_look_at
        if looked is None or looked < self.last_event_at.get(key, looked):
            return None
        return self.drift.get(key, 0)

    def expect_drift(self, key: PositionKey, change: int) -> None:
        self.expected_drift[key] = self.expected_drift.get(key, 0) + change

    def is_mode_fresh(self, now: float) -> bool:
        return (
            self.mode is not TradingMode.UNKNOWN
            and self.mode_at is not None
            and now - self.mode_at <= MODE_FRESH_S
        )
