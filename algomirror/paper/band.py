"""The daily price range of a contract, and what the exchange says outside of it."""

from dataclasses import dataclass
from decimal import ROUND_CEILING
from decimal import ROUND_FLOOR
from decimal import Decimal

from algomirror.paper.books import Request
from algomirror.paper.market import Market


@dataclass(frozen=True, slots=True)
class Band:
    """Lowest and highest price of the day, both on tick."""

    lower: Decimal
    upper: Decimal


def band_of(base: Decimal, percent: Decimal, tick: Decimal) -> Band:
    """`percent` to each side of `base`, drawn in to the next tick, never below one tick."""
    away = base * percent / 100
    lower = ((base - away) / tick).to_integral_value(ROUND_CEILING) * tick
    upper = ((base + away) / tick).to_integral_value(ROUND_FLOOR) * tick
    return Band(max(lower, tick), max(upper, tick))


def why_outside(market: Market, request: Request, percent: Decimal) -> str | None:
    """The rejection of an order without a price, or with one outside of the day's range."""
    row = market.master.get(request.symbol, request.exchange)
    quote = market.quote(request.symbol, request.exchange)
    if row is None or quote is None:
        return None
    band = band_of(quote.previous_close, percent, row.tick_size)
    if request.pricetype in ("LIMIT", "SL") and band.lower <= request.price <= band.upper:
        return None
    return (
        "RMS: order price is outside the daily range, "
        f"lower circuit limit {band.lower:.2f}, upper circuit limit {band.upper:.2f}"
    )
