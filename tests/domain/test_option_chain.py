"""Promises of algomirror/domain/option_chain.py."""

from datetime import date
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.instrument import OptionType
from algomirror.domain.option_chain import at_the_money
from algomirror.domain.option_chain import choose_expiry
from algomirror.domain.option_chain import choose_strike
from algomirror.domain.option_chain import has_weeklies
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import StrikeRule
from algomirror.errors import InvalidInput

STRIKES = [Decimal(s) for s in range(25_000, 27_001, 50)]
CE, PE = OptionType.CE, OptionType.PE
WEEKLY = [date(2026, 11, 23) + timedelta(days=7 * n) for n in range(8)]
MONTHLY = [date(2026, 11, 24), date(2026, 12, 29), date(2027, 1, 26)]


@pytest.mark.parametrize(
    ("spot", "atm"),
    [
        ("26024.99", 26000),
        ("26025", 26000),
        ("26025.01", 26050),
        ("20000", 25000),
        ("99999", 27000),
    ],
)
def test_at_the_money_is_the_nearest_listed_strike(spot: str, atm: int) -> None:
    """An exact tie goes to the lower strike."""
    assert at_the_money(STRIKES, Decimal(spot)) == atm


@pytest.mark.parametrize(
    ("kind", "rule", "offset", "strike"),
    [
        (CE, StrikeRule.ATM, 3, 26000),
        (PE, StrikeRule.ATM, 3, 26000),
        (CE, StrikeRule.OTM, 4, 26200),
        (PE, StrikeRule.OTM, 4, 25800),
        (CE, StrikeRule.ITM, 2, 25900),
        (PE, StrikeRule.ITM, 2, 26100),
    ],
)
def test_offsets_count_listed_strikes(
    kind: OptionType, rule: StrikeRule, offset: int, strike: int
) -> None:
    """OTM is up for a call and down for a put; ITM mirrored; ATM ignores the offset."""
    assert choose_strike(STRIKES, Decimal(26_010), kind, rule, offset=offset) == strike


def test_strikes_are_counted_on_the_list_not_by_a_step() -> None:
    """Where the list widens, one strike out is the next that exists."""
    uneven = [Decimal(s) for s in (25_900, 26_000, 26_050, 26_500)]

    chosen = choose_strike(uneven, Decimal(26_010), CE, StrikeRule.OTM, offset=2)

    assert chosen == 26_500


def test_an_unlisted_strike_names_its_neighbours() -> None:
    """The sentence of product.md 3.3."""
    with pytest.raises(InvalidInput) as refused:
        choose_strike(
            STRIKES, Decimal(26_010), CE, StrikeRule.STRIKE_PRICE, strike_price=Decimal(26_025)
        )

    wanted = "26,025 is not a listed strike. Nearest: 26,000 and 26,050."
    assert (refused.value.field, refused.value.message) == ("strike_price", wanted)


@pytest.mark.parametrize(
    ("strikes", "rule", "field"),
    [
        ([], StrikeRule.ATM, "strike_selection"),
        (STRIKES, StrikeRule.STRIKE_PRICE, "strike_price"),
        (STRIKES[:2], StrikeRule.OTM, "strike_offset"),
    ],
)
def test_a_strike_that_cannot_be_chosen_is_said_at_its_field(
    strikes: list[Decimal], rule: StrikeRule, field: str
) -> None:
    """No list, no strike typed, or an offset beyond the list."""
    with pytest.raises(InvalidInput) as refused:
        choose_strike(strikes, Decimal(26_010), CE, rule, offset=5)

    assert refused.value.field == field


@given(
    spot=st.decimals(min_value=25_000, max_value=27_000, places=2),
    offset=st.integers(min_value=1, max_value=20),
    kind=st.sampled_from(OptionType),
)
def test_in_and_out_of_the_money_mirror_each_other(
    spot: Decimal, offset: int, kind: OptionType
) -> None:
    """ITM n of a call is OTM n of a put, and lies on the other side of ATM."""
    strikes = [Decimal(s) for s in range(20_000, 32_001, 50)]
    other = PE if kind is CE else CE

    inside = choose_strike(strikes, spot, kind, StrikeRule.ITM, offset=offset)
    outside = choose_strike(strikes, spot, kind, StrikeRule.OTM, offset=offset)

    assert inside == choose_strike(strikes, spot, other, StrikeRule.OTM, offset=offset)
    assert inside + outside == 2 * at_the_money(strikes, spot)


@pytest.mark.parametrize(
    ("rule", "expiry"),
    [
        (ExpiryRule.CURRENT_WEEK, date(2026, 11, 23)),
        (ExpiryRule.NEXT_WEEK, date(2026, 11, 30)),
        (ExpiryRule.CURRENT_MONTH, date(2026, 11, 30)),
        (ExpiryRule.NEXT_MONTH, date(2026, 12, 28)),
    ],
)
def test_expiries_come_from_the_list(rule: ExpiryRule, expiry: date) -> None:
    """First and second remaining; the last listed of each month. No weekday is assumed."""
    assert choose_expiry(WEEKLY, rule, date(2026, 11, 23), "NIFTY") == expiry


def test_past_expiries_are_ignored() -> None:
    """The week that ended yesterday is not this week's."""
    found = choose_expiry(WEEKLY, ExpiryRule.CURRENT_WEEK, date(2026, 11, 24), "NIFTY")

    assert found == date(2026, 11, 30)


@pytest.mark.acceptance(89)
@given(day=st.dates(min_value=date(2026, 11, 1), max_value=date(2026, 12, 29)))
def test_current_and_next_month_always_differ(day: date) -> None:
    """Also after this month's monthly has passed."""
    current = choose_expiry(MONTHLY, ExpiryRule.CURRENT_MONTH, day, "BANKNIFTY")
    following = choose_expiry(MONTHLY, ExpiryRule.NEXT_MONTH, day, "BANKNIFTY")

    assert day <= current < following


def test_a_missing_weekly_is_said_not_replaced() -> None:
    """BANKNIFTY has monthlies only: no silent switch."""
    with pytest.raises(InvalidInput) as refused:
        choose_expiry(MONTHLY, ExpiryRule.CURRENT_WEEK, date(2026, 11, 23), "BANKNIFTY")

    wanted = "BANKNIFTY lists no weekly expiry. Choose current or next month."
    assert refused.value.message == wanted


@pytest.mark.parametrize("listed", [[], [date(2020, 1, 1)], [date(2026, 11, 24)]])
def test_an_expiry_that_is_not_listed_is_said(listed: list[date]) -> None:
    """An empty, past or too short list has no next month."""
    with pytest.raises(InvalidInput, match="NIFTY lists no"):
        choose_expiry(listed, ExpiryRule.NEXT_MONTH, date(2026, 11, 23), "NIFTY")


def test_weeklies_show_in_the_first_three_months() -> None:
    """Two expiries in one calendar month are weeklies; one a month is not."""
    assert has_weeklies(WEEKLY)
    assert not has_weeklies(MONTHLY)
    assert not has_weeklies([])
