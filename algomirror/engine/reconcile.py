"""Broker truth against our book: what each look at the books proves, and what it does not."""

import logging
from collections import Counter
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookTrade
from algomirror.domain.books import PositionKey
from algomirror.domain.money import ZERO
from algomirror.domain.order import WORKING
from algomirror.domain.order import Order
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.engine.accounts import AccountState
from algomirror.engine.core import Core
from algomirror.engine.day_change import DayChange
from algomirror.engine.drift import DriftDesk
from algomirror.engine.messages import BooksRead
from algomirror.engine.ports import SeenOrder
from algomirror.engine.unknown import UnknownResolver

log = logging.getLogger(__name__)

FINAL_SECOND_LOOK_S = 2.0
COMPLETE_SECOND_LOOK_S = 1.0
CONTRADICTION_S = 10.0
"""An order with trades that is called rejected: what the trades say stands, its rest died."""
SAME_LOOK_S = 0.001
"""Two clocks never agree to the microsecond: looks that began so close together are one."""
MISSING_LOOKS = 5
MISSING_AFTER_S = 20.0
_ENDED = (OrderStatus.REJECTED, OrderStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class TradeSum:
    """All trades of one order id: units and rupees."""

    quantity: int
    value: Decimal


NO_TRADES = TradeSum(0, ZERO)


def sum_trades(trades: tuple[BookTrade, ...]) -> dict[str, TradeSum]:
    quantity: Counter[str] = Counter()
    value: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for trade in trades:
        quantity[trade.broker_order_id] += trade.quantity
        value[trade.broker_order_id] += trade.quantity * trade.price
    return {i: TradeSum(quantity[i], value[i]) for i in quantity}


class Reconcile:
    """Owned by the engine thread. Only complete looks count (product.md 5.5)."""

    def __init__(self, core: Core, drift: DriftDesk) -> None:
        self._core = core
        self._drift = drift
        self._day_change = DayChange(core)
        self._unknown = UnknownResolver(core)
        self._is_withheld = False
        """Some row of the look in hand waits for a second one."""

    def on_books(self, message: BooksRead) -> None:
        account = self._core.accounts.get(message.account_id)
        if account is None:
            return
        account.look_in_flight = None
        account.is_unreachable = message.is_unreachable
        if message.orders is None:
            account.books_error = message.error or "the order book could not be read"
            return
        took = _seconds(message.ended_at, message.begun_at)
        age = _seconds(self._core.clock.now(), message.begun_at)
        begun = self._core.clock.monotonic() - max(age, took, 0.0)  # a clock may be set back
        last = account.complete_look_at
        if last is not None and begun <= last + SAME_LOOK_S:
            return  # repeated, or overtaken by a newer one: nothing in it is news
        if self._core.broker_day(message.begun_at) != self._core.broker_day(self._core.clock.now()):
            return  # it holds rows of yesterday
        self._day_change.roll(account)
        if not self._nothing_new(account, message) and not self._read_orders(
            account, message, message.orders, begun
        ):
            account.books_error = "the order book lacks orders of ours: not believed"
            return
        account.books_error = message.error
        account.books_at = message.ended_at
        account.complete_look_at = begun
        if message.trades is not None:
            account.last_trades_at = self._core.clock.monotonic()
            account.trades_look_at = begun
        if message.positions is not None:
            account.positions = {PositionKey(p.instrument, p.product): p for p in message.positions}
            self._drift.measure(account, begun)
            self._day_change.judge(account)
        self._unknown.count_look(
            account, message.trades, took_s=took, with_positions=message.positions is not None
        )
        if not account.is_reconciled:
            self._reconciled(account)
        for execution in self._core.book.account_executions(account.id):
            if execution.plans or execution.state in ("pending", "entering", "exiting"):
                self._core.touch(execution)

    def _nothing_new(self, account: AccountState, message: BooksRead) -> bool:
        """The very books of last time, while nothing of ours is open, doubtful or without price."""
        same = message.orders is account.last_orders
        same = same and (message.trades is None or message.trades is account.last_trades)
        if not same or self._core.book.live_orders[account.id] or account.provisional:
            return False
        held = self._core.book.account_executions(account.id)
        return not any(execution.is_price_pending for execution in held)

    def _read_orders(
        self,
        account: AccountState,
        message: BooksRead,
        orders: tuple[BookOrder, ...],
        begun: float,
    ) -> bool:
        """Give ids, apply rows, remember what stood there; False when the look is not complete."""
        rows = {row.broker_order_id: row for row in orders}
        if not self._is_complete(account, rows, begun, message.begun_at):
            account.last_orders = None
            return False
        sums = sum_trades(message.trades) if message.trades is not None else None
        if message.trades is not None:
            self._drift.read_trades(account, message.trades)
        self._unknown.match(account, rows, begun)
        self._is_withheld = False
        today = self._core.broker_day(message.ended_at)
        ours = self._core.book.broker_ids[account.id]
        for row in orders:
            client_id = ours.get(row.broker_order_id)
            order = self._core.book.orders[client_id] if client_id is not None else None
            if order is not None and order.session_day == today:
                self._apply_row(order, row, sums, message.ended_at)
        self._remember(account, rows, message.ended_at)
        account.last_orders = None if self._is_withheld else orders
        if message.trades is not None:
            settled = not self._core.book.live_orders[account.id]
            account.last_trades = message.trades if settled else None
        return True

    def _reconciled(self, account: AccountState) -> None:
        """The first complete look; what it does not settle keeps entries out (7.7)."""
        account.is_reconciled = True
        left = self._core.book.unresolved(account.id)
        log.info("account %s reconciled, %d orders unresolved", account.id, len(left))
        if left:
            self._core.reduce(account.id, f"started with {len(left)} orders unresolved")

    # --- is it a look at all --------------------------------------------------------------
    def _is_complete(
        self, account: AccountState, rows: dict[str, BookOrder], begun: float, at: datetime
    ) -> bool:
        """Every broker id of ours of this session day that existed when the look began is in it."""
        complete = True
        for order in self._ours_today(account, self._core.broker_day(at)):
            track = account.tracks.get(order.id)
            if order.broker_order_id in rows or (track is not None and track.is_missing):
                if track is not None:
                    track.missing_looks, track.missing_since = 0, None
                continue
            if order.acked_at is not None and order.acked_at >= at:
                continue
            complete = False
            self._note_missing(account, order, rows)
        return complete

    def _ours_today(self, account: AccountState, day: object) -> list[Order]:
        return [
            order
            for client_id in self._core.book.broker_ids[account.id].values()
            if (order := self._core.book.orders[client_id]).session_day == day
        ]

    def _note_missing(
        self, account: AccountState, order: Order, rows: dict[str, BookOrder]
    ) -> None:
        """One id of ours missing in 5 looks over 20 s while others are there: attention for it."""
        track = self._core.track(order)
        now = self._core.clock.monotonic()
        track.missing_looks += 1
        if track.missing_since is None:
            track.missing_since = now
        others = bool(self._core.book.broker_ids[account.id].keys() & rows.keys())
        if (
            others
            and track.missing_looks >= MISSING_LOOKS
            and now - track.missing_since >= MISSING_AFTER_S
        ):
            track.is_missing = True
            execution = self._core.execution_of(order)
            if execution is not None:
                self._core.attention(
                    execution, f"order {order.id} is no longer in the broker's order book"
                )

    def _remember(self, account: AccountState, rows: dict[str, BookOrder], at: datetime) -> None:
        """Ids that stand in the book, foreign ones too, so that a restart knows them."""
        now = self._core.clock.monotonic()
        for broker_id in rows:
            if broker_id in account.seen:
                continue
            account.seen[broker_id] = now
            self._core.stage(
                SeenOrder(
                    account_id=account.id,
                    session_day=self._core.broker_day(at),
                    broker_order_id=broker_id,
                    first_seen_at=at,
                )
            )

    # --- what a row proves ----------------------------------------------------------------
    def _apply_row(
        self, order: Order, row: BookOrder, sums: dict[str, TradeSum] | None, at: datetime
    ) -> None:
        traded = sums.get(row.broker_order_id, NO_TRADES) if sums is not None else None
        if traded is not None and traded.quantity > order.intent.quantity:
            self._flag(order, f"trades of order {order.id} exceed its quantity: not booked")
            return
        if order.is_done and not self._may_still_change(order, row, traded):
            return
        report = self._report(order, row, traded, at)
        if report is not None:
            self._core.orders.report(order.id, report)
        else:
            self._is_withheld = True
        self._settle_modify(order.id, row)

    def _settle_modify(self, order_id: str, row: BookOrder) -> None:
        """A modify without an answer: the book's prices are what the order has."""
        order = self._core.book.orders[order_id]
        track = self._core.track(order)
        if track.wanted_prices is None or track.modify_sent_at is None:
            return
        limit, trigger = track.wanted_prices
        if (limit is None or row.price == limit) and (
            trigger is None or row.trigger_price == trigger
        ):
            track.wanted_prices = None
            self._core.orders.reprice(order, limit, trigger)

    def _may_still_change(self, order: Order, row: BookOrder, traded: TradeSum | None) -> bool:
        """A late fill, a late verdict, or a price that is pending or was a rounded average."""
        if order.status is not OrderStatus.FILLED:
            return True
        return order.price_pending or (traded is not None and traded.value != order.filled_value)

    def _report(
        self, order: Order, row: BookOrder, traded: TradeSum | None, at: datetime
    ) -> OrderReport | None:
        filled = row.filled_quantity
        if filled is None:
            filled = traded.quantity if traded is not None else None
        elif traded is not None:
            filled = max(filled, traded.quantity)
        if row.status in _ENDED:
            status = self._final_status(order, row, traded)
            if status is None:
                return None
        elif row.status is OrderStatus.FILLED:
            if not self._is_complete_proven(order, row, traded):
                status = OrderStatus.ACCEPTED
            else:
                status, filled = OrderStatus.FILLED, order.intent.quantity
        else:
            status = row.status
        exact = traded is not None and traded.quantity == filled and traded.quantity > 0
        return OrderReport(
            status=status,
            source="trade_book" if exact else "order_book",
            at=at,
            broker_order_id=row.broker_order_id,
            filled_quantity=filled,
            average_price=row.average_price,
            filled_value=traded.value if exact and traded is not None else None,
            reason=row.reason,
            exact=exact,
        )

    def _is_complete_proven(self, order: Order, row: BookOrder, traded: TradeSum | None) -> bool:
        """A bare "complete" needs the trades, or a second look a second later that repeats it."""
        if row.filled_quantity is not None:
            return row.filled_quantity >= order.intent.quantity
        if traded is not None and traded.quantity == order.intent.quantity:
            return True
        return self._is_repeated(order, "complete", COMPLETE_SECOND_LOOK_S)

    def _final_status(
        self, order: Order, row: BookOrder, traded: TradeSum | None
    ) -> OrderStatus | None:
        """Rejected or cancelled is final after a second look and a trade book read after it."""
        track = self._core.track(order)
        asked = track.cancel_wanted and row.status is OrderStatus.CANCELLED
        if asked and row.filled_quantity is not None:
            return row.status
        if traded is None:
            self._core.want_look(order.intent.account_id, delay=0.1)
            return None
        refused_in_part = row.status is OrderStatus.REJECTED and traded.quantity > 0
        seconds = CONTRADICTION_S if refused_in_part else FINAL_SECOND_LOOK_S
        if not self._is_repeated(order, f"{row.raw_status} {traded.quantity}", seconds):
            self._core.want_look(order.intent.account_id, delay=FINAL_SECOND_LOOK_S + 0.05)
            return OrderStatus.ACCEPTED if refused_in_part else None
        return OrderStatus.CANCELLED if refused_in_part else row.status

    def _is_repeated(self, order: Order, word: str, seconds: float) -> bool:
        track = self._core.track(order)
        now = self._core.clock.monotonic()
        if track.final_word != word or track.final_seen_at is None:
            track.final_word, track.final_seen_at = word, now
            return False
        return now - track.final_seen_at >= seconds

    def _flag(self, order: Order, text: str) -> None:
        execution = self._core.execution_of(order)
        if execution is not None:
            self._core.attention(execution, text)


def next_look_in(orders: list[Order], *, holds: bool) -> float:
    """Seconds until the next routine look: 1 while orders work, 5 with positions, 30 idle."""
    if any(order.status in WORKING for order in orders):
        return 1.0
    return 5.0 if orders or holds else 30.0


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()
