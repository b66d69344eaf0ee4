"""The closed union of run rules and their evaluation in deciding order (product.md 6.1, 7)."""

from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from decimal import Decimal

from algomirror.domain.risk.max_loss import MaxLoss
from algomirror.domain.risk.max_profit import MaxProfit
from algomirror.domain.risk.verdict import Trigger
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import Strategy

ALERT_REPEAT = timedelta(minutes=5)

RiskRule = MaxLoss | MaxProfit
"""Declared in deciding order: the first that fires wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """What a rule must remember: when it fired, and for alerts when it last spoke."""

    triggered_at: datetime | None = None
    alerted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """What rules see of a run: P&L in rupees, None while any open leg has no fresh price."""

    pnl: Decimal | None
    blind_because: str = ""


def rules_of(strategy: Strategy) -> tuple[RiskRule, ...]:
    """The rules a strategy arms, in deciding order."""
    rules: list[RiskRule] = []
    if strategy.max_loss is not None:
        rules.append(MaxLoss(limit=strategy.max_loss, action=strategy.max_loss_action))
    if strategy.max_profit is not None:
        rules.append(MaxProfit(limit=strategy.max_profit, action=strategy.max_profit_action))
    return tuple(rules)


def evaluate(
    rule: RiskRule, state: RuleState, inputs: RiskInputs, now: datetime
) -> tuple[RuleState, Trigger | None]:
    """The rule's verdict. An exit fires once; an alert repeats after five minutes at the earliest.

    Blind inputs give no verdict. The new state is to be journalled before it takes effect.
    """
    if inputs.pnl is None:
        return state, None
    trigger = rule.trigger(inputs.pnl)
    if rule.action is RiskAction.ALERT_ONLY:
        return _evaluate_alert(rule, state, inputs.pnl, trigger, now)
    if trigger is None or state.triggered_at is not None:
        return state, None
    return replace(state, triggered_at=now), trigger


def _evaluate_alert(
    rule: RiskRule, state: RuleState, pnl: Decimal, trigger: Trigger | None, now: datetime
) -> tuple[RuleState, Trigger | None]:
    if trigger is None:
        if state.triggered_at is not None and rule.has_moved_back(pnl):
            return replace(state, triggered_at=None), None
        return state, None
    spoke = state.alerted_at
    silent = spoke is not None and now - spoke < ALERT_REPEAT
    if silent:
        return state, None
    return replace(state, triggered_at=now, alerted_at=now), trigger
