"""What a person may type as the new price of a resting order, and what speaks against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from algomirror.domain.money import is_on_tick
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.typed import is_blank
from algomirror.domain.typed import number_of
from algomirror.errors import InvalidInput
from algomirror.services.users import InvalidInputs

DEFAULT_TICK = Decimal("0.05")
"""Of NFO and BFO options; used when the broker cannot be asked."""
HAS_LIMIT = frozenset({PriceType.LIMIT, PriceType.SL})
HAS_TRIGGER = frozenset({PriceType.SL, PriceType.SL_M})
AVERAGE_STEP = Decimal("0.0001")
"""An average of fills is finer than a tick."""
TOO_HIGH = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrices:
    """Rupees on tick; None keeps what the order has."""

    limit_price: Decimal | None
    trigger_price: Decimal | None


def new_prices(
    price_type: PriceType,
    side: Side,
    typed: Mapping[str, object],
    *,
    was: NewPrices,
    tick: Decimal = DEFAULT_TICK,
) -> NewPrices:
    """The prices to send, None where one is as before. InvalidInputs beside their fields."""
    problems: list[InvalidInput] = []
    found: dict[str, Decimal | None] = {"limit_price": None, "trigger_price": None}
    wanted = {"limit_price": price_type in HAS_LIMIT, "trigger_price": price_type in HAS_TRIGGER}
    for field in (name for name, is_wanted in wanted.items() if is_wanted):
        problem, found[field] = price(typed.get(field), tick)
        if problem:
            problems.append(InvalidInput(field, problem))
    limit, trigger = found["limit_price"], found["trigger_price"]
    if price_type is PriceType.SL and limit is not None and trigger is not None:
        if side is Side.BUY and limit < trigger:
            problems.append(InvalidInput("limit_price", "A BUY limit is at or above its trigger."))
        if side is Side.SELL and limit > trigger:
            problems.append(InvalidInput("limit_price", "A SELL limit is at or below its trigger."))
    if not problems and (limit, trigger) == (was.limit_price, was.trigger_price):
        field = "limit_price" if wanted["limit_price"] else "trigger_price"
        problems.append(InvalidInput(field, "This is the price it has."))
    if problems:
        raise InvalidInputs(problems)
    return NewPrices(
        limit_price=None if limit == was.limit_price else limit,
        trigger_price=None if trigger == was.trigger_price else trigger,
    )


def price(value: object, tick: Decimal) -> tuple[str, Decimal | None]:
    """("", a price above 0 on tick), or (what is wrong, None)."""
    number = None if is_blank(value) else number_of(value)
    if number is None:
        return "Type a price in rupees, like 142.35.", None
    if number <= 0:
        return "Type a price above 0.", None
    if number > TOO_HIGH:
        return "This price is too high to be one of an option.", None
    if not is_on_tick(number, tick):
        return f"Not on tick: use steps of {tick.normalize():f}.", None
    return "", number


def settled(typed: Mapping[str, object], *, at_most: int, at_least: int = 1) -> tuple[int, Decimal]:
    """(units, average price) as a person states them. InvalidInputs beside their fields."""
    problems: list[InvalidInput] = []
    problem, quantity = units(typed.get("quantity"), at_most=at_most, at_least=at_least)
    if problem:
        problems.append(InvalidInput("quantity", problem))
    problem, average = price(typed.get("price"), AVERAGE_STEP)
    if problem:
        problems.append(InvalidInput("price", problem))
    if problems or average is None:
        raise InvalidInputs(problems)
    return quantity, average


def units(value: object, *, at_most: int, at_least: int = 1) -> tuple[str, int]:
    """("", whole units), or (what is wrong, 0)."""
    number = None if is_blank(value) else number_of(value)
    if number is None or number != number.to_integral_value():
        return "Type whole units, like 65.", 0
    if not at_least <= number <= at_most:
        return f"Type {at_least} to {at_most} units.", 0
    return "", int(number)
