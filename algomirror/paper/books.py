"""The books of one paper account: requests, orders, trades, positions."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
OPEN_WORDS = ("open", "trigger pending", "open pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checked order request; prices 0 where the type has none."""

    symbol: str
    exchange: str
    action: str
    quantity: int
    pricetype: str = "MARKET"
    product: str = "MIS"
    price: Decimal = ZERO
    trigger_price: Decimal = ZERO
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    status: int
    message: str


@dataclass(slots=True, kw_only=True)
class PaperOrder:
    """`status` is the word the order book shows; `value` the sum of fills in rupees."""

    orderid: str
    request: Request
    status: str
    placed_at: datetime
    ltp_at_placement: Decimal
    filled: int = 0
    value: Decimal = ZERO
    reason: str = ""
    shown_as_limit: Decimal | None = None
    hold_rest_until: datetime | None = None
    reject_at: datetime | None = None
    reject_reason: str = ""
    triggered: bool = False
    shown: tuple[tuple[object, ...], dict[str, Any]] | None = None
    """What it was when its row was last made, and that row."""

    @property
    def rest(self) -> int:
        return self.request.quantity - self.filled

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_WORDS

    @property
    def average(self) -> Decimal:
        return self.value / self.filled if self.filled else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    tradeid: str
    orderid: str
    symbol: str
    exchange: str
    product: str
    action: str
    quantity: int
    price: Decimal
    at: datetime
    strategy: str


@dataclass(slots=True, kw_only=True)
class PaperPosition:
    """Averaged on adds, average unchanged on reductions, fresh on reversal; `cash` is exact."""

    symbol: str
    exchange: str
    product: str
    quantity: int = 0
    average: Decimal = ZERO
    realised: Decimal = ZERO
    cash: Decimal = ZERO
    shown: tuple[tuple[object, ...], dict[str, Any]] | None = None
    """What it was when its row was last made, and that row."""

    def trade(self, signed: int, price: Decimal) -> Decimal:
        """Book a fill; returns the profit realised by it."""
        self.cash -= signed * price
        before = self.quantity
        after = before + signed
        realised = ZERO
        if before and (before > 0) != (signed > 0):
            closed = min(abs(before), abs(signed))
            realised = closed * (price - self.average) * (1 if before > 0 else -1)
            self.realised += realised
            if after and (after > 0) != (before > 0):
                self.average = price
        elif after:
            self.average = (self.average * abs(before) + price * abs(signed)) / abs(after)
        self.quantity = after
        if after == 0:
            self.average = ZERO
        return realised


@dataclass(slots=True)
class Books:
    """One store of orders, trades, positions and cash; analyzer and live have one each."""

    cash: Decimal
    orders: dict[str, PaperOrder] = field(default_factory=dict)
    trades: list[PaperTrade] = field(default_factory=list)
    positions: dict[tuple[str, str, str], PaperPosition] = field(default_factory=dict)
    past: list[tuple[datetime, list[PaperPosition]]] = field(default_factory=list)
    trade_rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By trade id, as the trade book shows it."""
    earlier_cash: Decimal = ZERO
    """Cash flow of positions that ended on earlier days."""
    _open: dict[str, PaperOrder] = field(default_factory=dict)

    def add(self, order: PaperOrder) -> None:
        self.orders[order.orderid] = self._open[order.orderid] = order

    def position(self, request: Request) -> PaperPosition:
        key = (request.symbol, request.exchange, request.product)
        if key not in self.positions:
            self.positions[key] = PaperPosition(
                symbol=request.symbol, exchange=request.exchange, product=request.product
            )
        return self.positions[key]

    def forget_day(self) -> None:
        """Order and trade books start empty."""
        self.orders.clear()
        self._open.clear()
        self.trades.clear()
        self.trade_rows.clear()
        self.past.clear()

    def open_orders(self) -> Iterator[PaperOrder]:
        """In the order they came; one that has ended never opens again."""
        if not self._open:
            return iter(())
        for orderid in [i for i, o in self._open.items() if not o.is_open]:
            del self._open[orderid]
        return iter(list(self._open.values()))

    def remember_positions(self, now: datetime) -> None:
        self.past.append((now, [copy(p) for p in self.positions.values()]))
        del self.past[:-50]

    def positions_at(self, at: datetime) -> list[PaperPosition]:
        known = [rows for when, rows in self.past if when <= at]
        return known[-1] if known else []
