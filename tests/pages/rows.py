"""Rows as the engine puts them, for tests of pages."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import PositionRow
from algomirror.engine.live_view import RunRow
from tests.pages.conftest import NOW

CE = "NIFTY01DEC2625100CE"
ACCOUNTS = {1: "Arjun", 2: "Meera", 3: "Rao HUF"}


def account(number: int, **changes: Any) -> AccountRow:
    row = AccountRow(
        key=str(number),
        id=number,
        name=ACCOUNTS[number],
        broker_name="Zerodha",
        colour="sky",
        is_primary=number == 1,
        backup_rank=None if number == 1 else number - 1,
        is_active=True,
        connection="connected",
        mode="live",
        drift=0,
        day_pnl=Decimal("3783.00"),
        open_positions=4,
    )
    return replace(row, **changes)


def run(**changes: Any) -> RunRow:
    row = RunRow(
        key="14", id=14, strategy_id=7, number=14, name="NIFTY short iron fly", trigger="manual",
        state="entered", started_at=NOW - timedelta(hours=2),
    )  # fmt: skip
    return replace(row, **changes)


def execution(account_id: int, **changes: Any) -> ExecutionRow:
    number = 40 + account_id
    row = ExecutionRow(
        key=str(number), id=number, run_id=14, account_id=account_id,
        account_name=ACCOUNTS[account_id], state="entered", mode="live", sets=1,
        pnl=Decimal("1677.00"),
    )  # fmt: skip
    return replace(row, **changes)


def position(account_id: int, quantity: int, symbol: str = CE, leg_id: int = 1) -> PositionRow:
    return PositionRow(
        key=f"{40 + account_id}-{leg_id}", run_id=14, execution_id=40 + account_id,
        account_id=account_id, leg_id=leg_id, leg_number=leg_id, symbol=symbol, exchange="NFO",
        product="NRML", side="BUY" if quantity > 0 else "SELL", quantity=quantity,
        entry_quantity=abs(quantity), average=Decimal("142.35"), pnl=Decimal(0),
    )  # fmt: skip


def order(key: str = "E41-L1-ENTRY-1-s1", **changes: Any) -> OrderRow:
    row = OrderRow(
        key=key, run_id=14, execution_id=41, account_id=1, account_name="Arjun", leg_id=1,
        purpose="ENTRY", attempt=1, slice_no=1, side="BUY", symbol=CE, exchange="NFO",
        product="NRML", quantity=130, filled=0, price_type="LIMIT",
        limit_price=Decimal("142.35"), trigger_price=None, average=None,
        reference=Decimal("143.10"), status="ACCEPTED", reason="", broker_order_id="2611",
        cause="entry of run 14", submitted_at=NOW - timedelta(seconds=6), acked_at=None,
        done_at=None,
    )  # fmt: skip
    return replace(row, **changes)


def drift(key: str = "1-CE", **changes: Any) -> DriftRow:
    """65 of our 130 short units were bought back outside."""
    row = DriftRow(
        key=key, account_id=1, account_name="Arjun", symbol=CE, exchange="NFO", product="NRML",
        broker_net=-65, ours=-130, drift=65, since=NOW - timedelta(seconds=42), confirmed=True,
        explained=True, average=Decimal("132.40"),
        holders=((41, 1, "Run 14 · NIFTY short iron fly", -130),),
    )  # fmt: skip
    return replace(row, **changes)


def kill(account_id: int, **changes: Any) -> KillRow:
    row = KillRow(
        key=f"5-{account_id}", kill_id=5, account_id=account_id,
        account_name=ACCOUNTS[account_id], scope="Everything", begun_at=NOW, orders=8,
        orders_filled=3, positions_left=2,
    )  # fmt: skip
    return replace(row, **changes)
