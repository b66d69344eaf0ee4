"""What speaks against a design before it is armed (product.md 3.4)."""

from dataclasses import dataclass
from typing import Literal

from algomirror.domain.hedges import hedges_of
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    level: Literal["error", "warning", "ok"]
    field: str
    sentence: str


def check(strategy: Strategy) -> list[Finding]:
    """Errors first, then hints, then what is in order."""
    found = [*_errors(strategy), *_hedges(strategy), *_stops(strategy), *_resting(strategy)]
    order = {"error": 0, "warning": 1, "ok": 2}
    return sorted(found, key=lambda f: order[f.level])


def _errors(strategy: Strategy) -> list[Finding]:
    found = []
    if not strategy.legs:
        found.append(Finding(level="error", field="legs", sentence="There is no leg."))
    if not strategy.account_ids:
        found.append(Finding(level="error", field="accounts", sentence="No account is chosen."))
    return found


def _hedges(strategy: Strategy) -> list[Finding]:
    shorts = [leg for leg in strategy.legs if leg.side is Side.SELL]
    if not shorts:
        return []
    naked = [leg for leg in shorts if sum(h.lots for h in hedges_of(leg, strategy.legs)) < leg.lots]
    if naked:
        numbers = ", ".join(str(leg.leg_number) for leg in naked)
        text = f"Leg {numbers} is sold without enough bought hedges: the loss has no floor."
        return [Finding(level="warning", field="legs", sentence=text)]
    text = "Every short has its hedge: defined risk."
    return [Finding(level="ok", field="legs", sentence=text)]


def _stops(strategy: Strategy) -> list[Finding]:
    if strategy.max_loss is None:
        text = "No max loss: nothing stops this run by itself."
        return [Finding(level="warning", field="max_loss", sentence=text)]
    text = f"Max loss ₹{strategy.max_loss:,.0f} acts on the server, with no browser open."
    return [Finding(level="ok", field="max_loss", sentence=text)]


def _resting(strategy: Strategy) -> list[Finding]:
    waits = any(leg.side is Side.SELL for leg in strategy.legs)
    limits = [
        leg
        for leg in strategy.legs
        if leg.side is Side.BUY and leg.price_type is not PriceType.MARKET
    ]
    if not (waits and limits):
        return []
    text = "A hedge with a limit may rest while its short waits behind it."
    return [Finding(level="warning", field="legs", sentence=text)]
