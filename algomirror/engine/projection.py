"""From the book to the rows that pages read; a few at a time, never in the way of a tick."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from algomirror.domain.instrument import Instrument
from algomirror.domain.money import ZERO
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderStatus
from algomirror.domain.position import Position
from algomirror.domain.risk.rules import RuleState
from algomirror.domain.run import ExecutionState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.fleet_rows import project_fleet
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import FillRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import PositionRow
from algomirror.engine.live_view import QuoteRow
from algomirror.engine.live_view import RuleRow
from algomirror.engine.live_view import RunRow
from algomirror.engine.ports import TimelineEvent

EVERY_S = 0.2
CURVE_EVERY_S = 1.0
CURVE_POINTS = 4000
BATCH = 24
"""Executions projected a round, so that no round takes more than a millisecond or two."""


class Projection:
    """Owned by the engine thread; the view is the only thing others read."""

    def __init__(self, core: Core, view: LiveView) -> None:
        self._core = core
        self._view = view
        self._due = 0.0
        self._curve_due = 0.0
        self._queue: deque[int] = deque()
        self._queued: set[int] = set()
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

    def project(self) -> None:
        core = self._core
        if core.dirty_orders or core.new_fills or core.timeline:
            self._project_journal()
        now = core.clock.monotonic()
        if now >= self._due:
            self._due = now + EVERY_S
            self._enqueue_live()
            self._project_quotes()
            self._project_runs(now)
            project_fleet(core, self._view)
        self._project_executions()

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
        """Executions whose prices or facts moved since the last round."""
        wanted = self._core.dirty_executions
        self._core.dirty_executions = set()
        for instrument in self._quotes:
            for run_id in self._core.book.runs_by_instrument.get(instrument, ()):
                run = self._core.book.runs[run_id]
                if not run.is_final:
                    wanted.update(run.executions)
        for execution_id in wanted:
            if execution_id not in self._queued:
                self._queued.add(execution_id)
                self._queue.append(execution_id)

    def _project_executions(self) -> None:
        rows: list[PositionRow | ExecutionRow] = []
        for _ in range(min(BATCH, len(self._queue))):
            execution_id = self._queue.popleft()
            self._queued.discard(execution_id)
            rows.extend(self._execution_rows(self._core.book.executions[execution_id]))
        if rows:
            self._view.put_all(rows)

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
                orders=len(orders),
                orders_filled=sum(o.status is OrderStatus.FILLED for o in orders),
                orders_unknown=sum(o.status is OrderStatus.UNKNOWN for o in orders),
                drift=self._drift(execution),
                books_at=account.books_at if account else None,
            )
        )
        return rows

    def _drift(self, execution: ExecutionBook) -> int | None:
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

    def _project_quotes(self) -> None:
        rows = []
        for instrument in self._quotes:
            quote = self._core.market.last.get(instrument)
            if quote is not None:
                rows.append(
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
        self._quotes.clear()
        self._view.put_all(rows)

    def _project_runs(self, now: float) -> None:
        draws = now >= self._curve_due
        if draws:
            self._curve_due = now + CURVE_EVERY_S
        for run in self._core.book.runs.values():
            key = str(run.id)
            known = self._view.get("run", key)
            if run.is_final and isinstance(known, RunRow) and known.state == run.run.state:
                continue
            self._view.put(self._run_row(run))
            self._view.put_all(self._rule_rows(run))
            if draws and not run.unmarked and any(e.ever_filled for e in run.executions.values()):
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

    def _rule_rows(self, run: RunBook) -> list[RuleRow]:
        rows = []
        blind = [i for i in run.open_instruments if not self._core.market.is_fresh(i)]
        for rule in run.rules:
            state = run.states.get(rule.kind, RuleState())
            status = "armed"
            if run.is_final:
                status = "off"
            elif blind:
                status = "blind"
            elif not run.net:
                status = "waiting"
            if state.triggered_at is not None:
                status = "triggered"
            way = run.pnl / rule.level if rule.level else ZERO
            rows.append(
                RuleRow(
                    key=f"{run.id}:{rule.kind}",
                    run_id=run.id,
                    execution_id=None,
                    kind=rule.kind,
                    action=rule.action,
                    status=status,  # type: ignore[arg-type]
                    level=rule.level,
                    current=run.pnl,
                    distance=rule.distance(run.pnl),
                    progress=min(max(float(way), 0.0), 1.0),
                    text=run.run.max_loss_exit_reason
                    if rule.kind == "max_loss"
                    else run.run.max_profit_exit_reason,
                    why=self._why(run),
                    evaluated_at=self._core.clock.now(),
                    triggered_at=state.triggered_at,
                )
            )
        return rows

    def _why(self, run: RunBook) -> tuple[str, ...]:
        lines = []
        for instrument, net in run.net.items():
            quote = self._core.market.last.get(instrument)
            age = self._core.market.age(instrument)
            if quote is None or age is None:
                lines.append(f"{instrument.symbol} {net:+d}: no price")
            else:
                lines.append(
                    f"{instrument.symbol} {net:+d} x {quote.ltp:,.2f}, {age:.1f} s, {quote.source}"
                )
        return tuple(lines)


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
