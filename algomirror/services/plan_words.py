"""The sentences of a plan: what refuses it, what skips an account, what to know before sending."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from algomirror.domain.chase import ChaseTerms
from algomirror.domain.chase import MarketOrders
from algomirror.domain.chase import sl_limit
from algomirror.domain.hedges import naked_legs
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.market_calendar import MarketCalendar
from algomirror.domain.market_calendar import session_day
from algomirror.domain.market_calendar import why_closed
from algomirror.domain.money import grouped
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.sizing import is_freeze_known
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import RunRow
from algomirror.engine.live_view import SystemRow
from algomirror.engine.ports import AccountProfile
from algomirror.services.leg_preview import LegPreview

_SHORT = {
    "minute": "entries wait for the next minute",
    "day": "the last entries are not sent, their budget is kept for exits",
}
_OPEN_RUN = ("planned", "entering", "entered", "exiting")


# --- the whole run ----------------------------------------------------------------------------
def why_refused(
    strategy: Strategy,
    legs: Sequence[PlannedLeg],
    accounts: Sequence[PlannedAccount],
    calendar: MarketCalendar,
    now: datetime,
    view: LiveView | None,
) -> str | None:
    """The first reason of product.md 4.1 that keeps a run from being sent; None if none does."""
    for exchange in dict.fromkeys(p.contract.exchange for p in legs):
        closed = why_closed(calendar, exchange, now)
        if closed:
            return closed
    if view is not None:
        refused = _why_not_now(strategy, view)
        if refused:
            return refused
    if all(a.skip for a in accounts):
        reasons = "; ".join(f"{a.account_name}: {a.skip}" for a in accounts)
        return f"No account is left: {reasons or 'none of the chosen ones exists any more'}"
    return None


def _why_not_now(strategy: Strategy, view: LiveView) -> str:
    """What the engine would answer; it has the last word when the orders are sent."""
    system = view.get("system", "system")
    if isinstance(system, SystemRow) and system.fleet_state != "ACTIVE":
        return f"Fleet is {system.fleet_state}: {system.fleet_reason}. Entries blocked."
    for run in view.rows("run"):
        is_open = isinstance(run, RunRow) and run.state in _OPEN_RUN
        if is_open and isinstance(run, RunRow) and run.strategy_id == strategy.id:
            return f"{strategy.name} already has an open run."
    return ""


# --- one account ------------------------------------------------------------------------------
def disagreement(
    profile: AccountProfile,
    contracts: Sequence[Contract],
    legs: Sequence[PlannedLeg],
    source: AccountProfile,
) -> str:
    """Lot, tick and freeze must agree with the defaults and between accounts (product.md 10.5).

    "NIFTY 26 Nov lot: A says 65, settings 75". A larger or unknown freeze quantity harms nobody.
    """
    for planned, theirs in zip(legs, contracts, strict=True):
        ours = planned.contract
        name = f"{ours.underlying} {ours.expiry:%d %b}"
        known = UNDERLYINGS.get(ours.underlying)
        if known is not None and theirs.lot_size != known.lot_size:
            return f"{name} lot: {profile.name} says {theirs.lot_size}, settings {known.lot_size}"
        if theirs.lot_size != ours.lot_size:
            return (
                f"{name} lot: {profile.name} says {theirs.lot_size}, {source.name} {ours.lot_size}"
            )
        if theirs.tick_size != ours.tick_size:
            says = f"{theirs.tick_size.normalize():f}, {source.name} {ours.tick_size.normalize():f}"
            return f"{name} tick: {profile.name} says {says}"
        if is_freeze_known(theirs.freeze_quantity) and (
            theirs.freeze_quantity < ours.freeze_quantity
        ):
            says = f"{grouped(Decimal(theirs.freeze_quantity))}, {source.name} "
            says += grouped(Decimal(ours.freeze_quantity))
            return f"{name} freeze quantity: {profile.name} says {says}"
    return ""


def short_of_margin(margin: Decimal, available: Decimal) -> str:
    return f"margin ₹{grouped(margin)} is more than the available ₹{grouped(available)}"


def account_notes(profile: AccountProfile, legs: Sequence[PlannedLeg], orders: int) -> list[str]:
    """What this account does differently, and where its order budget is too small."""
    return [*_without_market(profile, legs), *_short_of_budget(profile, orders)]


def _without_market(profile: AccountProfile, legs: Sequence[PlannedLeg]) -> list[str]:
    if profile.market_orders is not MarketOrders.REFUSED:
        return []
    most = f"{ChaseTerms().ceiling_pct:f} %"
    found = [f"refuses market orders: exits chase with limit orders up to {most}"]
    if any(p.leg.price_type is PriceType.MARKET for p in legs):
        found = [f"refuses market orders: entries and exits chase with limit orders up to {most}"]
    for p in legs:
        if p.leg.price_type is PriceType.SL_M and p.leg.trigger_price is not None:
            limit = sl_limit(p.leg.side, p.leg.trigger_price, p.contract.tick_size)
            found.append(f"leg {p.leg.leg_number} is sent as SL with limit {grouped(limit, 2)}, "
                         "because SL-M ends in a market order")  # fmt: skip
    return found


def _short_of_budget(profile: AccountProfile, orders: int) -> list[str]:
    found = []
    for name, limit in (
        ("minute", profile.max_orders_per_minute),
        ("day", profile.max_orders_per_day),
    ):
        both = 2 * orders
        if limit is not None and both > limit:
            found.append(f"its {name} budget of {limit} orders is short of entry and exit "
                         f"({both}): " + _SHORT[name])  # fmt: skip
    return found


# --- to know before sending -------------------------------------------------------------------
def source_warnings(source: AccountProfile) -> list[str]:
    """Every fallback is visible: contracts and prices came from a backup."""
    if source.is_primary:
        return []
    return [f"Contracts and prices of this plan come from {source.name}, not from the primary."]


def freeze_warnings(legs: Sequence[PlannedLeg], previews: Sequence[LegPreview]) -> list[str]:
    found = []
    for planned, preview in zip(legs, previews, strict=True):
        if preview.is_freeze_assumed:
            freeze = grouped(Decimal(planned.contract.freeze_quantity))
            text = f"{planned.contract.underlying}: the broker gives no freeze quantity, "
            found.append(f"{text}the setting of {freeze} is used.")
    return list(dict.fromkeys(found))


def warnings(
    strategy: Strategy, legs: Sequence[PlannedLeg], accounts: Sequence[PlannedAccount]
) -> list[str]:
    found = []
    if any(p.leg.side is Side.SELL for p in legs):
        naked = naked_legs(strategy.legs)
        if naked:
            found.append("A short has no bought hedge: its loss has no floor.")
        else:
            found.append(
                "Shorts enter an account only as far as its hedges are filled; not filled in "
                f"{strategy.hedge_timeout_s} s: {strategy.hedge_timeout_policy} that account."
            )
    for account in accounts:
        found.extend(_said_of(account.account_name, note) for note in account.notes)
    return found


def _said_of(name: str, note: str) -> str:
    return f"{name} {note}" if note.startswith("refuses") else f"{name}: {note}"


def calendar_warnings(calendar: MarketCalendar, now: datetime) -> list[str]:
    year = session_day(now).year
    if calendar.knows_year(year):
        return []
    return [f"No holidays stored for {year}: trading days may be wrong."]
