"""What each answer to a send means for the order (product.md 5.1)."""

import logging
from typing import assert_never

from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.run import TradingMode
from algomirror.engine.accounts import Track
from algomirror.engine.core import Core
from algomirror.engine.messages import SendOutcome
from algomirror.engine.orders import ENTRY_WAITS_S
from algomirror.engine.ports import Accepted
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Refused
from algomirror.engine.ports import Unknown

log = logging.getLogger(__name__)

NOT_SENT_DELAYS_S = (0.5, 1.0, 2.0)
WITHDRAW_AFTER_S = 10.0
SEMI_AUTO = "semi_auto"
"""Kind of the timeline lines that tell of it; a restart reads them."""
WAITS_FOR_APPROVAL = "waits for approval in OpenAlgo's Action Center"
"""How the reason of a semi-auto order begins; a restart knows it by that."""


class Outcomes:
    """Owned by the engine thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def on_outcome(self, message: SendOutcome) -> None:
        order = self._core.book.orders.get(message.client_order_id)
        if order is None:
            log.error("outcome for an order we do not know: %s", message.client_order_id)
            return
        if message.act != "place":
            self._after_request(order, message)
            return
        track = self._core.track(order)
        track.at_sender = False
        now = self._core.clock.monotonic()
        track.ended_at = now
        took = (message.ended_at - message.sent_at).total_seconds()  # the wall clock may be set
        age = (self._core.clock.now() - message.sent_at).total_seconds()  # it lay in the inbox
        track.sent_at = min(max(now - max(took, age), track.submitted_at), now)
        self._core.jobs.pop(order.id, None)
        outcome = message.outcome
        match outcome:
            case Accepted():
                self._accepted(order, outcome)
            case Refused():
                self._rejected(order, outcome.reason)
            case NotSent():
                self._not_sent(order, outcome)
            case Unknown():
                self._unknown(order, outcome)
            case _:
                assert_never(outcome)

    def _accepted(self, order: Order, outcome: Accepted) -> None:
        owner = self._core.book.owner(
            order.intent.account_id, outcome.broker_order_id, order.session_day
        )
        if owner is not None and owner != order.id:
            self._flag(order, f"the broker gave order id of {owner} again to {order.id}")
            self._report(order, OrderStatus.UNKNOWN, "the broker's order id belongs to another")
            return
        execution = self._core.execution_of(order)
        expected = execution.execution.mode if execution else outcome.mode
        if expected is TradingMode.LIVE and outcome.mode is TradingMode.PAPER:
            self._flag(order, "went to the sandbox: switch OpenAlgo back to live")
            self._rejected(order, "went to the sandbox")
            return
        if expected is TradingMode.PAPER and outcome.mode is TradingMode.LIVE:
            self._flag(order, f"{order.id} of a paper run became a REAL order")
        self._core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.ACCEPTED,
                source="send",
                at=self._core.clock.now(),
                broker_order_id=outcome.broker_order_id,
            ),
        )
        if self._core.track(order).cancel_wanted:
            self._core.orders.cancel(self._core.book.orders[order.id])
        self._core.want_look(order.intent.account_id, delay=0.05)

    def _rejected(self, order: Order, reason: str) -> None:
        self._report(order, OrderStatus.REJECTED, reason)

    def _unknown(self, order: Order, outcome: Unknown) -> None:
        track = self._core.track(order)
        track.semi_auto = outcome.semi_auto
        track.looks = 0
        reason = outcome.reason
        if outcome.semi_auto is not None:
            self._begin_semi_auto(order)
            reason = f"{WAITS_FOR_APPROVAL} (#{outcome.semi_auto})"
            self._flag(order, reason)
        self._report(order, OrderStatus.UNKNOWN, reason)
        self._core.event(
            "order_unknown",
            f"{self._core.account_name(order.intent.account_id)}: {order.intent.side} "
            f"{order.intent.instrument.symbol} unknown. It will not be sent again; "
            "checking the books.",
            level="warning",
            detail=reason,
            run_id=self._run_id(order),
            account_id=order.intent.account_id,
        )
        self._core.want_look(order.intent.account_id, delay=0.5, positions=True)

    def _begin_semi_auto(self, order: Order) -> None:
        """Nothing else is sent there until a probe says auto: what waits is taken back."""
        account = self._core.accounts[order.intent.account_id]
        account.has_queued = True
        if account.semi_auto_since is None:
            account.semi_auto_since = self._core.clock.monotonic()
            self._core.event(
                SEMI_AUTO,
                f"{account.profile.name} queues orders for approval (semi-auto): nothing more is "
                "sent there until OpenAlgo is in auto mode again",
                level="critical",
                account_id=account.id,
            )
        for client_id in self._core.book.live_orders[account.id]:
            job = self._core.jobs.get(client_id)
            if job is not None:
                job.withdrawn = True

    def say_may_wait(self, order: Order) -> None:
        """No answer came and OpenAlgo queues orders: a person looks there."""
        self._begin_semi_auto(order)
        self._flag(order, f"order {order.id}: its answer was lost, perhaps it {WAITS_FOR_APPROVAL}")

    def _not_sent(self, order: Order, outcome: NotSent) -> None:
        """The same id again after 0.5, 1, 2 s; entries give up, exits are made anew after 10 s."""
        track = self._core.track(order)
        track.tries += 1
        waited = self._core.clock.monotonic() - track.submitted_at
        is_entry = order.intent.purpose is OrderPurpose.ENTRY
        if track.cancel_wanted:
            self._report(order, OrderStatus.CANCELLED, "taken back before it was sent")
            return
        if is_entry and track.tries > len(NOT_SENT_DELAYS_S):
            self._rejected(order, f"not sent: {outcome.reason}")
            return
        if not is_entry and track.tries == len(NOT_SENT_DELAYS_S):
            self._flag(order, f"exit not sent yet: {outcome.reason}")
        if not is_entry and waited >= WITHDRAW_AFTER_S:
            self._report(order, OrderStatus.CANCELLED, "not sent")
            return
        delay = outcome.retry_after_s
        if delay is None:
            delay = NOT_SENT_DELAYS_S[min(track.tries, len(NOT_SENT_DELAYS_S)) - 1]
        track.retry_at = self._core.clock.monotonic() + delay
        execution = self._core.execution_of(order)
        if execution is not None:
            self._core.wake_in(execution.id, delay)

    def retry_due(self, account_id: int) -> None:
        """Send again what was proven not sent and whose pause is over."""
        now = self._core.clock.monotonic()
        account = self._core.accounts[account_id]
        if account.semi_auto_since is not None:
            return
        for client_id in list(self._core.book.live_orders[account_id]):
            track = account.tracks.get(client_id)
            if track is None or track.retry_at is None or track.retry_at > now:
                continue
            order = self._core.book.orders[client_id]
            if order.status is not OrderStatus.SUBMITTED:
                track.retry_at = None
            elif track.cancel_wanted or self._is_old_entry(order, track, now):
                track.retry_at = None
                self._report(order, OrderStatus.CANCELLED, "taken back before it was sent")
            elif now - track.submitted_at >= WITHDRAW_AFTER_S and not _is_entry(order):
                track.retry_at = None
                self._report(order, OrderStatus.CANCELLED, "not sent")
            else:
                track.at_sender, track.retry_at = True, None
                self._core.orders.resend(order)

    def _is_old_entry(self, order: Order, track: Track, now: float) -> bool:
        """Its plan is no longer true (4.1), or nothing may enter there any more."""
        if not _is_entry(order):
            return False
        is_active = self._core.is_active(order.intent.account_id)
        return now - track.submitted_at > ENTRY_WAITS_S or not is_active

    def _after_request(self, order: Order, message: SendOutcome) -> None:
        """A cancel or modify: only a clear yes to a modify counts, else the books decide."""
        track = self._core.track(order)
        if message.act == "modify":
            self._after_modify(order, message)
        elif isinstance(message.outcome, NotSent):
            track.cancel_sent_at = None
            execution = self._core.execution_of(order)
            if execution is not None:
                self._core.wake_in(execution.id, message.outcome.retry_after_s or 0.5)
        self._core.want_look(order.intent.account_id, delay=0.05)

    def _after_modify(self, order: Order, message: SendOutcome) -> None:
        track = self._core.track(order)
        wanted = track.wanted_prices
        match message.outcome:
            case Accepted():
                if wanted is not None:
                    self._core.orders.reprice(order, *wanted)
                track.wanted_prices = None
            case Refused() | NotSent():
                track.wanted_prices, track.modify_failed = None, True
                self._core.event(
                    "modify_refused",
                    f"{self._core.account_name(order.intent.account_id)}: the price of "
                    f"{order.intent.instrument.symbol} stays as it was: {message.outcome.reason}",
                    level="warning",
                    run_id=self._run_id(order),
                    account_id=order.intent.account_id,
                )
            case Unknown():
                pass  # the order counts as working at its full rest; the next look tells

    def _report(self, order: Order, status: OrderStatus, reason: str) -> None:
        self._core.orders.report(
            order.id,
            OrderReport(status=status, source="send", at=self._core.clock.now(), reason=reason),
        )

    def _flag(self, order: Order, text: str) -> None:
        execution = self._core.execution_of(order)
        if execution is not None:
            self._core.attention(execution, text)

    def _run_id(self, order: Order) -> int | None:
        execution = self._core.execution_of(order)
        return execution.execution.run_id if execution else None


def _is_entry(order: Order) -> bool:
    return order.intent.purpose is OrderPurpose.ENTRY
