"""What happens to one order: saved, then sent, reported on, cancelled, repriced; fills booked."""

from dataclasses import replace
from decimal import Decimal

from algomirror.domain.books import PositionKey
from algomirror.domain.order import WORKING
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.engine.accounts import AccountState
from algomirror.engine.accounts import Track
from algomirror.engine.core import Core
from algomirror.engine.limbs import PRIORITY_CANCEL
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import PRIORITY_EXIT
from algomirror.engine.limbs import PRIORITY_KILL
from algomirror.engine.limbs import PRIORITY_MODIFY
from algomirror.engine.limbs import Job
from algomirror.engine.ports import OrderEvent

ASK_AGAIN_AFTER_S = 5.0
"""A cancel or modify whose order still works after this may be asked for once more."""
ENTRY_WAITS_S = 30.0
"""An entry that waited longer for the database is taken back: its plan is no longer true (4.1)."""
WORKERS_BACK_S = 0.5
ALARM_TRIES = 3
STATED = " states: "
"""In the reason of an order that a person settled; a restart knows it by that."""
EXTERNAL = "external"
"""Source of a fill that a person confirmed: it never came through our orders."""


class Orders:
    """Owned by the engine thread. A request leaves only after its row was committed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._rejected: list[Order] = []

    # --- sending --------------------------------------------------------------------------
    def submit(self, intent: OrderIntent) -> Order:
        """Write the order row and, once it is durable, hand it to the sender."""
        core = self._core
        now = core.clock.now()
        order = Order(
            intent=intent,
            status=OrderStatus.SUBMITTED,
            session_day=core.broker_day(now),
            submitted_at=now,
        )
        account = core.accounts[intent.account_id]
        account.tracks[order.id] = Track(
            sent_at=core.clock.monotonic(),
            submitted_at=core.clock.monotonic(),
            drift_before=self._drift_of(intent),
            at_sender=True,
        )
        self._put(order, "", "engine", intent.cause)
        self._send_when_durable(order)
        return order

    def resend(self, order: Order) -> None:
        """The same client id again: allowed only when not one byte was written."""
        self._send_when_durable(order)

    def _send_when_durable(self, order: Order) -> None:
        is_entry = order.intent.purpose is OrderPurpose.ENTRY
        since = self._core.clock.monotonic()
        self._core.then(lambda: self._send(order, since), entry_id=order.id if is_entry else "")

    def _drift_of(self, intent: OrderIntent) -> int | None:
        account = self._core.accounts[intent.account_id]
        return account.fresh_drift(PositionKey(intent.instrument, intent.product))

    def _send(self, order: Order, since: float) -> None:
        track = self._core.track(order)
        track.at_sender = True
        track.retry_at = None
        if self._is_too_late(order, since):
            self._take_back(order)
            return
        job = Job(
            act="place",
            intent=order.intent,
            tag=self._core.tag(order.id),
            priority=self._priority(order),
        )
        self._core.jobs[order.id] = job
        limbs = self._core.limbs.get(order.intent.account_id)
        if limbs is None:
            self._wait_for_workers(order, track)
            return
        limbs.send(job)

    def _wait_for_workers(self, order: Order, track: Track) -> None:
        """The account is being connected anew: not one byte left, so the same id goes again."""
        waited = (self._core.clock.now() - order.submitted_at).total_seconds()
        if order.intent.purpose is OrderPurpose.ENTRY and waited > ENTRY_WAITS_S:
            self._take_back(order)
            return
        track.at_sender, track.retry_at = False, self._core.clock.monotonic() + WORKERS_BACK_S
        track.tries += 1
        execution = self._core.execution_of(order)
        if execution is not None and track.tries == ALARM_TRIES:
            self._core.attention(execution, f"{order.id} not sent: the account is not connected")

    def _is_too_late(self, order: Order, since: float) -> bool:
        """An entry that waited for the database does not leave on an old plan."""
        if order.intent.purpose is not OrderPurpose.ENTRY:
            return False
        waited = self._core.clock.monotonic() - since
        return waited > ENTRY_WAITS_S or not self._core.is_active(order.intent.account_id)

    def _take_back(self, order: Order) -> None:
        """It never left and never will."""
        at, why = self._core.clock.now(), "taken back before it was sent"
        report = OrderReport(status=OrderStatus.CANCELLED, source="engine", at=at, reason=why)
        self.report(order.id, report)

    def _priority(self, order: Order) -> int:
        if order.intent.purpose is OrderPurpose.ENTRY:
            return PRIORITY_ENTRY
        return PRIORITY_KILL if self._core.kills_open else PRIORITY_EXIT

    # --- asking for a change --------------------------------------------------------------
    def cancel(self, order: Order) -> None:
        """Ask the broker to cancel, or take the order back if it has not left yet."""
        core, track = self._core, self._core.track(order)
        job = core.jobs.get(order.id)
        track.cancel_wanted = True
        if core.outbox.take_back(order.id):
            self._take_back(order)
            return
        if job is not None and track.at_sender:
            job.withdrawn = True
        if order.broker_order_id is None or order.is_done:
            return
        if track.cancel_sent_at is not None and not self._may_ask_again(order, track):
            return
        track.cancel_sent_at = core.clock.monotonic()
        self._ask(order, "cancel", PRIORITY_CANCEL, "cancel sent")

    def _may_ask_again(self, order: Order, track: Track) -> bool:
        """Its answer is long in, and a look begun since still shows the order at work."""
        asked = track.cancel_sent_at or 0.0
        looked = self._core.accounts[order.intent.account_id].complete_look_at or 0.0
        return order.status in WORKING and looked >= asked + ASK_AGAIN_AFTER_S

    def modify(
        self, order: Order, *, limit: Decimal | None, trigger: Decimal | None, why: str
    ) -> None:
        """Ask for other prices; what the order has meanwhile is what the books say."""
        if order.broker_order_id is None or order.status not in WORKING:
            return
        track = self._core.track(order)
        track.modify_sent_at = self._core.clock.monotonic()
        track.wanted_prices = (limit, trigger)
        self._ask(order, "modify", PRIORITY_MODIFY, why, _priced(order.intent, limit, trigger))

    def _ask(
        self, order: Order, act: str, priority: int, text: str, intent: OrderIntent | None = None
    ) -> None:
        core = self._core
        core.stage(self._order_event(order, order.status, "engine", text))
        job = Job(
            act=act,  # type: ignore[arg-type]
            intent=intent or order.intent,
            tag=core.tag(order.id),
            priority=priority,
            broker_order_id=order.broker_order_id,
        )
        core.then(lambda: self._hand_over(order, job))

    def _hand_over(self, order: Order, job: Job) -> None:
        """A cancel or modify; without workers it may be asked for again at once."""
        limbs = self._core.limbs.get(order.intent.account_id)
        if limbs is not None:
            limbs.send(job)
        elif job.act == "cancel":
            self._core.track(order).cancel_sent_at = None

    def reprice(self, order: Order, limit: Decimal | None, trigger: Decimal | None) -> None:
        """A modify took effect: the answer or a book says so."""
        intent = _priced(order.intent, limit, trigger)
        if intent != order.intent:
            text = f"price {order.intent.limit_price} to {intent.limit_price}"
            self._put(replace(order, intent=intent), order.status, "modify", text)

    # --- hearing of it --------------------------------------------------------------------
    def report(self, order_id: str, report: OrderReport) -> Order:
        """Apply what a book or a send says; a repeated report changes nothing."""
        before = self._core.book.orders[order_id]
        order, fill = before.apply(report)
        if order is before:
            return order
        self._put(order, before.status, report.source, report.reason)
        if order.status is OrderStatus.REJECTED and before.status is not OrderStatus.REJECTED:
            self._rejected.append(order)
        if fill is not None:
            self._book_fill(order, fill)
        return order

    def take_rejected(self, execution_id: int | None) -> list[Order]:
        """Orders of an execution (None: of no execution) that were refused since the last call."""
        taken = [o for o in self._rejected if o.intent.execution_id == execution_id]
        if taken:
            self._rejected = [o for o in self._rejected if o not in taken]
        return taken

    def book_outside(
        self, intent: OrderIntent, price: Decimal, by: str, *, source: str = EXTERNAL
    ) -> None:
        """What a person confirms as done outside: an order row that was never sent, and its fill.

        `price` in rupees a unit; the whole quantity of the intent counts as filled.
        """
        now = self._core.clock.now()
        value = price * intent.quantity
        order = Order(
            intent=intent,
            status=OrderStatus.FILLED,
            session_day=self._core.broker_day(now),
            submitted_at=now,
            filled_quantity=intent.quantity,
            filled_value=value,
            reason=f"confirmed by {by}",
            done_at=now,
        )
        self._put(order, "", source, f"confirmed by {by}")
        fill = Fill(
            client_order_id=order.id,
            at=now,
            quantity=intent.quantity,
            value=value,
            source=source,
        )
        self._book_fill(order, fill)
        self._core.accounts[intent.account_id].expect_drift(
            PositionKey(intent.instrument, intent.product), -intent.side.sign * intent.quantity
        )

    # --- booking --------------------------------------------------------------------------
    def _put(self, order: Order, before: str, source: str, text: str) -> None:
        core, now = self._core, self._core.clock.monotonic()
        core.book.put_order(order)
        core.dirty_orders[order.id] = None
        core.stage(order, self._order_event(order, before, source, text))
        account = core.accounts[order.intent.account_id]
        account.last_order_event = now
        self._note_event(account, order, now)
        execution = core.execution_of(order)
        if execution is not None:
            execution.last_order_event = now
            core.touch(execution)

    def _note_event(self, account: AccountState, order: Order, now: float) -> None:
        """When something of ours last happened on a symbol; an order that never left did not."""
        key = PositionKey(order.intent.instrument, order.intent.product)
        if order.status is OrderStatus.SUBMITTED:
            self._core.track(order).event_before = account.last_event_at.get(key)
        if order.status is OrderStatus.CANCELLED and order.broker_order_id is None:
            before = self._core.track(order).event_before
            if before is not None:
                account.last_event_at[key] = before
            else:
                account.last_event_at.pop(key, None)
            return
        account.last_event_at[key] = now

    def _order_event(self, order: Order, before: str, source: str, text: str) -> OrderEvent:
        return OrderEvent(
            client_order_id=order.id,
            at=self._core.clock.now(),
            from_status=before,
            to_status=order.status,
            source=source,
            text=text,
        )

    def _book_fill(self, order: Order, fill: Fill) -> None:
        core, intent = self._core, order.intent
        core.stage(fill)
        core.new_fills.append((order, fill))
        execution = core.execution_of(order)
        if execution is None or intent.leg_id is None:
            if intent.purpose is OrderPurpose.FLATTEN and fill.quantity:
                key = PositionKey(intent.instrument, intent.product)
                account = core.accounts[intent.account_id]
                account.expect_drift(key, intent.side.sign * fill.quantity)
            return
        held = execution.positions[intent.leg_id].quantity
        position = execution.positions[intent.leg_id].apply(intent.side, fill.quantity, fill.value)
        if held * position.quantity < 0:
            position = replace(position, closed_outside=0)  # it was a claim on the other side
        if position.closed_outside > abs(position.quantity):
            position = replace(position, closed_outside=abs(position.quantity))
        execution.positions[intent.leg_id] = position
        core.stage(position)
        run = core.book.run_of(execution.id)
        run.on_fill(intent.instrument, intent.side, fill)
        if run.is_final:  # the trade book corrects what a run was closed with
            run.run = replace(run.run, realised=run.cash)
            core.stage(run.run)


def _priced(intent: OrderIntent, limit: Decimal | None, trigger: Decimal | None) -> OrderIntent:
    return replace(
        intent,
        limit_price=limit if limit is not None else intent.limit_price,
        trigger_price=trigger if trigger is not None else intent.trigger_price,
    )
