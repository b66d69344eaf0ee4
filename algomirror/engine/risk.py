"""Run rules on live prices: evaluate, record why, begin the exit in the same transaction."""

import logging
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.risk.rules import RiskInputs
from algomirror.domain.risk.rules import RiskRule
from algomirror.domain.risk.rules import RuleState
from algomirror.domain.risk.rules import evaluate
from algomirror.domain.risk.verdict import Trigger
from algomirror.domain.run import RunState
from algomirror.domain.strategy import RiskAction
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.exit import Exits

log = logging.getLogger(__name__)

_WATCHED = frozenset({RunState.ENTERING, RunState.OPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The inputs of a rule's last evaluation, for "Why?"."""

    at: datetime
    pnl: Decimal | None
    blind_because: str


class RiskDesk:
    """Owned by the engine thread. Called for every admitted tick that touches a run."""

    def __init__(self, core: Core, exits: Exits) -> None:
        self._core = core
        self._exits = exits

    def evaluate(self, run: RunBook) -> None:
        if run.run.state not in _WATCHED or not run.net:
            return
        inputs = self._inputs(run)
        if inputs.pnl is not None:
            run.peak = max(run.peak, inputs.pnl)
            run.trough = min(run.trough, inputs.pnl)
        now = self._core.clock.now()
        for rule in run.rules:
            state = run.states.get(rule.kind, RuleState())
            after, trigger = evaluate(rule, state, inputs, now)
            if after is not state:
                run.states[rule.kind] = after
            if trigger is not None:
                self._fire(run, rule, trigger)
                if trigger.action is not RiskAction.ALERT_ONLY:
                    return

    def _inputs(self, run: RunBook) -> RiskInputs:
        """P&L, or why it cannot be judged: a leg without a fresh price, a fill without one."""
        market = self._core.market
        for instrument, net in run.net.items():
            if net and not market.is_fresh(instrument):
                return RiskInputs(pnl=None, blind_because=f"price of {instrument.symbol}")
        if any(e.is_price_pending for e in run.executions.values() if e.orders):
            return RiskInputs(pnl=None, blind_because="a fill whose price is not known yet")
        return RiskInputs(pnl=run.pnl)

    def blind_because(self, run: RunBook) -> str:
        return self._inputs(run).blind_because

    def _fire(self, run: RunBook, rule: RiskRule, trigger: Trigger) -> None:
        now = self._core.clock.now()
        event = self._core.risk_event(
            RiskEventType(rule.kind),
            reason=trigger.reason,
            notes=trigger.text,
            action=trigger.action,
            run_id=run.id,
            threshold=trigger.threshold,
            current=trigger.current,
            inputs="\n".join(self.why(run)),
        )
        log.info("rule %s fired on run %s: %s", rule.kind, run.id, trigger.text)
        self._core.event(
            rule.kind,
            trigger.text,
            level="critical",
            detail="exit of the whole run"
            if trigger.action is not RiskAction.ALERT_ONLY
            else "alert only, no order",
            run_id=run.id,
        )
        if rule.kind == "max_loss":
            run.run = replace(run.run, max_loss_triggered_at=now, max_loss_exit_reason=trigger.text)
        else:
            run.run = replace(
                run.run, max_profit_triggered_at=now, max_profit_exit_reason=trigger.text
            )
        if trigger.action is RiskAction.ALERT_ONLY:
            self._core.stage(run.run)
            return
        run.run = replace(
            run.run,
            state=RunState.EXITING,
            exit_reason=run.run.exit_reason or trigger.reason,
            exit_cause_event_id=run.run.exit_cause_event_id or event.id,
        )
        self._core.stage(run.run)
        for execution in run.executions.values():
            if execution.state not in FINAL_EXECUTION:
                self._exits.begin_or_say(
                    execution, reason=trigger.reason, cause=f"risk event {event.id}"
                )

    def why(self, run: RunBook) -> tuple[str, ...]:
        """One line a leg: net quantity, price, age, source."""
        lines = []
        for instrument, net in run.net.items():
            quote = self._core.market.last.get(instrument)
            if quote is None:
                lines.append(f"{instrument.symbol}: {net:+d}, no price")
                continue
            age = self._core.market.age(instrument) or 0.0
            lines.append(
                f"{instrument.symbol}: {net:+d} x {quote.ltp} ({age:.1f} s, {quote.source})"
            )
        return tuple(lines)
