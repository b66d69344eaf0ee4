"""Bounded chase: a limit order that follows the market within a budget (product.md 6.4). Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.money import round_to_tick
from algomirror.domain.order import Side

HUNDRED = Decimal(100)
SL_LIMIT_PCT = Decimal(3)


class ChaseBy(StrEnum):
    """How a step is made: cancel and place the rest, or modify (only whole-order brokers)."""

    REPLACE = "replace"
    MODIFY = "modify"


class MarketOrders(StrEnum):
    """What an account's broker does with a market order; `refused` forces the chase."""

    ALLOWED = "allowed"
    PROTECTED = "protected"
    REFUSED = "refused"


class Escalation(StrEnum):
    WIDE_LIMIT = "wide_limit"
    MARKET = "market"
    REST_AND_ALARM = "rest_and_alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseTerms:
    """The budget. Percentages of the price they worsen, rupees, ticks and seconds as named."""

    start_offset_pct: Decimal = Decimal("0.10")
    start_offset_ticks: int = 1
    step_pct: Decimal = Decimal("0.25")
    step_ticks: int = 2
    interval_s: float = 1.0
    ceiling_pct: Decimal = Decimal(3)
    ceiling_rupees: Decimal = Decimal(2)
    deadline_s: float = 10.0
    wide_pct: Decimal = Decimal(10)
    escalation: tuple[Escalation, ...] = (
        Escalation.WIDE_LIMIT,
        Escalation.MARKET,
        Escalation.REST_AND_ALARM,
    )


def limit_of_step(
    terms: ChaseTerms, side: Side, *, touch: Decimal, reference: Decimal, tick: Decimal, step: int
) -> Decimal:
    """The limit of step `step` (0 = first) in rupees on tick.

    `touch` is the best opposite price when the chase began (ask to buy, bid to sell, else the last
    price); `reference` the mark at the start, beyond which the ceiling lies. A buy is rounded up,
    a sell down; a sell never below one tick.
    """
    offset = max(touch * terms.start_offset_pct / HUNDRED, terms.start_offset_ticks * tick)
    stride = max(touch * terms.step_pct / HUNDRED, terms.step_ticks * tick)
    wanted = touch + side.sign * (offset + step * stride)
    return _bounded(side, wanted, reference + side.sign * reach(terms, reference), tick)


def reach(terms: ChaseTerms, reference: Decimal) -> Decimal:
    """The furthest a chase goes from its reference, rupees."""
    return max(reference * terms.ceiling_pct / HUNDRED, terms.ceiling_rupees)


def wide_limit(terms: ChaseTerms, side: Side, *, reference: Decimal, tick: Decimal) -> Decimal:
    """The limit of the escalation `wide_limit`: so many per cent from the reference, on tick."""
    edge = reference + side.sign * reference * terms.wide_pct / HUNDRED
    return _bounded(side, edge, edge, tick)


def sl_limit(side: Side, trigger: Decimal, tick: Decimal) -> Decimal:
    """The limit of the SL that stands for an SL-M where market orders are refused (5.2).

    3 % beyond the trigger, at least a tick; a buy is rounded up, a sell down.
    """
    away = max(trigger * SL_LIMIT_PCT / HUNDRED, tick)
    edge = trigger + side.sign * away
    return _bounded(side, edge, edge, tick)


def cost_pct(side: Side, *, reference: Decimal, average: Decimal) -> Decimal:
    """How far beyond the reference the fills lie, per cent; negative means better than it."""
    return side.sign * (average - reference) / reference * HUNDRED


def _bounded(side: Side, wanted: Decimal, edge: Decimal, tick: Decimal) -> Decimal:
    """Not beyond the edge, on tick, never below one tick."""
    price = min(wanted, edge) if side is Side.BUY else max(wanted, edge)
    return max(round_to_tick(price, tick, up=side is Side.BUY), tick)
