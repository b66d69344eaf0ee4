"""Data of the kill switch: what each scope would close, and how a pull of it counts down."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from typing import TypeVar

from algomirror.app import App
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import PositionRow
from algomirror.engine.live_view import RunRow
from pages import formats as f
from pages.data import LIVE_STATES
from pages.data import STATE_WORDS
from pages.data import accounts
from pages.data import ms
from pages.data import runs
from pages.data import text

T = TypeVar("T")
TOPICS = {"account", "run", "execution", "kill"}
SLOW = ("degraded", "failed", "auth_error")


def panel(app: App) -> dict[str, Any]:
    """Scopes to choose from, and the count-down of the newest pull and of all that are not flat."""
    view = app.view
    names = strategies(view)
    scopes = [{"id": "", "label": "Everything", "rows": [_account(a) for a in accounts(view)]}]
    scopes += [
        {"id": f"account:{a.id}", "label": f"Account {a.name}", "rows": [_account(a)]}
        for a in accounts(view)
        if a.is_active or a.open_positions
    ]
    scopes += [
        {"id": f"strategy:{i}", "label": f"Strategy {name}", "rows": _of_strategy(view, i)}
        for i, name in names.items()
    ]
    return {
        "scopes": scopes,
        "kills": [_counting(app, r) for r in current(view)],
        "folder": str(app.settings.data_dir),
    }


def strategies(view: LiveView) -> dict[int, str]:
    """Those with open runs, by id."""
    return {r.strategy_id: r.name for r in runs(view) if r.state in LIVE_STATES}


def current(view: LiveView) -> list[KillRow]:
    """Every row that is not flat, and all rows of the newest pull."""
    rows = [r for r in view.rows("kill") if isinstance(r, KillRow)]
    newest = max((r.kill_id for r in rows), default=0)
    found = [r for r in rows if not r.is_flat or r.kill_id == newest]
    return sorted(found, key=lambda r: (r.is_flat, r.account_name, r.kill_id))


def not_flat(view: LiveView) -> list[KillRow]:
    return [r for r in current(view) if not r.is_flat]


def _account(a: AccountRow) -> dict[str, Any]:
    slow = a.connection in SLOW
    state = f"{STATE_WORDS[a.connection].lower()}, keeps trying" if slow else ""
    return _row(a, a.open_positions, a.working_orders, a.day_pnl, state)


def _row(
    a: AccountRow, positions: int, orders: int, pnl: Decimal | None, state: str
) -> dict[str, Any]:
    return {
        "id": a.id, "name": a.name, "broker": a.broker_name, "colour": a.colour, "mode": a.mode,
        "initials": f.initials(a.name), "positions": positions, "orders": orders,
        "pnl": text(pnl), "state": state, "text": _left(positions, orders),
    }  # fmt: skip


def _left(positions: int, orders: int) -> str:
    if not positions and not orders:
        return "nothing open"
    said = f.counted(positions, "position")
    return f"{said}, {f.counted(orders, 'working order')}" if orders else said


def _of_strategy(view: LiveView, strategy_id: int) -> list[dict[str, Any]]:
    """Accounts on which runs of the strategy are open, with what these runs hold there."""
    open_runs = {
        r.id for r in _rows(view, "run", RunRow)
        if r.strategy_id == strategy_id and r.state in LIVE_STATES
    }  # fmt: skip
    executions = [e for e in _rows(view, "execution", ExecutionRow) if e.run_id in open_runs]
    positions = [
        p for p in _rows(view, "position", PositionRow) if p.run_id in open_runs and p.quantity
    ]
    working = [
        o
        for o in _rows(view, "order", OrderRow)
        if o.run_id in open_runs and o.status in ("SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED")
    ]
    found = []
    for a in accounts(view):
        mine = [e for e in executions if e.account_id == a.id]
        if not mine:
            continue
        count = sum(p.account_id == a.id for p in positions)
        orders = sum(o.account_id == a.id for o in working)
        pnl = sum((e.pnl for e in mine), Decimal(0))
        found.append(_row(a, count, orders, pnl, str(_account(a)["state"])))
    return found


def _rows(view: LiveView, topic: str, kind: type[T]) -> Iterable[T]:
    return (r for r in view.rows(topic) if isinstance(r, kind))


def _counting(app: App, r: KillRow) -> dict[str, Any]:
    account = app.view.get("account", str(r.account_id))
    colour = account.colour if isinstance(account, AccountRow) else "slate"
    return {
        "key": r.key, "kill": r.kill_id, "name": r.account_name, "colour": colour,
        "initials": f.initials(r.account_name), "scope": r.scope, "foreign": r.with_foreign,
        "begun": ms(r.begun_at), "orders": r.orders, "filled": r.orders_filled,
        "positions": r.positions_left, "flat": r.is_flat, "flatAt": ms(r.flat_at),
        "text": "" if r.is_flat else r.text, "count": countdown(r),
    }  # fmt: skip


def countdown(r: KillRow) -> str:
    """3 of 8 orders filled, 2 positions left"""
    if r.is_flat:
        return "FLAT"
    filled = f"{r.orders_filled} of {f.counted(r.orders, 'order')} filled"
    return f"{filled}, {f.counted(r.positions_left, 'position')} left"
