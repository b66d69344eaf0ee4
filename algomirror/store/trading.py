"""The engine's journal: facts in, one durable transaction; everything back after a restart."""

import dataclasses
import json
from collections import OrderedDict
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence
from datetime import date
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Engine
from sqlalchemy import Table
from sqlalchemy import func
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.position import Position
from algomirror.domain.risk.events import RiskEvent
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import Execution
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import Run
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import RiskAction
from algomirror.engine.ports import Fact
from algomirror.engine.ports import JournalUnavailable
from algomirror.engine.ports import OrderEvent
from algomirror.engine.ports import Recovered
from algomirror.engine.ports import SeenOrder
from algomirror.engine.ports import StateChange
from algomirror.engine.ports import TimelineEvent
from algomirror.errors import LeaseHeld
from algomirror.store import tables as t
from algomirror.store import tables_trading as tt
from algomirror.store.codec import from_json
from algomirror.store.codec import to_json
from algomirror.store.db import METADATA
from algomirror.store.db import open_database
from algomirror.store.statements import Statement

TIMELINE_KEPT = 400
_LIVE_RUNS = ("planned", "entering", "entered", "exiting")


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found


def _fields(value: Any, *leave: str) -> dict[str, Any]:
    return {
        f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name not in leave
    }


_PLAN_TEXTS: OrderedDict[int, tuple[Plan, str]] = OrderedDict()
_PLANS_KEPT = 500


def _plan_text(plan: Plan) -> str:
    """Plans never change: the text of one is made once and kept while it is in use."""
    known = _PLAN_TEXTS.get(id(plan))
    if known is not None and known[0] is plan:
        return known[1]
    text = json.dumps(to_json(plan))
    _PLAN_TEXTS[id(plan)] = (plan, text)
    if len(_PLAN_TEXTS) > _PLANS_KEPT:
        _PLAN_TEXTS.popitem(last=False)
    return text


def _run_row(run: Run) -> dict[str, Any]:
    row = _fields(run, "plan", "realised", "unrealised")
    return {
        **row,
        "frozen_plan": _plan_text(run.plan),
        "realized_pnl": run.realised,
        "unrealized_pnl": run.unrealised,
    }


def _execution_row(execution: Execution) -> dict[str, Any]:
    row = _fields(execution, "state", "realised", "unrealised", "attention")
    return {
        **row,
        "status": execution.state,
        "realized_pnl": execution.realised,
        "unrealized_pnl": execution.unrealised,
        "attention_text": execution.attention,
    }


def _position_row(position: Position) -> dict[str, Any]:
    row = _fields(position, "instrument")
    return {
        **row,
        "symbol": position.instrument.symbol,
        "exchange": str(position.instrument.exchange),
        "product": str(position.product),
    }


def _order_row(order: Order) -> dict[str, Any]:
    intent = _fields(order.intent, "instrument")
    return {
        **intent,
        **_fields(order, "intent"),
        "symbol": order.intent.instrument.symbol,
        "exchange": str(order.intent.instrument.exchange),
        "product": str(order.intent.product),
    }


def _risk_row(event: RiskEvent) -> dict[str, Any]:
    row = _fields(event, "threshold", "current", "action", "at", "event_type")
    return {
        **row,
        "event_type": str(event.event_type),
        "threshold_value": event.threshold,
        "current_value": event.current,
        "action_taken": str(event.action),
        "triggered_at": event.at,
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """How facts of a type are written: table, row maker, key columns (empty = append)."""

    table: Table
    row: Callable[[Any], dict[str, Any]]
    keys: tuple[str, ...] = ()
    only_if_absent: bool = False


_KINDS: dict[type, _Kind] = {
    Run: _Kind(_table(tt.StrategyRun), _run_row, ("id",)),
    Execution: _Kind(_table(tt.StrategyExecution), _execution_row, ("id",)),
    Position: _Kind(_table(tt.PositionRow), _position_row, ("id",)),
    RiskEvent: _Kind(_table(tt.RiskEventTable), _risk_row),
    ExitPlan: _Kind(_table(tt.ExitPlanRow), _fields, ("id",)),
    Order: _Kind(_table(tt.OrderTable), _order_row, ("client_order_id",)),
    OrderEvent: _Kind(_table(tt.OrderEventRow), _fields),
    Fill: _Kind(_table(tt.FillTable), _fields),
    SeenOrder: _Kind(
        _table(tt.SeenOrderTable),
        _fields,
        ("account_id", "session_day", "broker_order_id"),
        only_if_absent=True,
    ),
    TimelineEvent: _Kind(_table(tt.TimelineEventTable), _fields),
    StateChange: _Kind(_table(tt.TradingStateChange), _fields),
}
"""In the order in which they are written, so that foreign keys hold."""


class TradingStore:
    """Implements engine.ports.Journal on a connection of its own. Owned by the engine thread.

    `epoch` is the lease under which orders may be saved; None checks nothing (simulator, tests).
    """

    def __init__(self, engine: Engine, *, epoch: int | None = None) -> None:
        self._engine = engine
        self._epoch = epoch
        self._connection: Connection | None = None
        self._statements = {
            kind: Statement(self._statement(how), how.table, engine) for kind, how in _KINDS.items()
        }

    @classmethod
    def in_memory(cls) -> "TradingStore":
        """A fresh database in memory with all tables: for the simulator and tests."""
        engine = open_database("sqlite://")
        METADATA.create_all(engine)
        return cls(engine)

    def _statement(self, how: _Kind) -> Any:
        if not how.keys:
            return insert(how.table)
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(how.table)
        if how.only_if_absent:
            return statement.on_conflict_do_nothing(index_elements=list(how.keys))
        changed = {
            c.name: statement.excluded[c.name] for c in how.table.columns if c.name not in how.keys
        }
        return statement.on_conflict_do_update(index_elements=list(how.keys), set_=changed)

    # --- writing --------------------------------------------------------------------------
    def commit(self, facts: Sequence[Fact]) -> None:
        grouped: dict[type, list[Any]] = defaultdict(list)
        for fact in facts:
            grouped[type(fact)].append(fact)
        try:
            connection = self._connected()
            with connection.begin():
                for kind, how in _KINDS.items():
                    if kind in grouped:
                        self._statements[kind].run(connection, self._rows(how, grouped[kind]))
                if Order in grouped and self._epoch is not None:
                    self._check_lease(connection)
        except OperationalError as failed:
            raise JournalUnavailable(str(failed.orig)) from failed

    def _rows(self, how: _Kind, facts: list[Any]) -> list[dict[str, Any]]:
        """Rows to write; of several facts with one key only the last counts."""
        rows = [how.row(fact) for fact in facts]
        if not how.keys or len(rows) == 1:
            return rows
        return list({tuple(r[k] for k in how.keys): r for r in rows}.values())

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _check_lease(self, connection: Connection) -> None:
        """Read under our own write lock, so that no other owner can come in between."""
        lease = _table(t.EngineLease)
        row = connection.execute(select(lease.c.epoch, lease.c.holder)).first()
        if row is None or row.epoch != self._epoch:
            raise LeaseHeld(row.holder if row else "nobody")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    # --- reading --------------------------------------------------------------------------
    def load(self, session_day: date) -> Recovered:
        """Every run that is not over or was of this session day, with all that belongs to it."""
        with self._engine.connect() as connection:
            runs = _table(tt.StrategyRun)
            wanted = runs.c.state.in_(_LIVE_RUNS) | (runs.c.session_day == session_day)
            run_rows = connection.execute(select(runs).where(wanted)).mappings().all()
            ids = [r["id"] for r in run_rows]
            executions = _table(tt.StrategyExecution)
            execution_rows = (
                connection.execute(select(executions).where(executions.c.run_id.in_(ids)))
                .mappings()
                .all()
            )
            found = [r["id"] for r in execution_rows]
            return Recovered(
                runs=tuple(map(_to_run, run_rows)),
                executions=tuple(map(_to_execution, execution_rows)),
                plans=tuple(
                    ExitPlan(**_without(r))
                    for r in self._of(connection, tt.ExitPlanRow, found)
                    if r["state"] == "open"
                ),
                positions=tuple(map(_to_position, self._of(connection, tt.PositionRow, found))),
                orders=tuple(map(_to_order, self._of(connection, tt.OrderTable, found))),
                fills=tuple(self._fills(connection, found)),
                risk_events=tuple(self._risk_events(connection, ids)),
                seen=tuple(self._seen(connection, session_day)),
                timeline=tuple(self._timeline(connection)),
                states=tuple(self._states(connection)),
                next_ids=self._next_ids(connection),
                run_numbers=self._run_numbers(connection),
            )

    def _of(self, connection: Connection, model: Any, executions: list[int]) -> Any:
        table = _table(model)
        query = select(table).where(table.c.execution_id.in_(executions))
        return connection.execute(query).mappings().all()

    def _fills(self, connection: Connection, executions: list[int]) -> list[Fill]:
        fills, orders = _table(tt.FillTable), _table(tt.OrderTable)
        query = (
            select(fills)
            .join(orders, orders.c.client_order_id == fills.c.client_order_id)
            .where(orders.c.execution_id.in_(executions))
            .order_by(fills.c.id)
        )
        return [Fill(**_without(r, "id")) for r in connection.execute(query).mappings()]

    def _risk_events(self, connection: Connection, runs: list[int]) -> list[RiskEvent]:
        table = _table(tt.RiskEventTable)
        query = select(table).where(table.c.run_id.in_(runs)).order_by(table.c.id)
        return [_to_risk_event(r) for r in connection.execute(query).mappings()]

    def _seen(self, connection: Connection, session_day: date) -> list[SeenOrder]:
        table = _table(tt.SeenOrderTable)
        recent = session_day - timedelta(days=1)
        query = select(table).where(table.c.session_day >= recent)
        return [SeenOrder(**_without(r)) for r in connection.execute(query).mappings()]

    def _timeline(self, connection: Connection) -> list[TimelineEvent]:
        table = _table(tt.TimelineEventTable)
        query = select(table).order_by(table.c.id.desc()).limit(TIMELINE_KEPT)
        rows = [TimelineEvent(**_without(r)) for r in connection.execute(query).mappings()]
        return rows[::-1]

    def _states(self, connection: Connection) -> list[StateChange]:
        table = _table(tt.TradingStateChange)
        rows = connection.execute(select(table).order_by(table.c.id)).mappings()
        last = {r["account_id"]: StateChange(**_without(r, "id")) for r in rows}
        return list(last.values())

    def _next_ids(self, connection: Connection) -> dict[str, int]:
        models = {
            "run": tt.StrategyRun,
            "execution": tt.StrategyExecution,
            "exit_plan": tt.ExitPlanRow,
            "position": tt.PositionRow,
            "risk_event": tt.RiskEventTable,
            "timeline": tt.TimelineEventTable,
        }
        found = {}
        for kind, model in models.items():
            highest = connection.execute(select(func.max(_table(model).c.id))).scalar()
            found[kind] = (highest or 0) + 1
        return found

    def _run_numbers(self, connection: Connection) -> dict[int, int]:
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
