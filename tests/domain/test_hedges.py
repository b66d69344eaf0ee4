"""Promises of algomirror/domain/hedges.py."""

from algomirror.domain.hedges import hedges_of
from algomirror.domain.hedges import naked_legs
from algomirror.domain.instrument import OptionType
from algomirror.domain.order import Side
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import Leg


def leg(
    number: int,
    side: Side,
    kind: OptionType | None,
    *,
    lots: int = 1,
    underlying: str = "NIFTY",
    expiry: ExpiryRule = ExpiryRule.CURRENT_WEEK,
) -> Leg:
    return Leg(
        id=number,
        leg_number=number,
        underlying=underlying,
        side=side,
        option_type=kind,
        lots=lots,
        expiry=expiry,
    )


CE, PE = OptionType.CE, OptionType.PE
BUY, SELL = Side.BUY, Side.SELL


def test_a_bought_option_of_the_same_kind_hedges_a_sold_one() -> None:
    """Same underlying and type, any expiry."""
    short = leg(1, SELL, CE)
    later = leg(2, BUY, CE, expiry=ExpiryRule.NEXT_MONTH)
    legs = [short, later, leg(3, BUY, PE), leg(4, BUY, CE, underlying="SENSEX")]

    assert hedges_of(short, legs) == [later]


def test_a_sold_future_is_hedged_by_a_bought_call() -> None:
    """Its loss grows upwards, as a call's gain does."""
    future, call = leg(1, SELL, None), leg(2, BUY, CE)

    assert hedges_of(future, [future, call, leg(3, BUY, PE)]) == [call]


def test_a_bought_leg_has_no_hedge() -> None:
    """It needs none."""
    bought = leg(1, BUY, CE)

    assert hedges_of(bought, [bought, leg(2, BUY, CE)]) == []


def test_one_hedge_covers_one_short_only() -> None:
    """Two sold calls beside one bought call leave the second naked."""
    legs = [leg(1, SELL, CE), leg(2, SELL, CE), leg(3, BUY, CE)]

    assert naked_legs(legs) == [legs[1]]


def test_an_iron_fly_is_covered() -> None:
    """Each short has as many bought lots of its type."""
    legs = [leg(1, SELL, CE, lots=2), leg(2, SELL, PE), leg(3, BUY, CE, lots=2), leg(4, BUY, PE)]

    assert naked_legs(legs) == []
