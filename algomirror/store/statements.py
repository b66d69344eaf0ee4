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
        self._is_by_name = compiled.positiontup is None
        processors = {
            c.name: c.type.dialect_impl(dialect).bind_processor(dialect)
            for c in table.columns
            if c.name in names
        }
        self._processors = [(n, processors[n]) for n in compiled.positiontup or names]

    def run(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        ready = [
            tuple(
                [row[n] if process is None else process(row[n]) for n, process in self._processors]
            )
            for row in rows
        ]
        if self._is_by_name:
            names = [name for name, _ in self._processors]
            named = [dict(zip(names, cells, strict=True)) for cells in ready]
            connection.exec_driver_sql(self._sql, named)
        else:
            connection.exec_driver_sql(self._sql, ready)


def _is_counted(table: Table) -> bool:
    """Append-only tables whose number the database gives."""
    return table.name in ("order_events", "fills", "trading_state_changes")
