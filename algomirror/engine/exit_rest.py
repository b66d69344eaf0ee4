"""How much an exit still sends, and as which orders: proven, less in flight, less claimed."""

from dataclasses import replace

from algomirror.domain.books import PositionKey
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.position import Position
from algomirror.domain.run import ExitPlan
from algomirror.domain.sizing import slices
from algomirror.engine.book import ExecutionBook
from algomirror.engine.chase import Chase
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk

REPLACEMENT_WAIT_S = 3.0
"""How long a replacement waits for a position book that is newer than the cancel."""
LOOK_AGAIN_S = 2.0
SETTLED_AFTER_S = 12.0
AFTER_OUTAGE_S = 5.0


class ExitRest:
    """Owned by the engine thread."""

    def __init__(self, core: Core, drift: DriftDesk, chase: Chase) -> None:
        self._core = core
        self._drift = drift
        self._chase = chase

    # --- how much -------------------------------------------------------------------------
    def quantity(self, execution: ExecutionBook, plan: ExitPlan, side: Side) -> int:
        """Units to send now; 0 while something must be seen first."""
        leg_id, position = plan.leg_id, execution.positions[plan.leg_id]
        in_flight = execution.in_flight(leg_id, side)
        free = abs(position.quantity) - in_flight
        if plan.target_quantity is not None:
            done = position.exit_quantity - self.exited_before(execution, plan)
            free = min(free, plan.target_quantity - done - in_flight)
        free -= position.closed_outside
        if free <= 0 or self._waits_after_outage(execution, leg_id, side):
            return 0
        if self._is_exit(position, side):
            free -= self._drift.claim(execution, leg_id, side, free)
        return self._unless_filled_unseen(execution, plan, side, free)

    def _waits_after_outage(self, execution: ExecutionBook, leg_id: int, side: Side) -> bool:
        """An exit that could not be sent is made anew from what the books say by then.

        While nothing answers at all it waits; once something does, for a look of at most 5 s, and
        for a second one if that shows the position smaller.
        """
        newest = self._newest(execution, leg_id, side)
        if newest is None or newest.broker_order_id or newest.status is not OrderStatus.CANCELLED:
            return False
        account = self._core.accounts[execution.account_id]
        now = self._core.clock.monotonic()
        began = execution.outages.setdefault(newest.id, now)
        if account.is_unreachable or account.id not in self._core.limbs:
            execution.outages[newest.id] = now
            return self._look_again(execution, 1.0)
        looked = account.positions_look_at
        if looked is None or looked < began:
            return now - began < AFTER_OUTAGE_S and self._look_again(execution, 0.2)
        key = PositionKey(newest.intent.instrument, newest.intent.product)
        shown = account.drift.get(key, 0) - execution.positions[leg_id].drift_at_entry
        look = account.drift_looks.get(key)
        is_sure = look is not None and look.is_confirmed
        if side.sign * shown <= 0 or is_sure or now - looked >= AFTER_OUTAGE_S:
            return False
        return self._look_again(execution, 1.0)

    def _look_again(self, execution: ExecutionBook, seconds: float) -> bool:
        self._core.want_look(execution.account_id, delay=seconds, positions=True)
        self._core.wake_in(execution.id, seconds + 0.05)
        return True

    def _is_exit(self, position: Position, side: Side) -> bool:
        """Not the flattening of an over-exit, which is on the entry's side."""
        return side is not position.side

    def exited_before(self, execution: ExecutionBook, plan: ExitPlan) -> int:
        """Units of the leg that were closed under earlier plans."""
        ours = sum(
            order.filled_quantity
            for order in execution.leg_orders(
                plan.leg_id, OrderPurpose.EXIT, OrderPurpose.HEDGE_UNWIND
            )
            if order.intent.exit_plan_id == plan.id
        )
        return execution.positions[plan.leg_id].exit_quantity - ours

    def _unless_filled_unseen(
        self, execution: ExecutionBook, plan: ExitPlan, side: Side, free: int
    ) -> int:
        """What replaces a cancelled order is compared with the position book: the smaller leaves.

        A cancel can win against a fill that no trade book shows yet (product.md 5.5).
        """
        cancelled = self._newest_cancelled(execution, plan.leg_id, side)
        if free <= 0 or cancelled is None:
            return free
        account = self._core.accounts[execution.account_id]
        key = PositionKey(cancelled.intent.instrument, cancelled.intent.product)
        now, event = self._core.clock.monotonic(), account.last_event_at.get(key, 0.0)
        looked = account.positions_look_at
        if now - event >= SETTLED_AFTER_S:
            return free  # a difference that stays is drift, not a fill on its way
        if looked is None or looked < event:
            if now - event < REPLACEMENT_WAIT_S:
                self._core.want_look(execution.account_id, delay=0.1, positions=True)
                self._core.wake_in(execution.id, 0.25)
                return 0
            return free
        before = self._core.track(cancelled).drift_before
        if before is None:
            before = execution.positions[plan.leg_id].drift_at_entry
        unseen = side.sign * (account.drift.get(key, 0) - before)
        if unseen <= 0:
            return free
        self._core.want_look(execution.account_id, delay=LOOK_AGAIN_S, positions=True)
        self._core.wake_in(execution.id, LOOK_AGAIN_S)
        return max(free - unseen, 0)

    def _newest_cancelled(self, execution: ExecutionBook, leg_id: int, side: Side) -> Order | None:
        """The leg's last attempt, if the broker had it and it ended cancelled."""
        newest = self._newest(execution, leg_id, side)
        if newest is None or newest.broker_order_id is None:
            return None
        return newest if newest.status is OrderStatus.CANCELLED else None

    def _newest(self, execution: ExecutionBook, leg_id: int, side: Side) -> Order | None:
        orders = [
            o for o in execution.leg_orders(leg_id, OrderPurpose.EXIT) if o.intent.side is side
        ]
        return max(orders, key=lambda o: (o.intent.attempt, o.intent.slice_no), default=None)

    # --- as which orders ------------------------------------------------------------------
    def order(
        self,
        execution: ExecutionBook,
        plan: ExitPlan,
        position: Position,
        side: Side,
        quantity: int,
    ) -> None:
        attempt = self._next_attempt(execution, plan.leg_id)
        plan = replace(plan, attempts=plan.attempts + 1)
        execution.plans[plan.leg_id] = plan
        self._core.stage(plan)
        planned = execution.legs[plan.leg_id]
        style = self._chase.exit_style(execution, plan.leg_id, side)
        for number, size in enumerate(self._sizes(execution, plan.leg_id, quantity), start=1):
            self._core.orders.submit(
                OrderIntent(
                    client_order_id=f"E{execution.id}-L{planned.leg.leg_number}"
                    f"-EXIT-{attempt}-s{number}",
                    account_id=execution.account_id,
                    execution_id=execution.id,
                    leg_id=plan.leg_id,
                    exit_plan_id=plan.id,
                    purpose=OrderPurpose.EXIT,
                    attempt=attempt,
                    slice_no=number,
                    instrument=position.instrument,
                    product=position.product,
                    side=side,
                    quantity=size,
                    price_type=style.price_type,
                    limit_price=style.limit,
                    reference_price=style.reference,
                    cause=plan.cause,
                )
            )

    def _sizes(self, execution: ExecutionBook, leg_id: int, quantity: int) -> list[int]:
        """By the freeze quantity, or by half of what was refused for it; never capped in number."""
        contract = execution.legs[leg_id].contract
        cap = execution.slice_caps.get(leg_id)
        limit = (
            min(contract.order_limit, cap)
            if cap and contract.order_limit
            else (cap or contract.order_limit)
        )
        return slices(quantity, contract.lot_size, limit)

    def _next_attempt(self, execution: ExecutionBook, leg_id: int) -> int:
        """Attempts count over all plans of a leg, so that a client id is never used twice."""
        used = [o.intent.attempt for o in execution.leg_orders(leg_id, OrderPurpose.EXIT)]
        return max(used, default=0) + 1
