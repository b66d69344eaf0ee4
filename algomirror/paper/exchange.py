"""One OpenAlgo server of the paper exchange: matching, books, cash and rejections of one key."""

import random
from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from algomirror.paper.band import why_outside
from algomirror.paper.books import ZERO
from algomirror.paper.books import Books
from algomirror.paper.books import PaperOrder
from algomirror.paper.books import PaperTrade
from algomirror.paper.books import Refusal
from algomirror.paper.books import Request
from algomirror.paper.faults import FaultPlan
from algomirror.paper.margin import Exposure
from algomirror.paper.margin import margin_of
from algomirror.paper.market import Market

Profile = Literal["analyze", "live"]
LATE_REJECT_S = 0.4
NO_MARKET_ORDERS = "Market orders are not allowed for this segment. Place a limit order."


class PaperAccount:
    """State of one key. Pure: `now` is an argument; the same calls give the same result."""

    def __init__(
        self,
        market: Market,
        *,
        key: str,
        cash: Decimal,
        profile: Profile,
        faults: FaultPlan,
        seed: int,
        broker: str = "paper",
    ) -> None:
        self.market = market
        self.key = key
        self.profile: Profile = profile
        self.broker = broker
        self.analyze = profile == "analyze"
        self.order_mode = "auto"
        self.session_alive = True
        self.refusal_text = ""
        """When set, the live broker refuses every order at once with this sentence."""
        self.refuses_market = False
        """A live broker that takes limit orders only."""
        self.band_pct: Decimal | None = None
        """Width of the day's price range to each side of the previous close, in percent."""
        self.faults = faults
        self.start_cash = cash
        self.pending: dict[int, Request] = {}
        self._pending_due: list[tuple[datetime, int]] = []
        self._late: list[tuple[datetime, Request]] = []
        self._books = {True: Books(cash), False: Books(cash)}
        self._random = random.Random(f"{seed}-{key}")
        self._live_number = 0
        self._trade_number = 0
        self._pending_number = 0
        self.on_update: Callable[[PaperOrder, str], None] = lambda order, word: None

    @property
    def books(self) -> Books:
        return self._books[self.analyze]

    @property
    def every_books(self) -> tuple[Books, ...]:
        """Of both modes."""
        return tuple(self._books.values())

    # --- money ----------------------------------------------------------------------------
    def used_margin(self) -> Decimal:
        held = [
            Exposure(p.symbol, p.exchange, p.quantity)
            for p in self.books.positions.values()
            if p.quantity
        ]
        for order in self.books.open_orders():
            r = order.request
            held.append(Exposure(r.symbol, r.exchange, _signed(r.action, order.rest)))
        return margin_of(self.market, held) if held else ZERO

    def realised(self) -> Decimal:
        return sum((p.realised for p in self.books.positions.values()), ZERO)

    def unrealised(self) -> Decimal:
        total = ZERO
        for p in self.books.positions.values():
            if p.quantity:
                total += p.quantity * ((self.market.ltp(p.symbol, p.exchange) or ZERO) - p.average)
        return total

    def available(self) -> Decimal:
        return self.books.cash + self.realised() - self.used_margin()

    def shortage(self, request: Request) -> tuple[Decimal, Decimal] | None:
        """(required, available) when the order's extra margin does not fit; None when it does."""
        before = self.used_margin()
        held = [
            Exposure(p.symbol, p.exchange, p.quantity)
            for p in self.books.positions.values()
            if p.quantity
        ]
        signed = _signed(request.action, request.quantity)
        held.append(Exposure(request.symbol, request.exchange, signed))
        merged: dict[tuple[str, str], int] = {}
        for symbol, exchange, quantity in held:
            merged[symbol, exchange] = merged.get((symbol, exchange), 0) + quantity
        after = margin_of(self.market, [Exposure(s, e, q) for (s, e), q in merged.items()])
        required = max(after - before, ZERO)
        available = self.available()
        return (required, available) if required > available else None

    # --- orders ---------------------------------------------------------------------------
    def trade_by_hand(self, request: Request, now: datetime) -> PaperOrder | Refusal:
        """A person's order at the broker itself: no fault of OpenAlgo strikes it."""
        return self.place(request, now, by_hand=True)

    def place(
        self, request: Request, now: datetime, *, by_hand: bool = False
    ) -> PaperOrder | Refusal:
        """Accept (and match at once if it can) or refuse. Live rejects margin and freeze late; the
        sandbox refuses margin at once and, like the real one, knows no freeze quantity.
        """
        row = self.market.master.get(request.symbol, request.exchange)
        last = self.market.ltp(request.symbol, request.exchange)
        if row is None or last is None:
            return Refusal(status=400, message=_unknown_symbol(request))
        if self.analyze and request.quantity % row.lotsize:
            return Refusal(
                status=400, message=f"Quantity must be in multiples of lot size {row.lotsize}"
            )
        refusal = None if by_hand or self.analyze else self._refusal(request)
        if refusal is not None:
            return refusal
        problem = self._problem(request, 0 if self.analyze else row.freeze_qty)
        if problem is not None and self.analyze:
            return Refusal(status=400, message=problem)
        problem = problem or self._outside_band(request)
        order = PaperOrder(
            orderid=self._order_id(now),
            request=request,
            status="trigger pending" if request.pricetype in ("SL", "SL-M") else "open",
            placed_at=now,
            ltp_at_placement=last,
        )
        if not by_hand:
            self._strike_with_faults(order, now)
        if problem is not None:
            order.status = "open pending"
            order.reject_at = now + timedelta(seconds=LATE_REJECT_S)
            order.reject_reason = problem
        self.books.add(order)
        self.on_update(order, order.status)
        self._match(order, now, on_entry=True)
        return order

    def _refusal(self, request: Request) -> Refusal | None:
        """What a live broker refuses at once."""
        if self.refusal_text:
            return Refusal(status=400, message=self.refusal_text)
        if self.refuses_market and request.pricetype in ("MARKET", "SL-M"):
            return Refusal(status=400, message=NO_MARKET_ORDERS)
        return None

    def _outside_band(self, request: Request) -> str | None:
        return None if self.band_pct is None else why_outside(self.market, request, self.band_pct)

    def _problem(self, request: Request, freeze: int) -> str | None:
        short = self.shortage(request)
        if short is not None:
            required, available = short
            return (
                f"Insufficient funds. Required: ₹{required}, Available: ₹{available}, "
                f"Shortage: ₹{required - available}"
            )
        if freeze > 1 and request.quantity > freeze:
            return f"Quantity {request.quantity} exceeds freeze quantity {freeze}"
        return None

    def _strike_with_faults(self, order: PaperOrder, now: datetime) -> None:
        late = self.faults.draw("reject_late", "placeorder")
        if late is not None:
            order.status = "open pending"
            order.reject_at = now + timedelta(seconds=late.seconds)
            order.reject_reason = "RMS: rejected at the exchange"
            return
        part = self.faults.draw("partial_fill", "placeorder")
        if part is not None:
            order.hold_rest_until = now + timedelta(seconds=part.seconds)
        if order.request.pricetype == "MARKET" and self.faults.draw("market_as_limit"):
            order.shown_as_limit = order.ltp_at_placement

    def place_late(self, request: Request, at: datetime) -> None:
        """A request that hangs on its way and reaches the broker then."""
        self._late.append((at, request))

    def forget_late(self) -> None:
        """What hangs on its way at the change of the day never arrives."""
        self._late.clear()

    def queue_for_approval(self, request: Request) -> int:
        """Semi-auto: a person releases it later (or never)."""
        self._pending_number += 1
        self.pending[self._pending_number] = request
        return self._pending_number

    def approve_later(self, number: int, at: datetime) -> None:
        self._pending_due.append((at, number))

    def approve(self, number: int, now: datetime) -> PaperOrder | Refusal | None:
        request = self.pending.pop(number, None)
        return None if request is None else self.place(request, now)

    def modify(
        self, orderid: str, *, quantity: int, price: Decimal, trigger: Decimal, now: datetime
    ) -> Refusal | None:
        order = self.books.orders.get(orderid)
        if order is None:
            return Refusal(status=404, message=f"Order {orderid} not found")
        if not order.is_open:
            return Refusal(status=400, message=f"Cannot modify order in {order.status} status")
        fields = {f: getattr(order.request, f) for f in Request.__dataclass_fields__}
        fields.update(
            quantity=quantity or order.request.quantity,
            price=price or order.request.price,
            trigger_price=trigger or order.request.trigger_price,
        )
        changed = Request(**fields)
        outside = self._outside_band(changed)
        if outside is not None:
            return Refusal(status=400, message=outside)
        order.request = changed
        self._match(order, now, on_entry=False)
        return None

    def fill_now(self, orderid: str, now: datetime) -> None:
        """The market takes a resting order's rest at its price, or at the touch."""
        order = self.books.orders.get(orderid)
        if order is None or not order.is_open or order.reject_at is not None:
            return
        request = order.request
        touch = self.market.touch(request.symbol, request.exchange)
        if touch is not None:
            at_touch = touch[1] if request.action == "BUY" else touch[0]
            price = request.price if request.pricetype in ("LIMIT", "SL") else at_touch
            self._fill(order, order.rest, price, now)

    def cancel(self, orderid: str, now: datetime) -> Refusal | None:
        order = self.books.orders.get(orderid)
        if order is None:
            return Refusal(status=404, message=f"Order {orderid} not found")
        if not order.is_open:
            return Refusal(status=400, message=f"Cannot cancel order in {order.status} status")
        order.status = "cancelled"
        self.on_update(order, "cancelled")
        return None

    # --- time -----------------------------------------------------------------------------
    def step(self, now: datetime) -> None:
        """What became due: late arrivals, approvals, late rejections, resting orders."""
        if self._late:
            due = [r for at, r in self._late if at <= now]
            self._late = [(at, r) for at, r in self._late if at > now]
            for request in due:
                self.place(request, now)
        if self._pending_due:
            numbers = [n for at, n in self._pending_due if at <= now]
            self._pending_due = [(at, n) for at, n in self._pending_due if at > now]
            for number in numbers:
                self.approve(number, now)
        for books in self._books.values():
            for order in books.open_orders():
                self._step_order(order, now)

    def _step_order(self, order: PaperOrder, now: datetime) -> None:
        if order.reject_at is not None:
            if now >= order.reject_at:
                order.status, order.reason = "rejected", order.reject_reason
                self.on_update(order, "rejected")
            return
        self._match(order, now, on_entry=False)

    # --- matching -------------------------------------------------------------------------
    def _match(self, order: PaperOrder, now: datetime, *, on_entry: bool) -> None:
        if order.reject_at is not None or not order.is_open:
            return
        request = order.request
        last = self.market.ltp(request.symbol, request.exchange)
        touch = self.market.touch(request.symbol, request.exchange)
        if last is None or touch is None or last <= 0:
            return
        if request.pricetype in ("SL", "SL-M") and not order.triggered:
            if not _is_triggered(request, last):
                return
            order.triggered = True
            order.status = "open"
        price = self._fill_price(request, last, touch, on_entry=on_entry)
        if price is None:
            return
        quantity = order.rest
        if order.hold_rest_until is not None and now < order.hold_rest_until:
            lot = self._lot(request)
            quantity = max(request.quantity // 2 // lot, 0) * lot - order.filled
        if quantity > 0:
            self._fill(order, quantity, price, now)

    def _fill_price(
        self, request: Request, last: Decimal, touch: tuple[Decimal, Decimal], *, on_entry: bool
    ) -> Decimal | None:
        buys = request.action == "BUY"
        if request.pricetype == "MARKET":
            return touch[1] if buys else touch[0]
        if request.pricetype == "SL-M":
            return last
        reached = last <= request.price if buys else last >= request.price
        if not reached:
            return None
        return last if on_entry or request.pricetype == "SL" else request.price

    def _fill(self, order: PaperOrder, quantity: int, price: Decimal, now: datetime) -> None:
        request = order.request
        order.filled += quantity
        order.value += quantity * price
        self._trade_number += 1
        self.books.trades.append(
            PaperTrade(
                tradeid=f"TRADE-{now:%Y%m%d-%H%M%S}-{self._trade_number:08x}",
                orderid=order.orderid,
                symbol=request.symbol,
                exchange=request.exchange,
                product=request.product,
                action=request.action,
                quantity=quantity,
                price=price,
                at=now,
                strategy=request.strategy,
            )
        )
        self.books.position(request).trade(_signed(request.action, quantity), price)
        self.books.remember_positions(now)
        if order.rest == 0:
            order.status = "complete"
        self.on_update(order, order.status)

    def _lot(self, request: Request) -> int:
        row = self.market.master.get(request.symbol, request.exchange)
        return row.lotsize if row else 1

    def _order_id(self, now: datetime) -> str:
        if self.analyze:
            while True:
                tail = f"{self._random.randrange(10**8):08d}"
                if f"{now:%y%m%d}{tail}" not in self.books.orders:
                    return f"{now:%y%m%d}{tail}"
        self._live_number += 1
        return f"{now:%y%m%d}{self._live_number:09d}"


def _signed(action: str, quantity: int) -> int:
    return quantity if action == "BUY" else -quantity


def _is_triggered(request: Request, last: Decimal) -> bool:
    if request.action == "BUY":
        return last >= request.trigger_price
    return last <= request.trigger_price


def _unknown_symbol(request: Request) -> str:
    return f"Symbol {request.symbol} not found on exchange {request.exchange}"
