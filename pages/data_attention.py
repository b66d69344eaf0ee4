"""What waits for a person: each with its age, its consequence and the choices there are."""

import re
from datetime import datetime
from typing import Any

from algomirror.app import App
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import PositionRow
from algomirror.services.takeover import closed_outside
from pages import data_kill
from pages import formats as f
from pages.data import LIVE_STATES
from pages.data import ms
from pages.data_orders import NO_ANSWER

TOPICS = {"execution", "order", "drift", "kill", "position", "account", "event"}
ESCALATED = "ESCALATED"
ACTION_CENTER = "Action Center"
EXPIRED = "has expired"
_ORDER_ID = re.compile(r"\border (\S+?)[: ]")
CONSEQUENCES = (
    (re.compile(ESCALATED), "Attempts go on each 60 s until it is closed. You may close it at the "
     "broker; it then shows as a difference."),
    (re.compile("longs held"), "The longs stay as protection until the short is proven flat, or "
     "until you release them."),
    (re.compile("unbalanced"), "The legs hold unequal sets. Rules and stops guard what is there."),
    (re.compile("over-exit"), "Nothing more is sent there by itself. Look at the broker's own "
     "book."),
    (re.compile(ACTION_CENTER), "It may be released there at any time. Nothing else is sent to "
     "this account."),
    (re.compile(EXPIRED), "No order is sent in it. Our books hold it until you confirm the price "
     "at which it was settled."),
    (re.compile("closed outside"), "The exit left out what others seem to have closed. See the "
     "differences on Positions."),
)  # fmt: skip
COUNTS = "It is not sent again. Its whole quantity counts as on its way."
OVER = ("exited", "failed", "skipped")
ENDED = "It is over: this account's part of the run has ended. Acknowledge to clear it."
GOES_ON = "Rules and exits go on."


def items(app: App) -> list[dict[str, Any]]:
    """Worst first: a kill that is not flat, what is critical, orders without proof, drift."""
    view = app.view
    found = [_kill(view, r) for r in data_kill.not_flat(view)]
    found += [_execution(view, e) for e in flagged(view) if not _is_said_by_order(view, e)]
    found += [_order(view, o) for o in unknown(view)]
    found += [_drift(view, d) for d in drift(view) if d.confirmed and not d.ignored]
    return sorted(found, key=lambda i: (i["rank"], i["since"] or 0))


def listed(app: App) -> dict[str, Any]:
    return {"items": items(app), "empty": "Nothing needs you."}


def count(app: App) -> int:
    view = app.view
    return (
        len(data_kill.not_flat(view))
        + sum(not _is_said_by_order(view, e) for e in flagged(view))
        + len(unknown(view))
        + sum(d.confirmed and not d.ignored for d in drift(view))
    )


def flagged(view: LiveView) -> list[ExecutionRow]:
    return [r for r in view.rows("execution") if isinstance(r, ExecutionRow) and r.attention]


def unknown(view: LiveView) -> list[OrderRow]:
    return [r for r in view.rows("order") if isinstance(r, OrderRow) and r.status == "UNKNOWN"]


def drift(view: LiveView) -> list[DriftRow]:
    rows = [r for r in view.rows("drift") if isinstance(r, DriftRow)]
    return sorted(rows, key=lambda r: (r.ignored, not r.confirmed, r.account_name, r.symbol))


def siren(view: LiveView) -> ExecutionRow | None:
    """The first escalated exit that nobody has acknowledged."""
    return next((e for e in flagged(view) if ESCALATED in e.attention), None)


def what_follows(e: ExecutionRow) -> str:
    """What it means now: an execution that has ended needs a look, no more than that."""
    return ENDED if e.state in OVER else consequence(e.attention)


# --- one item each ----------------------------------------------------------------------------
def _kill(view: LiveView, r: KillRow) -> dict[str, Any]:
    return _item(
        view, r.account_id, r.account_name,
        key=f"kill:{r.key}", rank=0, tone="dng", word="NOT FLAT", since=r.begun_at,
        title=f"Kill switch: {data_kill.countdown(r)}",
        detail=f.sentence(r.text) or "The exits are on their way.",
        consequence="It stays red and goes on until every book agrees.",
        link="/positions", acts=[_act("kill", "Show the count-down")],
    )  # fmt: skip


def _execution(view: LiveView, e: ExecutionRow) -> dict[str, Any]:
    critical = ESCALATED in e.attention
    return _item(
        view, e.account_id, e.account_name,
        key=f"execution:{e.id}", rank=1 if critical else 2, tone="dng",
        word=ESCALATED if critical else f.RUN_WORDS.get(e.state, e.state).upper(),
        since=_since(view, e), title=e.attention[:1].upper() + e.attention[1:],
        detail=f"{_run_name(view, e.run_id)}, P&L {f.pnl(e.pnl)}",
        consequence=what_follows(e),
        link=f"/runs/{e.run_id}", acts=_execution_acts(view, e),
    )  # fmt: skip


def _is_said_by_order(view: LiveView, e: ExecutionRow) -> bool:
    """An order without proof has an item of its own, with more choices than the flag it raised."""
    return any(o.execution_id == e.id and (o.reason or o.key) in e.attention for o in unknown(view))


def consequence(text: str) -> str:
    return next((said for shape, said in CONSEQUENCES if shape.search(text)), GOES_ON)


def _execution_acts(view: LiveView, e: ExecutionRow) -> list[dict[str, str]]:
    """The choices of an execution; an acknowledgement is always one."""
    acts = []
    held = [
        p.quantity
        for p in view.rows("position")
        if isinstance(p, PositionRow) and p.execution_id == e.id and p.quantity
    ]
    if "longs held" in e.attention and any(q > 0 for q in held):
        acts.append(_act("release", "Release longs", danger=True))
    if "unbalanced" in e.attention and held:
        acts.append(_act("trim", "Trim to complete sets", danger=True))
    if EXPIRED in e.attention and held:
        acts.append(_act("settle", "Confirm settlement"))
    if named(view, e.attention) is not None:
        acts.append(_act("look", "Look again"))
        acts += [_act("rejected", "It never traded"), _act("filled", "It did fill")]
    if held and e.state in ("entering", "entered"):
        acts.append(_act("exit", "Exit this account", danger=True))
    acts.append(_act("acknowledge", "Acknowledge"))
    return acts


def named(view: LiveView, attention: str) -> OrderRow | None:
    """The order that an attention text names, unless it has an entry of its own or is done."""
    found = _ORDER_ID.search(attention + " ")
    row = view.get("order", found[1]) if found else None
    if not isinstance(row, OrderRow) or row.status in ("UNKNOWN", "FILLED", "DENIED"):
        return None
    return row


def _order(view: LiveView, o: OrderRow) -> dict[str, Any]:
    waits = ACTION_CENTER in o.reason
    acts = [
        _act("look", "Look again"),
        _act("rejected", "It was rejected there" if waits else "It never traded"),
        _act("filled", "It did fill"),
    ]
    if o.execution_id is not None and _is_live(view, o.execution_id):
        acts.append(_act("exit", "Exit this account", danger=True))
    return _item(
        view, o.account_id, o.account_name,
        key=f"order:{o.key}", rank=3, tone="dng", word="UNKNOWN", since=o.submitted_at,
        title=f"{o.side} {f.number_of_units(o.quantity)} {o.symbol}, {o.purpose.lower()}",
        detail=f.sentence(o.reason) or NO_ANSWER,
        consequence=consequence(o.reason) if waits else COUNTS,
        link=f"/runs/{o.run_id}" if o.run_id is not None else "/orders", acts=acts,
    )  # fmt: skip


def _drift(view: LiveView, d: DriftRow) -> dict[str, Any]:
    return _item(
        view, d.account_id, d.account_name,
        key=f"drift:{d.key}", rank=4, tone="warn", word="DRIFT", since=d.since,
        title=f"{d.symbol} {d.product}: broker shows {f.signed(d.broker_net)}, "
        f"our runs hold {f.signed(d.ours)}",
        detail=f"Difference {f.signed(d.drift)} units, "
        + ("explained by trades of others." if d.explained else "not explained by any trade seen."),
        consequence=_of_drift(d),
        link="/positions", acts=[_act("open", "Choose on Positions")],
    )  # fmt: skip


def _of_drift(d: DriftRow) -> str:
    """What exits do about it (product.md 6.3, step 5)."""
    if not closed_outside(d.ours, d.drift):
        return "Exits of our runs are not changed by it. Nobody guards what is there beyond them."
    if d.explained:
        return "An exit leaves out what is already closed, once."
    return "Exits of shorts go out in full; exits of longs are cut to what is there."


def _item(view: LiveView, account_id: int, name: str, **parts: Any) -> dict[str, Any]:
    account = view.get("account", str(account_id))
    a = account if isinstance(account, AccountRow) else None
    return {
        **parts, "since": ms(parts["since"]), "account": name, "initials": f.initials(name),
        "colour": a.colour if a else "slate", "mode": a.mode if a else "unknown",
    }  # fmt: skip


def _act(name: str, label: str, *, danger: bool = False) -> dict[str, str]:
    return {"name": name, "label": label, "kind": "d" if danger else ""}


def _since(view: LiveView, e: ExecutionRow) -> datetime | None:
    """When the flag went up, as the timeline has it."""
    times = [
        r.at
        for r in view.rows("event")
        if isinstance(r, EventRow)
        and r.run_id == e.run_id
        and r.account_id == e.account_id
        and r.level == "critical"
        and any(part in r.text for part in e.attention.split(" · "))
    ]
    return max(times, default=None)


def _is_live(view: LiveView, execution_id: int) -> bool:
    row = view.get("execution", str(execution_id))
    return isinstance(row, ExecutionRow) and row.state in LIVE_STATES and row.state != "exiting"


def _run_name(view: LiveView, run_id: int) -> str:
    row = view.get("run", str(run_id))
    return f"Run {getattr(row, 'number', run_id)} · {getattr(row, 'name', '')}".rstrip(" ·")
