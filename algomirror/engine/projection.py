"""From the book to the rows that pages read; a few at a time, never in the way of a tick."""

from collections import deque
from collections.abc import Hashable
from collections.abc import Iterable
from datetime import datetime

from algomirror.domain.instrument import Instrument
from algomirror.domain.money import ZERO
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderStatus
from algomirror.domain.position import Position
from algomirror.domain.run import ExecutionState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.drift_rows import project_drift
from algomirror.engine.fleet_rows import project_account
from algomirror.engine.fleet_rows import project_system
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import FillRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import PositionRow
from algomirror.engine.live_view import QuoteRow
from algomirror.engine.live_view import RunRow
from algomirror.engine.ports import TimelineEvent
from algomirror.engine.rule_rows import rule_rows

EVERY_S = 0.2
CURVE_EVERY_S = 1.0
CURVE_POINTS = 4000
SLICE_S = 0.0008
"""A slice of projection ends after this, so that no tick waits longer for it."""

_WORKING = IN_FLIGHT - {OrderStatus.UNKNOWN}


class Projection:
    """Owned by the engine thread; the view is the only thing others read."""

    def __init__(self, core: Core, drift: DriftDesk, view: LiveView) -> None:
        self._core = core
        self._drift = drift
        self._view = view
        self._due = 0.0
        self._curve_due = 0.0
        self._draws = False
        self._tasks: deque[tuple[str, Hashable]] = deque()
        self._queued: set[tuple[str, Hashable]] = set()
        self._quotes: set[Instrument] = set()

    def note_quote(self, instrument: Instrument) -> None:
        self._quotes.add(instrument)

    def restore(self, fills: Iterable[Fill], timeline: Iterable[TimelineEvent]) -> None:
        for fill in fills:
            order = self._core.book.orders.get(fill.client_order_id)
            if order is not None:
                self._core.new_fills.append((order, fill))
        self._core.timeline[:0] = timeline
        self._core.dirty_orders.update(dict.fromkeys(self._core.book.orders))
        self._core.dirty_executions.update(self._core.book.executions)

    def forget_account(self, account_id: int) -> None:
        self._view.remove("account", str(account_id))

    @property
    def has_backlog(self) -> bool:
        return bool(self._tasks)

    def project(self) -> None:
        """A slice of the work: rows of what changed, for a millisecond at most."""
        core = self._core
        if not self._view.is_read:
            self._forget()
            return
        if core.dirty_orders or core.new_fills or core.timeline:
            self._project_journal()
        now = core.clock.monotonic()
        if now >= self._due:
            self._due = now + EVERY_S
            self._draws = now >= self._curve_due
            if self._draws:
                self._curve_due = now + CURVE_EVERY_S
            self._enqueue_live()
        end = now + SLICE_S
        while self._tasks:
            kind, key = self._tasks.popleft()
            self._queued.discard((kind, key))
            self._do(kind, key)
            if core.clock.monotonic() >= end:
                return

    def _forget(self) -> None:
        """Nobody reads the view: what would become rows is dropped."""
        core = self._core
        core.dirty_orders.clear()
        core.dirty_executions.clear()
        core.new_fills.clear()
        core.timeline.clear()
        self._quotes.clear()

    def _do(self, kind: str, key: Hashable) -> None:
        match kind:
            case "execution":
                execution = self._core.book.executions[int(str(key))]
                self._view.put_all(self._execution_rows(execution))
            case "run":
                self._project_run(self._core.book.runs[int(str(key))])
            case "account":
                if key in self._core.accounts:
                    project_account(self._core, self._view, int(str(key)))
                    account = self._core.accounts[int(str(key))]
                    project_drift(self._core, self._drift, self._view, account)
            case "quote":
                if isinstance(key, Instrument):
                    self._project_quote(key)
            case _:
                project_system(self._core, self._view)

    def _enqueue(self, kind: str, keys: Iterable[Hashable]) -> None:
        for key in keys:
            if (kind, key) not in self._queued:
                self._queued.add((kind, key))
                self._tasks.append((kind, key))

    # --- journals: append as they come ----------------------------------------------------
    def _project_journal(self) -> None:
        core = self._core
        orders, core.dirty_orders = core.dirty_orders, {}
        self._view.put_all([self._order_row(core.book.orders[i]) for i in orders])
        fills, core.new_fills = core.new_fills, []
        self._view.put_all([self._fill_row(order, fill) for order, fill in fills])
        lines, core.timeline = core.timeline, []
        self._view.put_all([_event_row(line) for line in lines])

    def _order_row(self, order: Order) -> OrderRow:
        intent = order.intent
        execution = self._core.execution_of(order)
        return OrderRow(
            key=order.id,
            run_id=execution.execution.run_id if execution else None,
            execution_id=intent.execution_id,
            account_id=intent.account_id,
            account_name=self._core.account_name(intent.account_id),
            leg_id=intent.leg_id,
            purpose=intent.purpose,
            attempt=intent.attempt,
            slice_no=intent.slice_no,
            side=intent.side,
            symbol=intent.instrument.symbol,
            exchange=intent.instrument.exchange,
            product=intent.product,
            quantity=intent.quantity,
            filled=order.filled_quantity,
            price_type=intent.price_type,
            limit_price=intent.limit_price,
            trigger_price=intent.trigger_price,
            average=order.average_price,
            reference=intent.reference_price,
            status=order.status,
            reason=order.reason,
            broker_order_id=order.broker_order_id or "",
            cause=intent.cause,
            submitted_at=order.submitted_at,
            acked_at=order.acked_at,
            done_at=order.done_at,
        )

    def _fill_row(self, order: Order, fill: Fill) -> FillRow:
        execution = self._core.execution_of(order)
        return FillRow(
            key=f"{fill.client_order_id}@{fill.at.timestamp():.6f}",
            run_id=execution.execution.run_id if execution else None,
            execution_id=order.intent.execution_id,
            account_id=order.intent.account_id,
            account_name=self._core.account_name(order.intent.account_id),
            client_order_id=fill.client_order_id,
            side=order.intent.side,
            symbol=order.intent.instrument.symbol,
            quantity=fill.quantity,
            price=fill.price,
            value=fill.value,
            source=fill.source,
            at=fill.at,
        )

    # --- live rows ------------------------------------------------------------------------
    def _enqueue_live(self) -> None:
        """What moved since the last round: prices, facts, and the header."""
        book = self._core.book
        wanted = self._core.dirty_executions
        self._core.dirty_executions = set()
        moved = {
            run_id
            for instrument in self._quotes
            for run_id in book.runs_by_instrument.get(instrument, ())
            if not book.runs[run_id].is_final
        }
        moved |= {book.run_of_execution[e] for e in wanted}
        for run_id in moved:
            if not book.runs[run_id].is_final:
                wanted.update(book.runs[run_id].executions)
        self._enqueue("system", ("",))
        self._enqueue("run", moved)
        self._enqueue("execution", sorted(wanted))
        self._enqueue("account", self._core.accounts)
        self._enqueue("quote", self._quotes)
        self._quotes = set()

    def _execution_rows(self, execution: ExecutionBook) -> list[PositionRow | ExecutionRow]:
        rows: list[PositionRow | ExecutionRow] = []
        realised, total = ZERO, ZERO
        for leg_id, position in execution.positions.items():
            row = self._position_row(execution, leg_id, position)
            rows.append(row)
            realised += position.realised
            total += row.pnl if row.pnl is not None else position.cash
        account = self._core.accounts.get(execution.account_id)
        orders = list(execution.orders.values())
        value = execution.execution
        rows.append(
            ExecutionRow(
                key=str(execution.id),
                id=execution.id,
                run_id=value.run_id,
                account_id=execution.account_id,
                account_name=self._core.account_name(execution.account_id),
                state=value.state,
                mode=value.mode,
                sets=value.planned_sets,
                attention=value.attention,
                skip_reason=value.skip_reason,
                exit_reason=value.exit_reason or "",
                pnl=total,
                realised=realised,
                unrealised=total - realised,
                open_positions=sum(p.quantity != 0 for p in execution.positions.values()),
                orders=len(orders),
                orders_working=sum(o.status in _WORKING for o in orders),
                orders_filled=sum(o.status is OrderStatus.FILLED for o in orders),
                orders_unknown=sum(o.status is OrderStatus.UNKNOWN for o in orders),
                drift=self._drift_of(execution),
                books_at=account.books_at if account else None,
            )
        )
        return rows

    def _drift_of(self, execution: ExecutionBook) -> int | None:
        account = self._core.accounts.get(execution.account_id)
        if account is None or account.positions_look_at is None:
            return None
        ours = {(p.instrument, p.product) for p in execution.positions.values()}
        return sum(abs(d) for key, d in account.drift.items() if tuple(key) in ours)

    def _position_row(
        self, execution: ExecutionBook, leg_id: int, position: Position
    ) -> PositionRow:
        contract = execution.legs[leg_id].contract
        quote = self._core.market.last.get(position.instrument)
        pnl = position.cash if position.quantity == 0 else None
        if position.quantity and quote is not None:
            pnl = position.pnl(quote.ltp)
        return PositionRow(
            key=f"{execution.id}:{leg_id}",
            run_id=execution.execution.run_id,
            execution_id=execution.id,
            account_id=execution.account_id,
            leg_id=leg_id,
            leg_number=execution.legs[leg_id].leg.leg_number,
            symbol=position.instrument.symbol,
            exchange=position.instrument.exchange,
            product=position.product,
            side=position.side,
            option_type=contract.option_type or "FUT",
            strike=contract.strike,
            expiry=contract.expiry.isoformat(),
            quantity=position.quantity,
            entry_quantity=position.entry_quantity,
            average=position.entry_average,
            exit_average=position.exit_average,
            mark=quote.ltp if quote else None,
            mark_at=quote.at if quote else None,
            mark_state=self._core.market.state(position.instrument),
            mark_source=quote.source if quote else "",
            pnl=pnl,
            realised=position.realised,
            price_pending=any(
                o.price_pending for o in execution.orders.values() if o.intent.leg_id == leg_id
            ),
        )

    def _project_quote(self, instrument: Instrument) -> None:
        quote = self._core.market.last.get(instrument)
        if quote is not None:
            self._view.put(
                QuoteRow(
                    key=f"{instrument.exchange}:{instrument.symbol}",
                    symbol=instrument.symbol,
                    exchange=instrument.exchange,
                    ltp=quote.ltp,
                    bid=quote.bid,
                    ask=quote.ask,
                    at=quote.at,
                    state=self._core.market.state(instrument),
                )
            )

    def _project_run(self, run: RunBook) -> None:
        self._view.put(self._run_row(run))
        self._view.put_all(rule_rows(self._core, run))
        known = not run.unmarked and any(e.ever_filled for e in run.executions.values())
        if known and (self._draws or run.is_final):
            curve = self._view.pnl_history.setdefault(run.id, deque(maxlen=CURVE_POINTS))
            curve.append((self._core.clock.now(), run.pnl))

    def _run_row(self, run: RunBook) -> RunRow:
        value, strategy = run.run, run.run.plan.strategy
        executions = list(run.executions.values())
        positions = [p for e in executions for p in e.positions.values()]
        realised = sum((p.realised for p in positions), ZERO)
        attention = next((e.execution.attention for e in executions if e.execution.attention), "")
        return RunRow(
            key=str(run.id),
            id=run.id,
            strategy_id=value.strategy_id,
            number=value.number,
            name=strategy.name,
            trigger=value.trigger,
            state=value.state,
            product=strategy.product,
            attention=attention,
            started_at=value.started_at,
            ended_at=value.ended_at,
            exit_reason=value.exit_reason or "",
            exit_text=value.max_loss_exit_reason or value.max_profit_exit_reason,
            pnl=run.pnl,
            realised=realised,
            unrealised=run.pnl - realised,
            pnl_complete=not run.unmarked and not any(e.is_price_pending for e in executions),
            peak=run.peak,
            trough=run.trough,
            max_loss=strategy.max_loss,
            max_profit=strategy.max_profit,
            credit=-sum((p.side.sign * p.entry_value for p in positions), ZERO),
            accounts=sum(e.state is not ExecutionState.SKIPPED for e in executions),
            open_positions=sum(p.quantity != 0 for p in positions),
            orders=sum(len(e.orders) for e in executions),
            orders_filled=sum(
                o.status is OrderStatus.FILLED for e in executions for o in e.orders.values()
            ),
            skew_ms=_skew_ms(executions),
        )


def _event_row(line: TimelineEvent) -> EventRow:
    return EventRow(
        key=str(line.id),
        id=line.id,
        at=line.at,
        level=line.level,
        kind=line.kind,
        text=line.text,
        detail=line.detail,
        run_id=line.run_id,
        account_id=line.account_id,
    )


def _skew_ms(executions: list[ExecutionBook]) -> int | None:
    """First to last entry order acknowledged over all accounts, milliseconds."""
    times: list[datetime] = [
        o.acked_at for e in executions for o in e.entry_orders() if o.acked_at is not None
    ]
    return round((max(times) - min(times)).total_seconds() * 1000) if times else None
