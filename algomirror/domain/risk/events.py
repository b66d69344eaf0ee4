"""What a rule decided: the row that explains an exit or an alert for ever."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.run import ExitReason
from algomirror.domain.strategy import RiskAction


class RiskEventType(StrEnum):
    MAX_LOSS = "max_loss"
    MAX_PROFIT = "max_profit"
    MANUAL = "manual"
    KILL_SWITCH = "kill_switch"
    HEDGE_TIMEOUT = "hedge_timeout"
    UNBALANCED = "unbalanced"
    EXIT_ESCALATED = "exit_escalated"
    PRICE_BLIND = "price_blind"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent:
    """One decision. `threshold` and `current` in rupees where the type has them.

    `inputs` is the text form of what the rule saw (price, age and source of each leg).
    """

    id: int
    event_type: RiskEventType
    run_id: int | None
    execution_id: int | None
    account_id: int | None
    leg_id: int | None
    threshold: Decimal | None
    current: Decimal | None
    action: RiskAction
    reason: ExitReason | None
    at: datetime
    notes: str
    inputs: str = ""
