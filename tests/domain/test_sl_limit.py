"""The limit that stands for an SL-M where an account refuses market orders."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.chase import sl_limit
from algomirror.domain.order import Side

TICK = Decimal("0.05")


@pytest.mark.parametrize(
    ("side", "trigger", "limit"),
    [
        (Side.BUY, "100.00", "103.00"),
        (Side.SELL, "100.00", "97.00"),
        (Side.BUY, "100.05", "103.10"),
        (Side.SELL, "100.05", "97.00"),
        (Side.BUY, "0.05", "0.10"),
        (Side.SELL, "0.05", "0.05"),
        (Side.SELL, "1.00", "0.95"),
    ],
)
def test_the_limit_lies_three_per_cent_beyond_the_trigger(
    side: Side, trigger: str, limit: str
) -> None:
    """Rounded outward to the tick, at least one tick away, never below one tick."""
    assert Decimal(limit) == sl_limit(side, Decimal(trigger), TICK)


@given(ticks=st.integers(min_value=1, max_value=10**6), side=st.sampled_from(Side))
def test_the_broker_accepts_the_pair(ticks: int, side: Side) -> None:
    """On tick, above the trigger for a buy, not above it for a sell."""
    trigger = ticks * TICK
    limit = sl_limit(side, trigger, TICK)

    assert limit % TICK == 0
    assert limit > trigger if side is Side.BUY else TICK <= limit <= trigger
