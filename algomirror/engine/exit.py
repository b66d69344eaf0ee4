"""Leaving: plans that end only at a proven flat position, shorts first, never more than proven."""

import logging
from dataclasses import replace

from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import ExitPlanState
from algomirror.domain.run import ExitReason
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.chase import Chase
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.exit_end import ExitEnd
from algomirror.engine.exit_end import open_entries
from algomirror.engine.exit_late import ExitLate
from algomirror.engine.exit_rest import ExitRest
from algomirror.engine.exit_watch import ExitWatch
from algomirror.engine.gate import Gate
from algomirror.engine.gate import Hold

log = logging.getLogger(__name__)

ENTRY_CANCEL_WAIT_S = 3.0
BARRIER_S = 20.0
OLD_LOOK_S = 5.0
LOOK_DEADLINE_S = 1.0
ASKS_THE_BOOKS = (ExitReason.MANUAL, ExitReason.EXIT_TIME, ExitReason.SQUARE_OFF)
"""Reasons that wait a second for fresh books; rules and the kill switch never do."""


class Exits:
    """Owned by the engine thread. One open plan per execution and leg; the first reason is kept."""

    def __init__(self, core: Core, drift: DriftDesk, chase: Chase) -> None:
        self._core = core
        self._gate = Gate(core)
        self._chase = chase
        self._rest = ExitRest(core, drift, chase)
        self._end = ExitEnd(core, drift, chase, self._rest)
        self._late = ExitLate(core)
        self._watch = ExitWatch(core)

    # --- beginning ------------------------------------------------------------------------
    def begin(
        self,
        execution: ExecutionBook,
        *,
        reason: ExitReason,
        cause: str,
        leg_id: int | None = None,
    ) -> bool:
        """Plan to leave the execution (or one leg). False if nothing is there to leave."""
        if execution.state is ExecutionState.PENDING:
            self._core.change(
                execution, state=ExecutionState.FAILED, skip_reason="exit before the first order"
            )
            return False
        if reason in ASKS_THE_BOOKS:
            self._look_first(execution)
        legs = [leg_id] if leg_id is not None else list(execution.legs)
        legs = [leg for leg in legs if self.has_something(execution, leg)]
        planned = [leg for leg in legs if self._plan(execution, leg, reason, cause, None)]
        if leg_id is None:
            self._enter_exiting(execution, reason)
        if not planned:
            log.info("already exiting or flat: %s because=%s", execution.id, reason)
            return bool(legs)
        self._cancel_entries(execution, legs)
        log.info("exit %s because=%s cause=%s", execution.id, reason, cause)
        return True

    def begin_or_say(
        self, execution: ExecutionBook, *, reason: ExitReason, cause: str, leg_id: int | None = None
    ) -> None:
        """One execution that cannot be left must not keep the others from it."""
        self._core.mishaps.run(
            f"begin the exit of execution {execution.id}",
            lambda: self.begin(execution, reason=reason, cause=cause, leg_id=leg_id),
        )

    def _look_first(self, execution: ExecutionBook) -> None:
        """An exit that nobody's limit forces refreshes a look older than 5 s, for 1 s at most."""
        account = self._core.accounts[execution.account_id]
        now = self._core.clock.monotonic()
        looked = account.positions_look_at
        if looked is not None and now - looked <= OLD_LOOK_S:
            return
        execution.fresh_until = now + LOOK_DEADLINE_S
        self._core.want_look(execution.account_id, positions=True)

    def _waits_for_look(self, execution: ExecutionBook, now: float) -> bool:
        until = execution.fresh_until
        if until is None:
            return False
        looked = self._core.accounts[execution.account_id].positions_look_at
        if now >= until or (looked is not None and looked >= until - LOOK_DEADLINE_S):
            execution.fresh_until = None
            return False
        self._core.wake_in(execution.id, until - now + 0.01)
        return True

    def trim(self, execution: ExecutionBook, sets: int, *, cause: str) -> None:
        """Close what exceeds `sets` complete sets."""
        for leg_id, planned in execution.legs.items():
            keep = sets * planned.weight * planned.contract.lot_size
            excess = abs(execution.positions[leg_id].quantity) - keep
            if excess > 0:
                self._plan(execution, leg_id, ExitReason.UNBALANCED, cause, excess)
        self._core.touch(execution)

    def _plan(
        self,
        execution: ExecutionBook,
        leg_id: int,
        reason: ExitReason,
        cause: str,
        target: int | None,
    ) -> bool:
        known = execution.plans.get(leg_id)
        if known is not None:
            if target is None and known.target_quantity is not None:
                execution.plans[leg_id] = replace(known, target_quantity=None)
                self._core.stage(execution.plans[leg_id])
                return True
            return False
        plan = ExitPlan(
            id=self._core.next_id("exit_plan"),
            execution_id=execution.id,
            leg_id=leg_id,
            reason=reason,
            cause=cause,
            target_quantity=target,
            state=ExitPlanState.OPEN,
            created_at=self._core.clock.now(),
            not_before=self._gate.opens_at(execution.legs[leg_id].contract),
        )
        execution.plans[leg_id] = plan
        self._core.stage(plan)
        self._core.touch(execution)
        return True

    def _enter_exiting(self, execution: ExecutionBook, reason: ExitReason) -> None:
        if execution.whole_exit:
            return
        execution.whole_exit = True
        execution.remainder_done = True
        execution.barrier_alarmed = execution.flat_alarmed = False
        execution.drift_before = dict(self._core.accounts[execution.account_id].drift)
        self._core.change(
            execution,
            state=ExecutionState.EXITING,
            exit_reason=execution.execution.exit_reason or reason,
        )

    def has_something(self, execution: ExecutionBook, leg_id: int) -> bool:
        if leg_id not in execution.positions:
            return False
        return execution.positions[leg_id].quantity != 0 or any(
            order.status in IN_FLIGHT for order in execution.leg_orders(leg_id, OrderPurpose.ENTRY)
        )

    def _cancel_entries(self, execution: ExecutionBook, legs: list[int]) -> None:
        execution.cancel_deadline = self._core.clock.monotonic() + ENTRY_CANCEL_WAIT_S
        for order in open_entries(execution, legs):
            self._core.orders.cancel(order)

    # --- going on -------------------------------------------------------------------------
    def advance(self, execution: ExecutionBook) -> None:
        """Everything that can be done now; called after each change and when a timer is due."""
        self._reopen_if_needed(execution)
        self._late.mind(execution)
        self._watch.mind(execution)
        if not execution.plans and execution.state is not ExecutionState.EXITING:
            self._end.end_if_flat(execution)
            return
        if not self._core.accounts[execution.account_id].is_reconciled:
            self._core.wake_in(execution.id, 0.5)
            return
        self._close_positions(execution)
        if execution.plans or execution.state is ExecutionState.EXITING:
            self._end.finish_if_flat(execution)
            if execution.plans or execution.state is ExecutionState.EXITING:
                self._core.wake_in(execution.id, 0.5)

    def _reopen_if_needed(self, execution: ExecutionBook) -> None:
        """A proven fill after the end leads back to exiting (product.md 6.3, step 8)."""
        late = execution.state in FINAL_EXECUTION and not execution.is_flat
        if not late:
            self._plan_what_has_none(execution)
            return
        reason = execution.execution.exit_reason or ExitReason.UNBALANCED
        execution.whole_exit = False
        self._core.attention(execution, "a late fill was found: what it left is being closed")
        self._late.leave_halted(execution)
        for leg_id, position in execution.positions.items():
            if position.quantity:
                self._plan(execution, leg_id, reason, "late fill", None)
        self._enter_exiting(execution, reason)

    def _plan_what_has_none(self, execution: ExecutionBook) -> None:
        """A fill that came late on a leg whose plan was over, or never made, is left too."""
        for leg_id, position in execution.positions.items():
            if position.quantity == 0 or leg_id in execution.plans:
                continue
            over = self._is_over_exit(execution, leg_id)
            if over or execution.whole_exit:
                reason = execution.execution.exit_reason or ExitReason.UNBALANCED
                self._plan(execution, leg_id, reason, "late fill", None)
            if over:
                symbol = position.instrument.symbol
                self._core.attention(execution, f"more of {symbol} was closed than was held")

    def _close_positions(self, execution: ExecutionBook) -> None:
        now = self._core.clock.monotonic()
        legs = list(execution.plans)
        waiting = open_entries(execution, legs)
        for order in waiting:
            self._core.orders.cancel(order)  # once, and again when it was in vain
        if waiting and execution.cancel_deadline is not None and now < execution.cancel_deadline:
            self._core.wake_in(execution.id, execution.cancel_deadline - now + 0.01)
            return
        if self._waits_for_look(execution, now):
            return
        self._chase.mind(execution)
        shorts = [leg for leg in legs if execution.positions[leg].quantity < 0]
        for leg_id in shorts:
            self._send_rest(execution, leg_id)
        if self._is_barrier_passed(execution, now):
            for leg_id in legs:
                if execution.positions[leg_id].quantity > 0:
                    self._send_rest(execution, leg_id)

    def _is_barrier_passed(self, execution: ExecutionBook, now: float) -> bool:
        """Longs stay as protection until every short of this execution is proven flat."""
        holding = [
            position.instrument.symbol
            for position in execution.positions.values()
            if position.quantity < 0
        ]
        holding += [
            order.intent.instrument.symbol
            for order in execution.orders.values()
            if order.intent.side is Side.SELL
            and order.intent.purpose is OrderPurpose.ENTRY
            and order.status in IN_FLIGHT
        ]
        has_longs = any(execution.positions[leg].quantity > 0 for leg in execution.plans)
        if execution.longs_released or not holding or not has_longs:
            execution.barrier_from = None
            return True
        if not all(self._has_plan_for_short(execution, leg) for leg in execution.positions):
            return True
        if execution.barrier_from is None:
            execution.barrier_from = now
        if now - execution.barrier_from >= BARRIER_S and not execution.barrier_alarmed:
            execution.barrier_alarmed = True
            names = ", ".join(sorted(set(holding)))
            self._core.attention(execution, f"longs held: short {names} not flat")
        return False

    def _has_plan_for_short(self, execution: ExecutionBook, leg_id: int) -> bool:
        """Only shorts that are being left hold the longs back."""
        return execution.positions[leg_id].quantity >= 0 or leg_id in execution.plans

    def _send_rest(self, execution: ExecutionBook, leg_id: int) -> None:
        """Orders for the proven quantity that no order in flight covers yet."""
        plan, position = execution.plans[leg_id], execution.positions[leg_id]
        now = self._core.clock.monotonic()
        if now < execution.retry_at.get(leg_id, 0.0):
            return
        hold = self._gate.hold(execution, plan)
        if hold is not None:
            self._keep_back(execution, hold)
            return
        if execution.held_because:
            self._core.settle_attention(execution, execution.held_because)
            execution.held_because = ""
        side = Side.BUY if position.quantity < 0 else Side.SELL
        if execution.in_flight(leg_id, side.opposite) or self._chase.is_replacing(
            execution, leg_id
        ):
            return  # what is in flight is settled first
        if self._is_over_exit(execution, leg_id) and not self._may_flatten_over_exit(execution):
            return
        quantity = self._rest.quantity(execution, plan, side)
        if quantity > 0:
            self._rest.order(execution, plan, position, side, quantity)

    def _keep_back(self, execution: ExecutionBook, hold: Hold) -> None:
        """Held, not lost: said once, and looked at again."""
        self._core.wake_in(execution.id, hold.again_s)
        if execution.held_because != hold.why:
            self._core.settle_attention(execution, execution.held_because)
            execution.held_because = hold.why
            self._core.attention(execution, hold.why)

    def _is_over_exit(self, execution: ExecutionBook, leg_id: int) -> bool:
        position = execution.positions[leg_id]
        return position.quantity * position.side.sign < 0

    def _may_flatten_over_exit(self, execution: ExecutionBook) -> bool:
        """Only when the broker's net agrees with our books; else a human decides."""
        account = self._core.accounts[execution.account_id]
        looked = account.positions_look_at
        if looked is None or looked < execution.last_order_event:
            self._core.want_look(execution.account_id, positions=True)
            return False
        if self._end.is_explained(execution):
            return True
        self._core.attention(execution, "over-exit: broker net disagrees with our books")
        return False
