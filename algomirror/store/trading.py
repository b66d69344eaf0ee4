"""The engine's journal: facts in, one durable transaction; everything back after a restart."""

import dataclasses
import json
from collections import OrderedDict
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Dialect
from sqlalchemy import Engine
from sqlalchemy import Table
from sqlalchemy import and_
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import ProgrammingError

from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.position import Position
from algomirror.domain.risk.events import RiskEvent
from algomirror.domain.run import Execution
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import Run
from algomirror.domain.strategy import Plan
from algomirror.engine.ports import DriftNote
from algomirror.engine.ports import Fact
from algomirror.engine.ports import JournalUnavailable
from algomirror.engine.ports import KillRecord
from algomirror.engine.ports import OrderEvent
from algomirror.engine.ports import Recovered
from algomirror.engine.ports import SeenOrder
from algomirror.engine.ports import StateChange
from algomirror.engine.ports import TimelineEvent
from algomirror.errors import LeaseHeld
from algomirror.store import tables as t
from algomirror.store import tables_trading as tt
from algomirror.store.codec import to_json
from algomirror.store.db import METADATA
from algomirror.store.db import open_database
from algomirror.store.fallback import Fallback
from algomirror.store.fallback import Line
from algomirror.store.statements import Statement
from algomirror.store.trading_load import load

START_TRIES = 20
"""Each waits for the engine's patience: 5 s in all, as the services do."""
_NOT_THE_DATABASE = (IntegrityError, ProgrammingError, DataError)
"""The database works and refuses what we wrote: trying again would not help."""


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found


def _fields(value: Any, *leave: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _names(value.__class__, leave)}


@cache
def _names(kind: type, leave: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind) if f.name not in leave)


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
    DriftNote: _Kind(
        _table(tt.DriftNoteTable),
        _fields,
        ("account_id", "session_day", "symbol", "exchange", "product"),
    ),
    KillRecord: _Kind(_table(tt.KillTable), _fields, ("id",)),
}
"""In the order in which they are written, so that foreign keys hold."""


@cache
def _statements(dialect: Dialect) -> dict[type, Statement]:
    return {
        kind: Statement(_statement(how, dialect), how.table, dialect)
        for kind, how in _KINDS.items()
    }


def _statement(how: _Kind, dialect: Dialect) -> Any:
    if not how.keys:
        return insert(how.table)
    words = sqlite if dialect.name == "sqlite" else postgresql
    statement = words.insert(how.table)
    if how.only_if_absent:
        return statement.on_conflict_do_nothing(index_elements=list(how.keys))
    changed = {
        c.name: statement.excluded[c.name] for c in how.table.columns if c.name not in how.keys
    }
    return statement.on_conflict_do_update(index_elements=list(how.keys), set_=changed)


class TradingStore:
    """Implements engine.ports.Journal on a connection of its own. Owned by the engine thread.

    `epoch` is the lease under which orders may be saved; None checks nothing (simulator, tests).
    `fallback` None: with a standby another process may own trading while we cannot write, so that
    nothing may be sent on a file (product.md 15.2).
    """

    def __init__(
        self, engine: Engine, *, epoch: int | None = None, fallback: Fallback | None = None
    ) -> None:
        self._engine = engine
        self._epoch = epoch
        self._fallback = fallback
        self._is_in_doubt = False
        self._connection: Connection | None = None
        self._statements = _statements(engine.dialect)

    @classmethod
    def in_memory(cls) -> "TradingStore":
        """A fresh database in memory with all tables: for the simulator and tests."""
        engine = open_database("sqlite://")
        METADATA.create_all(engine)
        return cls(engine)

    def wipe(self) -> None:
        """Empty the trading tables: for the simulator, whose days share one database."""
        connection = self._connected()
        with connection.begin():
            for how in reversed(_KINDS.values()):
                connection.execute(delete(how.table))

    # --- writing --------------------------------------------------------------------------
    def commit(self, facts: Sequence[Fact]) -> None:
        left = self._fallback.lines if self._fallback is not None else ()
        try:
            connection = self._connected()
            with connection.begin():
                if left or self._is_in_doubt:
                    unsaved = [*self._unmerged(connection, left), *facts]
                    facts = [fact for fact in unsaved if _is_new(connection, fact)]
                self._write(connection, facts)
        except DBAPIError as failed:
            if isinstance(failed, _NOT_THE_DATABASE) and not left:
                raise
            self._is_in_doubt = True
            raise JournalUnavailable(str(failed.orig)) from failed
        self._is_in_doubt = False
        if left and self._fallback is not None:
            self._fallback.clear()

    def fall_back(self, facts: Sequence[Fact]) -> None:
        if self._fallback is None:
            raise JournalUnavailable("The database cannot be written, and no fallback is allowed.")
        self._fallback.append(facts)

    def _unmerged(self, connection: Connection, lines: Sequence[Line]) -> list[Fact]:
        """What no earlier merge took; marked as merged in this transaction."""
        table = _table(tt.FallbackMerge)
        marks = set(connection.execute(select(table.c.batch)).scalars())
        found: list[Fact] = []
        for line in lines:
            mark = f"{line.batch}-{line.number}"
            if mark not in marks and self._fallback is not None:
                found.extend(line.facts)
                row = {"batch": mark, "at": self._fallback.clock.now()}
                connection.execute(insert(table).values(row))
        return found

    def _write(self, connection: Connection, facts: Sequence[Fact]) -> None:
        grouped: dict[type, list[Any]] = defaultdict(list)
        for fact in facts:
            grouped[type(fact)].append(fact)
        for kind, how in _KINDS.items():
            if kind in grouped:
                self._statements[kind].run(connection, self._rows(how, grouped[kind]))
        if Order in grouped and self._epoch is not None:
            self._check_lease(connection)

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

    def load(self, session_day: date) -> Recovered:
        """Every run that is not over or was of this session day, with all that belongs to it."""
        self._merge_what_is_left()
        return load(self._engine, session_day)

    def _merge_what_is_left(self) -> None:
        """The fallback journal of an earlier life, before anything else."""
        tries = START_TRIES
        while self._fallback is not None and self._fallback.lines:
            try:
                self.commit(())
            except JournalUnavailable:
                tries -= 1
                if not tries:
                    raise
            else:
                return


def _is_new(connection: Connection, fact: Fact) -> bool:
    """False for an appended row that stands already: the answer to its commit was lost."""
    how = _KINDS[type(fact)]
    if how.keys:
        return True
    row = how.row(fact)
    columns = how.table.c
    same = [columns[n].is_not_distinct_from(row[n]) for n in (["id"] if "id" in row else row)]
    return connection.execute(select(how.table).where(and_(*same))).first() is None
