"""Listed strikes of one expiry and the choice of a strike by rule (product.md 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from algomirror.domain.instrument import OptionType
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import StrikeRule
from algomirror.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLeg:
    """One option of the chain; prices in rupees, 0 means the broker has none."""

    symbol: str
    ltp: Decimal
    bid: Decimal
    ask: Decimal
    volume: int
    oi: int
    lot_size: int
    tick_size: Decimal
    bid_quantity: int = 0
    ask_quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    strike: Decimal
    ce: ChainLeg | None
    pe: ChainLeg | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChain:
    """Rows ascending by strike; `spot` the underlying's last price."""

    underlying: str
    expiry: date
    spot: Decimal
    rows: tuple[ChainRow, ...]


def at_the_money(strikes: Sequence[Decimal], spot: Decimal) -> Decimal:
    """The listed strike nearest to spot; an exact tie goes to the lower strike."""
    return min(strikes, key=lambda strike: (abs(strike - spot), strike))


def choose_strike(
    strikes: Sequence[Decimal],
    spot: Decimal,
    option_type: OptionType,
    rule: StrikeRule,
    *,
    offset: int = 0,
    strike_price: Decimal | None = None,
) -> Decimal:
    """The listed strike a leg means. `strikes` ascending; InvalidInput names field and fix."""
    if not strikes:
        raise InvalidInput("strike_selection", "No strikes are listed for this expiry.")
    if rule is StrikeRule.STRIKE_PRICE:
        return _listed(strikes, strike_price)
    atm = list(strikes).index(at_the_money(strikes, spot))
    away = 0 if rule is StrikeRule.ATM else offset
    up = (option_type is OptionType.CE) == (rule is StrikeRule.OTM)
    index = atm + away if up else atm - away
    if not 0 <= index < len(strikes):
        raise InvalidInput("strike_offset", f"{rule} {offset} lies outside the listed strikes.")
    return strikes[index]


def _listed(strikes: Sequence[Decimal], wanted: Decimal | None) -> Decimal:
    if wanted is None:
        raise InvalidInput("strike_price", "Type a strike.")
    if wanted in strikes:
        return wanted
    below = [s for s in strikes if s < wanted][-1:]
    above = [s for s in strikes if s > wanted][:1]
    near = " and ".join(f"{s:,f}" for s in below + above)
    raise InvalidInput("strike_price", f"{wanted:,f} is not a listed strike. Nearest: {near}.")


def choose_expiry(expiries: Sequence[date], rule: ExpiryRule, today: date, name: str) -> date:
    """The listed expiry a rule means on `today` (product.md 3.3); InvalidInput when not listed."""
    remaining = sorted(e for e in set(expiries) if e >= today)
    if not remaining:
        raise InvalidInput("expiry", f"{name} lists no expiry.")
    monthlies = monthly_expiries(remaining)
    if rule in (ExpiryRule.CURRENT_WEEK, ExpiryRule.NEXT_WEEK) and not has_weeklies(remaining):
        raise InvalidInput(
            "expiry", f"{name} lists no weekly expiry. Choose current or next month."
        )
    wanted, index = {
        ExpiryRule.CURRENT_WEEK: (remaining, 0),
        ExpiryRule.NEXT_WEEK: (remaining, 1),
        ExpiryRule.CURRENT_MONTH: (monthlies, 0),
        ExpiryRule.NEXT_MONTH: (monthlies, 1),
    }[rule]
    if index >= len(wanted):
        raise InvalidInput("expiry", f"{name} lists no expiry for {rule.replace('_', ' ')}.")
    return wanted[index]


def monthly_expiries(expiries: Sequence[date]) -> list[date]:
    """The last listed expiry of each calendar month, ascending."""
    last: dict[tuple[int, int], date] = {}
    for expiry in sorted(expiries):
        last[expiry.year, expiry.month] = expiry
    return sorted(last.values())


def has_weeklies(expiries: Sequence[date]) -> bool:
    """Whether any of the first three calendar months of the list holds two or more expiries."""
    months: dict[tuple[int, int], int] = {}
    for expiry in sorted(expiries):
        months[expiry.year, expiry.month] = months.get((expiry.year, expiry.month), 0) + 1
    return any(count >= 2 for count in list(months.values())[:3])
