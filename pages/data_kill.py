"""Data of the kill switch: what each scope would close, and how a pull of it counts down."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from algomirror.app import App
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import LiveView
from pages import formats as f
from pages.data import LIVE_STATES
from pages.data import STATE_WORDS
from pages.data import accounts
from pages.data import ms
from pages.data import runs
from pages.data import text

TOPICS = {"account", "run", "execution", "kill"}
Held = dict[int, dict[int, list[ExecutionRow]]]
"""By strategy and account."""
SLOW = ("degraded", "failed", "auth_error")


def panel(app: App) -> dict[str, Any]:
    """Scopes to choose from, and the count-down of the newest pull and of all that are not flat."""
    view = app.view
    fleet = accounts(view)
    shown = {a.id: _account(a) for a in fleet}
    held = _held(view)
    scopes = [{"id": "", "label": "Everything", "rows": list(shown.values())}]
    scopes += [
        {"id": f"account:{a.id}", "label": f"Account {a.name}", "rows": [shown[a.id]]}
        for a in fleet
        if a.is_active or a.open_positions
    ]
    scopes += [
        {"id": f"strategy:{i}", "label": f"Strategy {name}", "rows": _of_strategy(fleet, held[i])}
        for i, name in strategies(view).items()
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
    return _row(a, a.open_positions, a.working_orders, a.day_pnl, _state(a))


def _state(a: AccountRow) -> str:
    return f"{STATE_WORDS[a.connection].lower()}, keeps trying" if a.connection in SLOW else ""


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


def _held(view: LiveView) -> Held:
    """Executions of open runs by strategy and account, in one pass: the hub asks at each flush."""
    strategy_of = {r.id: r.strategy_id for r in runs(view) if r.state in LIVE_STATES}
    held: Held = defaultdict(lambda: defaultdict(list))
    for row in view.rows("execution"):
        if isinstance(row, ExecutionRow) and row.run_id in strategy_of:
            held[strategy_of[row.run_id]][row.account_id].append(row)
    return held


def _of_strategy(
    fleet: list[AccountRow], held: dict[int, list[ExecutionRow]]
) -> list[dict[str, Any]]:
    """Accounts on which runs of the strategy are open, with what these runs hold there."""
    found = []
    for a in fleet:
        if mine := held.get(a.id):
            positions = sum(e.open_positions for e in mine)
            orders = sum(e.orders_working for e in mine)
            pnl = sum((e.pnl for e in mine), Decimal(0))
            found.append(_row(a, positions, orders, pnl, _state(a)))
    return found


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
