"""Orders whose outcome is unknown: found in the books, proven absent, or left to a human."""

import logging
from collections import defaultdict
from typing import NamedTuple

from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookTrade
from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import Order
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.run import TradingMode
from algomirror.engine.accounts import AccountState
from algomirror.engine.core import Core

log = logging.getLogger(__name__)

LOOK_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
NOT_FOUND = "not found at the broker"
"""How the reason of a provisional verdict begins; a restart knows it by that."""
NOT_FOUND_LOOKS = 5
NOT_FOUND_AFTER_S = 20.0
SLOW_ANSWER_S = 2.0
NEEDS_HUMAN_AFTER_S = 60.0


class Shape(NamedTuple):
    """What makes two orders indistinguishable in a book; price, type and time prove nothing."""

    instrument: Instrument
    side: Side
    quantity: int
    product: Product


def shape_of(order: Order) -> Shape:
    intent = order.intent
    return Shape(intent.instrument, intent.side, intent.quantity, intent.product)


class UnknownResolver:
    """Owned by the engine thread. Adopts or refutes; never resends (product.md 5.5)."""

    def __init__(self, core: Core) -> None:
        self._core = core

    # --- finding --------------------------------------------------------------------------
    def match(self, account: AccountState, rows: dict[str, BookOrder], begun: float) -> None:
        """Give ids that are new since the send to orders that wait for one."""
        waiting = self._waiting(account)
        if not waiting:
            return
        free = [r for r in rows.values() if not self._is_ours(account, r)]
        by_tag = {r.tag: r for r in free if r.tag}
        for order in list(waiting):
            row = by_tag.get(self._core.tag(order.id))
            if row is not None and shape_of(order) == _shape_of_row(row, order):
                self._adopt(account, order, row)
                waiting.remove(order)
        shapes: dict[Shape, list[Order]] = defaultdict(list)
        for order in waiting:
            shapes[shape_of(order)].append(order)
        outstanding = self._outstanding_shapes(account)
        for shape, orders in shapes.items():
            if shape not in outstanding:
                self._match_shape(account, shape, orders, free)

    def _waiting(self, account: AccountState) -> list[Order]:
        """Unknown ones first, then "not found" ones that are watched until the session ends."""
        found = self._todays_unknown(account)
        found.sort(key=lambda o: (self._waits_for_approval(o), o.submitted_at, o.id))
        refuted = []
        for client_id in account.provisional:
            order = self._core.book.orders[client_id]
            if order.broker_order_id is None and order.is_done:
                refuted.append(order)
        refuted = [o for o in refuted if self._is_todays(o)]
        return found + sorted(refuted, key=lambda o: (o.submitted_at, o.id))

    def _waits_for_approval(self, order: Order) -> bool:
        """Such an order comes last: a row that turns up is rather one of the others."""
        return self._core.track(order).semi_auto is not None

    def _todays_unknown(self, account: AccountState) -> list[Order]:
        """Without a broker id, of this session day: an older one is in no book any more."""
        return [
            o
            for o in self._core.book.unresolved(account.id)
            if o.broker_order_id is None and self._is_todays(o)
        ]

    def _is_todays(self, order: Order) -> bool:
        return order.session_day == self._core.broker_day(self._core.clock.now())

    def _outstanding_shapes(self, account: AccountState) -> set[Shape]:
        """A row may belong to a send whose answer is still on its way: wait for that answer."""
        return {
            shape_of(order)
            for client_id in self._core.book.live_orders[account.id]
            if (order := self._core.book.orders[client_id]).status is OrderStatus.SUBMITTED
            and (track := account.tracks.get(client_id)) is not None
            and track.at_sender
        }

    def _match_shape(
        self, account: AccountState, shape: Shape, orders: list[Order], free: list[BookOrder]
    ) -> None:
        rows = [
            row
            for row in free
            if not self._is_ours(account, row)
            and not self._is_marked_for_another(row, orders)
            and _shape_of_row(row, orders[0]) == shape
        ]
        candidates = [
            row for row in rows if any(self._is_new_since(account, row, o) for o in orders)
        ]
        candidates.sort(key=lambda row: (row.raw_time, row.broker_order_id))  # only to rank
        if len(candidates) > len(orders) and len({row.status for row in candidates}) > 1:
            for order in orders:
                self._ask_human(order, "more than one order of the broker's could be it")
            return
        for order in orders:
            row = next((r for r in candidates if self._is_new_since(account, r, order)), None)
            if row is not None:
                candidates.remove(row)
                self._adopt(account, order, row)

    def _is_ours(self, account: AccountState, row: BookOrder) -> bool:
        return self._owner(account, row.broker_order_id) is not None

    def _owner(self, account: AccountState, broker_order_id: str) -> str | None:
        today = self._core.broker_day(self._core.clock.now())
        return self._core.book.owner(account.id, broker_order_id, today)

    def _is_marked_for_another(self, row: BookOrder, orders: list[Order]) -> bool:
        """A tag that is given back and is not one of these orders' proves that it is not them."""
        return bool(row.tag) and all(row.tag != self._core.tag(o.id) for o in orders)

    def _is_new_since(self, account: AccountState, row: BookOrder, order: Order) -> bool:
        first_seen = account.seen.get(row.broker_order_id)
        return first_seen is None or first_seen > self._core.track(order).sent_at

    def _adopt(self, account: AccountState, order: Order, row: BookOrder) -> None:
        now = self._core.clock.now()
        was_refuted = account.provisional.pop(order.id, None) is not None
        log.info("order %s found at the broker", order.id)
        self._core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.ACCEPTED,
                source="reconcile",
                at=now,
                broker_order_id=row.broker_order_id,
                reason="found in the order book",
            ),
        )
        if was_refuted:
            self._ask_human(order, "it was thought over and turned up at the broker")
        self._core.event(
            "order_found",
            f"{account.profile.name}: {order.intent.side} {order.intent.instrument.symbol} "
            "found in order book. Not sent twice.",
            level="warning" if was_refuted else "info",
            run_id=self._run_id(order),
            account_id=account.id,
        )

    # --- proving absence ------------------------------------------------------------------
    def count_look(
        self,
        account: AccountState,
        trades: tuple[BookTrade, ...] | None,
        *,
        took_s: float,
        with_positions: bool,
    ) -> None:
        """One more complete look that did not show them; enough of these refute an order."""
        now = self._core.clock.monotonic()
        for order in self._todays_unknown(account):
            track = self._core.track(order)
            ended = track.ended_at if track.ended_at is not None else track.sent_at
            counts = trades is not None and with_positions and took_s < SLOW_ANSWER_S
            if counts:
                track.looks += 1
            if track.semi_auto is not None:
                continue
            if track.looks >= NOT_FOUND_LOOKS and now - ended >= NOT_FOUND_AFTER_S:
                if not self._is_auto(account, ended):
                    self._probe(account)
                elif self._is_absent(account, order, trades or ()):
                    self._refute(account, order)
                elif now - ended >= NEEDS_HUMAN_AFTER_S:
                    self._ask_human(order, "its outcome is unknown and the books do not settle it")
            self._core.want_look(account.id, delay=_next_delay(now - ended), positions=True)

    def _probe(self, account: AccountState) -> None:
        limbs = self._core.limbs.get(account.id)
        if limbs is not None:
            limbs.probe_order_mode()

    def _is_auto(self, account: AccountState, since: float) -> bool:
        """OpenAlgo was asked after the send and queues nothing for approval; a sandbox cannot tell.

        An order whose answer was lost with our process may wait there.
        """
        if account.mode is TradingMode.PAPER:
            return not account.has_queued
        return account.auto_at is not None and account.auto_at >= since

    def _is_absent(
        self, account: AccountState, order: Order, trades: tuple[BookTrade, ...]
    ) -> bool:
        """No trade that nobody accounts for, and the broker's net is what it was at the send."""
        intent = order.intent
        for trade in trades:
            known = self._owner(account, trade.broker_order_id) is not None
            first_seen = account.seen.get(trade.broker_order_id)
            before = first_seen is not None and first_seen <= self._core.track(order).sent_at
            same = trade.instrument == intent.instrument and trade.side is intent.side
            if same and not known and not before:
                return False
        drift = account.drift.get(PositionKey(intent.instrument, intent.product), 0)
        return drift == self._drift_before(order)

    def _drift_before(self, order: Order) -> int:
        """At the send; where that is not known (after a restart) at the entry of its leg."""
        before = self._core.track(order).drift_before
        execution, leg_id = self._core.execution_of(order), order.intent.leg_id
        if before is None and execution is not None and leg_id is not None:
            return execution.positions[leg_id].drift_at_entry
        return before or 0

    def _refute(self, account: AccountState, order: Order) -> None:
        account.provisional[order.id] = self._core.clock.monotonic()
        self._core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.REJECTED,
                source="reconcile",
                at=self._core.clock.now(),
                reason=f"{NOT_FOUND} ({NOT_FOUND_LOOKS} checks)",
            ),
        )

    def _ask_human(self, order: Order, why: str) -> None:
        execution = self._core.execution_of(order)
        if execution is not None:
            self._core.attention(execution, f"order {order.id}: {why}")

    def _run_id(self, order: Order) -> int | None:
        execution = self._core.execution_of(order)
        return execution.execution.run_id if execution else None


def _shape_of_row(row: BookOrder, order: Order) -> Shape:
    product = row.product if row.product is not None else order.intent.product
    return Shape(row.instrument, row.side, row.quantity, product)


def _next_delay(since_end: float) -> float:
    """Seconds until the next look at 0.5, 1, 2, 4, 8, 16 s after the send ended, then every 4 s."""
    for at in LOOK_DELAYS_S:
        if since_end < at - 0.05:
            return min(at - since_end, 4.0)
    return 4.0
