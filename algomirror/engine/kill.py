"""The kill switch: exits its scope and ends only when every book agrees that it is flat."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import Exchange
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.run import ExitReason
from algomirror.domain.run import TradingState
from algomirror.engine.accounts import AccountState
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core
from algomirror.engine.drift import CONFIRM_S
from algomirror.engine.drift import QUIET_S
from algomirror.engine.drift import DriftDesk
from algomirror.engine.flatten import Flatten
from algomirror.engine.lifecycle import Lifecycle
from algomirror.engine.limbs import KillFile
from algomirror.engine.limbs import KillOrder
from algomirror.engine.live_view import LiveView
from algomirror.engine.messages import RequestKill
from algomirror.engine.ports import KillRecord

log = logging.getLogger(__name__)

FILE_EVERY_S = 1.0
ROWS_EVERY_S = 0.25
FOREIGN_EXCHANGES = (Exchange.NFO, Exchange.BFO)
REASON = "kill switch"


class KillDesk:
    """Owned by the engine thread. Survives a restart: an open kill goes on."""

    def __init__(
        self,
        core: Core,
        lifecycle: Lifecycle,
        flatten: Flatten,
        drift: DriftDesk,
        view: LiveView,
        file: KillFile | None,
    ) -> None:
        self._core = core
        self._lifecycle = lifecycle
        self._flatten = flatten
        self._drift = drift
        self._view = view
        self._file = file
        self._open: dict[int, KillRecord] = {}
        self._by_file: int | None = None
        self._next_file = self._next_rows = 0.0
        self._status = ""
        self._clean_from: dict[tuple[int, int], float] = {}
        """By kill and account: when a look first showed nothing of others (monotonic)."""

    # --- pulling --------------------------------------------------------------------------
    def pull(self, message: RequestKill) -> KillRecord | None:
        """Entries stop, everything in the scope is left; pulled again it joins."""
        if message.account_id is not None and message.account_id not in self._core.accounts:
            text = f"No account {message.account_id} is known: nothing was killed."
            self._core.event("refused", text, level="critical")
            return None
        record = KillRecord(
            id=self._core.next_id("kill"),
            by=message.by,
            begun_at=self._core.clock.now(),
            account_id=message.account_id,
            strategy_id=message.strategy_id,
            with_foreign=message.with_foreign and message.strategy_id is None,
        )
        self._core.stage(record)
        self._take_up(record)
        if message.strategy_id is None:
            self._core.set_trading_state(
                message.account_id, TradingState.REDUCING, reason=REASON, by=message.by
            )
        self._leave(record)
        for account_id in self._accounts(record):
            self._core.want_look(account_id, positions=True)
        return record

    def restore(self, records: tuple[KillRecord, ...]) -> None:
        """After a restart: the same kills, on what is still open."""
        for record in records:
            self._take_up(record)
            self._leave(record)

    def _take_up(self, record: KillRecord) -> None:
        self._open[record.id] = record
        self._core.kills_open = len(self._open)
        self._next_rows = 0.0

    def _leave(self, record: KillRecord) -> None:
        for run in list(self._core.book.runs.values()):
            in_scope = record.strategy_id in (None, run.run.strategy_id)
            if in_scope and not run.is_final:
                self._lifecycle.exit_run(
                    run,
                    reason=ExitReason.KILL_SWITCH,
                    by=record.by,
                    account_id=record.account_id,
                    leg_id=None,
                )

    def blocks_strategy(self, strategy_id: int) -> bool:
        return any(record.strategy_id == strategy_id for record in self._open.values())

    # --- watching -------------------------------------------------------------------------
    def round(self) -> None:
        now = self._core.clock.monotonic()
        if self._file is not None and now >= self._next_file:
            self._next_file = now + FILE_EVERY_S
            self._look_at_file(self._file)
        if self._open and now >= self._next_rows:
            self._next_rows = now + ROWS_EVERY_S
            for record in list(self._open.values()):
                self._watch(record)

    def _watch(self, record: KillRecord) -> None:
        rows = [self._row(record, account_id) for account_id in self._accounts(record)]
        self._view.put_all(rows)
        if all(row.is_flat for row in rows):
            self._end(record, rows)
        elif self._by_file == record.id and self._file is not None:
            self._write(self._file, "\n".join(_line(row) for row in rows))

    def _accounts(self, record: KillRecord) -> list[int]:
        """Accounts of the scope; of a strategy those that its runs trade on."""
        if record.account_id is not None:
            return [record.account_id] if record.account_id in self._core.accounts else []
        if record.strategy_id is None:
            return list(self._core.accounts)
        found = {e.account_id for e in self._executions(record)}
        return sorted(found & self._core.accounts.keys())

    def _executions(
        self, record: KillRecord, account_id: int | None = None
    ) -> Iterator[ExecutionBook]:
        for execution in self._core.book.executions.values():
            if account_id in (None, execution.account_id) and record.strategy_id in (
                None,
                execution.execution.strategy_id,
            ):
                yield execution

    def _row(self, record: KillRecord, account_id: int) -> KillRow:
        account = self._core.accounts[account_id]
        executions = list(self._executions(record, account_id))
        open_ones = [e for e in executions if e.state not in FINAL_EXECUTION]
        exits = [
            o
            for o in self._core.book.orders.values()
            if o.intent.account_id == account_id
            and o.submitted_at >= record.begun_at
            and o.intent.purpose in (OrderPurpose.EXIT, OrderPurpose.FLATTEN)
        ]
        left = sum(p.quantity != 0 for e in executions for p in e.positions.values())
        why = self._why_not_flat(record, account, open_ones)
        key = f"{record.id}:{account_id}"
        return KillRow(
            key=key,
            kill_id=record.id,
            account_id=account_id,
            account_name=account.profile.name,
            scope=self._scope(record),
            with_foreign=record.with_foreign,
            begun_at=record.begun_at,
            orders=len(exits),
            orders_filled=sum(o.status is OrderStatus.FILLED for o in exits),
            positions_left=left,
            is_flat=not why,
            flat_at=None if why else self._flat_at(key),
            text=why,
        )

    def _flat_at(self, key: str) -> datetime:
        """When the row first said so."""
        row = self._view.get("kill", key)
        before = row.flat_at if isinstance(row, KillRow) else None
        return before or self._core.clock.now()

    def _scope(self, record: KillRecord) -> str:
        if record.account_id is not None:
            return self._core.account_name(record.account_id)
        if record.strategy_id is None:
            return "everything"
        runs = (r for r in self._core.book.runs.values())
        names = (r.run.plan.strategy.name for r in runs if r.run.strategy_id == record.strategy_id)
        return next(names, f"strategy {record.strategy_id}")

    # --- is it flat -----------------------------------------------------------------------
    def _why_not_flat(
        self, record: KillRecord, account: AccountState, open_ones: list[ExecutionBook]
    ) -> str:
        """Empty when the books agree: ours is closed, and with the option the broker's net is 0."""
        for execution in open_ones:
            if execution.execution.attention:
                return execution.execution.attention
        if account.connection in ("failed", "auth_error"):
            return f"{account.connection}: {account.connection_text}".rstrip(": ")
        if open_ones:
            return "exits are under way"
        begun = self._since(record)
        if account.positions_look_at is None or account.positions_look_at < begun:
            self._core.want_look(account.id, positions=True)
            return "waits for the position book"
        return self._foreign_left(record, account) if record.with_foreign else ""

    def _since(self, record: KillRecord) -> float:
        elapsed = (self._core.clock.now() - record.begun_at).total_seconds()
        return self._core.clock.monotonic() - elapsed

    def _foreign_left(self, record: KillRecord, account: AccountState) -> str:
        """What others opened there is flattened once a confirmed look shows it; shorts first."""
        if self._flatten.has_task(account.id):
            return "positions of others are being closed"
        left = [
            (key, position.quantity)
            for key, position in account.positions.items()
            if position.quantity and key.instrument.exchange in FOREIGN_EXCHANGES
        ]
        if not left:
            return self._until_sure(record, account)
        self._clean_from.pop((record.id, account.id), None)
        shorts = [(key, net) for key, net in left if net < 0]
        for key, net in shorts or left:
            self._flatten_when_sure(account, key, net)
        return f"{len(left)} positions of others are open"

    def _until_sure(self, record: KillRecord, account: AccountState) -> str:
        """A position book can be behind: two looks, 2 s apart and 5 s after the last event."""
        looked = account.positions_look_at or 0.0
        if looked < max(self._since(record), account.last_order_event) + QUIET_S:
            self._core.want_look(account.id, delay=1.0, positions=True)
            return "waits for the position book to settle"
        clean_from = self._clean_from.setdefault((record.id, account.id), looked)
        if looked - clean_from < CONFIRM_S:
            self._core.want_look(account.id, delay=CONFIRM_S, positions=True)
            return "waits for a second look"
        return ""

    def _flatten_when_sure(self, account: AccountState, key: PositionKey, net: int) -> None:
        look = account.drift_looks.get(key)
        is_sure = look is not None and look.is_confirmed and look.value == net
        if is_sure and self._drift.is_believable(account, key):
            self._flatten.begin(account.id, key, net, REASON)
        else:
            self._core.want_look(account.id, delay=1.0, positions=True)

    # --- the end --------------------------------------------------------------------------
    def _end(self, record: KillRecord, rows: list[KillRow]) -> None:
        ended = replace(record, ended_at=self._core.clock.now())
        del self._open[record.id]
        self._core.kills_open = len(self._open)
        self._core.stage(ended)
        self._core.event(
            "flat",
            f"FLAT: {self._scope(record)}, {len(rows)} accounts, books agree",
            level="warning",
        )
        if self._by_file == record.id and self._file is not None:
            self._by_file = None
            said = f"FLAT {self._core.clock.now():%H:%M:%S}, books agree"
            self._write(self._file, "\n".join([*(_line(row) for row in rows), said]))
            self._file.finish(self._core.clock.now())

    # --- the file -------------------------------------------------------------------------
    def _look_at_file(self, file: KillFile) -> None:
        """A file in the data folder does what the button does, with no browser needed."""
        if self._by_file is not None:
            return
        order = file.look()
        if order is not None:
            message = self._request(file, order)
            if message is not None:
                self._status = ""
                self._by_file = self._open_for(message) or self._pulled(file, message)

    def _pulled(self, file: KillFile, message: RequestKill) -> int | None:
        record = self.pull(message)
        if record is None:
            self._refuse(file, f"no account {message.account_id} is known")
            return None
        return record.id

    def _open_for(self, message: RequestKill) -> int | None:
        """After a restart the file is still there: its kill goes on, it is not a second one."""
        wanted = (message.account_id, message.strategy_id, message.with_foreign)
        for record in self._open.values():
            if (record.account_id, record.strategy_id, record.with_foreign) == wanted:
                return record.id
        return None

    def _request(self, file: KillFile, order: KillOrder) -> RequestKill | None:
        """Names to ids; a name nobody has is said in the status, and nothing is sent."""
        account_id, strategy_id = order.account_id, order.strategy_id
        if account_id is None and order.account:
            wanted = order.account.casefold()
            names = {a.profile.name.casefold(): a.id for a in self._core.accounts.values()}
            account_id = names.get(wanted)
            if account_id is None:
                self._refuse(file, f"no account is called {order.account}")
                return None
        if strategy_id is None and order.strategy:
            ids = {
                r.run.plan.strategy.name.casefold(): r.run.strategy_id
                for r in self._core.book.runs.values()
            }
            strategy_id = ids.get(order.strategy.casefold())
            if strategy_id is None:
                self._refuse(file, f"no run of a strategy called {order.strategy} is known")
                return None
        return RequestKill(
            by=order.by,
            account_id=account_id,
            strategy_id=strategy_id,
            with_foreign=order.with_foreign,
        )

    def _refuse(self, file: KillFile, why: str) -> None:
        self._write(file, f"REFUSED {why}")
        self._core.event("refused", f"KILL file: {why}", level="critical")
        file.finish(self._core.clock.now())

    def _write(self, file: KillFile, text: str) -> None:
        if text != self._status:
            self._status = text
            file.write_status(text)


def _line(row: KillRow) -> str:
    if row.is_flat:
        return f"{row.account_name}: flat, books agree"
    return (
        f"{row.account_name}: {row.orders_filled} of {row.orders} orders filled, "
        f"{row.positions_left} positions left: {row.text}"
    )
