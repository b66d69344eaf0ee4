"""After entry: are the legs in equal sets, and what if not."""

from algomirror.domain.hedges import hedges_of
from algomirror.domain.order import Side
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import ExitReason
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import UnbalancedPolicy
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core
from algomirror.engine.exit import Exits


class Balance:
    """Owned by the engine thread."""

    def __init__(self, core: Core, exits: Exits) -> None:
        self._core = core
        self._exits = exits

    def check(self, execution: ExecutionBook) -> None:
        """Unequal sets over the legs are a visible state with a remedy (product.md 4.2, 4)."""
        if not any(excess_of(execution, complete_sets(execution)).values()):
            return
        sets = [leg_id for leg_id in execution.legs if execution.target_quantity(leg_id)]
        policy = self._unbalanced_policy(execution)
        text = "unbalanced entry: " + ", ".join(
            f"{execution.legs[leg_id].contract.symbol} {execution.entered_quantity(leg_id)}"
            f" of {execution.target_quantity(leg_id)}"
            for leg_id in sets
        )
        event = self._core.risk_event(
            RiskEventType.UNBALANCED,
            reason=None if policy is UnbalancedPolicy.KEEP_AND_ALERT else ExitReason.UNBALANCED,
            notes=f"{text}: {policy}",
            action=RiskAction.ALERT_ONLY
            if policy is UnbalancedPolicy.KEEP_AND_ALERT
            else RiskAction.CLOSE_ALL,
            execution=execution,
        )
        cause = f"risk event {event.id}"
        if policy is UnbalancedPolicy.EXIT_ALL:
            self._say(execution, f"{text}: leaving", level="critical")
            self._exits.begin(execution, reason=ExitReason.UNBALANCED, cause=cause)
        elif policy is UnbalancedPolicy.TRIM:
            self._exits.trim(execution, complete_sets(execution), cause=cause)
        else:
            self._core.attention(execution, text)

    def _unbalanced_policy(self, execution: ExecutionBook) -> UnbalancedPolicy:
        policy = self._core.book.run_of(execution.id).run.plan.strategy.unbalanced_policy
        if policy is not None:
            return policy
        legs = tuple(p.leg for p in execution.legs.values())
        for planned in execution.legs.values():
            if planned.leg.side is Side.BUY or not execution.entered_quantity(planned.leg.id):
                continue
            for hedge in hedges_of(planned.leg, legs):
                if execution.entered_quantity(hedge.id) < execution.entered_quantity(
                    planned.leg.id
                ):
                    return UnbalancedPolicy.EXIT_ALL
        return UnbalancedPolicy.KEEP_AND_ALERT

    def _say(self, execution: ExecutionBook, text: str, *, level: str = "info") -> None:
        self._core.event(
            "entry",
            f"{self._core.account_name(execution.account_id)}: {text}",
            level=level,  # type: ignore[arg-type]
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )


def complete_sets(execution: ExecutionBook) -> int:
    """Whole sets that every planned leg holds, by fills."""
    held = [
        abs(execution.positions[leg_id].quantity) // (planned.contract.lot_size * planned.weight)
        for leg_id, planned in execution.legs.items()
        if execution.target_quantity(leg_id)
    ]
    return min(held, default=0)


def excess_of(execution: ExecutionBook, sets: int) -> dict[int, int]:
    """Units by leg that exceed so many complete sets."""
    return {
        leg_id: abs(execution.positions[leg_id].quantity)
        - sets * planned.weight * planned.contract.lot_size
        for leg_id, planned in execution.legs.items()
    }
