"""Start-up is recovery: the journal's facts become the book, and nothing is trusted unproven."""

import logging
from dataclasses import replace

from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.risk.rules import RuleState
from algomirror.domain.risk.rules import rules_of
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import Run
from algomirror.domain.run import TradingState
from algomirror.engine.accounts import AccountState
from algomirror.engine.accounts import Track
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.orders import STATED
from algomirror.engine.outcomes import SEMI_AUTO
from algomirror.engine.outcomes import WAITS_FOR_APPROVAL
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import KillRecord
from algomirror.engine.ports import Recovered
from algomirror.engine.projection import Projection
from algomirror.engine.start import PLAN_VALID_S
from algomirror.engine.start import Start
from algomirror.engine.unknown import NOT_FOUND

log = logging.getLogger(__name__)


def recover(core: Core, start: Start, projection: Projection) -> tuple[KillRecord, ...]:
    """Rebuild the book; gives back the kills that have not ended.

    Orders that may be at a broker become UNKNOWN; accounts trade only after their books were read
    (AccountState.is_reconciled).
    """
    today = core.broker_day(core.clock.now())
    found = core.journal.load(today)
    core.set_next_ids(found.next_ids)
    start.recover(dict(found.run_numbers))
    _stand_in(core, found)
    for run in found.runs:
        core.book.add_run(_run_book(run))
    for execution in found.executions:
        run_book = core.book.runs[execution.run_id]
        core.book.add_execution(run_book, _execution_book(core, execution, run_book))
    for position in found.positions:
        core.book.executions[position.execution_id].positions[position.leg_id] = position
    for plan in found.plans:
        core.book.executions[plan.execution_id].plans[plan.leg_id] = plan
    for order in found.orders:
        _restore_order(core, order)
    for run_book in core.book.runs.values():
        _restore_sums(run_book)
    _restore_accounts(core, found)
    for change in found.states:
        if change.account_id is None:
            core.fleet_state, core.fleet_reason = TradingState(change.state), change.reason
        elif change.account_id in core.accounts:
            core.accounts[change.account_id].trading_state = TradingState(change.state)
    projection.restore(found.fills, found.timeline)
    if found.runs:
        log.info("recovered %d runs, %d orders", len(found.runs), len(found.orders))
        core.event("recovered", f"Restarted: {len(found.runs)} runs taken up again")
    core.commit()
    return found.kills


def _stand_in(core: Core, found: Recovered) -> None:
    """An account that is gone (or whose key cannot be read) with something open is not forgotten.

    Its exits wait, and say so, until it is connected again.
    """
    needed = {e.account_id for e in found.executions if e.state not in FINAL_EXECUTION}
    needed |= {o.intent.account_id for o in found.orders if not o.is_done}
    for account_id in sorted(needed - core.accounts.keys()):
        name = f"Account {account_id} (not connected)"
        profile = AccountProfile(
            id=account_id, name=name, broker_name="", colour="", is_primary=False, is_active=False
        )
        core.accounts[account_id] = AccountState(profile=profile)
        text = f"{name} has positions or orders open: connect it again"
        core.event("account", text, level="critical", account_id=account_id)


def _run_book(run: Run) -> RunBook:
    book = RunBook(run=run, rules=rules_of(run.plan.strategy), peak=run.peak_pnl)
    book.trough = run.trough_pnl
    book.states["max_loss"] = RuleState(triggered_at=run.max_loss_triggered_at)
    book.states["max_profit"] = RuleState(triggered_at=run.max_profit_triggered_at)
    return book


def _execution_book(core: Core, execution: Execution, run: RunBook) -> ExecutionBook:
    planned = next(a for a in run.run.plan.accounts if a.account_id == execution.account_id)
    now = core.clock.monotonic()
    away = (core.clock.now() - run.run.started_at).total_seconds()
    if execution.state is ExecutionState.PENDING and away > PLAN_VALID_S:
        why = "the program was down: its plan is too old"
        execution = replace(execution, state=ExecutionState.SKIPPED, skip_reason=why)
        core.stage(execution)
        core.touched[execution.id] = None
    return ExecutionBook(
        execution=execution,
        legs={p.leg.id: p for p in run.run.plan.legs},
        lots=dict(planned.lots),
        whole_exit=execution.state is ExecutionState.EXITING,
        begun_at=now,
        hedges_from=now if execution.state is ExecutionState.ENTERING else None,
        remainder_done=away > run.run.plan.strategy.entry_timeout_s,
    )


def _restore_order(core: Core, order: Order) -> None:
    """SUBMITTED means "may be at the broker": after a restart that is UNKNOWN, never resent."""
    core.book.put_order(order)
    account = core.accounts.get(order.intent.account_id)
    if account is not None and order.session_day == core.broker_day(core.clock.now()):
        _restore_events(core, account, order)
    if order.is_done:
        _count_slice(core, order)
        return
    if account is not None:
        now = core.clock.monotonic()
        account.tracks[order.id] = Track(sent_at=now, ended_at=now)
        if order.status is OrderStatus.UNKNOWN and order.reason.startswith(WAITS_FOR_APPROVAL):
            account.tracks[order.id].semi_auto = order.reason.removeprefix(WAITS_FOR_APPROVAL)
            account.semi_auto_since = now
    if order.status is OrderStatus.SUBMITTED:
        core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.UNKNOWN,
                source="restart",
                at=core.clock.now(),
                reason="the process ended before an answer came",
            ),
        )
    _count_slice(core, order)


def _restore_events(core: Core, account: AccountState, order: Order) -> None:
    """When something of ours last happened on a symbol, and which verdicts are provisional."""
    wall = max(filter(None, (order.submitted_at, order.acked_at, order.done_at)))
    at = core.clock.monotonic() - max((core.clock.now() - wall).total_seconds(), 0.0)
    key = PositionKey(order.intent.instrument, order.intent.product)
    if order.broker_order_id is not None or not order.is_done:
        account.last_event_at[key] = max(at, account.last_event_at.get(key, at))
        account.last_order_event = max(at, account.last_order_event)
        execution = core.execution_of(order)
        if execution is not None:
            execution.last_order_event = max(at, execution.last_order_event)
    unproven = order.reason.startswith(NOT_FOUND) or STATED in order.reason
    if order.is_done and order.broker_order_id is None and unproven:
        account.provisional[order.id] = core.clock.monotonic()
        account.tracks[order.id] = Track(sent_at=at, ended_at=at)


def _count_slice(core: Core, order: Order) -> None:
    execution = core.execution_of(order)
    if execution is None or order.intent.leg_id is None:
        return
    key = (order.intent.leg_id, OrderPurpose.ENTRY)
    if order.intent.purpose is OrderPurpose.ENTRY:
        execution.slices[key] = max(execution.slices.get(key, 0), order.intent.slice_no)


def _restore_sums(run: RunBook) -> None:
    for execution in run.executions.values():
        for position in execution.positions.values():
            run.cash += position.cash
            held = run.net.get(position.instrument, 0)
            run.net[position.instrument] = held + position.quantity
    run.revalue()


def _restore_accounts(core: Core, found: Recovered) -> None:
    """Wall times become monotonic ones, so that "seen before the send" survives the restart."""
    now, elapsed = core.clock.now(), core.clock.monotonic()
    today = core.broker_day(now)
    for seen in found.seen:
        account = core.accounts.get(seen.account_id)
        if account is not None and seen.session_day == today:
            ago = (now - seen.first_seen_at).total_seconds()
            account.seen[seen.broker_order_id] = elapsed - ago
    _restore_drift(core, found)
    for account in core.accounts.values():
        for client_id, track in account.tracks.items():
            ago = (now - core.book.orders[client_id].submitted_at).total_seconds()
            track.sent_at = elapsed - max(ago, 0.0)
            track.submitted_at = track.sent_at
        core.want_look(account.id, positions=True)


def _restore_drift(core: Core, found: Recovered) -> None:
    """Notes of the day, and what acts of ours made of the drift today."""
    today = core.broker_day(core.clock.now())
    for note in sorted(found.drift_notes, key=lambda n: n.session_day):
        account = core.accounts.get(note.account_id)
        if account is None:
            continue
        if note.symbol:
            instrument = Instrument(note.symbol, Exchange(note.exchange))
            account.notes[PositionKey(instrument, Product(note.product))] = note
        elif note.session_day == today:
            account.day_noted = today
    for line in found.timeline:
        account = core.accounts.get(line.account_id or 0)
        if account is not None and line.kind == SEMI_AUTO and core.broker_day(line.at) == today:
            account.has_queued = True
    for order in found.orders:
        account = core.accounts.get(order.intent.account_id)
        if account is None or order.session_day != today:
            continue
        key = PositionKey(order.intent.instrument, order.intent.product)
        moved = order.intent.side.sign * order.filled_quantity
        if order.intent.purpose is OrderPurpose.FLATTEN:
            account.expect_drift(key, moved)
        elif "-OUTSIDE-" in order.id or "-SETTLEMENT-" in order.id:
            account.expect_drift(key, -moved)
