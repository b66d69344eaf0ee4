"""Versioned rows that pages read: how the fleet is now, and what changed since a version."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from typing import Literal

from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.attention_rows import KillRow

MarkState = Literal["fresh", "stale", "bad", "none"]
Level = Literal["info", "warning", "critical"]


@dataclass(slots=True, kw_only=True)
class SystemRow:
    """One row, key "system": the header of every page."""

    topic: ClassVar[str] = "system"
    key: str = "system"
    version: int = 0
    heartbeat_at: datetime | None = None
    market_text: str = ""
    market_open: bool = False
    fleet_state: str = "ACTIVE"
    fleet_reason: str = ""
    rules_armed: int = 0
    open_runs: int = 0
    feed_state: str = "down"
    feed_account: str = ""
    feed_reason: str = ""
    oldest_price_at: datetime | None = None
    attention: int = 0
    drift: int = 0
    pnl_today: Decimal = Decimal(0)
    realised_today: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    is_demo: bool = False
    indices: tuple[tuple[str, Decimal, Decimal | None], ...] = ()
    """(name, last price, previous close) of NIFTY, BANKNIFTY, SENSEX as far as known."""
    kill_active: bool = False
    is_on_fallback: bool = False
    """The database cannot be written: exits go to the fallback journal, entries wait."""


@dataclass(slots=True, kw_only=True)
class AccountRow:
    topic: ClassVar[str] = "account"
    key: str
    version: int = 0
    id: int
    name: str
    broker_name: str
    colour: str
    is_primary: bool
    backup_rank: int | None
    is_active: bool
    connection: str = "unknown"
    connection_text: str = ""
    connection_since: datetime | None = None
    mode: str = "unknown"
    trading_state: str = "ACTIVE"
    ping_ms: int | None = None
    pinged_at: datetime | None = None
    available: Decimal | None = None
    cash: Decimal | None = None
    used: Decimal | None = None
    m2m: Decimal | None = None
    funds_at: datetime | None = None
    books_at: datetime | None = None
    books_error: str = ""
    drift: int | None = None
    day_pnl: Decimal = Decimal(0)
    open_positions: int = 0
    working_orders: int = 0
    unknown_orders: int = 0
    feed_state: str = "down"


@dataclass(slots=True, kw_only=True)
class RunRow:
    topic: ClassVar[str] = "run"
    key: str
    version: int = 0
    id: int
    strategy_id: int
    number: int
    name: str
    trigger: str
    state: str
    product: str = ""
    attention: str = ""
    started_at: datetime
    ended_at: datetime | None = None
    exit_reason: str = ""
    exit_text: str = ""
    pnl: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    pnl_complete: bool = True
    """False while a price is missing, so that the sum is not the whole truth."""
    peak: Decimal = Decimal(0)
    trough: Decimal = Decimal(0)
    max_loss: Decimal | None = None
    max_profit: Decimal | None = None
    credit: Decimal | None = None
    """Net premium received (positive) or paid at entry, rupees."""
    accounts: int = 0
    open_positions: int = 0
    orders: int = 0
    orders_filled: int = 0
    skew_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class ExecutionRow:
    topic: ClassVar[str] = "execution"
    key: str
    version: int = 0
    id: int
    run_id: int
    account_id: int
    account_name: str
    state: str
    mode: str
    sets: int
    attention: str = ""
    skip_reason: str = ""
    exit_reason: str = ""
    pnl: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    open_positions: int = 0
    orders: int = 0
    orders_working: int = 0
    """Sent and not ended, unknown ones left out."""
    orders_filled: int = 0
    orders_unknown: int = 0
    drift: int | None = None
    books_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class PositionRow:
    topic: ClassVar[str] = "position"
    key: str
    version: int = 0
    run_id: int
    execution_id: int
    account_id: int
    leg_id: int
    leg_number: int
    symbol: str
    exchange: str
    product: str
    side: str
    option_type: str = ""
    strike: Decimal | None = None
    expiry: str = ""
    quantity: int = 0
    entry_quantity: int = 0
    average: Decimal | None = None
    exit_average: Decimal | None = None
    mark: Decimal | None = None
    mark_at: datetime | None = None
    mark_state: MarkState = "none"
    mark_source: str = ""
    pnl: Decimal | None = None
    realised: Decimal = Decimal(0)
    price_pending: bool = False


@dataclass(slots=True, kw_only=True)
class OrderRow:
    topic: ClassVar[str] = "order"
    key: str
    version: int = 0
    run_id: int | None
    execution_id: int | None
    account_id: int
    account_name: str
    leg_id: int | None
    purpose: str
    attempt: int
    slice_no: int
    side: str
    symbol: str
    exchange: str
    product: str
    quantity: int
    filled: int
    price_type: str
    limit_price: Decimal | None
    trigger_price: Decimal | None
    average: Decimal | None
    reference: Decimal | None = None
    """The mark when the order was decided: what its cost is counted against."""
    status: str
    reason: str
    broker_order_id: str
    cause: str
    submitted_at: datetime
    acked_at: datetime | None
    done_at: datetime | None
    is_ours: bool = True


@dataclass(slots=True, kw_only=True)
class FillRow:
    topic: ClassVar[str] = "fill"
    key: str
    version: int = 0
    run_id: int | None
    execution_id: int | None
    account_id: int
    account_name: str
    client_order_id: str
    side: str
    symbol: str
    quantity: int
    price: Decimal
    value: Decimal
    source: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class RuleRow:
    """A risk rule of a run (execution_id None) as its card shows it; amounts in rupees."""

    topic: ClassVar[str] = "rule"
    key: str
    version: int = 0
    run_id: int
    execution_id: int | None
    kind: str
    action: str
    status: Literal["waiting", "armed", "blind", "triggered", "off"]
    level: Decimal | None
    current: Decimal | None
    distance: Decimal | None
    progress: float = 0.0
    """0..1 of the way from 0 to the level."""
    text: str = ""
    why: tuple[str, ...] = ()
    """The inputs of the last verdict as lines: price, age, source of each leg."""
    evaluated_at: datetime | None = None
    triggered_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class EventRow:
    """A line of the timeline; newest have the highest id."""

    topic: ClassVar[str] = "event"
    key: str
    version: int = 0
    id: int
    at: datetime
    level: Level
    kind: str
    text: str
    detail: str = ""
    run_id: int | None = None
    account_id: int | None = None


@dataclass(slots=True, kw_only=True)
class QuoteRow:
    """A watched price (builder's live line, index tickers)."""

    topic: ClassVar[str] = "quote"
    key: str
    version: int = 0
    symbol: str
    exchange: str
    ltp: Decimal
    bid: Decimal | None
    ask: Decimal | None
    at: datetime
    state: MarkState = "fresh"


Row = (
    SystemRow
    | AccountRow
    | RunRow
    | ExecutionRow
    | PositionRow
    | OrderRow
    | FillRow
    | RuleRow
    | EventRow
    | QuoteRow
    | DriftRow
    | KillRow
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows newer than the version asked for, and keys removed since, per topic."""

    version: int
    rows: tuple[Row, ...]
    removed: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class LiveView:
    """Latest row per (topic, key). Written by the engine thread only, read by any.

    A put row belongs to the view afterwards: the engine puts a new object for each change, so a
    reader may keep what it got. One short lock makes rows and version one unit.
    """

    _rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    _recent: deque[tuple[int, str, str]] = field(default_factory=lambda: deque(maxlen=20_000))
    _version: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    is_read: bool = True
    """False where nobody looks (the simulator): nothing is projected."""
    pnl_history: dict[int, deque[tuple[datetime, Decimal]]] = field(default_factory=dict)
    """Per run id, (time, P&L) about once a second for the curve; readers only read."""

    def put(self, row: Row) -> None:
        self.put_all((row,))

    def put_all(self, rows: Iterable[Row]) -> None:
        with self._lock:
            for row in rows:
                self._version += 1
                row.version = self._version
                self._rows.setdefault(row.topic, {})[row.key] = row
                self._recent.append((self._version, row.topic, row.key))

    def remove(self, topic: str, key: str) -> None:
        with self._lock:
            if self._rows.get(topic, {}).pop(key, None) is not None:
                self._version += 1
                self._recent.append((self._version, topic, key))

    @property
    def version(self) -> int:
        return self._version

    def since(self, version: int) -> Changes:
        """What changed after `version`; a version too old for the memory gives everything."""
        with self._lock:
            if version < self._oldest():
                rows = tuple(r for topic in self._rows.values() for r in topic.values())
                return Changes(version=self._version, rows=rows, removed=())
            changed: dict[tuple[str, str], None] = {}
            for at, topic, key in reversed(self._recent):
                if at <= version:
                    break
                changed[topic, key] = None
            found = []
            gone = []
            for topic, key in changed:
                row = self._rows.get(topic, {}).get(key)
                if row is None:
                    gone.append((topic, key))
                else:
                    found.append(row)
            return Changes(version=self._version, rows=tuple(found), removed=tuple(gone))

    def rows(self, topic: str) -> list[Row]:
        with self._lock:
            return list(self._rows.get(topic, {}).values())

    def get(self, topic: str, key: str) -> Row | None:
        with self._lock:
            return self._rows.get(topic, {}).get(key)

    def _oldest(self) -> int:
        return self._recent[0][0] - 1 if self._recent else 0
