"""Who did what: an append-only log whose rows are chained by hash."""

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any

from sqlmodel import desc
from sqlmodel import select

from algomirror.clock import Clock
from algomirror.store.db import Database
from algomirror.store.tables import ActivityLog as ActivityRow

_GENESIS = "0" * 64


class ActivityLog:
    """Rows are only ever added. `verify` names the first that was altered."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()

    def record(
        self,
        actor: str,
        action: str,
        *,
        object_text: str = "",
        account_id: int | None = None,
        strategy_id: int | None = None,
        run_id: int | None = None,
        details: Mapping[str, Any] | None = None,
        address: str = "",
        ok: bool = True,
        error: str = "",
    ) -> None:
        with self._lock, self._db.session() as session:
            last = session.exec(
                select(ActivityRow).order_by(desc(ActivityRow.seq)).limit(1)
            ).first()
            row = ActivityRow(
                seq=last.seq + 1 if last else 1,
                previous_hash=last.hash if last else _GENESIS,
                hash="",
                at=self._clock.now(),
                actor=actor,
                action=action,
                object_text=object_text,
                account_id=account_id,
                strategy_id=strategy_id,
                run_id=run_id,
                details=dict(details or {}),
                ip_address=address,
                status="success" if ok else "failed",
                error_message=error,
            )
            row.hash = _hash(row)
            session.add(row)

    def recent(self, limit: int = 200) -> list[ActivityRow]:
        """Newest first."""
        with self._db.session() as session:
            query = select(ActivityRow).order_by(desc(ActivityRow.seq)).limit(limit)
            return list(session.exec(query))

    def verify(self) -> int | None:
        """The number of the first row that does not fit the chain; None when all do."""
        with self._db.session() as session:
            previous = _GENESIS
            for row in session.exec(select(ActivityRow).order_by(ActivityRow.seq)):  # type: ignore[arg-type]
                if row.previous_hash != previous or row.hash != _hash(row):
                    return row.seq
                previous = row.hash
        return None


def _hash(row: ActivityRow) -> str:
    parts = [
        row.seq, row.previous_hash, round(row.at.timestamp(), 6), row.actor, row.action,
        row.object_text, row.account_id, row.strategy_id, row.run_id, row.details,
        row.ip_address, row.status, row.error_message,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
