"""From live rows to the plain data that elements draw; no decisions, only selection and words."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from algomirror.app import App
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import PositionRow
from algomirror.engine.live_view import RuleRow
from algomirror.engine.live_view import RunRow
from algomirror.engine.live_view import SystemRow
from pages import formats as f

LIVE_STATES = ("planned", "entering", "entered", "exiting")
RUN_TONES = {"entered": "acc", "entering": "warn", "exiting": "warn", "failed": "dng"}
ORDER_TONES = {"FILLED": "ok", "REJECTED": "dng", "UNKNOWN": "dng", "CANCELLED": "",
               "SUBMITTED": "warn", "ACCEPTED": "acc", "PARTIALLY_FILLED": "warn"}  # fmt: skip
STATE_WORDS = {"unknown": "Health unchecked", "connected": "Connected", "degraded": "Degraded",
               "failed": "Failed", "auth_error": "Login needed"}  # fmt: skip


def text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def ms(at: datetime | None) -> int | None:
    return f.milliseconds(at)


def accounts(view: LiveView) -> list[AccountRow]:
    return [r for r in view.rows("account") if isinstance(r, AccountRow)]


def runs(view: LiveView) -> list[RunRow]:
    found = [r for r in view.rows("run") if isinstance(r, RunRow)]
    return sorted(found, key=lambda r: -r.id)


def system(view: LiveView) -> SystemRow:
    row = view.get("system", "system")
    return row if isinstance(row, SystemRow) else SystemRow()


def run(view: LiveView, run_id: int) -> RunRow | None:
    row = view.get("run", str(run_id))
    return row if isinstance(row, RunRow) else None


# --- dashboard --------------------------------------------------------------------------------
def dashboard_kpis(app: App, drift_cell: dict[str, Any]) -> dict[str, Any]:
    row, known = system(app.view), accounts(app.view)
    funds = [a.available for a in known if a.available is not None]
    m2m = [a.m2m for a in known if a.m2m is not None]
    connected = sum(a.connection == "connected" for a in known)
    missing = [a.name for a in known if a.available is None]
    live = [r for r in runs(app.view) if r.state in LIVE_STATES]
    worst = min((r.max_loss + r.pnl for r in live if r.max_loss is not None), default=None)
    return {"cells": [
        {"label": "Strategy P&L today", "kind": "pnl", "value": text(row.pnl_today),
         "sub": f"open {f.pnl(row.unrealised)} · realised {f.pnl(row.realised_today)}"},
        {"label": "Account M2M", "kind": "pnl", "value": text(sum(m2m, Decimal(0))),
         "sub": "as the brokers count it"},
        {"label": "Nearest max loss", "kind": "money", "value": text(worst) if worst is not None
         else None, "sub": "away" if worst is not None else "no run has one"}
        if live else {"label": "Nearest max loss", "kind": "text", "value": "–",
                      "sub": "nothing is open"},
        {"label": "Free margin", "kind": "short", "value": text(sum(funds, Decimal(0)))
         if funds else None,
         "sub": f"without {', '.join(missing)}" if missing else f"{len(funds)} accounts"},
        {"label": "Open runs", "kind": "text", "value": str(len(live)),
         "sub": f"{sum(r.open_positions for r in live)} positions"},
        drift_cell,
        {"label": "Accounts", "kind": "text", "value": str(connected),
         "unit": f"/ {len(known)}",
         "sub": f"{len(known) - connected} not connected" if connected < len(known)
         else "all connected"},
    ]}  # fmt: skip


def fleet_cards(app: App, *, manage: bool = False) -> dict[str, Any]:
    order = {"danger": 0, "warn": 1, "": 2}
    cards = [_account_card(a) for a in accounts(app.view)]
    cards.sort(key=lambda c: (order[c["tone"]], not c["primary"], c["id"]))
    return {"accounts": cards, "manage": manage}


def _account_card(a: AccountRow) -> dict[str, Any]:
    tone = {"failed": "danger", "auth_error": "danger", "degraded": "warn"}.get(a.connection, "")
    state = STATE_WORDS.get(a.connection, a.connection)
    if not a.is_active:
        state, tone = "Inactive", tone or "warn"
    if a.trading_state != "ACTIVE":
        state, tone = a.trading_state, "warn"
    return {
        "id": a.id, "name": a.name, "broker": a.broker_name, "colour": a.colour,
        "initials": f.initials(a.name), "role": "Primary" if a.is_primary
        else f"Backup {a.backup_rank or ''}".strip(), "primary": a.is_primary,
        "mode": a.mode, "pnl": text(a.day_pnl), "tone": tone, "connection": a.connection,
        "stateText": state, "why": a.connection_text or a.books_error, "ping": a.ping_ms,
        "available": text(a.available), "used": text(a.used), "positions": a.open_positions,
        "drift": a.drift, "booksAt": ms(a.books_at),
    }  # fmt: skip


def runs_table(app: App, *, only_live: bool, empty: str) -> dict[str, Any]:
    found = [r for r in runs(app.view) if not only_live or r.state in LIVE_STATES]
    return {"empty": empty, "runs": [_run(r) for r in found]}


def _run(r: RunRow) -> dict[str, Any]:
    return {
        "id": r.id, "number": r.number, "name": r.name, "pnl": text(r.pnl),
        "word": f.RUN_WORDS.get(r.state, r.state), "tone": RUN_TONES.get(r.state, ""),
        "accounts": r.accounts, "positions": r.open_positions, "started": ms(r.started_at),
        "exit": f.EXIT_WORDS.get(r.exit_reason, r.exit_reason), "whole": r.pnl_complete,
        "live": r.state in ("entering", "entered"), "attention": r.attention,
    }  # fmt: skip


def _belongs(app: App, e: EventRow, run_id: int) -> bool:
    """Of the run itself, or of the fleet and its accounts while it was open."""
    if e.run_id is not None:
        return e.run_id == run_id
    row = run(app.view, run_id)
    if row is None or e.at < row.started_at or (row.ended_at is not None and e.at > row.ended_at):
        return False
    executions = (x for x in app.view.rows("execution") if isinstance(x, ExecutionRow))
    mine = {x.account_id for x in executions if x.run_id == run_id}
    return e.account_id is None or e.account_id in mine


def timeline(app: App, run_id: int | None = None, *, limit: int = 40) -> dict[str, Any]:
    rows = [
        r
        for r in app.view.rows("event")
        if isinstance(r, EventRow) and (run_id is None or _belongs(app, r, run_id))
    ]
    rows.sort(key=lambda r: -r.id)
    return {"events": [
        {"id": r.id, "at": ms(r.at), "level": r.level, "text": r.text, "detail": r.detail}
        for r in rows[:limit]
    ]}  # fmt: skip


# --- a run ------------------------------------------------------------------------------------
def run_kpis(app: App, run_id: int) -> dict[str, Any]:
    r = run(app.view, run_id)
    if r is None:
        return {"cells": [{"label": "Run", "kind": "text", "value": "–", "sub": ""}]}
    kept = ""
    if r.credit:
        kept = f"{r.pnl / abs(r.credit) * 100:.1f} %".replace("-", f.MINUS)
    skew = "–" if r.skew_ms is None else f"{r.skew_ms / 1000:.2f} s"
    return {"cells": [
        {"label": "Run P&L", "kind": "pnl", "value": text(r.pnl),
         "sub": f"peak {f.pnl(r.peak, 0)} · low {f.pnl(r.trough, 0)}"
         + ("" if r.pnl_complete else " · a price is missing")},
        {"label": "Unrealised", "kind": "pnl", "value": text(r.unrealised),
         "sub": f"realised {f.pnl(r.realised)}"},
        {"label": "Of the premium", "kind": "text", "value": kept or "–",
         "sub": f"{'credit' if (r.credit or 0) >= 0 else 'debit'} "
         f"{f.money(abs(r.credit), 0) if r.credit is not None else '–'}"},
        {"label": "Positions", "kind": "text", "value": str(r.open_positions),
         "sub": f.counted(r.accounts, "account")},
        {"label": "Orders filled", "kind": "text", "value": str(r.orders_filled),
         "unit": f"/ {r.orders}", "sub": "each with a row before it left"},
        {"label": "Entry skew", "kind": "text", "value": skew, "sub": "first to last order"},
    ]}  # fmt: skip


def rail(app: App, run_id: int) -> dict[str, Any]:
    r = run(app.view, run_id)
    if r is None:
        return {"low": None, "high": None, "now": "0", "peak": "0", "trough": "0", "nearest": ""}
    distances = []
    if r.max_loss is not None:
        distances.append(r.pnl + r.max_loss)
    if r.max_profit is not None:
        distances.append(r.max_profit - r.pnl)
    live = r.state in LIVE_STATES and distances
    return {
        "low": text(-r.max_loss) if r.max_loss is not None else None,
        "high": text(r.max_profit),
        "now": text(r.pnl), "peak": text(r.peak), "trough": text(r.trough),
        "nearest": f.money(max(min(distances), Decimal(0)), 0) if live else "",
    }  # fmt: skip


def risk_cards(app: App, run_id: int) -> dict[str, Any]:
    rows = [r for r in app.view.rows("rule") if isinstance(r, RuleRow) and r.run_id == run_id]
    nearest = min((r.distance for r in rows if r.distance is not None), default=None)
    words = {"armed": "Armed", "waiting": "Waiting", "blind": "Blind",
             "triggered": "Triggered", "off": "Off"}  # fmt: skip
    return {"rules": [
        {"key": r.key, "kind": r.kind, "name": f.EXIT_WORDS.get(r.kind, r.kind),
         "action": r.action.replace("_", " "), "status": r.status, "word": words[r.status],
         "level": text(r.level), "current": text(r.current), "distance": text(r.distance),
         "progress": r.progress, "text": r.text, "why": list(r.why),
         "near": r.status == "armed" and r.distance == nearest,
         "evaluated": f.clock_time(r.evaluated_at)}
        for r in rows
    ]}  # fmt: skip


def positions(app: App, run_id: int | None, *, empty: str) -> dict[str, Any]:
    rows = [
        r
        for r in app.view.rows("position")
        if isinstance(r, PositionRow)
        and r.entry_quantity
        and (r.run_id == run_id if run_id is not None else r.quantity != 0)
    ]
    by_execution: dict[int, list[PositionRow]] = {}
    for row in sorted(rows, key=lambda r: (r.account_id, r.execution_id, r.leg_number)):
        by_execution.setdefault(row.execution_id, []).append(row)
    drifting = {
        (d.account_id, d.symbol, d.product)
        for d in app.view.rows("drift")
        if isinstance(d, DriftRow) and d.confirmed and not d.ignored
    }
    groups = [_group(app, i, found, drifting) for i, found in by_execution.items()]
    if run_id is None:
        for group in groups:
            group["runText"] = run_text(app, group["run"])
    known = [Decimal(g["pnl"]) for g in groups if g["pnl"] is not None]
    whole = len(known) == len(groups)
    return {
        "groups": groups, "empty": empty, "count": sum(r.quantity != 0 for r in rows),
        "total": text(sum(known, Decimal(0))) if whole else None,
        "file": f"positions_{run_id or 'all'}_{app.clock.now():%Y%m%d_%H%M}.csv",
    }  # fmt: skip


def _group(
    app: App, execution_id: int, rows: list[PositionRow], drifting: set[tuple[int, str, str]]
) -> dict[str, Any]:
    account = app.view.get("account", str(rows[0].account_id))
    execution = app.view.get("execution", str(execution_id))
    a = account if isinstance(account, AccountRow) else None
    e = execution if isinstance(execution, ExecutionRow) else None
    state = e.state if e else ""
    tone = "dng" if e and e.attention else "warn" if state in ("exiting", "entering") else "ok"
    pnl = (
        None
        if any(r.pnl is None for r in rows)
        else sum((r.pnl or Decimal(0) for r in rows), Decimal(0))
    )
    return {
        "key": execution_id, "account": rows[0].account_id, "run": rows[0].run_id, "runText": "",
        "name": a.name if a else f"Account {rows[0].account_id}",
        "broker": a.broker_name if a else "", "colour": a.colour if a else "slate",
        "initials": f.initials(a.name) if a else "?", "mode": e.mode if e else "unknown",
        "tone": tone, "text": f.RUN_WORDS.get(state, state), "pnl": text(pnl),
        "drift": e.drift if e else None, "booksAt": ms(e.books_at) if e else None,
        "canExit": state in ("entered", "entering"), "rows": [_position(r, drifting) for r in rows],
    }  # fmt: skip


def run_text(app: App, run_id: int | None) -> str:
    """Numbers are counted per strategy, so the name belongs to it."""
    if run_id is None:
        return "no run"
    row = run(app.view, run_id)
    return f"run {row.number} · {row.name}" if row is not None else f"run {run_id}"


def _position(r: PositionRow, drifting: set[tuple[int, str, str]]) -> dict[str, Any]:
    label = f"{f.number(r.strike, 0)} {r.option_type}" if r.strike is not None else r.symbol
    return {
        "key": r.key, "symbol": r.symbol, "label": label, "expiry": _day(r.expiry),
        "side": r.side, "quantity": r.quantity, "average": text(r.average),
        "exitAverage": text(r.exit_average), "mark": text(r.mark), "markAt": ms(r.mark_at),
        "markState": r.mark_state, "pnl": text(r.pnl), "pending": r.price_pending,
        "drift": (r.account_id, r.symbol, r.product) in drifting,
    }  # fmt: skip


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%d %b}" if iso else ""
