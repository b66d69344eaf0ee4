"""Differences with a broker: the counter, the card, and its four acts."""

from decimal import Decimal

import pytest

from algomirror.domain.instrument import OptionType
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.engine import messages as m
from pages.components.live import DriftTable
from pages.components.live import KpiStrip
from tests.pages import rows
from tests.pages.conftest import Desk


def drift_cell(desk: Desk) -> tuple[str, str]:
    cells = {c["label"]: c for c in desk.shown(KpiStrip)["cells"]}
    assert cells["Drift"]["href"] == "/positions"
    return cells["Drift"]["value"], cells["Drift"]["sub"]


async def test_the_counter_reads_0_and_says_that_the_books_agree(desk: Desk) -> None:
    """Every account compared, nothing different."""
    desk.put(rows.account(1), rows.account(3))

    await desk.user.open("/dashboard")

    assert drift_cell(desk) == ("0", "books agree")


async def test_the_counter_never_shows_0_for_what_was_not_compared(desk: Desk) -> None:
    """Unknown is a word; an account without a look is named."""
    desk.put(rows.account(1, drift=None))
    await desk.user.open("/dashboard")
    none = drift_cell(desk)
    desk.put(rows.account(3))
    await desk.user.open("/dashboard")

    assert none == ("unknown", "no book compared yet")
    assert drift_cell(desk) == ("0", "without Arjun")


async def test_confirmed_differences_count_ignored_and_unconfirmed_do_not(desk: Desk) -> None:
    """The number is red and leads to Positions."""
    desk.put(rows.account(1), rows.drift())
    desk.put(rows.drift("b", confirmed=False), rows.drift("c", ignored=True))

    await desk.user.open("/dashboard")

    assert drift_cell(desk) == ("1", "Arjun")


@pytest.mark.parametrize(
    ("changes", "names", "words"),
    [
        ({}, ["ignore", "adopt", "flatten"], "65 units of ours are no longer there"),
        (
            {"broker_net": -60, "ours": 0, "drift": -60, "holders": ()},
            ["ignore", "takeover", "flatten"],
            "60 units short are there that no run of ours opened",
        ),
        (
            {"broker_net": 65, "ours": -130, "drift": 195},
            ["ignore", "adopt", "takeover", "flatten"],
            "65 units long are there",
        ),
        ({"ignored": True}, ["adopt", "flatten"], "somebody closed them outside"),
    ],
)
async def test_a_row_offers_the_acts_that_fit(
    desk: Desk, changes: dict[str, object], names: list[str], words: str
) -> None:
    """Adopt what is gone, take over what is too much."""
    desk.put(rows.account(1), rows.drift(**changes))

    await desk.user.open("/positions")
    (row,) = desk.shown(DriftTable)["rows"]

    assert [a["name"] for a in row["acts"]] == names
    assert words in row["said"]
    assert not any(a.get("off") for a in row["acts"])


async def test_what_two_looks_have_not_confirmed_can_only_be_ignored(desk: Desk) -> None:
    """The buttons are off, and the server refuses as well."""
    desk.put(rows.account(1), rows.drift(confirmed=False))
    await desk.user.open("/positions")

    (row,) = desk.shown(DriftTable)["rows"]
    desk.act(DriftTable, name="flatten", key="1-CE")

    assert [a["name"] for a in row["acts"] if a.get("off")] == ["adopt", "flatten"]
    await desk.user.should_see("Two complete looks must agree first.")
    assert desk.posted == []


async def test_ignoring_says_what_it_means_and_is_recorded(desk: Desk) -> None:
    """Nothing is sent before the press."""
    desk.put(rows.account(1), rows.drift())
    await desk.user.open("/positions")
    desk.act(DriftTable, name="ignore", key="1-CE")
    await desk.user.should_see("When the difference changes it counts again.")
    await desk.user.should_see("broker shows −65, our runs hold −130, difference +65")
    assert desk.posted == []

    await desk.press()

    assert desk.posted == [
        m.IgnoreDrift(account_id=1, symbol=rows.CE, exchange="NFO", product="NRML", by="trader")
    ]
    assert await desk.recorded() == [("trader", "ignore_drift", f"{rows.CE} NRML")]


async def test_adopting_is_prefilled_and_never_more_than_each_position_or_the_difference(
    desk: Desk,
) -> None:
    """65 are gone; two positions hold 65 and 130."""
    holders = ((41, 1, "Run 14 · fly", -65), (51, 2, "Run 15 · condor", -130))
    desk.put(rows.account(1), rows.drift(ours=-195, broker_net=-130, holders=holders))
    await desk.user.open("/positions")
    desk.act(DriftTable, name="adopt", key="1-CE")
    await desk.user.should_see(marker="units_1")

    desk.fill("units_1", "65")
    await desk.press()
    too_many = desk.problems()
    desk.fill("units_0", "66")
    desk.fill("price", "free")
    await desk.press()
    wrong = desk.problems()
    desk.fill("units_0", "0")
    desk.fill("price", "131.55")
    await desk.press()

    assert list(too_many.values()) == ["Together 1 to 65 units."]
    assert sorted(wrong.values()) == [
        "Type 0 to 65 units.", "Type a price in rupees, like 142.35.",
    ]  # fmt: skip
    assert desk.posted == [
        m.AdoptOutside(execution_id=51, leg_id=2, quantity=65, price=Decimal("131.55"), by="trader")
    ]
    assert await desk.recorded() == [("trader", "adopt_outside", f"{rows.CE} NRML")]


async def test_flattening_lists_its_one_order(desk: Desk) -> None:
    """Side, units, account, and whether it is real money."""
    desk.put(rows.account(1), rows.drift())
    await desk.user.open("/positions")
    desk.act(DriftTable, name="flatten", key="1-CE")
    await desk.user.should_see(f"Arjun (LIVE): {rows.CE} NRML")
    await desk.user.should_see(f"SELL 65 {rows.CE} NRML at market")

    await desk.press()

    assert desk.posted == [
        m.FlattenDrift(account_id=1, symbol=rows.CE, exchange="NFO", product="NRML", by="trader")
    ]


async def test_a_difference_that_changed_under_the_dialog_is_not_acted_on(desk: Desk) -> None:
    """What was shown no longer holds."""
    desk.put(rows.account(1), rows.drift())
    await desk.user.open("/positions")
    desk.act(DriftTable, name="flatten", key="1-CE")
    await desk.user.should_see(marker="act")
    desk.put(rows.drift(broker_net=-130, drift=0))

    await desk.press()

    await desk.user.should_see("The difference has changed meanwhile.")
    assert desk.posted == []


async def test_taking_over_names_the_stops_and_says_why_it_cannot(desk: Desk) -> None:
    """An account that is not connected: the sentence stands beside the strategy."""
    leg = Leg(id=0, leg_number=1, underlying="NIFTY", side=Side.SELL, option_type=OptionType.CE)
    guard = Strategy(id=0, name="Guard", max_loss=Decimal(1500), legs=(leg,))
    desk.app.strategies.save(guard, by="trader")
    desk.put(rows.account(1), rows.drift(broker_net=-65, ours=0, drift=-65, holders=()))
    await desk.user.open("/positions")
    desk.act(DriftTable, name="takeover", key="1-CE")
    await desk.user.should_see("Max loss ₹1,500.00, max profit none.")

    await desk.press()

    assert list(desk.problems().values()) == [
        "The account is not connected. Test it on Accounts, then try again."
    ]
    assert desk.posted == []
