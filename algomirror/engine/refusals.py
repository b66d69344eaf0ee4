"""A refused exit: the position stays open, we try again by policy and shout."""

from dataclasses import replace

from algomirror.domain.order import Order
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.strategy import RiskAction
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 10.0)
ESCALATED_RETRY_S = 60.0


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
        plan = execution.plans[leg_id]
        count = plan.rejections + 1
        escalates = count >= len(RETRY_DELAYS_S)
        delay = ESCALATED_RETRY_S if escalates else RETRY_DELAYS_S[count - 1]
        plan = replace(plan, rejections=count)
        if escalates and plan.escalated_at is None:
            plan = replace(plan, escalated_at=self._core.clock.now())
            self._escalate(execution, order, count)
        execution.plans[leg_id] = plan
        self._core.stage(plan)
        execution.retry_at[leg_id] = self._core.clock.monotonic() + delay
        self._core.wake_in(execution.id, delay + 0.01)
        self._core.event(
            "exit_rejected",
            f"{self._core.account_name(execution.account_id)}: exit rejected by broker: "
            f'"{order.reason}". Position still open, trying again in {delay:.0f} s '
            f"({count}/{len(RETRY_DELAYS_S)})",
            level="critical",
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
        self._core.attention(
            execution,
            f"ESCALATED: {count} exits of {order.intent.instrument.symbol} refused, "
            "the position is open",
            kind="exit_escalated",
        )
