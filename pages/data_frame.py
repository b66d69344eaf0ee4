"""Data of the frame around every page: app bar, banner, kill switch."""

from typing import Any

from algomirror.app import App
from algomirror.engine.live_view import ExecutionRow
from pages import formats as f
from pages.data import LIVE_STATES
from pages.data import STATE_WORDS
from pages.data import accounts
from pages.data import ms
from pages.data import runs
from pages.data import system
from pages.data import text


def status_bar(app: App, user: str) -> dict[str, Any]:
    row, now = system(app.view), app.clock.now()
    market, _ = app.market_text(now)
    return {
        "env": "demo" if app.settings.is_demo else app.settings.environment[:4],
        "server": ms(now),
        "heartbeat": ms(row.heartbeat_at),
        "indices": [[name, text(mark)] for name, mark, _ in row.indices[:2]],
        "market": market,
        "feed": row.feed_account,
        "feedOk": row.feed_state == "authenticated",
        "oldest": ms(row.oldest_price_at),
        "state": row.fleet_state,
        "rules": row.rules_armed,
        "attention": row.attention,
        "accounts": len(accounts(app.view)),
        "user": user,
        "initials": f.initials(user),
    }


def banner(app: App) -> dict[str, Any]:
    """Red: a human is needed. Amber: something is slower or older than it should be."""
    row = system(app.view)
    executions = [r for r in app.view.rows("execution") if isinstance(r, ExecutionRow)]
    if row.feed_reason:
        return _banner(
            "danger", "The database cannot be written. Nothing is sent.", row.feed_reason
        )
    for execution in executions:
        if execution.attention:
            return _banner(
                "danger",
                f"{execution.account_name}: {execution.attention}",
                "Rules and exits go on.",
                f"/runs/{execution.run_id}",
                "Open run",
            )
    if row.fleet_state != "ACTIVE":
        return _banner(
            "danger",
            f"Fleet is {row.fleet_state}.",
            f"{row.fleet_reason}. Entries are blocked, exits go on.",
            "/accounts",
            "Accounts",
        )
    known = accounts(app.view)
    if known and row.feed_state not in ("authenticated", "connecting"):
        return _banner(
            "danger",
            "The live feed is down.",
            "Prices are read by REST until it is back; exits go on.",
            "/accounts",
            "Accounts",
        )
    for account in known:
        if account.connection in ("failed", "auth_error", "degraded"):
            return _banner(
                "warn",
                f"{account.name} is {account.connection.replace('_', ' ')}.",
                f"{account.connection_text} Its positions stay guarded.",
                f"/accounts/{account.id}",
                "Open account",
            )
    return {"text": ""}


def _banner(
    level: str, sentence: str, detail: str, link: str = "", label: str = ""
) -> dict[str, Any]:
    return {"level": level, "text": sentence, "detail": detail, "link": link, "label": label}


def kill(app: App) -> dict[str, Any]:
    row = system(app.view)
    live = [r for r in runs(app.view) if r.state in LIVE_STATES]
    rows: list[dict[str, Any]] = []
    for a in accounts(app.view):
        left = f"{a.open_positions} positions, {a.working_orders} orders left"
        done = not a.open_positions and not a.working_orders
        rows.append({
            "id": a.id, "name": a.name, "colour": a.colour, "initials": f.initials(a.name),
            "pnl": text(a.day_pnl), "positions": a.open_positions, "orders": a.working_orders,
            "text": "nothing open" if done else left,
            "state": STATE_WORDS.get(a.connection, a.connection),
        })  # fmt: skip
    names = ", ".join(r["name"] for r in rows if r["positions"] or r["orders"])
    flat = not live
    said = "FLAT, books agree" if flat else f"Not flat: {names or 'waiting for the books'}"
    return {"accounts": rows, "active": row.kill_active, "flat": flat, "text": said}
