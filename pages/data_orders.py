"""From order and fill rows to the rows of their tables, with what an opened row says."""

from datetime import datetime
from typing import Any

from algomirror.app import App
from algomirror.clock import IST
from algomirror.engine.live_view import FillRow
from algomirror.engine.live_view import OrderRow
from pages import formats as f
from pages.data import ORDER_TONES
from pages.data import ms
from pages.data import run_text
from pages.data import text

NO_ANSWER = "The answer did not come. It is not sent again; the books are checked."
ORDER_HEAD = [{"t": "Time"}, {"t": "Account"}, {"t": "Side"}, {"t": "Symbol"},
              {"t": "Purpose", "hp": 1}, {"t": "Type", "hp": 1}, {"t": "Price", "n": 1, "hp": 1},
              {"t": "Qty", "n": 1, "hp": 1}, {"t": "Filled", "n": 1}, {"t": "Avg", "n": 1},
              {"t": "Status"}, {"t": "Order id", "hp": 1}, {"t": "Run", "hp": 1}]  # fmt: skip

RUN_COLUMNS = 11
"""Beside the timeline of a run there is no room for the order id and the run; a row opens to it."""


def orders(app: App, run_id: int | None, *, account_id: int | None = None) -> dict[str, Any]:
    rows = [
        r
        for r in app.view.rows("order")
        if isinstance(r, OrderRow)
        and (run_id is None or r.run_id == run_id)
        and (account_id is None or r.account_id == account_id)
    ]
    rows.sort(key=lambda r: (r.submitted_at, r.key), reverse=True)
    return {
        "head": ORDER_HEAD[:RUN_COLUMNS] if run_id is not None else ORDER_HEAD, "acts": True,
        "rows": [_order(r, in_run=run_id is not None, run=run_text(app, r.run_id)) for r in rows],
        "empty": "No orders yet. Execute a strategy to send some.",
        "file": f"orders_{account_id or 'all'}_{app.clock.now():%Y%m%d_%H%M}.csv",
    }  # fmt: skip


def tiles(app: App) -> dict[str, Any]:
    """How many there are of each kind; an order without proof is red."""
    rows = [r for r in app.view.rows("order") if isinstance(r, OrderRow)]
    by_side = {side: [r for r in rows if r.side == side] for side in ("BUY", "SELL")}

    def of(*statuses: str) -> int:
        return sum(r.status in statuses for r in rows)

    filled, lost = of("FILLED"), of("UNKNOWN")
    cells: list[dict[str, Any]] = [
        {"label": "All", "value": len(rows),
         "sub": f.counted(len({r.run_id for r in rows}), "run")},
        *(
            {"label": side.capitalize(), "value": len(found),
             "sub": f"{sum(r.status == 'FILLED' for r in found)} filled"}
            for side, found in by_side.items()
        ),
        {"label": "Filled", "value": filled,
         "sub": f"{100 * filled // len(rows)} %" if rows else "–"},
        {"label": "Open", "value": of("SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED"),
         "sub": "on the way or resting"},
        {"label": "Rejected", "value": of("REJECTED", "DENIED"), "sub": "by broker or by us"},
        {"label": "Cancelled", "value": of("CANCELLED"), "sub": "proven"},
        {"label": "Unknown", "value": lost, "sub": "not sent again" if lost else "none",
         "cls": "danger" if lost else "", "subcls": "danger" if lost else "",
         "href": "/attention"},
    ]  # fmt: skip
    return {"cells": [{**c, "kind": "text", "value": str(c["value"])} for c in cells], "even": True}


def _order(r: OrderRow, *, in_run: bool, run: str) -> dict[str, Any]:
    cells = [
        {"v": ms(r.submitted_at), "k": "time"}, {"v": r.account_name},
        {"v": r.side, "k": "side"}, {"v": r.symbol, "k": "strong"}, {"v": r.purpose},
        {"v": r.price_type}, {"v": text(r.limit_price or r.trigger_price), "k": "price"},
        {"v": r.quantity, "k": "qty"}, *_proven(r),
        {"v": r.status, "k": "badge", "c": ORDER_TONES.get(r.status, "")},
        {"v": r.broker_order_id or "–"},
        {"v": run, "k": "link", "h": f"/runs/{r.run_id}"},
    ]  # fmt: skip
    is_open = r.status in ("ACCEPTED", "PARTIALLY_FILLED") and r.purpose == "ENTRY"
    return {
        "key": r.key, "cells": cells[:RUN_COLUMNS] if in_run else cells, "reason": why(r),
        "cls": "unk" if r.status == "UNKNOWN" else "",
        "open": is_open, "priced": is_open and r.price_type != "MARKET", "more": _order_more(r),
    }  # fmt: skip


def _proven(r: OrderRow) -> list[dict[str, Any]]:
    """Filled and average; without proof they are words, not numbers."""
    if r.status == "UNKNOWN" and not r.filled:
        return [{"v": "unknown", "c": "unp"}, {"v": "unproven", "c": "unp"}]
    return [{"v": r.filled, "k": "qty"}, {"v": text(r.average), "k": "price"}]


def why(r: OrderRow) -> str:
    """An order without proof always says where it stands."""
    if r.status == "UNKNOWN":
        return f.sentence(r.reason) or NO_ANSWER
    return r.reason if r.status != "FILLED" else ""


def _order_more(r: OrderRow) -> list[list[str]]:
    """What an opened row says: why it was sent, against which price, which attempt, when."""
    found = [["Our id", r.key], ["Order id", r.broker_order_id or "none yet"],
             ["Cause", r.cause or "not noted"]]  # fmt: skip
    if r.reason:
        found.append(["Reason", r.reason])
    found.append(["Reference price", f.number(r.reference) if r.reference is not None
                  else "none when it was decided"])  # fmt: skip
    if r.limit_price is not None:
        found.append(["Limit", f.number(r.limit_price)])
    if r.trigger_price is not None:
        found.append(["Trigger", f.number(r.trigger_price)])
    found.append(["Attempt, slice", f"{r.attempt}, {r.slice_no}"])
    times = f"sent {_precise(r.submitted_at)}"
    if r.acked_at is not None:
        times += f", answered after {(r.acked_at - r.submitted_at).total_seconds() * 1000:.0f} ms"
    if r.done_at is not None:
        times += f", ended {_precise(r.done_at)}"
    return [*found, ["Times", times], ["Product, exchange", f"{r.product}, {r.exchange}"]]


def _precise(at: datetime) -> str:
    return f"{at.astimezone(IST):%H:%M:%S.%f}"[:-3]


FILL_HEAD = [{"t": "Time"}, {"t": "Account"}, {"t": "Side"}, {"t": "Symbol"},
             {"t": "Qty", "n": 1}, {"t": "Price", "n": 1}, {"t": "Value", "n": 1, "hp": 1},
             {"t": "Proof", "hp": 1}, {"t": "Order", "hp": 1}]  # fmt: skip


def fills(app: App, run_id: int | None) -> dict[str, Any]:
    rows = [
        r
        for r in app.view.rows("fill")
        if isinstance(r, FillRow) and (run_id is None or r.run_id == run_id)
    ]
    rows.sort(key=lambda r: r.at, reverse=True)
    found = []
    for r in rows:
        cells = [
            {"v": ms(r.at), "k": "time"}, {"v": r.account_name}, {"v": r.side, "k": "side"},
            {"v": r.symbol, "k": "strong"}, {"v": r.quantity, "k": "qty"},
            {"v": text(r.price), "k": "price"}, {"v": text(r.value), "k": "price"},
            {"v": r.source.replace("_", " ")}, {"v": r.client_order_id},
        ]  # fmt: skip
        found.append({"key": r.key, "cells": cells, "reason": "", "cls": "", "open": False})
    return {
        "head": FILL_HEAD, "rows": found, "acts": False, "empty": "No fills yet.",
        "file": f"trades_{run_id or 'all'}_{app.clock.now():%Y%m%d_%H%M}.csv",
    }  # fmt: skip
