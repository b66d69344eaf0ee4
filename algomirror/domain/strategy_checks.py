"""What speaks against a design before it is armed (product.md 3.4)."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Literal

from algomirror.domain.hedges import naked_legs
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.money import grouped
from algomirror.domain.option_chain import has_weeklies
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.sizing import FAT_FINGER_LOTS
from algomirror.domain.sizing import MAX_SLICES
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule

Level = Literal["error", "warning", "ok"]
_ORDER: Mapping[Level, int] = {"error": 0, "warning": 1, "ok": 2}
_WEEKLY = (ExpiryRule.CURRENT_WEEK, ExpiryRule.NEXT_WEEK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`field` as in domain/draft.py, so that the builder can put it beside the input."""

    level: Level
    field: str
    sentence: str


def check(
    strategy: Strategy,
    *,
    listed: Mapping[str, Sequence[date]] | None = None,
    per_second: int = 10,
) -> list[Finding]:
    """Errors first, then hints, then what is in order.

    `listed` holds the known expiries by underlying; `per_second` the pace of the slowest account.
    """
    found = [
        *_errors(strategy),
        *_unlisted(strategy, listed or {}),
        *_hedges(strategy),
        *_stops(strategy),
        *_resting(strategy),
        *_orders(strategy, per_second),
    ]
    return sorted(found, key=lambda f: _ORDER[f.level])


def _errors(strategy: Strategy) -> list[Finding]:
    found = []
    if not strategy.legs:
        found.append(Finding(level="error", field="legs", sentence="There is no leg."))
    if not strategy.account_ids:
        found.append(Finding(level="error", field="accounts", sentence="No account is chosen."))
    for index, leg in enumerate(strategy.legs):
        for field, text in _missing(leg):
            found.append(
                Finding(
                    level="error",
                    field=f"legs.{index}.{field}",
                    sentence=f"Leg {leg.leg_number}: {text}",
                )
            )
    return found


def _missing(leg: Leg) -> list[tuple[str, str]]:
    found = []
    if not 1 <= leg.lots <= FAT_FINGER_LOTS:
        found.append(("lots", f"1 to {FAT_FINGER_LOTS} lots."))
    if leg.strike_rule is StrikeRule.STRIKE_PRICE and leg.strike_price is None:
        found.append(("strike_price", "type a strike."))
    if leg.price_type in (PriceType.LIMIT, PriceType.SL) and not leg.limit_price:
        found.append(("limit_price", "type a limit above 0."))
    if leg.price_type in (PriceType.SL, PriceType.SL_M) and not leg.trigger_price:
        found.append(("trigger_price", "type a trigger above 0."))
    return found


def _unlisted(strategy: Strategy, listed: Mapping[str, Sequence[date]]) -> list[Finding]:
    return [
        Finding(
            level="error",
            field=f"legs.{index}.expiry",
            sentence=f"{leg.underlying} lists no weekly expiry. Choose current or next month.",
        )
        for index, leg in enumerate(strategy.legs)
        if leg.expiry in _WEEKLY
        and listed.get(leg.underlying)
        and not has_weeklies(listed[leg.underlying])
    ]


def _hedges(strategy: Strategy) -> list[Finding]:
    if not any(leg.side is Side.SELL for leg in strategy.legs):
        return []
    naked = naked_legs(strategy.legs)
    if not naked:
        text = "Every short has its hedge: defined risk."
        return [Finding(level="ok", field="legs", sentence=text)]
    numbers = ", ".join(str(leg.leg_number) for leg in naked)
    text = f"Leg {numbers} is sold without enough bought hedges: the loss has no floor."
    return [Finding(level="warning", field="legs", sentence=text)]


def _stops(strategy: Strategy) -> list[Finding]:
    if strategy.max_loss is None:
        text = "No max loss: nothing stops this run by itself."
        return [Finding(level="warning", field="max_loss", sentence=text)]
    text = f"Max loss ₹{grouped(strategy.max_loss)} acts on the server, with no browser open."
    return [Finding(level="ok", field="max_loss", sentence=text)]


def _resting(strategy: Strategy) -> list[Finding]:
    waits = any(leg.side is Side.SELL for leg in strategy.legs)
    resting = any(
        leg.side is Side.BUY and leg.price_type is not PriceType.MARKET for leg in strategy.legs
    )
    if not (waits and resting):
        return []
    text = "A hedge with a limit may rest while its short waits behind it."
    return [Finding(level="warning", field="legs", sentence=text)]


def _orders(strategy: Strategy, per_second: int) -> list[Finding]:
    """Slices and seconds of the largest account, by the default lot and freeze quantity."""
    sets = max((n for _, n in strategy.custom_lots), default=1)
    found = []
    orders = 0
    for index, leg in enumerate(strategy.legs):
        field = f"legs.{index}.lots"
        lots = leg.lots * sets
        if lots > FAT_FINGER_LOTS:
            text = f"Leg {leg.leg_number}: {lots} lots, cut to whole sets of at most "
            text += f"{FAT_FINGER_LOTS} lots a leg."
            found.append(Finding(level="warning", field=field, sentence=text))
        known = UNDERLYINGS.get(leg.underlying)
        if known is None:
            continue
        lots = min(lots, FAT_FINGER_LOTS)
        count = len(slices(lots * known.lot_size, known.lot_size, known.freeze_quantity))
        orders += count
        if count > MAX_SLICES:
            text = f"Leg {leg.leg_number} needs {count} slices, more than {MAX_SLICES}."
            found.append(Finding(level="warning", field=field, sentence=text))
    return found + _pace(orders, per_second)


def _pace(orders: int, per_second: int) -> list[Finding]:
    if orders < per_second:
        return []
    text = f"{orders} orders an account at {per_second} a second: the pace is used up"
    seconds = ceil(orders / per_second) - 1
    if seconds:
        text += f", an exit takes at least {seconds} s"
    return [Finding(level="warning", field="legs", sentence=f"{text}.")]
