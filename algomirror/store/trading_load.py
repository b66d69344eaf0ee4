"""Everything back after a restart: rows of the trading tables as domain values."""

import dataclasses
import json
from datetime import date
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Engine
from sqlalchemy import Table
from sqlalchemy import func
from sqlalchemy import select

from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.position import Position
from algomirror.domain.risk.events import RiskEvent
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import Execution
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import Run
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import RiskAction
from algomirror.engine.ports import DriftNote
from algomirror.engine.ports import KillRecord
from algomirror.engine.ports import Recovered
from algomirror.engine.ports import SeenOrder
from algomirror.engine.ports import StateChange
from algomirror.engine.ports import TimelineEvent
from algomirror.store import tables_trading as tt
from algomirror.store.codec import from_json

TIMELINE_KEPT = 400
_LIVE_RUNS = ("planned", "entering", "entered", "exiting")


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found


def load(engine: Engine, session_day: date) -> Recovered:
    """Every run that is not over, or was of this session day, or traded on it, with its parts."""
    with engine.connect() as connection:
        runs = _table(tt.StrategyRun)
        executions, orders = _table(tt.StrategyExecution), _table(tt.OrderTable)
        traded_today = (
            select(executions.c.run_id)
            .join(orders, orders.c.execution_id == executions.c.id)
            .where(orders.c.session_day == session_day)
        )
        wanted = (
            runs.c.state.in_(_LIVE_RUNS)
            | (runs.c.session_day == session_day)
            | runs.c.id.in_(traded_today)
        )
        run_rows = connection.execute(select(runs).where(wanted)).mappings().all()
        ids = [r["id"] for r in run_rows]
        of_runs = select(executions).where(executions.c.run_id.in_(ids))
        execution_rows = connection.execute(of_runs).mappings().all() if ids else ()
        found = [r["id"] for r in execution_rows]
        return Recovered(
            runs=tuple(map(_to_run, run_rows)),
            executions=tuple(map(_to_execution, execution_rows)),
            plans=tuple(
                ExitPlan(**_without(r))
                for r in _of(connection, tt.ExitPlanRow, found)
                if r["state"] == "open"
            ),
            positions=tuple(map(_to_position, _of(connection, tt.PositionRow, found))),
            orders=tuple(map(_to_order, _orders(connection, found, session_day))),
            fills=tuple(_fills(connection, found)),
            risk_events=tuple(_risk_events(connection, ids)),
            seen=tuple(_seen(connection, session_day)),
            timeline=tuple(_timeline(connection)),
            states=tuple(_states(connection)),
            drift_notes=tuple(_drift_notes(connection, session_day)),
            kills=tuple(_open_kills(connection)),
            next_ids=_next_ids(connection),
            run_numbers=_run_numbers(connection),
        )


def _of(connection: Connection, model: Any, executions: list[int]) -> Any:
    if not executions:
        return ()
    table = _table(model)
    query = select(table).where(table.c.execution_id.in_(executions))
    return connection.execute(query).mappings().all()


def _orders(connection: Connection, executions: list[int], session_day: date) -> Any:
    """Those of the executions, and of this day those that belong to none (FLATTEN)."""
    table = _table(tt.OrderTable)
    recent = session_day - timedelta(days=1)
    of_none = table.c.execution_id.is_(None) & (table.c.session_day >= recent)
    query = select(table).where(table.c.execution_id.in_(executions) | of_none)
    return connection.execute(query).mappings().all()


def _fills(connection: Connection, executions: list[int]) -> list[Fill]:
    if not executions:
        return []
    fills, orders = _table(tt.FillTable), _table(tt.OrderTable)
    query = (
        select(fills)
        .join(orders, orders.c.client_order_id == fills.c.client_order_id)
        .where(orders.c.execution_id.in_(executions))
        .order_by(fills.c.id)
    )
    return [Fill(**_without(r, "id")) for r in connection.execute(query).mappings()]


def _risk_events(connection: Connection, runs: list[int]) -> list[RiskEvent]:
    if not runs:
        return []
    table = _table(tt.RiskEventTable)
    query = select(table).where(table.c.run_id.in_(runs)).order_by(table.c.id)
    return [_to_risk_event(r) for r in connection.execute(query).mappings()]


def _seen(connection: Connection, session_day: date) -> list[SeenOrder]:
    table = _table(tt.SeenOrderTable)
    recent = session_day - timedelta(days=1)
    query = select(table).where(table.c.session_day >= recent)
    return [SeenOrder(**_without(r)) for r in connection.execute(query).mappings()]


def _timeline(connection: Connection) -> list[TimelineEvent]:
    table = _table(tt.TimelineEventTable)
    query = select(table).order_by(table.c.id.desc()).limit(TIMELINE_KEPT)
    rows = [TimelineEvent(**_without(r)) for r in connection.execute(query).mappings()]
    return rows[::-1]


def _states(connection: Connection) -> list[StateChange]:
    table = _table(tt.TradingStateChange)
    rows = connection.execute(select(table).order_by(table.c.id)).mappings()
    last = {r["account_id"]: StateChange(**_without(r, "id")) for r in rows}
    return list(last.values())


def _drift_notes(connection: Connection, session_day: date) -> list[DriftNote]:
    table = _table(tt.DriftNoteTable)
    recent = session_day - timedelta(days=1)
    query = select(table).where(table.c.session_day >= recent)
    return [DriftNote(**_without(r)) for r in connection.execute(query).mappings()]


def _open_kills(connection: Connection) -> list[KillRecord]:
    table = _table(tt.KillTable)
    query = select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id)
    return [KillRecord(**_without(r)) for r in connection.execute(query).mappings()]


def _next_ids(connection: Connection) -> dict[str, int]:
    models = {
        "run": tt.StrategyRun,
        "execution": tt.StrategyExecution,
        "exit_plan": tt.ExitPlanRow,
        "position": tt.PositionRow,
        "risk_event": tt.RiskEventTable,
        "timeline": tt.TimelineEventTable,
        "kill": tt.KillTable,
    }
    orders = _table(tt.OrderTable)
    flatten = select(func.max(orders.c.attempt)).where(orders.c.purpose == OrderPurpose.FLATTEN)
    highest = {kind: select(func.max(_table(model).c.id)) for kind, model in models.items()}
    highest["flatten"] = flatten
    query = select(*(found.scalar_subquery().label(kind) for kind, found in highest.items()))
    row = connection.execute(query).mappings().one()
    return {kind: (row[kind] or 0) + 1 for kind in highest}


def _run_numbers(connection: Connection) -> dict[int, int]:
    table = _table(tt.StrategyRun)
    query = select(table.c.strategy_id, func.max(table.c.number)).group_by(table.c.strategy_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _without(row: Any, *leave: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in leave}


def _instrument(row: Any) -> Instrument:
    return Instrument(row["symbol"], Exchange(row["exchange"]))


def _to_run(row: Any) -> Run:
    fields = _without(row, "frozen_plan", "realized_pnl", "unrealized_pnl")
    return Run(
        **fields,
        plan=from_json(Plan, json.loads(row["frozen_plan"])),
        realised=row["realized_pnl"],
        unrealised=row["unrealized_pnl"],
    )


def _to_execution(row: Any) -> Execution:
    fields = _without(row, "status", "realized_pnl", "unrealized_pnl", "attention_text")
    return Execution(
        **fields,
        state=row["status"],
        realised=row["realized_pnl"],
        unrealised=row["unrealized_pnl"],
        attention=row["attention_text"],
    )


def _to_position(row: Any) -> Position:
    fields = _without(row, "symbol", "exchange", "product")
    return Position(**fields, instrument=_instrument(row), product=Product(row["product"]))


def _to_order(row: Any) -> Order:
    names = {f.name for f in dataclasses.fields(OrderIntent)} - {"instrument", "product"}
    intent = OrderIntent(
        **{n: row[n] for n in names},
        instrument=_instrument(row),
        product=Product(row["product"]),
    )
    fields = {f.name for f in dataclasses.fields(Order)} - {"intent"}
    return Order(intent=intent, **{n: row[n] for n in fields})


def _to_risk_event(row: Any) -> RiskEvent:
    fields = _without(
        row, "threshold_value", "current_value", "action_taken", "triggered_at", "event_type"
    )
    return RiskEvent(
        **fields,
        event_type=RiskEventType(row["event_type"]),
        threshold=row["threshold_value"],
        current=row["current_value"],
        action=RiskAction(row["action_taken"]),
        at=row["triggered_at"],
    )
