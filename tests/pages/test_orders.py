"""What a person may do with a resting order, and what an order says about itself."""

from decimal import Decimal

import pytest

from algomirror.engine import messages as m
from pages.components.live import KpiStrip
from pages.components.live import OrdersTable
from pages.data_orders import NO_ANSWER
from tests.pages import rows
from tests.pages.conftest import Desk


async def test_open_rows_offer_their_acts_and_say_why_they_were_sent(desk: Desk) -> None:
    """Resting prices can be changed; a market order can only be cancelled; the rest has no act."""
    desk.put(rows.account(1), rows.order("a"), rows.order("b", price_type="MARKET"))
    desk.put(rows.order("c", status="FILLED"), rows.order("d", purpose="EXIT"))

    await desk.user.open("/orders")
    found = {r["key"]: r for r in desk.shown(OrdersTable)["rows"]}
    more = dict(found["a"]["more"])

    assert {k: (r["open"], r["priced"]) for k, r in found.items()} == {
        "a": (True, True), "b": (True, False), "c": (False, False), "d": (False, False),
    }  # fmt: skip
    assert more["Cause"] == "entry of run 14"
    assert more["Reference price"] == "143.10"
    assert more["Attempt, slice"] == "1, 1"


async def test_an_unknown_order_shows_its_sentence_and_no_numbers(desk: Desk) -> None:
    """Filled and average are words until a book proves them."""
    desk.put(rows.account(1), rows.order("a", status="UNKNOWN"))
    desk.put(rows.order("b", status="UNKNOWN", reason="answer timed out after 4 s"))

    await desk.user.open("/orders")
    found = {r["key"]: r for r in desk.shown(OrdersTable)["rows"]}

    assert found["a"]["reason"] == NO_ANSWER
    assert found["b"]["reason"] == "Answer timed out after 4 s."
    assert [c["v"] for c in found["a"]["cells"] if c.get("c") == "unp"] == ["unknown", "unproven"]


async def test_other_prices_are_posted_once_they_are_on_tick_and_different(desk: Desk) -> None:
    """Each wrong one gets its sentence beside the field."""
    desk.put(rows.account(1), rows.order())
    await desk.user.open("/orders")
    desk.act(OrdersTable, name="modify", id=rows.order().key)
    await desk.user.should_see(marker="limit_price")

    said = []
    for typed in ("142.35", "142.36", "0", "abc", "", "1e9"):
        desk.fill("limit_price", typed)
        await desk.press()
        said += list(desk.problems().values())
    nothing = list(desk.posted)
    desk.fill("limit_price", "141.90")
    await desk.press()

    assert said == [
        "This is the price it has.", "Not on tick: use steps of 0.05.", "Type a price above 0.",
        "Type a price in rupees, like 142.35.", "Type a price in rupees, like 142.35.",
        "Type a price in rupees, like 142.35.",
    ]  # fmt: skip
    assert nothing == []
    assert desk.posted == [
        m.ModifyOrder(client_order_id=rows.order().key, by="trader", limit_price=Decimal("141.90"))
    ]
    assert await desk.recorded() == [("trader", "modify_order", rows.order().key)]


async def test_a_stop_limit_keeps_its_limit_on_the_right_side_of_its_trigger(desk: Desk) -> None:
    """A BUY limit below its trigger would never fill when it is triggered."""
    desk.put(rows.account(1), rows.order(price_type="SL", trigger_price=Decimal("142.00")))
    await desk.user.open("/orders")
    desk.act(OrdersTable, name="modify", id=rows.order().key)
    await desk.user.should_see(marker="trigger_price")

    desk.fill("trigger_price", "143")
    await desk.press()
    wrong = desk.problems()
    desk.fill("limit_price", "143.50")
    await desk.press()

    assert list(wrong.values()) == ["A BUY limit is at or above its trigger."]
    assert desk.posted == [
        m.ModifyOrder(
            client_order_id=rows.order().key, by="trader", limit_price=Decimal("143.50"),
            trigger_price=Decimal(143),
        )
    ]  # fmt: skip


async def test_converting_says_that_the_cancel_is_proven_first(desk: Desk) -> None:
    """And lists what leaves afterwards."""
    desk.put(rows.account(1), rows.order(status="PARTIALLY_FILLED", filled=65))
    await desk.user.open("/orders")
    desk.act(OrdersTable, name="convert", id=rows.order().key)
    await desk.user.should_see("The cancel is proven before the market order leaves.")
    await desk.user.should_see("then BUY what is unfilled, now 65, at market")

    await desk.press()

    assert desk.posted == [m.ConvertToMarket(client_order_id=rows.order().key, by="trader")]


@pytest.mark.parametrize("name", ["modify", "convert"])
async def test_an_order_that_ended_under_the_dialog_is_left_alone(desk: Desk, name: str) -> None:
    """The fill that won the race counts."""
    desk.put(rows.account(1), rows.order())
    await desk.user.open("/orders")
    desk.act(OrdersTable, name=name, id=rows.order().key)
    await desk.user.should_see(marker="act")
    desk.put(rows.order(status="FILLED", filled=130))

    await desk.press()

    await desk.user.should_see("This order is FILLED by now. Nothing was sent.")
    assert desk.posted == []


async def test_the_same_acts_stand_on_the_run(desk: Desk) -> None:
    """Its own orders only."""
    desk.put(rows.account(1), rows.run(), rows.order("a"), rows.order("b", run_id=9))
    await desk.user.open("/runs/14")

    tables = [e.props["initial"]["rows"] for e in desk.user.find(kind=OrdersTable).elements]

    assert sorted([r["key"] for r in t] for t in tables) == [[], ["a"]]


async def test_the_tiles_count_every_order_once(desk: Desk) -> None:
    """Of all, what is filled, open, rejected, cancelled or without proof."""
    desk.put(rows.account(1))
    for number, status in enumerate(
        ("FILLED", "ACCEPTED", "SUBMITTED", "REJECTED", "DENIED", "CANCELLED", "UNKNOWN")
    ):
        desk.put(rows.order(str(number), status=status, side="SELL" if number % 2 else "BUY"))

    await desk.user.open("/orders")
    found = {c["label"]: c["value"] for c in desk.shown(KpiStrip)["cells"]}

    assert found == {
        "All": "7", "Buy": "4", "Sell": "3", "Filled": "1", "Open": "2", "Rejected": "2",
        "Cancelled": "1", "Unknown": "1",
    }  # fmt: skip
