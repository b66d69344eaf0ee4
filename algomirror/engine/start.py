"""A press of Execute becomes a run with its executions, once."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from algomirror.domain.market_calendar import why_closed
from algomirror.domain.risk.rules import rules_of
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import Run
from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.domain.run import TradingMode
from algomirror.domain.run import TradingState
from algomirror.domain.strategy import Plan
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.messages import StartRun
from algomirror.engine.messages import TakeOver

log = logging.getLogger(__name__)

PLAN_VALID_S = 30
"""A plan older than this is refused (product.md 4.1)."""


class Start:
    """Owned by the engine thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        self.is_killed: Callable[[int], bool] = lambda strategy_id: False
        """Whether a kill switch on that strategy is still at work."""

    def recover(self, numbers: dict[int, int]) -> None:
        """Highest run number by strategy id; numbers never repeat."""
        self._numbers = dict(numbers)

    def start(self, message: StartRun) -> None:
        """A new run of a plan, or a sentence in the timeline why not. A token is used once."""
        if message.token in self._tokens:
            log.info("start token seen before, run %s stands", self._tokens[message.token])
            return
        refusal = self._why_refused(message.plan)
        if refusal is not None:
            self._core.event("run_refused", f"Not sent: {refusal}", level="warning")
            return
        run = self._new_run(message.plan, message.trigger, message.by)
        run.token = message.token
        self._tokens[message.token] = run.id
        for planned in message.plan.accounts:
            self._new_execution(run, planned.account_id)
        self._core.event(
            "run_started",
            f"Run {run.run.number} of {message.plan.strategy.name} sent by {message.by}",
            detail=_spot_text(message.plan),
            run_id=run.id,
        )

    def take_over(self, message: TakeOver) -> ExecutionBook:
        """A run that is open from the start: its one position was opened by others."""
        run = self._new_run(message.plan, RunTrigger.MANUAL, message.by)
        run.run = replace(run.run, state=RunState.OPEN)
        self._core.stage(run.run)
        account_id = message.plan.accounts[0].account_id
        now = self._core.clock.now()
        planned = message.plan.accounts[0]
        execution = ExecutionBook(
            execution=Execution(
                id=self._core.next_id("execution"),
                run_id=run.id,
                strategy_id=run.run.strategy_id,
                account_id=account_id,
                state=ExecutionState.ENTERED,
                mode=self._core.accounts[account_id].mode,
                planned_sets=planned.sets,
                entry_time=now,
            ),
            legs={p.leg.id: p for p in run.run.plan.legs},
            lots=dict(planned.lots),
            begun_at=self._core.clock.monotonic(),
            remainder_done=True,
        )
        self._core.book.add_execution(run, execution)
        self._core.stage(execution.execution)
        for leg_id in execution.legs:
            self._core.new_position(execution, leg_id)
        self._core.event(
            "taken_over",
            f"Run {run.run.number} of {message.plan.strategy.name}: {message.by} takes over "
            f"{message.quantity:+d} of {message.plan.legs[0].contract.symbol}",
            level="warning",
            run_id=run.id,
            account_id=account_id,
        )
        return execution

    def _why_refused(self, plan: Plan) -> str | None:
        now = self._core.clock.now()
        if plan.refusal:
            return plan.refusal
        if now - plan.made_at > timedelta(seconds=PLAN_VALID_S):
            return "Plan is older than 30 s. Refreshed: please look again."
        if self._core.fleet_state is not TradingState.ACTIVE:
            return f"Fleet is {self._core.fleet_state}: {self._core.fleet_reason}. Entries blocked."
        if self.is_killed(plan.strategy.id):
            return f"The kill switch is at work on {plan.strategy.name}."
        closed = self._closed_market(plan)
        if closed:
            return closed
        if self._core.outbox.is_on_fallback:
            return "The database cannot be written. Entries wait."
        open_runs = (r for r in self._core.book.runs.values() if not r.is_final)
        if any(r.run.strategy_id == plan.strategy.id for r in open_runs):
            return f"{plan.strategy.name} already has an open run."
        if all(a.skip or a.sets == 0 for a in plan.accounts):
            return "No account is left to trade."
        return None

    def _closed_market(self, plan: Plan) -> str:
        now = self._core.clock.now()
        for leg in plan.legs:
            if why := why_closed(self._core.calendar, leg.contract.exchange, now):
                return why
        return ""

    def _new_run(self, plan: Plan, trigger: RunTrigger, by: str) -> RunBook:
        number = self._numbers.get(plan.strategy.id, 0) + 1
        self._numbers[plan.strategy.id] = number
        run = RunBook(
            run=Run(
                id=self._core.next_id("run"),
                strategy_id=plan.strategy.id,
                number=number,
                trigger=trigger,
                state=RunState.ENTERING,
                plan=plan,
                session_day=plan.session_day,
                started_at=self._core.clock.now(),
                started_by=by,
            ),
            rules=rules_of(plan.strategy),
        )
        self._core.book.add_run(run)
        self._core.stage(run.run)
        return run

    def _new_execution(self, run: RunBook, account_id: int) -> None:
        planned = next(a for a in run.run.plan.accounts if a.account_id == account_id)
        skip = planned.skip or self._why_skipped(account_id)
        execution = ExecutionBook(
            execution=Execution(
                id=self._core.next_id("execution"),
                run_id=run.id,
                strategy_id=run.run.strategy_id,
                account_id=account_id,
                state=ExecutionState.SKIPPED if skip else ExecutionState.PENDING,
                mode=TradingMode(planned.mode),
                planned_sets=planned.sets,
                skip_reason=skip or "",
            ),
            legs={p.leg.id: p for p in run.run.plan.legs},
            lots=dict(planned.lots),
            begun_at=self._core.clock.monotonic(),
        )
        self._core.book.add_execution(run, execution)
        self._core.stage(execution.execution)
        for leg_id in execution.legs:
            self._core.new_position(execution, leg_id)
        self._core.touch(execution)
        if skip:
            self._core.event(
                "entry",
                f"{self._core.account_name(account_id)}: skipped: {skip}",
                level="warning",
                run_id=run.id,
                account_id=account_id,
            )
            return
        self._core.limbs[account_id].ping()
        self._core.want_look(account_id, positions=True)

    def _why_skipped(self, account_id: int) -> str | None:
        account = self._core.accounts.get(account_id)
        if account is None or account_id not in self._core.limbs:
            return "the account is not connected"
        if not account.profile.is_active:
            return "the account is inactive"
        if account.connection in ("failed", "auth_error"):
            return f"the account is {account.connection}: {account.connection_text}"
        if account.trading_state is not TradingState.ACTIVE:
            return f"the account is {account.trading_state}"
        return None


def _spot_text(plan: Plan) -> str:
    spots = " · ".join(f"{name} {spot:,.2f}" for name, spot in plan.spots)
    return f"Plan of {plan.made_at:%H:%M:%S} · {spots}"
