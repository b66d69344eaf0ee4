"""Which bought legs protect a sold one."""

from collections import defaultdict
from collections.abc import Sequence

from algomirror.domain.instrument import OptionType
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg


def hedges_of(leg: Leg, legs: Sequence[Leg]) -> list[Leg]:
    """The BUY legs that hedge a SELL leg (product.md 4.2): same underlying and option type, any
    expiry; a sold future is hedged by any bought call of its underlying. Empty for a BUY leg.
    """
    if leg.side is Side.BUY:
        return []
    wanted = leg.option_type or OptionType.CE
    return [
        other
        for other in legs
        if other.side is Side.BUY
        and other.underlying == leg.underlying
        and other.option_type is wanted
    ]


def naked_legs(legs: Sequence[Leg]) -> list[Leg]:
    """SELL legs whose lots the bought legs do not cover. One bought lot covers one sold lot."""
    free: defaultdict[tuple[str, OptionType | None], int] = defaultdict(int)
    for leg in legs:
        if leg.side is Side.BUY:
            free[leg.underlying, leg.option_type] += leg.lots
    naked = []
    for leg in legs:
        if leg.side is Side.SELL:
            group = (leg.underlying, leg.option_type or OptionType.CE)
            if free[group] < leg.lots:
                naked.append(leg)
            free[group] = max(free[group] - leg.lots, 0)
    return naked
