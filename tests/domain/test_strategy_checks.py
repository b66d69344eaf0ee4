"""Promises of algomirror/domain/strategy_checks.py."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from algomirror.domain.instrument import OptionType
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.domain.strategy_checks import check


def iron_fly() -> Strategy:
    sides = [(Side.SELL, "CE"), (Side.SELL, "PE"), (Side.BUY, "CE"), (Side.BUY, "PE")]
    return Strategy(
        id=1,
        name="Iron fly",
        max_loss=Decimal(125_000),
        account_ids=(1, 2),
        legs=tuple(
            Leg(
                id=number,
                leg_number=number,
                underlying="NIFTY",
                side=side,
                option_type=OptionType(kind),
                strike_rule=StrikeRule.ATM if side is Side.SELL else StrikeRule.OTM,
                strike_offset=4,
            )
            for number, (side, kind) in enumerate(sides, start=1)
        ),
    )


def with_first_leg(**changes: object) -> Strategy:
    strategy = iron_fly()
    first = replace(strategy.legs[0], **changes)  # type: ignore[arg-type]
    return replace(strategy, legs=(first, *strategy.legs[1:]))


def test_a_hedged_strategy_with_a_stop_is_in_order() -> None:
    """Both good facts are said, the amount in Indian grouping."""
    found = check(iron_fly())

    assert {(f.level, f.sentence) for f in found} == {
        ("ok", "Every short has its hedge: defined risk."),
        ("ok", "Max loss ₹1,25,000 acts on the server, with no browser open."),
    }


def test_no_legs_and_no_accounts_are_errors() -> None:
    """Nothing to trade, nowhere to trade it."""
    found = check(Strategy(id=1, name="empty"))

    assert {f.field for f in found if f.level == "error"} == {"legs", "accounts"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lots": 0}, "legs.0.lots"),
        ({"lots": 101}, "legs.0.lots"),
        ({"strike_rule": StrikeRule.STRIKE_PRICE}, "legs.0.strike_price"),
        ({"price_type": PriceType.LIMIT}, "legs.0.limit_price"),
        ({"price_type": PriceType.LIMIT, "limit_price": Decimal(0)}, "legs.0.limit_price"),
        ({"price_type": PriceType.SL_M}, "legs.0.trigger_price"),
    ],
)
def test_what_a_leg_lacks_is_an_error_beside_its_field(
    changes: dict[str, object], field: str
) -> None:
    """Lots out of range, no strike, no price."""
    errors = [f.field for f in check(with_first_leg(**changes)) if f.level == "error"]

    assert errors == [field]


def test_a_weekly_that_is_not_listed_is_an_error() -> None:
    """The stored choice is not silently replaced."""
    monthlies = [date(2026, 11, 24), date(2026, 12, 29)]

    found = check(iron_fly(), listed={"NIFTY": monthlies})

    errors = [f for f in found if f.level == "error"]
    assert [f.field for f in errors] == [f"legs.{n}.expiry" for n in range(4)]


@pytest.mark.parametrize(
    ("strategy", "part"),
    [
        (replace(iron_fly(), max_loss=None), "nothing stops this run"),
        (replace(iron_fly(), legs=iron_fly().legs[:3]), "Leg 2 is sold without enough"),
        (with_first_leg(lots=2), "Leg 1 is sold without enough"),
        (
            replace(
                iron_fly(),
                legs=tuple(
                    replace(leg, price_type=PriceType.LIMIT, limit_price=Decimal(5))
                    for leg in iron_fly().legs
                ),
            ),
            "its short waits behind",
        ),
        (replace(iron_fly(), custom_lots=((1, 101),)), "Leg 1: 101 lots, cut"),
        (replace(iron_fly(), custom_lots=((1, 80),)), "an exit takes at least 1 s"),
    ],
)
def test_dangers_are_warnings(strategy: Strategy, part: str) -> None:
    """Nothing here blocks; it is said."""
    warnings = [f.sentence for f in check(strategy) if f.level == "warning"]

    assert any(part in text for text in warnings), warnings


def test_errors_come_first() -> None:
    """The order of the list is error, warning, ok."""
    found = check(replace(iron_fly(), account_ids=(), max_loss=None))

    assert [f.level for f in found] == ["error", "warning", "ok"]
