"""Data of the frame around every page: app bar, banner, kill switch."""

from typing import Any

from algomirror.app import App
from algomirror.engine.live_view import ExecutionRow
from pages import data_attention
from pages import data_kill
from pages import formats as f
from pages.data import accounts
from pages.data import ms
from pages.data import system
from pages.data import text

BANNER_TOPICS = {"system", *data_attention.TOPICS}


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
        "attention": data_attention.count(app),
        "accounts": len(accounts(app.view)),
        "user": user,
        "initials": f.initials(user),
    }


def banner(app: App) -> dict[str, Any]:
    """Red: a human is needed. Amber: something is slower or older than it should be."""
    row = system(app.view)
    escalated = data_attention.siren(app.view)
    if escalated is not None:
        said = _banner(
            "siren",
            f"{escalated.account_name}: {_now(escalated)}{escalated.attention}.",
            data_attention.what_follows(escalated),
            "/attention",
            "Open attention",
        )
        return {**said, "id": escalated.id}
    if row.feed_reason:
        what = "Exits are sent, entries wait." if row.is_on_fallback else "Nothing is sent."
        return _banner("danger", f"The database cannot be written. {what}", row.feed_reason)
    falling = data_kill.not_flat(app.view)
    if falling:
        names = ", ".join(sorted({r.account_name for r in falling}))
        left = sum(r.positions_left for r in falling)
        return _banner(
            "danger",
            f"Kill switch, not flat: {names}.",
            f"{f.counted(left, 'position')} left. {f.sentence(falling[0].text)}".strip(),
            "/attention",
            "Attention list",
        )
    waiting = data_attention.items(app)
    if waiting:
        first, more = waiting[0], len(waiting) - 1
        others = f" And {more} more." if more else ""
        return _banner(
            "danger",
            f"{first['account']}: {first['title']}.",
            f"{first['detail']}{others}",
            "/attention",
            "Attention list",
        )
    if row.fleet_state != "ACTIVE":
        return _banner(
            "danger",
            f"Fleet is {row.fleet_state}.",
            f"{f.sentence(row.fleet_reason)} Entries stay blocked until you resume them on "
            "Accounts; exits are allowed.",
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


def _now(escalated: ExecutionRow) -> str:
    """The state comes first where it has changed since."""
    return "flat by now. It was: " if escalated.state == "exited" else ""


def _banner(
    level: str, sentence: str, detail: str, link: str = "", label: str = ""
) -> dict[str, Any]:
    return {"level": level, "text": sentence, "detail": detail, "link": link, "label": label}
