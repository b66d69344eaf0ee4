"""Answers of the order endpoints, with the faults that strike a single order."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from typing import Any

from algomirror.paper.answer import Answer
from algomirror.paper.books import PaperOrder
from algomirror.paper.books import Refusal
from algomirror.paper.books import Request
from algomirror.paper.exchange import PaperAccount

NEEDS_PRICE = ("LIMIT", "SL")
NEEDS_TRIGGER = ("SL", "SL-M")
MAX_SPLIT = 100


def success(account: PaperAccount, **fields: Any) -> Answer:
    body = {"status": "success", **fields}
    if account.analyze:
        body["mode"] = "analyze"
    return Answer(200, body)


def refused(account: PaperAccount, refusal: Refusal) -> Answer:
    body: dict[str, Any] = {"status": "error", "message": refusal.message}
    if account.analyze:
        body["mode"] = "analyze"
    return Answer(refusal.status, body)


def request_of(values: dict[str, Any], strategy: str) -> Request:
    return Request(
        symbol=values["symbol"],
        exchange=values["exchange"],
        action=values["action"].upper(),
        quantity=int(values["quantity"]),
        pricetype=values["pricetype"],
        product=values["product"],
        price=Decimal(str(values["price"])),
        trigger_price=Decimal(str(values["trigger_price"])),
        strategy=strategy,
    )


def why_wrong(account: PaperAccount, request: Request) -> Refusal | None:
    """The sandbox's own checks, in its order; a live server leaves them to the broker."""
    if not account.analyze:
        return None
    if request.product == "CNC" and request.exchange in ("NFO", "BFO"):
        return Refusal(
            status=400,
            message=f"CNC product not allowed for {request.exchange} derivatives segment. "
            "Use NRML for carryforward or MIS for intraday.",
        )
    if request.pricetype in NEEDS_PRICE and request.price <= 0:
        return Refusal(status=400, message=f"{request.pricetype} orders require price")
    if request.pricetype in NEEDS_TRIGGER and request.trigger_price <= 0:
        return Refusal(status=400, message=f"{request.pricetype} orders require trigger_price")
    if account.market.master.get(request.symbol, request.exchange) is None:
        return Refusal(
            status=400, message=f"Symbol {request.symbol} not found on {request.exchange}"
        )
    return None


def place(account: PaperAccount, request: Request, now: datetime) -> PaperOrder | Refusal:
    return why_wrong(account, request) or account.place(request, now)


def placeorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    request = request_of(values, values["strategy"])
    faults = account.faults
    if faults.draw("http_429", "placeorder"):
        return Answer(429, {"message": "10 per 1 second"})
    hang = faults.draw("hang", "placeorder")
    if hang is not None:
        account.place_late(request, now + timedelta(seconds=hang.seconds))
        return Answer(200, {}, transport="hang")
    semi = faults.draw("semi_auto", "placeorder")
    if semi is not None:
        answer = queued(account, values)
        if semi.part > 0:
            due = now + timedelta(seconds=semi.seconds)
            account.approve_later(answer.body["pending_order_id"], due)
        return answer
    placed = place(account, request, now)
    if isinstance(placed, Refusal):
        return refused(account, placed)
    lost = _lost_answer(account, "placeorder", "place")
    if lost is not None:
        return lost
    if faults.draw("success_without_id", "placeorder"):
        return success(account, orderid=None)
    return success(account, orderid=placed.orderid)


def _lost_answer(account: PaperAccount, endpoint: str, verb: str) -> Answer | None:
    """The act was carried out, and its answer is lost on the way or says 500."""
    if account.faults.draw("drop_reply", endpoint):
        return Answer(200, {}, transport="drop")
    if account.faults.draw("http_500_after_accept", endpoint):
        text = f"Failed to {verb} order due to internal error"
        return Answer(500, {"status": "error", "message": text})
    return None


def queued(account: PaperAccount, values: dict[str, Any]) -> Answer:
    first = values.get("orders") or [values]
    request = request_of(first[0], values["strategy"])
    number = account.queue_for_approval(request)
    return Answer(
        200,
        {
            "status": "success",
            "message": "Order queued for approval in Action Center",
            "mode": "semi_auto",
            "pending_order_id": number,
        },
    )


def placesmartorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    """Trades the difference to the target; quantity and action count only when all is flat."""
    target = int(values["position_size"])
    position = account.books.positions.get(
        (values["symbol"], values["exchange"], values["product"])
    )
    held = position.quantity if position else 0
    if target == held and not (target == 0 and values["quantity"]):
        text = "Positions Already Matched. No Action needed."
        if target == 0:
            text = "No OpenPosition Found. Not placing Exit order."
        return success(account, message=text)
    if target != held:
        difference = target - held
        values = {
            **values,
            "action": "BUY" if difference > 0 else "SELL",
            "quantity": abs(difference),
        }
    placed = place(account, request_of(values, values["strategy"]), now)
    if isinstance(placed, Refusal):
        return refused(account, placed)
    return success(account, orderid=placed.orderid)


def basketorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    """BUYs before SELLs; each result stands for itself."""
    items = sorted(values["orders"], key=lambda o: o["action"].upper() != "BUY")
    results: list[dict[str, Any]] = []
    for number, item in enumerate(items, start=1):
        request = request_of(item, values["strategy"])
        placed = place(account, request, now)
        if isinstance(placed, Refusal):
            results.append({"symbol": request.symbol, "status": "error", "message": placed.message})
            continue
        row: dict[str, Any] = {
            "symbol": request.symbol,
            "exchange": request.exchange,
            "product": request.product,
            "status": "success",
            "orderid": placed.orderid,
        }
        if account.analyze:
            row.update(batch_order=True, is_last_order=number == len(items))
        results.append(row)
    return success(account, results=results)


def splitorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    total, size = values["quantity"], values["splitsize"]
    sizes = [size] * (total // size) + ([total % size] if total % size else [])
    if len(sizes) > MAX_SPLIT:
        text = f"Total number of orders would exceed maximum limit of {MAX_SPLIT}"
        return refused(account, Refusal(status=400, message=text))
    results: list[dict[str, Any]] = []
    for number, quantity in enumerate(sizes, start=1):
        request = request_of({**values, "quantity": quantity}, values["strategy"])
        placed = place(account, request, now)
        row: dict[str, Any] = {"order_num": number, "quantity": quantity}
        if isinstance(placed, Refusal):
            row.update(status="error", message=placed.message)
        else:
            row.update(status="success", orderid=placed.orderid)
        results.append(row)
    return success(account, total_quantity=total, split_size=size, results=results)


def modifyorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    refusal = account.modify(
        values["orderid"],
        quantity=values["quantity"],
        price=Decimal(str(values["price"])),
        trigger=Decimal(str(values["trigger_price"])),
        now=now,
    )
    lost = _lost_answer(account, "modifyorder", "modify")
    if lost is not None:
        return lost
    if refusal is not None:
        return refused(account, refusal)
    more = {"message": "Order modified successfully"} if account.analyze else {}
    return success(account, orderid=values["orderid"], **more)


def cancelorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    if account.faults.draw("cancel_loses_race", "cancelorder"):
        account.fill_now(values["orderid"], now)
    refusal = account.cancel(values["orderid"], now)
    lost = _lost_answer(account, "cancelorder", "cancel")
    if lost is not None:
        return lost
    if refusal is not None:
        if not account.analyze:
            refusal = Refusal(status=400, message="Order cannot be cancelled")
        return refused(account, refusal)
    more = {"message": "Order cancelled successfully"} if account.analyze else {}
    return success(account, orderid=values["orderid"], **more)


def cancelallorder(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    ids = [o.orderid for o in account.books.open_orders()]
    if not ids and account.analyze:
        return success(
            account, canceled_orders=[], failed_cancellations=[], message="No open orders to cancel"
        )
    for orderid in ids:
        account.cancel(orderid, now)
    return success(
        account,
        canceled_orders=ids,
        failed_cancellations=[],
        message=f"Canceled {len(ids)} orders. Failed to cancel 0 orders.",
    )


def closeposition(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    held = [p for p in account.books.positions.values() if p.quantity]
    for position in held:
        account.place(
            Request(
                symbol=position.symbol,
                exchange=position.exchange,
                action="SELL" if position.quantity > 0 else "BUY",
                quantity=abs(position.quantity),
                product=position.product,
                strategy="AUTO_SQUARE_OFF",
            ),
            now,
        )
    if not account.analyze:
        return success(account, message="All Open Positions Squared Off")
    if not held:
        return success(account, message="No open positions to close")
    count = len(held)
    return success(
        account, closed_positions=count, failed_closures=0, message=f"Closed {count} positions"
    )


Handler = Callable[[PaperAccount, dict[str, Any], datetime], Answer]
ANSWERS: dict[str, Handler] = {
    "placeorder": placeorder,
    "placesmartorder": placesmartorder,
    "basketorder": basketorder,
    "splitorder": splitorder,
    "modifyorder": modifyorder,
    "cancelorder": cancelorder,
    "cancelallorder": cancelallorder,
    "closeposition": closeposition,
}
