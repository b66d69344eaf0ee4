"""The budget of a chase: where it begins, how it steps, where it stops."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.chase import ChaseTerms
from algomirror.domain.chase import cost_pct
from algomirror.domain.chase import limit_of_step
from algomirror.domain.chase import reach
from algomirror.domain.chase import wide_limit
from algomirror.domain.money import is_on_tick
from algomirror.domain.order import Side

TERMS = ChaseTerms()
TICK = Decimal("0.05")
sides = st.sampled_from(list(Side))
prices = st.integers(1, 40_000).map(lambda n: n * TICK)


@pytest.mark.parametrize(
    ("side", "step", "limit"),
    [
        (Side.BUY, 0, "120.15"),  # 120 + 0.10 % = 120.12, up to the tick
        (Side.BUY, 1, "120.45"),  # one step of 0.25 % = 0.30
        (Side.BUY, 4, "121.35"),
        (Side.BUY, 40, "123.60"),  # the ceiling: 3 % of the reference
        (Side.SELL, 0, "119.85"),
        (Side.SELL, 1, "119.55"),
        (Side.SELL, 40, "116.40"),
    ],
)
def test_steps_of_the_defaults(side: Side, step: int, limit: str) -> None:
    """Worked figures at 120.00 (product.md 6.4)."""
    found = limit_of_step(
        TERMS, side, touch=Decimal(120), reference=Decimal(120), tick=TICK, step=step
    )

    assert found == Decimal(limit)


def test_a_cheap_option_steps_by_ticks_and_reaches_two_rupees() -> None:
    """Minimum offset 1 tick, step 2 ticks, ceiling 2 rupees."""
    common = {"touch": Decimal(5), "reference": Decimal(5), "tick": TICK}

    assert limit_of_step(TERMS, Side.BUY, step=0, **common) == Decimal("5.05")  # type: ignore[arg-type]
    assert limit_of_step(TERMS, Side.BUY, step=1, **common) == Decimal("5.15")  # type: ignore[arg-type]
    assert limit_of_step(TERMS, Side.BUY, step=99, **common) == Decimal("7.00")  # type: ignore[arg-type]


@given(sides, prices, prices, st.integers(0, 50))
def test_a_limit_is_on_tick_inside_the_budget_and_never_below_one_tick(
    side: Side, touch: Decimal, reference: Decimal, step: int
) -> None:
    """Whatever the touch: never further than the ceiling from the reference."""
    limit = limit_of_step(TERMS, side, touch=touch, reference=reference, tick=TICK, step=step)

    assert is_on_tick(limit, TICK)
    assert limit >= TICK
    edge = reference + side.sign * reach(TERMS, reference)
    if side is Side.BUY:
        assert limit <= edge + TICK
    else:
        assert limit >= min(edge - TICK, edge) or limit == TICK


@given(sides, prices, st.integers(0, 40))
def test_a_step_never_goes_back(side: Side, touch: Decimal, step: int) -> None:
    """Each step is at least as far as the one before."""
    common = {"touch": touch, "reference": touch, "tick": TICK}
    first = limit_of_step(TERMS, side, step=step, **common)  # type: ignore[arg-type]
    second = limit_of_step(TERMS, side, step=step + 1, **common)  # type: ignore[arg-type]

    assert side.sign * (second - first) >= 0


def test_the_wide_limit_is_ten_per_cent_away() -> None:
    """On tick, above to buy and below to sell."""
    assert wide_limit(TERMS, Side.BUY, reference=Decimal(100), tick=TICK) == Decimal(110)
    assert wide_limit(TERMS, Side.SELL, reference=Decimal(100), tick=TICK) == Decimal(90)


def test_cost_is_signed_by_side() -> None:
    """Buying dearer and selling cheaper are both beyond the reference."""
    assert cost_pct(Side.BUY, reference=Decimal(100), average=Decimal("104.1")) == Decimal("4.1")
    assert cost_pct(Side.SELL, reference=Decimal(100), average=Decimal(97)) == Decimal(3)
    assert cost_pct(Side.BUY, reference=Decimal(100), average=Decimal(99)) == Decimal(-1)
