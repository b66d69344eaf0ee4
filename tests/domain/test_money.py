"""Promises of algomirror/domain/money.py."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.money import grouped
from algomirror.domain.money import is_on_tick
from algomirror.domain.money import round_to_tick
from algomirror.domain.money import rupees
from algomirror.domain.money import to_paisa

prices = st.decimals(min_value="0.01", max_value="200000", places=2)
ticks = st.sampled_from([Decimal("0.05"), Decimal("0.01"), Decimal("0.1"), Decimal(1)])


def test_a_float_is_no_amount() -> None:
    """Floats are refused at the door because they are not exact."""
    with pytest.raises(TypeError, match="never float"):
        rupees(0.1)  # type: ignore[arg-type]


def test_half_a_paisa_rounds_up() -> None:
    """An amount is rounded half up to the paisa."""
    assert [Decimal("1.01"), Decimal("1.00")] == [
        to_paisa(Decimal("1.005")),
        to_paisa(Decimal("1.0049")),
    ]


@given(price=prices, tick=ticks)
def test_a_price_rounded_to_tick_is_the_nearest_on_that_side(price: Decimal, tick: Decimal) -> None:
    """Rounding lands on tick, on the side asked for, less than a tick away."""
    above = round_to_tick(price, tick, up=True)
    below = round_to_tick(price, tick, up=False)

    assert is_on_tick(above, tick)
    assert is_on_tick(below, tick)
    assert below <= price <= above
    assert above - below in (Decimal(0), tick)


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        ("0", 0, "0"),
        ("999", 0, "999"),
        ("1000", 0, "1,000"),
        ("1245000", 0, "12,45,000"),
        ("123456789", 2, "12,34,56,789.00"),
        ("-8000.5", 2, "-8,000.50"),
        ("-0.001", 2, "0.00"),
        ("100000", 0, "1,00,000"),
    ],
)
def test_amounts_in_sentences_are_grouped_as_in_india(amount: str, places: int, text: str) -> None:
    """Lakh and crore grouping, rounded to the places asked for, no minus before zero."""
    assert text == grouped(Decimal(amount), places)
