"""Exact rupees: how an amount is made, rounded to the paisa and to a contract's tick."""

from decimal import ROUND_CEILING
from decimal import ROUND_FLOOR
from decimal import ROUND_HALF_UP
from decimal import Decimal

PAISA = Decimal("0.01")
ZERO = Decimal(0)


def rupees(value: int | str | Decimal) -> Decimal:
    """An exact amount; floats are refused because they are not exact."""
    if isinstance(value, float):
        raise TypeError("rupees() takes int, str or Decimal, never float")
    return Decimal(value)


def to_paisa(value: Decimal) -> Decimal:
    """Rounded half up to the paisa."""
    return value.quantize(PAISA, rounding=ROUND_HALF_UP)


def round_to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """The nearest price on tick at or above (`up`) or at or below `price`."""
    steps = (price / tick).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return steps * tick


def is_price(value: Decimal | None) -> bool:
    """A finite number of rupees above 0."""
    return value is not None and value.is_finite() and value > 0


def is_on_tick(price: Decimal, tick: Decimal) -> bool:
    return price % tick == 0


def grouped(amount: Decimal, places: int = 0) -> str:
    """Indian grouping, for sentences: 1245000 -> 12,45,000."""
    rounded = abs(amount).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole, _, part = format(rounded, "f").partition(".")
    head, tail = whole[:-3], whole[-3:]
    groups = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    sign = "-" if amount < 0 and rounded else ""
    return sign + ",".join([*groups, tail]) + (f".{part}" if part else "")
