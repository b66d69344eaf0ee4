"""What tests and the demo may do to the paper exchange from this machine."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from algomirror.paper.answers import PaperServer
from algomirror.paper.books import Refusal
from algomirror.paper.books import Request
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.faults import plan_from

Found = tuple[int, dict[str, Any]]


def admin(server: PaperServer, what: str, body: dict[str, Any], now: datetime) -> Found:
    """One act: index, price, drift, new_day, faults, state, approve, trade, books."""
    if what == "index":
        server.market.set_index(body["name"], float(body["price"]))
        return 200, {"status": "success"}
    if what == "drift":
        server.market.set_drift(body["name"], float(body["per_second"]))
        return 200, {"status": "success"}
    if what == "price":
        price = body.get("price")
        server.market.fix_price(
            body["symbol"], body["exchange"], None if price is None else Decimal(str(price))
        )
        return 200, {"status": "success"}
    if what == "new_day":
        server.new_day(now)
        return 200, {"status": "success"}
    accounts = _accounts(server, body)
    if not accounts:
        return 400, {"status": "error", "message": "no such key"}
    act = _ACTS.get(what)
    if act is None:
        return 404, {"status": "error", "message": f"unknown act {what}"}
    return 200, {"status": "success", "data": [act(a, body, now) for a in accounts]}


def _accounts(server: PaperServer, body: dict[str, Any]) -> list[PaperAccount]:
    """By key; by number in the order they were given; all without either."""
    if "key" in body:
        return [a for a in [server.accounts.get(body["key"])] if a is not None]
    every = list(server.accounts.values())
    return every[body["number"] : body["number"] + 1] if "number" in body else every


def _faults(account: PaperAccount, body: dict[str, Any], now: datetime) -> Any:
    account.faults = plan_from(body.get("rules", []), seed=int(body.get("seed", 0)))
    return len(account.faults.rules)


def _state(account: PaperAccount, body: dict[str, Any], now: datetime) -> Any:
    """Broker session, order mode, analyzer switch, a live broker's refusals, price band."""
    if "session_alive" in body:
        account.session_alive = bool(body["session_alive"])
    if "order_mode" in body:
        account.order_mode = str(body["order_mode"])
    if "analyze" in body:
        account.analyze = bool(body["analyze"])
    if "refusal_text" in body:
        account.refusal_text = str(body["refusal_text"])
    if "refuses_market" in body:
        account.refuses_market = bool(body["refuses_market"])
    if "band_pct" in body:
        width = body["band_pct"]
        account.band_pct = None if width is None else Decimal(str(width))
    return {"analyze": account.analyze, "order_mode": account.order_mode}


def _approve(account: PaperAccount, body: dict[str, Any], now: datetime) -> Any:
    numbers = [body["pending"]] if "pending" in body else list(account.pending)
    return [not isinstance(account.approve(number, now), Refusal | None) for number in numbers]


def _trade(account: PaperAccount, body: dict[str, Any], now: datetime) -> Any:
    """A trade by hand, outside of any client."""
    placed = account.trade_by_hand(
        Request(
            symbol=body["symbol"],
            exchange=body["exchange"],
            action=body["action"],
            quantity=int(body["quantity"]),
            product=body.get("product", "NRML"),
        ),
        now,
    )
    return placed.message if isinstance(placed, Refusal) else placed.orderid


def _books(account: PaperAccount, body: dict[str, Any], now: datetime) -> Any:
    """Exact figures as text: cash flow per position, orders by status, faults injected."""
    positions = account.books.positions.values()
    return {
        "positions": [
            {"symbol": p.symbol, "quantity": p.quantity, "cash": str(p.cash)} for p in positions
        ],
        "cash_flow": str(sum((p.cash for p in positions), Decimal(0))),
        "orders": [
            {
                "orderid": o.orderid,
                "symbol": o.request.symbol,
                "action": o.request.action,
                "quantity": o.request.quantity,
                "status": o.status,
                "strategy": o.request.strategy,
            }
            for o in account.books.orders.values()
        ],
        "injected": dict(account.faults.injected),
    }


_ACTS = {
    "faults": _faults,
    "state": _state,
    "approve": _approve,
    "trade": _trade,
    "books": _books,
}
