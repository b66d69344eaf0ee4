"""The attention list: what waits, how long, what follows, and what may be done."""

from datetime import timedelta
from decimal import Decimal

import pytest

from algomirror.engine import messages as m
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import SystemRow
from pages.components.live import AttentionList
from pages.components.live import Banner
from pages.components.live import StatusBar
from tests.pages import rows
from tests.pages.conftest import NOW
from tests.pages.conftest import Desk

ESCALATED = f"ESCALATED: 5 exits of {rows.CE} refused, the position is open"
HELD = f"longs held: short {rows.CE} not flat"
UNBALANCED = f"unbalanced entry: {rows.CE} 65 of 130"
SEMI_AUTO = "waits for approval in OpenAlgo's Action Center (#17)"


async def test_empty_it_says_that_nothing_needs_you(desk: Desk) -> None:
    """And no number stands at the bar."""
    desk.put(rows.account(1), SystemRow(feed_state="authenticated"))

    await desk.user.open("/attention")

    assert desk.shown(AttentionList) == {"items": [], "empty": "Nothing needs you."}
    assert desk.shown(StatusBar)["attention"] == 0
    assert desk.shown(Banner) == {"text": ""}


async def test_everything_that_waits_is_listed_worst_first_and_counted(desk: Desk) -> None:
    """The number at the bar is the length of the list."""
    desk.put(rows.account(1), rows.account(2), rows.account(3), rows.run())
    desk.put(rows.drift(), rows.drift("x", ignored=True), rows.drift("y", confirmed=False))
    desk.put(rows.order("E41-L1-ENTRY-1-s1", status="UNKNOWN"))
    desk.put(rows.execution(1, attention=HELD, state="exiting"))
    desk.put(rows.execution(3, attention=ESCALATED, state="exiting"))
    desk.put(rows.kill(2, text="Meera does not answer"), rows.kill(1, is_flat=True))

    await desk.user.open("/attention")
    items = desk.shown(AttentionList)["items"]

    assert [(i["word"], i["account"]) for i in items] == [
        ("NOT FLAT", "Meera"), ("ESCALATED", "Rao HUF"), ("EXITING", "Arjun"),
        ("UNKNOWN", "Arjun"), ("DRIFT", "Arjun"),
    ]  # fmt: skip
    assert all(i["consequence"] and i["acts"] and i["title"] for i in items)
    assert desk.shown(StatusBar)["attention"] == len(items)


async def test_the_age_comes_from_the_timeline(desk: Desk) -> None:
    """An attention flag itself has no time."""
    at = NOW - timedelta(minutes=2)
    desk.put(rows.account(1), rows.run(), rows.execution(1, attention=HELD))
    desk.put(EventRow(key="7", id=7, at=at, level="critical", kind="attention",
                      text=f"Arjun: {HELD}", run_id=14, account_id=1))  # fmt: skip

    await desk.user.open("/attention")
    (item,) = desk.shown(AttentionList)["items"]

    assert item["since"] == int(at.timestamp() * 1000)


async def test_an_escalated_exit_is_a_siren_until_somebody_acknowledges_it(desk: Desk) -> None:
    """On every page; the acknowledgement has a name."""
    desk.put(rows.account(3), rows.run(), rows.execution(3, attention=ESCALATED))
    await desk.user.open("/orders")
    banner = desk.shown(Banner)

    desk.user.find(kind=Banner).trigger("ack", {"id": banner["id"]})

    assert (banner["level"], banner["link"]) == ("siren", "/attention")
    assert await desk.recorded() == [("trader", "acknowledge", "execution 43")]
    assert desk.posted == [m.Acknowledge(execution_id=43, by="trader")]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"attention": HELD, "state": "exiting"}, ["release", "acknowledge"]),
        ({"attention": UNBALANCED}, ["trim", "exit", "acknowledge"]),
        ({"attention": ESCALATED, "state": "exiting"}, ["acknowledge"]),
        (
            {"attention": "order E41-L1-ENTRY-1-s1: no book settles it"},
            ["look", "rejected", "filled", "exit", "acknowledge"],
        ),
    ],
)
async def test_an_execution_offers_the_choices_of_its_case(
    desk: Desk, changes: dict[str, str], names: list[str]
) -> None:
    """Never one that cannot help."""
    desk.put(rows.account(1), rows.run(), rows.execution(1, **changes), rows.order())
    desk.put(rows.position(1, 130), rows.position(1, -130, leg_id=2))

    await desk.user.open("/attention")
    (item,) = desk.shown(AttentionList)["items"]

    assert [a["name"] for a in item["acts"]] == names


async def test_releasing_longs_lists_them_and_warns(desk: Desk) -> None:
    """The protection goes with them."""
    desk.put(rows.account(1), rows.run(), rows.execution(1, attention=HELD, state="exiting"))
    desk.put(rows.position(1, 130, "NIFTY01DEC2625400CE"), rows.position(1, -130, leg_id=2))
    await desk.user.open("/attention")
    desk.act(AttentionList, name="release", key="execution:41")
    await desk.user.should_see("Arjun (LIVE): SELL 130 NIFTY01DEC2625400CE at market")
    assert desk.posted == []

    await desk.press()

    assert desk.posted == [m.ReleaseLongs(execution_id=41, by="trader")]
    assert await desk.recorded() == [("trader", "release_longs", "execution 41")]


async def test_trimming_says_what_is_held(desk: Desk) -> None:
    """And what trimming does."""
    desk.put(rows.account(1), rows.run(), rows.execution(1, attention=UNBALANCED))
    desk.put(rows.position(1, 65))
    await desk.user.open("/attention")
    desk.act(AttentionList, name="trim", key="execution:41")
    await desk.user.should_see(f"Arjun (LIVE) holds +65 {rows.CE}")

    await desk.press()

    assert desk.posted == [m.TrimExecution(execution_id=41, by="trader")]


async def test_a_semi_auto_order_may_be_settled_as_rejected_there(desk: Desk) -> None:
    """After a warning to look at the broker's book first."""
    desk.put(rows.account(1), rows.run(), rows.order(status="UNKNOWN", reason=SEMI_AUTO))
    await desk.user.open("/attention")
    (item,) = desk.shown(AttentionList)["items"]
    desk.act(AttentionList, name="rejected", key=f"order:{rows.order().key}")
    await desk.user.should_see("Settle as not traded")

    await desk.press()

    assert "It was rejected there" in [a["label"] for a in item["acts"]]
    assert desk.posted == [
        m.SettleOrder(client_order_id=rows.order().key, by="trader", filled_quantity=0)
    ]


async def test_a_fill_is_stated_with_units_and_price_that_can_be(desk: Desk) -> None:
    """Bad input gets its sentence; nothing leaves."""
    desk.put(rows.account(1), rows.run(), rows.order(status="UNKNOWN"))
    await desk.user.open("/attention")
    desk.act(AttentionList, name="filled", key=f"order:{rows.order().key}")
    await desk.user.should_see(marker="quantity")

    desk.fill("quantity", "131")
    desk.fill("price", "-5")
    await desk.press()
    wrong = desk.problems()
    nothing = list(desk.posted)
    desk.fill("quantity", "65")
    desk.fill("price", "142.3567")
    await desk.press()

    assert sorted(wrong.values()) == ["Type 1 to 130 units.", "Type a price above 0."]
    assert nothing == []
    assert desk.posted == [
        m.SettleOrder(
            client_order_id=rows.order().key, by="trader", filled_quantity=65,
            price=Decimal("142.3567"),
        )
    ]  # fmt: skip


async def test_looking_again_reads_the_books_of_that_account(desk: Desk) -> None:
    """And is written down."""
    desk.put(rows.account(1), rows.run(), rows.order(status="UNKNOWN"))
    await desk.user.open("/attention")

    desk.act(AttentionList, name="look", key=f"order:{rows.order().key}")

    assert await desk.recorded() == [("trader", "look_again", rows.order().key)]
    assert desk.posted == [m.LookAgain(account_id=1, by="trader")]


async def test_an_order_and_the_flag_it_raised_are_one_item(desk: Desk) -> None:
    """Settled, the flag is left to be acknowledged, and says that nothing follows any more."""
    desk.put(rows.account(1), rows.run(), rows.execution(1, attention=SEMI_AUTO, state="entering"))
    desk.put(rows.order(status="UNKNOWN", reason=SEMI_AUTO))
    await desk.user.open("/attention")
    before = desk.shown(AttentionList)["items"]
    desk.put(rows.order(status="REJECTED"), rows.execution(1, attention=SEMI_AUTO, state="failed"))
    await desk.user.open("/attention")
    after = desk.shown(AttentionList)["items"]

    assert [i["word"] for i in before] == ["UNKNOWN"]
    assert [i["word"] for i in after] == ["FAILED"]
    assert "has ended" in after[0]["consequence"]
    assert [a["name"] for a in after[0]["acts"]] == ["acknowledge"]


@pytest.mark.acceptance(95)
@pytest.mark.parametrize(
    ("is_on_fallback", "said"),
    [(True, "Exits are sent, entries wait."), (False, "Nothing is sent.")],
)
async def test_a_locked_database_says_what_still_leaves(
    desk: Desk, is_on_fallback: bool, said: str
) -> None:
    """Red on every page."""
    desk.put(SystemRow(feed_reason="database is locked", is_on_fallback=is_on_fallback))

    await desk.user.open("/attention")

    shown = desk.shown(Banner)
    assert shown["text"] == f"The database cannot be written. {said}"
    assert "database is locked" in str(shown)


async def test_the_settlement_of_an_expired_position_is_confirmed_with_its_price(
    desk: Desk,
) -> None:
    """The engine's proposal stands in the field; a wrong price gets its sentence."""
    text = f"{rows.CE} has expired, settlement to confirm at 112.50"
    desk.put(rows.account(1), rows.run(), rows.execution(1, attention=text, state="entered"))
    desk.put(rows.position(1, -65))
    await desk.live("/attention", AttentionList)
    item = desk.shown(AttentionList)["items"][0]
    assert "settle" in [a["name"] for a in item["acts"]]

    desk.act(AttentionList, name="settle", key=item["key"])
    await desk.user.should_see("Confirm settlement")
    key = rows.position(1, -65).key
    field = desk.user.find(marker=key)
    field.clear().type("-1")
    desk.user.find(marker="act").click()
    await desk.user.should_see("A price of 0 or more.")
    assert desk.posted == []
    field.clear().type("112.50")
    desk.user.find(marker="act").click()
    await desk.user.should_see("each position is settled once")

    (message,) = desk.posted
    assert isinstance(message, m.ConfirmSettlement)
    assert (message.price, message.by) == (Decimal("112.50"), "trader")
