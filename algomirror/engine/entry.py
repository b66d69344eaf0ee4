"""Entering: from a plan to filled legs, hedges first, per account and never more than planned."""

import logging

from algomirror.domain.hedges import hedges_of
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitReason
from algomirror.domain.strategy import HedgePolicy
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import RiskAction
from algomirror.engine.balance import Balance
from algomirror.engine.book import ExecutionBook
from algomirror.engine.chase import Chase
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.entry_orders import EntryOrders
from algomirror.engine.exit import Exits

log = logging.getLogger(__name__)

READY_WITHIN_S = 6.0
"""How long a pending execution waits for a fresh mode and a complete look."""


class Entry:
    """Owned by the engine thread."""

    def __init__(self, core: Core, exits: Exits, chase: Chase, drift: DriftDesk) -> None:
        self._core = core
        self._exits = exits
        self._chase = chase
        self._orders = EntryOrders(core, chase, drift)
        self._balance = Balance(core, exits)

    # --- while entering -------------------------------------------------------------------
    def advance(self, execution: ExecutionBook) -> None:
        if execution.state is ExecutionState.PENDING:
            self._begin_when_ready(execution)
        elif execution.state is ExecutionState.ENTERING:
            self._continue(execution)

    def _begin_when_ready(self, execution: ExecutionBook) -> None:
        """First orders leave after a fresh mode and a look that began after the press."""
        account = self._core.accounts[execution.account_id]
        now = self._core.clock.monotonic()
        looked = account.complete_look_at is not None
        looked = looked and (account.complete_look_at or 0.0) >= execution.begun_at
        asked = account.mode_at is not None and account.mode_at >= execution.begun_at
        if looked and asked and account.is_mode_fresh(now):
            if account.mode is not execution.execution.mode:
                self._skip(execution, f"OpenAlgo is now in {account.mode} mode, not as planned")
                return
            self._core.change(execution, state=ExecutionState.ENTERING)
            execution.hedges_from = now
            self._continue(execution)
            return
        if now - execution.begun_at > READY_WITHIN_S:
            why = "its books could not be read" if asked else "its mode is unknown"
            self._skip(execution, why if not account.books_error else account.books_error)
            return
        if not looked and account.look_in_flight is None:
            self._core.want_look(execution.account_id)
        self._core.wake_in(execution.id, 0.25)

    def _skip(self, execution: ExecutionBook, why: str) -> None:
        self._core.change(execution, state=ExecutionState.SKIPPED, skip_reason=why)
        self._say(execution, f"skipped: {why}", level="warning")

    def _continue(self, execution: ExecutionBook) -> None:
        if not self._core.is_active(execution.account_id):
            self.take_back(execution)
        elif self._core.entries_allowed(execution.account_id):
            self._order_what_is_released(execution)
        if self._hedges_failed(execution):
            return
        self._chase.mind(execution)
        self._mind_the_remainder(execution)
        if self._is_settled(execution):
            self._complete(execution)
        else:
            self._core.wake_in(execution.id, 0.5)

    def _order_what_is_released(self, execution: ExecutionBook) -> None:
        """BUY legs at once; SELL legs as far as their hedges are filled."""
        if execution.remainder_done:
            return
        for leg_id, planned in execution.legs.items():
            released = self._released(execution, planned)
            missing = released - execution.ordered_entry(leg_id)
            if missing <= 0 or self._is_spent(execution, leg_id):
                continue
            self._orders.order(execution, planned, missing)

    def _is_spent(self, execution: ExecutionBook, leg_id: int) -> bool:
        """No second try by itself: after a rejected, cancelled or unknown order the leg waits; one
        that is being left, or was, is not entered again.
        """
        if leg_id in execution.plans or any(execution.leg_orders(leg_id, OrderPurpose.EXIT)):
            return True
        return any(
            order.status in (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.UNKNOWN)
            for order in execution.leg_orders(leg_id, OrderPurpose.ENTRY)
        )

    def _released(self, execution: ExecutionBook, planned: PlannedLeg) -> int:
        target = execution.target_quantity(planned.leg.id)
        if planned.leg.side is Side.BUY:
            return target
        legs = tuple(p.leg for p in execution.legs.values())
        hedges = [h for h in hedges_of(planned.leg, legs) if execution.target_quantity(h.id)]
        if execution.hedges_given_up:
            return target
        if not hedges:
            buys = [p.leg.id for p in execution.legs.values() if p.leg.side is Side.BUY]
            ready = all(self._is_leg_done(execution, leg_id) for leg_id in buys)
            return target if ready else 0
        lot = planned.contract.lot_size
        lots = target // lot
        released = min(
            lots * execution.entered_quantity(h.id) // execution.target_quantity(h.id)
            for h in hedges
        )
        return released * lot

    def _is_leg_done(self, execution: ExecutionBook, leg_id: int) -> bool:
        orders = list(execution.leg_orders(leg_id, OrderPurpose.ENTRY))
        return bool(orders) and all(order.is_done for order in orders)

    def replace_cancelled(self, execution: ExecutionBook) -> None:
        self._orders.replace_cancelled(execution)

    # --- when hedges or the clock say no --------------------------------------------------
    def _hedges_failed(self, execution: ExecutionBook) -> bool:
        """Past the deadline, or certain never to fill: abort this account, or go on without."""
        if execution.hedges_given_up or execution.hedges_from is None:
            return False
        waiting = self._waiting_hedges(execution)
        if not waiting:
            return False
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        elapsed = self._core.clock.monotonic() - execution.hedges_from
        hopeless = any(self._is_hopeless(execution, leg_id) for leg_id in waiting)
        if elapsed < strategy.hedge_timeout_s and not hopeless:
            self._core.wake_in(execution.id, strategy.hedge_timeout_s - elapsed + 0.01)
            return False
        why = "hedge refused" if hopeless else f"hedge not filled in {strategy.hedge_timeout_s} s"
        if strategy.hedge_timeout_policy is HedgePolicy.CONTINUE:
            execution.hedges_given_up = True
            self._core.risk_event(
                RiskEventType.HEDGE_TIMEOUT,
                reason=None,
                notes=f"{why}: shorts released without it",
                action=RiskAction.ALERT_ONLY,
                execution=execution,
            )
            self._say(execution, f"{why}, shorts released without it", level="warning")
            self._core.touch(execution)
            return False
        event = self._core.risk_event(
            RiskEventType.HEDGE_TIMEOUT,
            reason=ExitReason.HEDGE_TIMEOUT,
            notes=f"{why}: this account is left",
            execution=execution,
        )
        self._exits.begin(
            execution, reason=ExitReason.HEDGE_TIMEOUT, cause=f"risk event {event.id}"
        )
        self._say(execution, f"{why}: entry stopped, filled legs are closed", level="critical")
        return True

    def _waiting_hedges(self, execution: ExecutionBook) -> list[int]:
        """Hedges that are not filled while a SELL leg still waits for them."""
        legs = tuple(p.leg for p in execution.legs.values())
        waiting: dict[int, None] = {}
        for planned in execution.legs.values():
            target = execution.target_quantity(planned.leg.id)
            if planned.leg.side is Side.BUY or execution.ordered_entry(planned.leg.id) >= target:
                continue
            for hedge in hedges_of(planned.leg, legs):
                if execution.entered_quantity(hedge.id) < execution.target_quantity(hedge.id):
                    waiting[hedge.id] = None
        return list(waiting)

    def _is_hopeless(self, execution: ExecutionBook, leg_id: int) -> bool:
        """Nothing of it works, and no cancelled rest is to be placed anew."""
        orders = list(execution.leg_orders(leg_id, OrderPurpose.ENTRY))
        goes_on = any(self._is_replaced_later(order) for order in orders)
        return bool(orders) and not goes_on and not any(o.status in IN_FLIGHT for o in orders)

    def _is_replaced_later(self, order: Order) -> bool:
        track = self._core.accounts[order.intent.account_id].tracks.get(order.id)
        return track is not None and track.after_cancel

    def _mind_the_remainder(self, execution: ExecutionBook) -> None:
        """After entry_timeout_s the policy for what has not filled (product.md 4.2)."""
        if execution.remainder_done or execution.hedges_from is None:
            return
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        elapsed = self._core.clock.monotonic() - execution.hedges_from
        if elapsed < strategy.entry_timeout_s:
            return
        execution.remainder_done = True
        working = execution.working_entries()
        if not working:
            return
        self._say(
            execution,
            f"{len(working)} entry orders not filled in {strategy.entry_timeout_s} s: "
            f"{strategy.entry_timeout_policy}",
            level="warning",
        )
        if strategy.entry_timeout_policy is RemainderPolicy.KEEP:
            return
        goes_on = strategy.entry_timeout_policy is not RemainderPolicy.CANCEL
        for order in working:
            self._core.track(order).after_cancel = goes_on
            self._core.track(order).to_market = (
                strategy.entry_timeout_policy is RemainderPolicy.MARKET
            )
            self._core.orders.cancel(order)

    def take_back(self, execution: ExecutionBook) -> None:
        """Every resting entry is cancelled: nothing may enter any more."""
        execution.remainder_done = True
        for order in execution.working_entries():
            self._core.track(order).after_cancel = False
            self._core.orders.cancel(order)

    # --- the end of entering --------------------------------------------------------------
    def _is_settled(self, execution: ExecutionBook) -> bool:
        policy = self._core.book.run_of(execution.id).run.plan.strategy.entry_timeout_policy
        orders = list(execution.entry_orders())
        if not orders:
            return execution.remainder_done
        keeps = execution.remainder_done and policy is RemainderPolicy.KEEP
        keeps = keeps and execution.ever_filled  # with nothing filled it is not over: one rests
        if any(
            not o.is_done and not (keeps and o.status is not OrderStatus.UNKNOWN) for o in orders
        ):
            return False
        if any(self._is_replaced_later(order) for order in orders):
            return False
        if execution.remainder_done:
            return True
        return all(
            execution.ordered_entry(leg_id) >= self._released(execution, planned)
            or self._is_spent(execution, leg_id)
            for leg_id, planned in execution.legs.items()
        )

    def _complete(self, execution: ExecutionBook) -> None:
        if not execution.ever_filled:
            reasons = sorted({o.reason for o in execution.entry_orders() if o.reason})
            self._core.change(
                execution,
                state=ExecutionState.FAILED,
                exit_time=self._core.clock.now(),
                skip_reason="; ".join(reasons) or "nothing filled",
            )
            self._say(execution, f"nothing filled: {'; '.join(reasons)}", level="critical")
            return
        self._core.change(
            execution, state=ExecutionState.ENTERED, entry_time=self._core.clock.now()
        )
        orders = [o for o in execution.entry_orders() if o.status is OrderStatus.FILLED]
        self._say(execution, f"entry complete, {len(orders)} orders filled")
        self._balance.check(execution)

    def _say(self, execution: ExecutionBook, text: str, *, level: str = "info") -> None:
        self._core.event(
            "entry",
            f"{self._core.account_name(execution.account_id)}: {text}",
            level=level,  # type: ignore[arg-type]
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )
