"""From touched executions to states of runs: what goes on, what is over, and why."""

import logging
from collections import Counter
from dataclasses import replace
from functools import partial

from algomirror.domain.money import ZERO
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitReason
from algomirror.domain.run import Run
from algomirror.domain.run import RunState
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.entry import Entry
from algomirror.engine.exit import Exits
from algomirror.engine.refusals import Refusals

log = logging.getLogger(__name__)

MISHAP = "the engine could not go on here, it tries again: see the log"
MISHAP_RETRY_S = 1.0
TAKE_BACK_AGAIN_S = 1.0

MAX_ROUNDS = 50
"""More rounds without rest are a bug: logged, and the rest waits for the next step."""


class Lifecycle:
    """Owned by the engine thread."""

    def __init__(self, core: Core, entry: Entry, exits: Exits) -> None:
        self._core = core
        self._entry = entry
        self._exits = exits
        self._refusals = Refusals(core)

    def settle(self) -> None:
        """Advance every touched execution until none is touched, then its run's state."""
        rounds = 0
        runs: dict[int, RunBook] = {}
        while self._core.touched and rounds < MAX_ROUNDS:
            rounds += 1
            touched, self._core.touched = self._core.touched, {}
            for execution_id in touched:
                self._advance_or_say(self._core.book.executions[execution_id])
                run = self._core.book.run_of(execution_id)
                runs[run.id] = run
        if self._core.touched:
            log.error("executions do not come to rest: %s", list(self._core.touched))
        for run in runs.values():
            self._core.mishaps.run(f"update run {run.id}", partial(self._update_run, run))

    def _advance_or_say(self, execution: ExecutionBook) -> None:
        """One that cannot go on must not keep the others from it; it is tried again."""
        what = f"advance execution {execution.id}"
        if not self._core.mishaps.run(what, lambda: self._advance(execution)):
            self._core.attention(execution, MISHAP)
            self._core.wake_in(execution.id, MISHAP_RETRY_S)

    def _advance(self, execution: ExecutionBook) -> None:
        for order in self._core.orders.take_rejected(execution.id):
            self._refusals.on_rejected(order)
        if execution.state in (ExecutionState.ENTERING, ExecutionState.ENTERED):
            self._entry.replace_cancelled(execution)
        if execution.state in (ExecutionState.PENDING, ExecutionState.ENTERING):
            self._entry.advance(execution)
        elif execution.working_entries() and not self._core.is_active(execution.account_id):
            self._entry.take_back(execution)
            self._core.wake_in(execution.id, TAKE_BACK_AGAIN_S)
        self._exits.advance(execution)

    # --- a person or a rule leaves a run --------------------------------------------------
    def exit_run(
        self,
        run: RunBook,
        *,
        reason: ExitReason,
        by: str,
        account_id: int | None,
        leg_id: int | None,
    ) -> None:
        """Leave a run, one account of it, or one leg; a second request joins the first."""
        wanted = [
            e
            for e in run.executions.values()
            if (account_id is None or e.account_id == account_id) and e.state not in FINAL_EXECUTION
        ]
        if not wanted:
            return
        already = all(e.whole_exit for e in wanted)
        if already:
            why = run.run.exit_reason or wanted[0].execution.exit_reason
            self._core.event(
                "already_exiting",
                f"Run {run.run.number} is already exiting ({why}): {by}'s request joins it",
                run_id=run.id,
                account_id=account_id,
            )
            return
        event = self._core.risk_event(
            RiskEventType.KILL_SWITCH if reason is ExitReason.KILL_SWITCH else RiskEventType.MANUAL,
            reason=reason,
            notes=f"{reason} by {by}",
            run_id=run.id,
        )
        if account_id is None and leg_id is None:
            run.run = replace(
                run.run,
                state=RunState.EXITING,
                exit_reason=run.run.exit_reason or reason,
                exit_cause_event_id=run.run.exit_cause_event_id or event.id,
            )
            self._core.stage(run.run)
        self._core.event(
            "exit",
            f"Exit of run {run.run.number} by {by}",
            detail=f"{len(wanted)} accounts, {reason}",
            run_id=run.id,
            account_id=account_id,
        )
        for execution in wanted:
            self._exits.begin_or_say(
                execution, reason=reason, cause=f"risk event {event.id}", leg_id=leg_id
            )

    # --- the run follows its executions ---------------------------------------------------
    def _update_run(self, run: RunBook) -> None:
        states = Counter(e.state for e in run.executions.values())
        state = self._state_of(run, states)
        if state is run.run.state:
            return
        changed = replace(run.run, state=state)
        if state in (RunState.CLOSED, RunState.FAILED, RunState.CANCELLED):
            changed = self._closed(run, changed)
        elif run.run.ended_at is not None:
            changed = replace(changed, ended_at=None)
        run.run = changed
        self._core.stage(changed)

    def _state_of(self, run: RunBook, states: Counter[ExecutionState]) -> RunState:
        live = {s for s in states if s not in FINAL_EXECUTION}
        if not live:
            if states[ExecutionState.EXITED]:
                return RunState.CLOSED
            if set(states) <= {ExecutionState.SKIPPED}:
                return RunState.CANCELLED
            return RunState.FAILED
        if run.run.state is RunState.EXITING or live == {ExecutionState.EXITING}:
            return RunState.EXITING
        if live & {ExecutionState.PENDING, ExecutionState.ENTERING}:
            return RunState.ENTERING
        return RunState.OPEN

    def _closed(self, run: RunBook, changed: Run) -> Run:
        reasons = [e.execution.exit_reason for e in run.executions.values()]
        last = next((r for r in reversed(reasons) if r is not None), None)
        flat = all(e.is_flat for e in run.executions.values())
        realised = sum(
            (p.cash for e in run.executions.values() for p in e.positions.values()), ZERO
        )
        run.peak, run.trough = max(run.peak, realised), min(run.trough, realised)
        self._core.event(
            "run_closed",
            f"Run {run.run.number} {changed.state}"
            + (f", P&L {realised:,.2f}" if flat and changed.state is RunState.CLOSED else ""),
            detail=f"{changed.exit_reason or last or ''}",
            run_id=run.id,
        )
        return replace(
            changed,
            exit_reason=changed.exit_reason or last,
            ended_at=self._core.clock.now(),
            realised=realised,
            unrealised=ZERO,
            peak_pnl=run.peak,
            trough_pnl=run.trough,
        )
