"""Leaving from a row of Positions, what a siren says afterwards, and the payoff's figures."""

from dataclasses import replace
from decimal import Decimal

import pytest

from algomirror.domain.instrument import OptionType
from algomirror.domain.pricing import PayoffLeg
from algomirror.domain.pricing import payoff_at_expiry
from algomirror.engine import messages as m
from algomirror.engine.live_view import SystemRow
from pages.components.live import Banner
from pages.components.live import PositionsTable
from pages.components.payoff import _spots
from pages.components.payoff import _table
from tests.pages import rows
from tests.pages.conftest import Desk


async def test_the_exit_of_a_row_leaves_that_run_and_no_other(desk: Desk) -> None:
    """One account in two runs: each row says its run, the dialog too, and only it is posted."""
    other = replace(rows.position(1, -65), key="90-1", run_id=15, execution_id=90)
    desk.put(rows.account(1), rows.run(), rows.run(key="15", id=15, number=1, name="Fly two"))
    desk.put(rows.execution(1), rows.execution(1, key="90", id=90, run_id=15))
    desk.put(rows.position(1, 130), other)
    await desk.user.open("/positions")
    groups = desk.shown(PositionsTable)["groups"]

    desk.act(PositionsTable, name="exit", account=1, run=15)
    await desk.user.should_see("Exit Arjun from run 1 · Fly two")
    await desk.user.should_see(f"Arjun (LIVE): BUY 65 {rows.CE}")
    await desk.press()
    await desk.user.should_see("Exit requested.")

    assert [g["runText"] for g in groups] == ["run 14 · NIFTY short iron fly", "run 1 · Fly two"]
    assert len({g["key"] for g in groups}) == 2
    found = [x for x in desk.posted if isinstance(x, m.RequestExit)]
    assert [(x.run_id, x.account_id) for x in found] == [(15, 1)]


@pytest.mark.parametrize(
    ("state", "said"), [("exiting", "Attempts go on"), ("exited", "It is over")]
)
async def test_a_siren_says_what_is_true_now(desk: Desk, state: str, said: str) -> None:
    """It stays until acknowledged; that it is flat by now comes first."""
    text = f"ESCALATED: 5 exits of {rows.CE} refused, the position is open"
    desk.put(rows.account(1), rows.run(), SystemRow(feed_state="authenticated"))
    desk.put(rows.execution(1, attention=text, state=state))

    await desk.user.open("/attention")
    banner = desk.shown(Banner)

    assert banner["level"] == "siren"
    assert said in banner["detail"]
    assert ("flat by now" in banner["text"]) == (state == "exited")


def _leg(quantity: int, strike: int, kind: OptionType, premium: str) -> PayoffLeg:
    return PayoffLeg(quantity=quantity, premium=float(Decimal(premium)), strike=float(strike),
                     kind=kind, years=0.02, sigma=0.12)  # fmt: skip


def _figures(spot: float, *legs: PayoffLeg) -> str:
    spots = _spots(spot, [leg.strike for leg in legs if leg.strike is not None])
    return _table(0.0, spots, payoff_at_expiry(legs, spots))


def test_the_payoff_of_an_iron_fly_is_exact_at_its_strikes() -> None:
    """Credit 216.50 x 65 = 14,072.50 is the most, 300 points less the credit the least."""
    said = _figures(
        24_995.47,
        _leg(65, 25_300, OptionType.CE, "61.30"), _leg(65, 24_700, OptionType.PE, "63.85"),
        _leg(-65, 25_000, OptionType.CE, "182.55"), _leg(-65, 25_000, OptionType.PE, "159.10"),
    )  # fmt: skip

    assert "₹14,072" in said
    assert "₹5,428" in said
    assert "no floor" not in said


@pytest.mark.parametrize(
    ("quantity", "words"), [(65, "no ceiling"), (-65, "no floor")], ids=["bought", "sold"]
)
def test_a_call_has_an_open_end(quantity: int, words: str) -> None:
    """Also where the strike lies beyond the drawn part."""
    assert words in _figures(25_000.0, _leg(quantity, 27_000, OptionType.CE, "12.00"))
