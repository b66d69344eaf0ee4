"""The paper exchange without a network: hands, price bands, refusals, nights, lost answers."""

from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from algomirror.clock import IST
from algomirror.paper.answer import Answer
from algomirror.paper.answers import PaperServer
from algomirror.paper.band import band_of
from algomirror.paper.books import PaperOrder
from algomirror.paper.books import Request
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.paper.market import Market
from algomirror.paper.master import default_master

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
KEY = "key-of-a-test"
SYMBOL = "NIFTY01DEC2625000CE"
PROFILES: list[Profile] = ["analyze", "live"]


class Desk:
    """One account of an exchange whose market stands still."""

    def __init__(self, profile: Profile = "live", *, day_change: time | None = None) -> None:
        market = Market(default_master(NOW.date()), seed=3, start=NOW, moving=())
        self.server = PaperServer(market, limits=False, day_change=day_change)
        self.account: PaperAccount = self.server.add_account(
            KEY, cash=Decimal(10_000_000), profile=profile
        )
        self.market = market
        self.now = NOW

    @property
    def last(self) -> Decimal:
        found = self.market.ltp(SYMBOL, "NFO")
        assert found is not None
        return found

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.server.step(self.now)

    def call(self, endpoint: str, **fields: Any) -> Answer:
        return self.server.handle(endpoint, {"apikey": KEY, **fields}, self.now)

    def place(self, **changes: Any) -> Answer:
        fields = {"strategy": "t", "symbol": SYMBOL, "exchange": "NFO", "action": "BUY",
                  "quantity": 65, "product": "NRML"}  # fmt: skip
        return self.call("placeorder", **{**fields, **changes})

    def rests(self) -> PaperOrder:
        """A BUY limit far below the market, resting."""
        self.place(pricetype="LIMIT", price=float(self.last) - 20)
        return list(self.account.books.orders.values())[-1]

    def modify(self, order: PaperOrder, price: float) -> Answer:
        return self.call(
            "modifyorder", strategy="t", exchange="NFO", symbol=SYMBOL, orderid=order.orderid,
            action="BUY", product="NRML", pricetype="LIMIT", price=price, quantity=65,
            disclosed_quantity=0, trigger_price=0,
        )  # fmt: skip

    def cancel(self, order: PaperOrder) -> Answer:
        return self.call("cancelorder", strategy="t", orderid=order.orderid)

    def strike(self, *rules: FaultRule) -> None:
        self.account.faults = FaultPlan(rules=list(rules))


def by_hand(quantity: int = 65, product: str = "NRML") -> Request:
    return Request(symbol=SYMBOL, exchange="NFO", action="SELL", quantity=quantity, product=product)


# --- hands ------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", PROFILES)
def test_a_trade_by_hand_is_struck_by_no_fault_of_openalgo(profile: Profile) -> None:
    """It stands in the books like any other, without our tag."""
    desk = Desk(profile)
    desk.strike(FaultRule(kind="reject_late"), FaultRule(kind="partial_fill"))
    desk.account.refuses_market = True

    placed = desk.account.trade_by_hand(by_hand(), desk.now)

    assert isinstance(placed, PaperOrder)
    assert placed.status == "complete"
    rows = desk.call("positionbook").body["data"]
    assert [row["quantity"] for row in rows] == [-65]


# --- refusals ---------------------------------------------------------------------------------
def test_a_band_is_drawn_in_to_the_tick() -> None:
    """Never below one tick."""
    band = band_of(Decimal("100.03"), Decimal(10), Decimal("0.05"))

    assert (Decimal("90.05"), Decimal("110.00")) == (band.lower, band.upper)
    assert band_of(Decimal("0.05"), Decimal(90), Decimal("0.05")).lower == Decimal("0.05")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", ["MARKET", "LIMIT"])
def test_outside_the_daily_range_an_order_is_rejected_late(profile: Profile, kind: str) -> None:
    """Market orders and prices beyond the circuit; the text names both limits."""
    desk = Desk(profile)
    desk.account.band_pct = Decimal(10)
    price = 0.0 if kind == "MARKET" else float(desk.last) * 2

    answer = desk.place(pricetype=kind, price=price)
    before = desk.account.books.orders[answer.body["orderid"]].status
    desk.wait(1.0)

    order = desk.account.books.orders[answer.body["orderid"]]
    assert answer.status == 200
    assert (before, order.status, order.filled) == ("open pending", "rejected", 0)
    assert "outside the daily range, lower circuit limit " in order.reason
    assert ", upper circuit limit " in order.reason


def test_inside_the_daily_range_a_limit_order_is_accepted() -> None:
    """A modify out of the range is refused and leaves the order as it was."""
    desk = Desk()
    desk.account.band_pct = Decimal(90)
    order = desk.rests()
    price = order.request.price

    refused = desk.modify(order, float(desk.last) * 3)

    assert (order.status, order.request.price) == ("open", price)
    assert refused.status == 400
    assert "upper circuit limit" in refused.body["message"]


def test_a_live_broker_may_refuse_market_orders() -> None:
    """At once, with a sentence; limits pass; the sandbox knows nothing of it."""
    live, sandbox = Desk("live"), Desk("analyze")
    for desk in (live, sandbox):
        desk.account.refuses_market = True

    answer = live.place(pricetype="MARKET")

    text = "Market orders are not allowed for this segment. Place a limit order."
    assert (answer.status, answer.body) == (400, {"status": "error", "message": text})
    assert live.place(pricetype="LIMIT", price=float(live.last)).status == 200
    assert sandbox.place(pricetype="MARKET").status == 200


# --- lost answers -----------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["drop_reply", "http_500_after_accept"])
def test_a_cancel_and_a_modify_can_lose_their_answer(kind: Any) -> None:
    """They were carried out all the same."""
    desk = Desk()
    order = desk.rests()
    desk.strike(FaultRule(kind=kind, endpoint="modifyorder"),
                FaultRule(kind=kind, endpoint="cancelorder"))  # fmt: skip

    modified = desk.modify(order, float(desk.last) - 15)
    price = order.request.price
    cancelled = desk.cancel(order)

    lost = {(a.status, a.transport) for a in (modified, cancelled)}
    assert lost == ({(200, "drop")} if kind == "drop_reply" else {(500, "")})
    assert price == desk.last - 15
    assert order.status == "cancelled"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cancel_can_lose_the_race_against_a_fill(profile: Profile) -> None:
    """The order is complete at its limit, the cancel is refused."""
    desk = Desk(profile)
    order = desk.rests()
    desk.strike(FaultRule(kind="cancel_loses_race"))

    answer = desk.cancel(order)

    assert answer.status == 400
    assert (order.status, order.filled, order.average) == ("complete", 65, order.request.price)


# --- nights -----------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", PROFILES)
def test_a_night_empties_the_books_and_carries_the_net(profile: Profile) -> None:
    """Resting orders end; what is flat is gone; the cash of both days is still known."""
    desk = Desk(profile)
    desk.place(action="SELL", quantity=130)
    desk.place(action="BUY", quantity=65)
    resting = desk.rests()
    money = desk.account.books.cash + desk.account.realised()
    cash = sum(p.cash for p in desk.account.books.positions.values())

    desk.server.new_day(desk.now)

    rows = desk.call("positionbook").body["data"]
    assert resting.status == "cancelled"
    assert desk.call("orderbook").body["data"]["orders"] == []
    assert desk.call("tradebook").body["data"] == []
    assert [(row["symbol"], row["quantity"]) for row in rows] == [(SYMBOL, -65)]
    assert sum(p.cash for p in desk.account.books.positions.values()) == cash
    assert (desk.account.books.cash, desk.account.realised()) == (money, 0)


def test_an_intraday_position_does_not_live_through_the_night() -> None:
    """It is squared off at the last price; its cash is kept apart."""
    desk = Desk()
    desk.place(product="MIS")

    desk.server.new_day(desk.now)

    assert desk.account.books.positions == {}
    assert desk.account.books.earlier_cash == desk.account.realised() + (
        desk.account.books.cash - desk.account.start_cash
    )


def test_the_day_changes_by_itself_at_the_time_it_was_given() -> None:
    """At 03:00 by the time of India, once."""
    desk = Desk(day_change=time(3, 0))
    desk.place()
    midnight = NOW.replace(hour=23, minute=59)
    desk.now = midnight
    desk.wait(3600.0)
    before = len(desk.account.books.orders)

    desk.wait(3 * 3600.0)

    assert (before, len(desk.account.books.orders)) == (1, 0)
    desk.place()
    desk.wait(60.0)
    assert len(desk.account.books.orders) == 1
