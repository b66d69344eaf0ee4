"""When an exit is over: flat by our fills, nothing in flight, and the books agree."""

from dataclasses import replace
from datetime import datetime

from algomirror.domain.books import PositionKey
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import Order
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import ExitPlanState
from algomirror.domain.run import ExitReason
from algomirror.engine.book import ExecutionBook
from algomirror.engine.chase import Chase
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.exit_rest import ExitRest
from algomirror.engine.refusals import WAITS_FOR_LOGIN

FLAT_PROOF_ALARM_S = 20.0


class ExitEnd:
    """Owned by the engine thread."""

    def __init__(self, core: Core, drift: DriftDesk, chase: Chase, rest: ExitRest) -> None:
        self._core = core
        self._drift = drift
        self._chase = chase
        self._rest = rest

    def finish_if_flat(self, execution: ExecutionBook) -> None:
        self._close_partial_plans(execution)
        if not execution.whole_exit:
            return
        if not execution.is_flat or execution.has_in_flight:
            execution.flat_from = None
            return
        if not execution.ever_filled:
            self._close_plans(execution)
            self._core.change(
                execution, state=ExecutionState.FAILED, exit_time=self._core.clock.now()
            )
            return
        if self._do_books_agree(execution):
            self._close_plans(execution)
            self._core.change(
                execution,
                state=ExecutionState.EXITED,
                exit_time=self._last_fill_time(execution),
            )
            self._core.event(
                "exited",
                f"{self._core.account_name(execution.account_id)}: flat, books agree",
                run_id=execution.execution.run_id,
                account_id=execution.account_id,
            )

    def _do_books_agree(self, execution: ExecutionBook) -> bool:
        """One complete position book, begun after our last order event, shows no new drift."""
        account = self._core.accounts[execution.account_id]
        now = self._core.clock.monotonic()
        if execution.flat_from is None:
            execution.flat_from = now
        looked = min(account.positions_look_at or 0.0, account.trades_look_at or 0.0)
        is_late = now - execution.flat_from >= FLAT_PROOF_ALARM_S
        if is_late:
            looked = account.positions_look_at or 0.0  # a trade book that cannot be read
        if looked < execution.last_order_event:
            self._core.want_look(execution.account_id, delay=0.1, positions=True)
            return False
        if self.is_explained(execution):
            return True
        self._core.want_look(execution.account_id, delay=1.0, positions=True)
        if now - execution.flat_from >= FLAT_PROOF_ALARM_S and not execution.flat_alarmed:
            execution.flat_alarmed = True
            self._core.attention(
                execution, "our fills are flat, the broker's position book disagrees"
            )
        return False

    def _close_partial_plans(self, execution: ExecutionBook) -> None:
        """Plans of single legs and trims end by themselves when their quantity is closed."""
        if execution.whole_exit:
            return
        for leg_id, plan in list(execution.plans.items()):
            position = execution.positions[leg_id]
            side = Side.BUY if position.side is Side.SELL else Side.SELL
            if execution.in_flight(leg_id, side) or open_entries(execution, [leg_id]):
                continue
            target = plan.target_quantity
            if target is None and execution.has_unknown_entry(leg_id):
                continue  # it may fill: then the plan is for that too
            closed = position.exit_quantity - self._rest.exited_before(execution, plan)
            if position.quantity == 0 or (target is not None and closed >= target):
                self._close_plan(execution, plan)
        self.end_if_flat(execution)

    def end_if_flat(self, execution: ExecutionBook) -> None:
        """Every leg was closed on its own, or adopted as closed outside: the books must agree."""
        idle = not execution.plans and not execution.has_in_flight
        is_over = idle and execution.is_flat and execution.ever_filled
        if execution.state is not ExecutionState.ENTERED or not is_over:
            return
        if not self._do_books_agree(execution):
            self._core.wake_in(execution.id, 0.5)
            return
        self._core.change(
            execution,
            state=ExecutionState.EXITED,
            exit_reason=execution.execution.exit_reason or ExitReason.MANUAL,
            exit_time=self._last_fill_time(execution),
        )

    def is_explained(self, execution: ExecutionBook) -> bool:
        """No drift, the drift of before this exit, or one that others' trades account for."""
        account, before = self._core.accounts[execution.account_id], execution.drift_before
        for position in execution.positions.values():
            key = PositionKey(position.instrument, position.product)
            known = (0, before.get(key, 0), position.drift_at_entry)
            if account.drift.get(key, 0) not in (*known, self._drift.explained(account, key)):
                return False
        return True

    def _close_plans(self, execution: ExecutionBook) -> None:
        for plan in list(execution.plans.values()):
            self._close_plan(execution, plan)
        execution.whole_exit = False
        self._core.settle_attention(execution, execution.held_because)
        execution.held_because = ""

    def _close_plan(self, execution: ExecutionBook, plan: ExitPlan) -> None:
        plan = self._chase.noted_cost(execution, plan)
        done = replace(plan, state=ExitPlanState.DONE, done_at=self._core.clock.now())
        del execution.plans[plan.leg_id]
        self._core.settle_attention(execution, WAITS_FOR_LOGIN)
        self._core.stage(done)
        self._core.touch(execution)

    def _last_fill_time(self, execution: ExecutionBook) -> datetime:
        times = [o.done_at for o in execution.orders.values() if o.filled_quantity and o.done_at]
        return max(times, default=self._core.clock.now())


def open_entries(execution: ExecutionBook, legs: list[int]) -> list[Order]:
    """Entry orders that could still fill and can be taken back; an UNKNOWN one cannot."""
    return [
        order
        for order in execution.entry_orders()
        if order.intent.leg_id in legs
        and order.status in IN_FLIGHT
        and order.status is not OrderStatus.UNKNOWN
    ]
