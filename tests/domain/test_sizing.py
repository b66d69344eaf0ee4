"""Promises of algomirror/domain/sizing.py."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.sizing import LotCap
from algomirror.domain.sizing import Sized
from algomirror.domain.sizing import capped
from algomirror.domain.sizing import entries_per_second
from algomirror.domain.sizing import entry_seconds
from algomirror.domain.sizing import exits_per_second
from algomirror.domain.sizing import least_exit_s
from algomirror.domain.sizing import leg_caps
from algomirror.domain.sizing import margin_base
from algomirror.domain.sizing import ratio
from algomirror.domain.sizing import seconds_to_send
from algomirror.domain.sizing import sized_by_margin
from algomirror.domain.sizing import slices
from algomirror.domain.sizing import smaller
from algomirror.domain.sizing import usable

LAKH = Decimal(100_000)


@pytest.mark.parametrize(
    ("lots", "lot_size", "freeze", "expected"),
    [
        (60, 65, 1800, [1755, 1755, 390]),
        (45, 30, 600, [600, 600, 150]),
        (120, 20, 1000, [1000, 1000, 400]),
        (27, 65, 1800, [1755]),
        (28, 65, 1800, [1755, 65]),
        (1, 65, 1800, [65]),
    ],
)
def test_orders_are_cut_at_the_freeze_quantity(
    lots: int, lot_size: int, freeze: int, expected: list[int]
) -> None:
    """The examples of product.md 5.3, in whole lots."""
    assert expected == slices(lots * lot_size, lot_size, freeze)


@given(
    lots=st.integers(min_value=0, max_value=5000),
    lot_size=st.integers(min_value=1, max_value=500),
    freeze=st.integers(min_value=0, max_value=5000),
)
def test_slices_sum_to_the_whole(lots: int, lot_size: int, freeze: int) -> None:
    """Nothing is lost or added; each slice is whole lots and, where known, within the limit."""
    found = slices(lots * lot_size, lot_size, freeze)

    assert lots * lot_size == sum(found)
    assert all(size > 0 and size % lot_size == 0 for size in found)
    if freeze >= lot_size:
        assert all(size <= max(freeze, lot_size) or freeze <= 1 for size in found)


def test_a_ratio_spread_is_counted_in_sets() -> None:
    """2 and 4 lots are two sets of 1:2; a straddle of 3 lots is three sets (product.md 1.2)."""
    assert ratio([2, 4]) == ((1, 2), 2)
    assert ratio([3, 3]) == ((1, 1), 3)
    assert ratio([]) == ((), 0)


@given(st.lists(st.integers(min_value=1, max_value=100), min_size=1, max_size=20))
def test_weights_times_sets_are_the_lots(lots: list[int]) -> None:
    """No smaller whole set exists, and the sets give the lots back."""
    weights, sets = ratio(lots)

    assert lots == [weight * sets for weight in weights]
    assert ratio(list(weights)) == (weights, 1)


@pytest.mark.acceptance(80)
@pytest.mark.parametrize(
    ("percent", "requirement", "lots"),
    [
        (65, "3.2", 2),
        (95, "3.2", 3),
        (80, "3.2", 3),
        (36, "3.2", 1),
        (40, "3.2", 1),
        (95, "2.5", 4),
    ],
)
def test_sellers_get_the_lots_of_the_table(percent: int, requirement: str, lots: int) -> None:
    """Each seller's row of product.md 10.4: cash 8, collateral 5, debits 0.55 lakh."""
    base = margin_base(cash=8 * LAKH, collateral=5 * LAKH, debits=Decimal(55_000), cash_only=False)

    sized = sized_by_margin(usable(base, Decimal(percent)), Decimal(requirement) * LAKH)

    assert Decimal(1_245_000) == base
    assert Sized(sets=lots) == sized


@pytest.mark.acceptance(80)
def test_buyers_get_the_lots_of_the_table() -> None:
    """A buyer's base is cash, never collateral."""
    base = margin_base(cash=3 * LAKH, collateral=9 * LAKH, debits=Decimal(0), cash_only=True)

    sized = sized_by_margin(usable(base, Decimal(65)), Decimal(20_000))

    assert Decimal(195_000) == usable(base, Decimal(65))
    assert Sized(sets=9) == sized


@pytest.mark.acceptance(80)
def test_zero_lots_name_both_numbers() -> None:
    """An account that cannot pay for one lot says what it needs and what it has."""
    sized = sized_by_margin(Decimal(240_000), Decimal(250_000))

    assert Sized(sets=0, note="needs 2,50,000 for 1 lot, usable 2,40,000") == sized


@pytest.mark.acceptance(84)
def test_absurd_funds_stop_at_a_hundred_lots() -> None:
    """The global limit holds whatever a broker claims, and is named."""
    sized = sized_by_margin(Decimal(10) ** 14, Decimal(200_000), leg_caps(1, 65, 1800))

    assert sized.sets == 100
    assert "limit of 100 lots a leg" in sized.note


def test_caps_act_on_whole_sets() -> None:
    """A 1:2 spread under 100 lots a leg is 50 sets: 50 and 100 lots."""
    caps = [LotCap(name="one", lots=100, weight=1), LotCap(name="two", lots=100, weight=2)]

    assert Sized(sets=50, note="cut from 70 to 50 sets by the two") == capped(70, caps)


@given(sets=st.integers(min_value=0, max_value=10_000), lots=st.integers(0, 1000))
def test_a_cap_never_raises(sets: int, lots: int) -> None:
    """Capping gives at most what was asked for and at most what is allowed."""
    sized = capped(sets, [LotCap(name="x", lots=lots, weight=3)])

    assert min(sets, lots // 3) == sized.sets
    assert bool(sized.note) == (sized.sets < sets)


def test_unknown_margin_sizes_nothing() -> None:
    """A requirement of zero is no bargain: it is unknown."""
    assert sized_by_margin(LAKH, Decimal(0)).sets == 0


def test_of_margin_and_cash_the_smaller_wins() -> None:
    """A plan with sold and bought legs is limited by both bases (product.md 10.4)."""
    by_cash = Sized(sets=2, note="cash")

    assert by_cash == smaller(Sized(sets=3), by_cash)
    assert Sized(sets=1) == smaller(Sized(sets=1), by_cash)


@pytest.mark.parametrize(("orders", "seconds"), [(0, 0), (1, 1), (10, 1), (21, 2), (40, 3)])
def test_the_pace_gives_the_least_time(orders: int, seconds: int) -> None:
    """n orders at 10 a second need at least one second less than n/10, and never none."""
    assert seconds == seconds_to_send(orders, 10)


@pytest.mark.parametrize(
    ("limit", "entries", "exits"), [(10, 8, 10), (50, 8, 10), (5, 3, 5), (4, 4, 4), (1, 1, 1)]
)
def test_a_second_has_room_for_exits_and_for_openalgo_s_limiter(
    limit: int, entries: int, exits: int
) -> None:
    """Entries leave two of a second free from five on; nobody has more than OpenAlgo's ten."""
    assert (entries_per_second(limit), exits_per_second(limit)) == (entries, exits)


@pytest.mark.parametrize(
    ("orders", "minute", "enter", "leave"),
    [
        (0, None, 0, 0),
        (6, None, 1, 0),
        (10, None, 1, 0),
        (40, None, 4, 3),
        (40, 80, 4, 3),
        (40, 50, 124, 3),
        (40, 30, None, 60),
    ],
)
def test_the_budget_gives_the_time_in_and_out(
    orders: int, minute: int | None, enter: int | None, leave: int
) -> None:
    """An exit of n takes at least n/10 - 1 s; a minute's budget is shared with the way out."""
    assert entry_seconds(orders, 10, minute) == enter
    assert least_exit_s(orders, 10, minute) == leave
