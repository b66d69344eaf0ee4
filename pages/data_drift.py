"""Data of the differences between brokers' books and our runs, and of their counter."""

from typing import Any

from algomirror.app import App
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.live_view import AccountRow
from algomirror.services.takeover import beyond_ours
from algomirror.services.takeover import closed_outside
from pages import formats as f
from pages.data import accounts
from pages.data import ms
from pages.data import system
from pages.data_attention import drift

WAIT = "Two complete looks must agree first."


def table(app: App) -> dict[str, Any]:
    unread = [a.name for a in accounts(app.view) if a.drift is None]
    empty = "No difference: every broker's book agrees with our runs."
    if unread:
        empty = f"No difference known. Not compared yet: {', '.join(unread)}."
    return {"rows": [_row(app, r) for r in drift(app.view)], "empty": empty, "unread": bool(unread)}


def counter(app: App) -> dict[str, Any]:
    """The dashboard's cell: it must read 0."""
    rows = drift(app.view)
    open_ones = [r for r in rows if r.confirmed and not r.ignored]
    known = accounts(app.view)
    unread = [a.name for a in known if a.drift is None]
    count = max(len(open_ones), system(app.view).drift)
    cell: dict[str, Any] = {"label": "Drift", "kind": "text", "href": "/positions"}
    if count:
        names = ", ".join(sorted({r.account_name for r in open_ones}))
        return {**cell, "value": str(count), "cls": "danger", "sub": names or "brokers differ"}
    if known and len(unread) == len(known):
        return {**cell, "value": "unknown", "cls": "unp", "sub": "no book compared yet"}
    checking = sum(not r.confirmed for r in rows)
    sub = "books agree"
    if unread:
        sub = f"without {', '.join(unread)}"
    elif checking:
        sub = f"{checking} being checked"
    elif any(r.ignored for r in rows):
        sub = f"{sum(r.ignored for r in rows)} ignored"
    return {**cell, "value": "0", "sub": sub}


def adoptable(r: DriftRow) -> list[tuple[int, int, str, int]]:
    """The holders whose position the difference would shrink."""
    return [h for h in r.holders if h[3] * r.drift < 0]


def said(r: DriftRow) -> str:
    """What the difference means, in words."""
    gone, more = closed_outside(r.ours, r.drift), beyond_ours(r.ours, r.drift)
    parts = []
    if gone:
        parts.append(f"{gone} units of ours are no longer there: somebody closed them outside.")
    if more:
        side = "long" if more > 0 else "short"
        parts.append(f"{abs(more)} units {side} are there that no run of ours opened.")
    return " ".join(parts)


def _row(app: App, r: DriftRow) -> dict[str, Any]:
    account = app.view.get("account", str(r.account_id))
    return {
        "key": r.key, "account": r.account_name, "initials": f.initials(r.account_name),
        "colour": account.colour if isinstance(account, AccountRow) else "slate",
        "symbol": r.symbol, "exchange": r.exchange, "product": r.product,
        "broker": r.broker_net, "ours": r.ours, "drift": r.drift, "since": ms(r.since),
        "confirmed": r.confirmed, "explained": r.explained, "claimed": r.claimed,
        "ignored": r.ignored, "said": said(r), "acts": _acts(r),
    }  # fmt: skip


def _acts(r: DriftRow) -> list[dict[str, Any]]:
    waits = {"off": not r.confirmed, "why": "" if r.confirmed else WAIT}
    found: list[dict[str, Any]] = []
    if not r.ignored:
        found.append({"name": "ignore", "label": "Ignore until it changes", "kind": ""})
    if adoptable(r):
        found.append({"name": "adopt", "label": "Adopt as closed outside", "kind": "", **waits})
    if beyond_ours(r.ours, r.drift):
        found.append({"name": "takeover", "label": "Take over", "kind": "", **waits})
    found.append({"name": "flatten", "label": "Flatten the difference", "kind": "d", **waits})
    return found
