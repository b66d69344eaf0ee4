"""Orders of an earlier session day: no book holds them any more, the positions judge."""

import logging

from algomirror.domain.books import PositionKey
from algomirror.domain.order import Order
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.engine.accounts import AccountState
from algomirror.engine.core import Core

log = logging.getLogger(__name__)

SECOND_LOOK_S = 2.0
ENDED = "ended with the day"


class DayChange:
    """Owned by the engine thread. Nothing here is ever called not found, or sent again."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def roll(self, account: AccountState) -> None:
        """A new session day: the books start empty, what was seen before means nothing now."""
        today = self._core.broker_day(self._core.clock.now())
        if account.books_day == today:
            return
        is_first = account.books_day is None
        account.last_orders = account.last_trades = None
        account.begin_day(today)
        if not is_first:
            account.has_queued = False

    def judge(self, account: AccountState) -> None:
        """After a complete look with positions: two looks as if unfilled end an old order."""
        today = self._core.broker_day(self._core.clock.now())
        live = (self._core.book.orders[i] for i in list(self._core.book.live_orders[account.id]))
        for order in [o for o in live if o.session_day < today]:
            self._judge_one(account, order)

    def _judge_one(self, account: AccountState, order: Order) -> None:
        key = PositionKey(order.intent.instrument, order.intent.product)
        drift = account.drift.get(key, 0) - self._baseline(order)
        track, now = self._core.track(order), self._core.clock.monotonic()
        word = f"day {drift}"
        if track.final_word != word or track.final_seen_at is None:
            track.final_word, track.final_seen_at = word, now
            self._core.want_look(account.id, delay=SECOND_LOOK_S + 0.05, positions=True)
            return
        if now - track.final_seen_at < SECOND_LOOK_S:
            return
        if drift == 0:
            self._end(order)
        else:
            self._propose(order, drift)

    def _baseline(self, order: Order) -> int:
        """The drift that was there before the order's leg was entered."""
        execution, leg_id = self._core.execution_of(order), order.intent.leg_id
        if execution is None or leg_id is None:
            return self._core.track(order).drift_before or 0
        return execution.positions[leg_id].drift_at_entry

    def _end(self, order: Order) -> None:
        self._core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.CANCELLED,
                source="position_book",
                at=self._core.clock.now(),
                reason=ENDED,
            ),
        )

    def _propose(self, order: Order, drift: int) -> None:
        """A person settles it; until then its leg stays fenced."""
        execution = self._core.execution_of(order)
        filled = min(max(order.intent.side.sign * drift, 0), order.open_quantity)
        text = (
            f"order {order.id} of {order.session_day:%d %b} ended with its day: the position book "
            f"looks as if {filled} of {order.open_quantity} had filled. Confirm on Attention"
        )
        if execution is not None:
            self._core.attention(execution, text)
            return
        track = self._core.track(order)
        if not track.is_missing:  # said once
            track.is_missing = True
            self._core.event(
                "day_change", text, level="critical", account_id=order.intent.account_id
            )
