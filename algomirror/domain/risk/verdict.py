"""What a rule says when it fires."""

from dataclasses import dataclass
from decimal import Decimal

from algomirror.domain.run import ExitReason
from algomirror.domain.strategy import RiskAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Amounts in rupees; `text` is the reason a person reads."""

    reason: ExitReason
    threshold: Decimal
    current: Decimal
    action: RiskAction
    text: str
