"""A refused exit: the position stays open, we try again by policy and shout."""

from dataclasses import replace
from math import inf

from algomirror.domain.order import Order
from algomirror.domain.refusal import RefusalClass
from algomirror.domain.refusal import band_price
from algomirror.domain.refusal import classify
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import ExitPlan
from algomirror.domain.strategy import RiskAction
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 10.0)
ESCALATED_RETRY_S = 60.0
WAITS_FOR_LOGIN = "the exit waits for the login at the broker: renew it"


class Refusals:
    """Owned by the engine thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def on_rejected(self, order: Order) -> None:
        """The position stays open: try again by policy, and shout after five refusals."""
        execution = self._core.execution_of(order)
        leg_id = order.intent.leg_id
        if execution is None or leg_id is None or leg_id not in execution.plans:
            return
        kind = classify(order.reason)
        self._learn(execution, leg_id, order, kind)
        plan = self._counted(execution, execution.plans[leg_id], order)
        count = plan.rejections
        escalates = count >= len(RETRY_DELAYS_S)
        delay = ESCALATED_RETRY_S if escalates else RETRY_DELAYS_S[max(count, 1) - 1]
        if escalates and plan.escalated_at is None:
            plan = replace(plan, escalated_at=self._core.clock.now())
            self._escalate(execution, order, count)
        execution.plans[leg_id] = plan
        self._core.stage(plan)
        now = self._core.clock.monotonic()
        if kind in (RefusalClass.LOGIN, RefusalClass.ADDRESS):
            execution.waits_for_login.add(leg_id)
            execution.retry_at[leg_id] = inf
            self._core.attention(execution, WAITS_FOR_LOGIN)
            again = f"it is tried when {self._core.account_name(execution.account_id)} is back"
        else:
            execution.retry_at[leg_id] = now + delay
            self._core.wake_in(execution.id, delay + 0.01)
            again = f"trying again in {delay:.0f} s"
        self._say(execution, order, kind, f"{again} ({count}/{len(RETRY_DELAYS_S)})")

    def _learn(
        self, execution: ExecutionBook, leg_id: int, order: Order, kind: RefusalClass
    ) -> None:
        """What the next attempt must do otherwise."""
        contract = execution.legs[leg_id].contract
        if kind is RefusalClass.FREEZE:
            half = order.intent.quantity // 2 // contract.lot_size * contract.lot_size
            execution.slice_caps[leg_id] = max(half, contract.lot_size)
        elif kind is RefusalClass.PRICE_BAND:
            price = band_price(order.reason, order.intent.side)
            if price is not None:
                execution.band_prices[leg_id] = price
            else:
                execution.must_chase.add(leg_id)
        elif kind is RefusalClass.MARKET_TYPE:
            execution.must_chase.add(leg_id)
        if kind is not RefusalClass.PRICE_BAND:
            execution.band_prices.pop(leg_id, None)

    def _counted(self, execution: ExecutionBook, plan: ExitPlan, order: Order) -> ExitPlan:
        """Refused slices of one attempt are one refusal."""
        if execution.refused_attempts.get(plan.leg_id) == order.intent.attempt:
            return plan
        execution.refused_attempts[plan.leg_id] = order.intent.attempt
        return replace(plan, rejections=plan.rejections + 1)

    def _say(self, execution: ExecutionBook, order: Order, kind: RefusalClass, again: str) -> None:
        self._core.event(
            "exit_rejected",
            f"{self._core.account_name(execution.account_id)}: exit rejected by broker: "
            f'"{order.reason}". Position still open, {again}',
            level="critical",
            detail="" if kind is RefusalClass.OTHER else kind.replace("_", " "),
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )

    def _escalate(self, execution: ExecutionBook, order: Order, count: int) -> None:
        self._core.risk_event(
            RiskEventType.EXIT_ESCALATED,
            reason=execution.execution.exit_reason,
            notes=f"{count} exits of {order.intent.instrument.symbol} refused: {order.reason}",
            action=RiskAction.ALERT_ONLY,
            execution=execution,
            leg_id=order.intent.leg_id,
        )
        symbol = order.intent.instrument.symbol
        self._core.reduce(execution.account_id, f"{count} exits of {symbol} were refused")
        self._core.attention(
            execution,
            f"ESCALATED: {count} exits of {order.intent.instrument.symbol} refused, "
            "the position is open",
            kind="exit_escalated",
        )
