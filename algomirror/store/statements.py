"""Statements compiled once, for the engine's hot path."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Dialect
from sqlalchemy import Table


class Statement:
    """One statement compiled once: rows go to the driver without SQLAlchemy's per-call work."""

    def __init__(self, statement: Any, table: Table, dialect: Dialect) -> None:
        names = [c.name for c in table.columns if not (c.name == "id" and _is_counted(table))]
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._sql = str(compiled)
        self._order: list[str] | None = compiled.positiontup
        self._processors = {
            c.name: c.type.dialect_impl(dialect).bind_processor(dialect)
            for c in table.columns
            if c.name in names
        }

    def run(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        ready = [
            {
                name: processor(row[name]) if processor is not None else row[name]
                for name, processor in self._processors.items()
            }
            for row in rows
        ]
        if self._order is None:
            connection.exec_driver_sql(self._sql, ready)
        else:
            order = self._order
            connection.exec_driver_sql(self._sql, [tuple(r[n] for n in order) for r in ready])


def _is_counted(table: Table) -> bool:
    """Append-only tables whose number the database gives."""
    return table.name in ("order_events", "fills", "trading_state_changes")
