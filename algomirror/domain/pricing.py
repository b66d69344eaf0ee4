"""Black-76: value, Greeks and implied volatility of an option on a forward; payoff at expiry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from algomirror.domain.instrument import OptionType

YEAR_S = 365.0 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Per unit: delta per rupee of forward, theta per calendar day, vega per volatility point."""

    delta: float
    gamma: float
    theta: float
    vega: float


def _cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _pdf(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def value(forward: float, strike: float, years: float, sigma: float, kind: OptionType) -> float:
    """Undiscounted Black-76 price in rupees (F. Black, 1976): F N(d1) - K N(d2) for a call."""
    sign = 1.0 if kind is OptionType.CE else -1.0
    deviation = sigma * math.sqrt(years) if years > 0 and sigma > 0 else 0.0
    if deviation <= 0.0:
        return max(sign * (forward - strike), 0.0)
    d1 = math.log(forward / strike) / deviation + 0.5 * deviation
    return sign * (forward * _cdf(sign * d1) - strike * _cdf(sign * (d1 - deviation)))


def greeks(forward: float, strike: float, years: float, sigma: float, kind: OptionType) -> Greeks:
    """First-order sensitivities of `value`; all zero at or after expiry but delta."""
    sign = 1.0 if kind is OptionType.CE else -1.0
    if years <= 0 or sigma <= 0:
        inside = sign * (forward - strike) > 0
        return Greeks(delta=sign if inside else 0.0, gamma=0.0, theta=0.0, vega=0.0)
    root = math.sqrt(years)
    d1 = math.log(forward / strike) / (sigma * root) + 0.5 * sigma * root
    density = _pdf(d1)
    return Greeks(
        delta=sign * _cdf(sign * d1),
        gamma=density / (forward * sigma * root),
        theta=-forward * density * sigma / (2.0 * root) / 365.0,
        vega=forward * density * root / 100.0,
    )


def implied_volatility(
    price: float, forward: float, strike: float, years: float, kind: OptionType
) -> float | None:
    """The sigma whose `value` is `price`, by bisection to 1e-6; None where none exists."""
    if years <= 0 or price <= value(forward, strike, 0.0, 0.0, kind):
        return None
    low, high = 1e-4, 5.0
    if price >= value(forward, strike, years, high, kind):
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        if value(forward, strike, years, middle, kind) < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffLeg:
    """`quantity` signed units; `strike` and `kind` None for a future; prices in rupees."""

    quantity: int
    premium: float
    strike: float | None
    kind: OptionType | None
    years: float = 0.0
    sigma: float = 0.0


def payoff_at_expiry(legs: Sequence[PayoffLeg], spots: Sequence[float]) -> list[float]:
    """Rupees earned at each spot if every leg is held to its expiry."""
    return [sum(_leg_payoff(leg, spot, 0.0) for leg in legs) for spot in spots]


def payoff_now(legs: Sequence[PayoffLeg], spots: Sequence[float]) -> list[float]:
    """Rupees earned at each spot with today's time and volatility left."""
    return [sum(_leg_payoff(leg, spot, leg.years) for leg in legs) for spot in spots]


def _leg_payoff(leg: PayoffLeg, spot: float, years: float) -> float:
    if leg.strike is None or leg.kind is None:
        return leg.quantity * (spot - leg.premium)
    worth = value(spot, leg.strike, years, leg.sigma, leg.kind)
    return leg.quantity * (worth - leg.premium)


def breakevens(spots: Sequence[float], payoff: Sequence[float]) -> list[float]:
    """Spots where the payoff crosses zero, by linear interpolation."""
    found = []
    for i in range(1, len(spots)):
        a, b = payoff[i - 1], payoff[i]
        if (a < 0) != (b < 0):
            found.append(spots[i - 1] + (spots[i] - spots[i - 1]) * (-a / (b - a)))
    return found
