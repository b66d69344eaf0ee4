"""A broker's books as domain values: what its order, trade and position book say."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side


class PositionKey(NamedTuple):
    """What a broker nets by, within one account."""

    instrument: Instrument
    product: Product


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """One order-book row. `filled_quantity`/`average_price` None where the broker says nothing.

    `status` is our word for the row; `raw_status` the broker's. `tag` is the strategy field where
    the book gives it back. Prices are for display: never used to match.
    """

    broker_order_id: str
    instrument: Instrument
    side: Side
    quantity: int
    product: Product | None
    price_type: str
    price: Decimal
    trigger_price: Decimal
    status: OrderStatus
    raw_status: str
    filled_quantity: int | None
    average_price: Decimal | None
    reason: str
    tag: str
    raw_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTrade:
    """One fill of the trade book; several rows may share an order id."""

    broker_order_id: str
    instrument: Instrument
    side: Side
    quantity: int
    price: Decimal
    product: Product | None
    trade_id: str
    raw_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPosition:
    """One position-book row; `quantity` signed."""

    instrument: Instrument
    product: Product
    quantity: int
    average_price: Decimal | None
    ltp: Decimal | None
    pnl: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """An account's money in rupees, gross of charges; `available` = cash + collateral - debits."""

    cash: Decimal
    collateral: Decimal
    debits: Decimal
    m2m_realised: Decimal
    m2m_unrealised: Decimal
    read_at: datetime

    @property
    def available(self) -> Decimal:
        return self.cash + self.collateral - self.debits
