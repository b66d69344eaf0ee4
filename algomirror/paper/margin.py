"""What the paper exchange blocks: premium for bought options, a SPAN-like sum for the rest."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from algomirror.paper.market import Market

SHORT_RATE = Decimal("0.105")
"""Of the notional, per uncovered short unit: about 1.7 lakh for a NIFTY lot."""
HEDGED_RATE = Decimal("0.025")
FUTURE_RATE = Decimal("0.12")
_ZERO = Decimal(0)


class Exposure(NamedTuple):
    """Signed units of one contract."""

    symbol: str
    exchange: str
    quantity: int


def margin_of(market: Market, exposures: Iterable[Exposure]) -> Decimal:
    """Rupees for these exposures together; a bought option covers a sold one of its type, and of
    a short call and a short put only the larger side is charged, as SPAN does.
    """
    short: dict[tuple[str, str], int] = defaultdict(int)
    long: dict[tuple[str, str], int] = defaultdict(int)
    total = _ZERO
    spots: dict[str, Decimal] = {}
    for symbol, exchange, quantity in exposures:
        row = market.master.get(symbol, exchange)
        if row is None or quantity == 0:
            continue
        last = market.ltp(symbol, exchange) or _ZERO
        if row.option_type is None:
            rate = FUTURE_RATE if row.expiry else Decimal("0.2")
            total += abs(quantity) * last * rate
            continue
        spots[row.name] = Decimal(str(market.paths[row.name].price))
        if quantity > 0:
            long[row.name, row.instrumenttype] += quantity
            total += quantity * last
        else:
            short[row.name, row.instrumenttype] -= quantity
    for name, spot in spots.items():
        sides = []
        for kind in ("CE", "PE"):
            sold, bought = short[name, kind], long[name, kind]
            covered = min(sold, bought)
            sides.append(spot * ((sold - covered) * SHORT_RATE + covered * HEDGED_RATE))
        total += max(sides) + min(sides) / 4
    return total.quantize(Decimal("0.01"))
