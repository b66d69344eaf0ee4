"""Max profit: leave when the run has earned its target (product.md 7.2)."""

from dataclasses import dataclass
from decimal import Decimal

from algomirror.domain.risk.verdict import Trigger
from algomirror.domain.run import ExitReason
from algomirror.domain.strategy import RiskAction


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxProfit:
    """`limit` in positive rupees; fires at P&L >= limit."""

    limit: Decimal
    action: RiskAction = RiskAction.CLOSE_ALL

    kind = "max_profit"

    @property
    def level(self) -> Decimal:
        return self.limit

    def distance(self, pnl: Decimal) -> Decimal:
        """Rupees left before it fires."""
        return self.level - pnl

    def trigger(self, pnl: Decimal) -> Trigger | None:
        if pnl < self.level:
            return None
        return Trigger(
            reason=ExitReason.MAX_PROFIT,
            threshold=self.level,
            current=pnl,
            action=self.action,
            text=f"Max profit: P&L {pnl:,.2f} >= limit {self.level:,.2f}",
        )

    def has_moved_back(self, pnl: Decimal) -> bool:
        """An alert re-arms when P&L has moved back by a tenth of the limit."""
        return pnl <= self.level - self.limit / 10
