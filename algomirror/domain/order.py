"""The life of one broker order: what we want, what is proven, which transitions exist."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from datetime import date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.money import ZERO


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class PriceType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    SL = "SL"
    SL_M = "SL-M"


class OrderPurpose(StrEnum):
    ENTRY = "ENTRY"
    EXIT = "EXIT"
    HEDGE_UNWIND = "HEDGE_UNWIND"
    FLATTEN = "FLATTEN"


class OrderStatus(StrEnum):
    DENIED = "DENIED"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


_S = OrderStatus
WORKING = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED})
IN_FLIGHT = frozenset({_S.SUBMITTED, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED})
DONE = frozenset({_S.DENIED, _S.FILLED, _S.CANCELLED, _S.REJECTED})

TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    _S.DENIED: frozenset(),
    _S.SUBMITTED: frozenset(
        {_S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED}
    ),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED}),
    _S.ACCEPTED: frozenset(
        {
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.CANCELLED,
            _S.REJECTED,
            # a modify of unknown outcome does not lose the order: no way back here
        }
    ),
    _S.PARTIALLY_FILLED: frozenset(
        {
            _S.FILLED,
            _S.CANCELLED,
            # some plugins say "rejected" for the rest of a part fill
            _S.REJECTED,
        }
    ),
    _S.FILLED: frozenset(),
    # a late fill after cancel is seen in the wild; a late part fill stays CANCELLED
    _S.CANCELLED: frozenset({_S.FILLED}),
    # "not found" is provisional, and a late "complete" wins over an earlier "rejected"
    _S.REJECTED: frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What we want the broker to do; never changes after creation.

    `quantity` is unsigned units; prices are None where the type has none.
    """

    client_order_id: str
    account_id: int
    execution_id: int | None
    leg_id: int | None
    exit_plan_id: int | None
    purpose: OrderPurpose
    attempt: int
    slice_no: int
    instrument: Instrument
    product: Product
    side: Side
    quantity: int
    price_type: PriceType = PriceType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference_price: Decimal | None = None
    """The mark when the order was decided: what its cost is counted against."""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a book or a send says about one order, cumulative.

    `filled_quantity` None means the source does not say. `average_price` None or 0 means unknown.
    """

    status: OrderStatus
    source: str
    at: datetime
    broker_order_id: str | None = None
    filled_quantity: int | None = None
    average_price: Decimal | None = None
    filled_value: Decimal | None = None
    reason: str = ""
    exact: bool = False
    """`filled_value` is the sum of the trade book, which corrects a rounded average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A proven increase of filled quantity with its value (quantity x price, rupees, unsigned).

    Quantity 0 carries only value: a price that was pending, or a correction by the trade book.
    """

    client_order_id: str
    at: datetime
    quantity: int
    value: Decimal
    source: str

    @property
    def price(self) -> Decimal:
        return self.value / self.quantity if self.quantity else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Intent plus all that is proven about it; replaced (never mutated) by `apply`.

    Invariants: 0 <= filled_quantity <= intent.quantity; filled_quantity never shrinks;
    `price_pending` while a filled quantity has no proven value yet.
    """

    intent: OrderIntent
    status: OrderStatus
    session_day: date
    submitted_at: datetime
    broker_order_id: str | None = None
    filled_quantity: int = 0
    filled_value: Decimal = ZERO
    price_pending: bool = False
    reason: str = ""
    acked_at: datetime | None = None
    done_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.intent.client_order_id

    @property
    def is_done(self) -> bool:
        return self.status in DONE

    @property
    def is_in_flight(self) -> bool:
        return self.status in IN_FLIGHT

    @property
    def open_quantity(self) -> int:
        """What may still fill: 0 when done."""
        return 0 if self.is_done else self.intent.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        if self.filled_quantity == 0 or self.price_pending:
            return None
        return self.filled_value / self.filled_quantity

    def can_become(self, status: OrderStatus) -> bool:
        return status in TRANSITIONS[self.status]

    def apply(self, report: OrderReport) -> "tuple[Order, Fill | None]":
        """This order after a cumulative report, and the fill it proves (None if nothing new).

        A repeated or reordered report changes nothing: quantity never shrinks, a final state is
        left only by the transitions above, and a report above the ordered quantity is cut off by
        the caller (InvalidTransition is the caller's to raise). A FILLED report without a
        quantity means the whole order.
        """
        filled = self._filled_after(report)
        status = self._status_after(report, filled)
        gained = filled - self.filled_quantity
        value = self._value_after(report, filled)
        pending = filled > 0 and value is None
        fill = None
        if gained > 0 and value is not None:
            fill = Fill(
                client_order_id=self.id,
                at=report.at,
                quantity=gained,
                value=value - self.filled_value,
                source=report.source,
            )
        elif gained > 0:
            fill = Fill(
                client_order_id=self.id,
                at=report.at,
                quantity=gained,
                value=ZERO,
                source=report.source,
            )
        elif filled > 0 and value is not None and value != self.filled_value:
            fill = Fill(
                client_order_id=self.id,
                at=report.at,
                quantity=0,
                value=value - self.filled_value,
                source=report.source,
            )
        if fill is None and status is self.status and not self._learns_from(report):
            return self, None
        moved = status is not self.status
        changed = replace(
            self,
            status=status,
            filled_quantity=filled,
            filled_value=self.filled_value + (fill.value if fill else ZERO),
            price_pending=pending if fill else self.price_pending,
            broker_order_id=self.broker_order_id or report.broker_order_id,
            reason=report.reason or self.reason,
            acked_at=self.acked_at or (report.at if status in WORKING or filled else None),
            done_at=report.at
            if moved and status in DONE
            else (self.done_at if status in DONE else None),
        )
        return changed, fill

    def _learns_from(self, report: OrderReport) -> bool:
        new_id = self.broker_order_id is None and report.broker_order_id is not None
        return new_id or bool(report.reason and report.reason != self.reason)

    def _filled_after(self, report: OrderReport) -> int:
        said = report.filled_quantity
        if said is None:
            said = self.intent.quantity if report.status is OrderStatus.FILLED else 0
        return min(max(self.filled_quantity, said), self.intent.quantity)

    def _value_after(self, report: OrderReport, filled: int) -> Decimal | None:
        """Cumulative value at `filled`, or None while no price is proven."""
        same = filled == self.filled_quantity and not self.price_pending
        if same and not (report.exact and report.filled_quantity == filled):
            return self.filled_value
        if report.filled_value is not None and report.filled_value > 0:
            return report.filled_value if report.filled_quantity == filled else None
        if report.average_price is not None and report.average_price > 0:
            said = report.filled_quantity if report.filled_quantity is not None else filled
            return report.average_price * filled if said == filled else None
        return None

    def _status_after(self, report: OrderReport, filled: int) -> OrderStatus:
        if filled == self.intent.quantity:
            wanted = OrderStatus.FILLED
        elif report.status in WORKING:
            wanted = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
        elif report.status is OrderStatus.FILLED:
            wanted = OrderStatus.PARTIALLY_FILLED
        else:
            wanted = report.status
        return wanted if self.can_become(wanted) else self.status
