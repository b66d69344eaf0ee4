"""Answers of the account's books, in the two profiles' shapes."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from typing import Any

from algomirror.paper.answer import Answer
from algomirror.paper.answers_orders import success
from algomirror.paper.books import PaperOrder
from algomirror.paper.books import PaperPosition
from algomirror.paper.books import PaperTrade
from algomirror.paper.exchange import PaperAccount

ZERO = Decimal(0)


def number(value: Decimal) -> float:
    return float(round(value, 2))


def stamp(at: datetime) -> str:
    return at.isoformat(" ", "seconds")[:19]


def ping(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    return Answer(200, {"status": "success", "data": {"broker": account.broker, "message": "pong"}})


def funds(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    used, realised, unrealised = account.used_margin(), account.realised(), account.unrealised()
    available = account.books.cash + realised - used
    if not account.analyze:
        figures = {
            "availablecash": available,
            "collateral": ZERO,
            "m2mrealized": realised,
            "m2munrealized": unrealised,
            "utiliseddebits": used,
        }
        return Answer(
            200, {"status": "success", "data": {k: f"{v:.2f}" for k, v in figures.items()}}
        )
    data: dict[str, Any] = {
        "availablecash": number(available),
        "collateral": 0.0,
        "m2mrealized": number(realised),
        "m2munrealized": number(unrealised),
        "total_realized_pnl": number(realised),
        "today_realized_pnl": number(realised),
        "utiliseddebits": number(used),
        "grossexposure": number(used),
        "totalpnl": number(realised + unrealised),
        "last_reset": stamp(account.market.started),
        "reset_count": 0,
    }
    return success(account, data=data)


def order_row(account: PaperAccount, order: PaperOrder) -> dict[str, Any]:
    """Made once and given again until something changes: a reader leaves it as it is."""
    r, limit = order.request, order.shown_as_limit
    now = (account.analyze, r, order.status, order.filled, order.value, order.reason, limit)
    if order.shown is None or order.shown[0] != now:
        order.shown = (now, _order_row(account, order))
    return order.shown[1]


def _order_row(account: PaperAccount, order: PaperOrder) -> dict[str, Any]:
    r = order.request
    price = number(r.price)
    pricetype = r.pricetype
    if order.shown_as_limit is not None:
        price, pricetype = number(order.shown_as_limit), "LIMIT"
    elif r.pricetype == "MARKET":
        price = number(order.ltp_at_placement) if account.analyze else 0.0
    row: dict[str, Any] = {
        "symbol": r.symbol,
        "exchange": r.exchange,
        "action": r.action,
        "quantity": r.quantity,
        "price": price,
        "trigger_price": number(r.trigger_price),
        "pricetype": pricetype,
        "product": r.product,
        "orderid": order.orderid,
        "order_status": order.status,
        "timestamp": stamp(order.placed_at),
    }
    if account.analyze:
        row.update(
            average_price=number(order.average),
            filled_quantity=order.filled,
            pending_quantity=order.rest if order.is_open else 0,
            rejection_reason=order.reason,
            strategy=r.strategy,
        )
    return row


def orderbook(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    orders = list(account.books.orders.values())[::-1]
    if account.faults.draw("orderbook_empty", "orderbook"):
        orders = []
    elif orders and account.faults.draw("orderbook_short", "orderbook"):
        orders = orders[: len(orders) // 2]
    actions = [o.request.action for o in orders]
    words = [o.status for o in orders]
    statistics: dict[str, Any] = {
        "total_buy_orders": actions.count("BUY"),
        "total_sell_orders": actions.count("SELL"),
        "total_completed_orders": words.count("complete"),
        "total_open_orders": words.count("open"),
        "total_rejected_orders": words.count("rejected"),
    }
    if account.analyze:
        statistics["total_trigger_pending_orders"] = words.count("trigger pending")
    rows = [order_row(account, o) for o in orders]
    return success(account, data={"orders": rows, "statistics": statistics})


def tradebook(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    rows = account.books.trade_rows
    for trade in account.books.trades:
        if trade.tradeid not in rows:
            rows[trade.tradeid] = _trade_row(account, trade)
    return success(account, data=[rows[t.tradeid] for t in account.books.trades[::-1]])


def _trade_row(account: PaperAccount, trade: PaperTrade) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": trade.symbol,
        "exchange": trade.exchange,
        "product": trade.product,
        "action": trade.action,
        "quantity": trade.quantity,
        "average_price": number(trade.price),
        "trade_value": number(trade.price * trade.quantity),
        "orderid": trade.orderid,
        "timestamp": stamp(trade.at),
    }
    if account.analyze:
        row.update(tradeid=trade.tradeid, price=number(trade.price), strategy=trade.strategy)
    return row


def positionbook(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    positions = list(account.books.positions.values())
    lag = account.faults.draw("positionbook_lag", "positionbook")
    if lag is not None:
        positions = account.books.positions_at(now - timedelta(seconds=lag.seconds))
    if not account.analyze:
        return success(account, data=[_position_row(account, p) for p in positions])
    rows = []
    for p in positions:
        if p.quantity == 0 and p.realised == 0:
            continue
        rows.append(_position_row(account, p))
    unrealised = sum(r["unrealized_pnl"] for r in rows if r["quantity"])
    realised = sum(r["today_realized_pnl"] for r in rows)
    total = round(unrealised + realised, 2)
    return success(
        account,
        data=rows,
        total_pnl=total,
        total_pnl_today=total,
        total_unrealized_pnl=round(unrealised, 2),
        total_today_realized_pnl=round(realised, 2),
    )


def _position_row(account: PaperAccount, p: PaperPosition) -> dict[str, Any]:
    """Made anew when its price or the position changes: a reader leaves it as it is."""
    last = account.market.ltp(p.symbol, p.exchange) or ZERO
    now = (account.analyze, last, p.quantity, p.average, p.realised)
    if p.shown is None or p.shown[0] != now:
        make = _sandbox_position if account.analyze else _live_position
        p.shown = (now, make(p, last))
    return p.shown[1]


def _unrealised(p: PaperPosition, last: Decimal) -> Decimal:
    return p.quantity * (last - p.average) if p.quantity else ZERO


def _live_position(p: PaperPosition, last: Decimal) -> dict[str, Any]:
    return {
        "symbol": p.symbol,
        "exchange": p.exchange,
        "product": p.product,
        "quantity": p.quantity,
        "average_price": f"{p.average:.2f}",
        "ltp": number(last),
        "pnl": number(p.realised + _unrealised(p, last)),
    }


def _sandbox_position(p: PaperPosition, last: Decimal) -> dict[str, Any]:
    unrealised = _unrealised(p, last)
    pnl = p.realised + unrealised
    invested = abs(p.average * p.quantity)
    return {
        "symbol": p.symbol,
        "exchange": p.exchange,
        "product": p.product,
        "quantity": p.quantity,
        "average_price": number(p.average),
        "ltp": number(last),
        "pnl": number(pnl),
        "pnlpercent": float(pnl / invested * 100) if invested else 0.0,
        "unrealized_pnl": number(unrealised if p.quantity else p.realised),
        "today_realized_pnl": number(p.realised),
        "total_pnl_today": number(pnl),
        "lot_size": 1.0,
    }


def holdings(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    rows: list[dict[str, Any]] = []
    if not account.analyze:
        last = number(account.market.ltp("RELIANCE", "NSE") or Decimal(1400))
        pnl = round(10 * (last - 1200.0), 2)
        rows = [
            {
                "symbol": "RELIANCE",
                "exchange": "NSE",
                "quantity": 10,
                "product": "CNC",
                "average_price": 1200.0,
                "pnl": pnl,
                "pnlpercent": round(pnl / 120.0, 2),
            }
        ]
    invested = sum(r["quantity"] * r["average_price"] for r in rows)
    profit = sum(r["pnl"] for r in rows)
    statistics = {
        "totalholdingvalue": float(invested + profit),
        "totalinvvalue": float(invested),
        "totalprofitandloss": float(profit),
        "totalpnlpercentage": round(profit / invested * 100, 2) if invested else 0.0,
    }
    return success(account, data={"holdings": rows, "statistics": statistics})


def openposition(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    found = account.books.positions.get((values["symbol"], values["exchange"], values["product"]))
    return success(account, quantity=found.quantity if found else 0)


def orderstatus(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    order = account.books.orders.get(values["orderid"])
    if order is None:
        body = {"status": "error", "message": f"Order {values['orderid']} not found"}
        if account.analyze:
            body["mode"] = "analyze"
        return Answer(404, body)
    row = dict(order_row(account, order))
    if account.analyze:
        row["price_type"] = row.pop("pricetype")
        row.pop("rejection_reason")
    else:
        row["average_price"] = number(order.average) if order.status == "complete" else 0.0
    return success(account, data=row)


def analyzer(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    return Answer(200, {"status": "success", "data": _mode(account)})


def toggle(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    account.analyze = values["mode"]
    word = "analyze" if account.analyze else "live"
    data = {**_mode(account), "message": f"Analyzer mode switched to {word}"}
    return Answer(200, {"status": "success", "data": data})


def _mode(account: PaperAccount) -> dict[str, Any]:
    return {
        "mode": "analyze" if account.analyze else "live",
        "analyze_mode": account.analyze,
        "total_logs": len(account.books.orders),
    }


Handler = Callable[[PaperAccount, dict[str, Any], datetime], Answer]
ANSWERS: dict[str, Handler] = {
    "ping": ping,
    "funds": funds,
    "orderbook": orderbook,
    "tradebook": tradebook,
    "positionbook": positionbook,
    "holdings": holdings,
    "openposition": openposition,
    "orderstatus": orderstatus,
    "analyzer": analyzer,
    "analyzer/toggle": toggle,
}
