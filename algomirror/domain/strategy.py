"""What the user designs (Strategy, Leg) and what is sized from it (Plan)."""

from dataclasses import dataclass
from datetime import date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side


class ExpiryRule(StrEnum):
    CURRENT_WEEK = "current_week"
    NEXT_WEEK = "next_week"
    CURRENT_MONTH = "current_month"
    NEXT_MONTH = "next_month"


class StrikeRule(StrEnum):
    ATM = "ATM"
    ITM = "ITM"
    OTM = "OTM"
    STRIKE_PRICE = "strike_price"


class RiskAction(StrEnum):
    CLOSE_ALL = "close_all"
    CLOSE_PARTIAL = "close_partial"
    ALERT_ONLY = "alert_only"


class HedgePolicy(StrEnum):
    ABORT = "abort"
    CONTINUE = "continue"


class RemainderPolicy(StrEnum):
    CANCEL = "cancel"
    CHASE = "chase"
    MARKET = "market"
    KEEP = "keep"


class UnbalancedPolicy(StrEnum):
    EXIT_ALL = "exit_all"
    TRIM = "trim"
    KEEP_AND_ALERT = "keep_and_alert"


class EntryOrderMode(StrEnum):
    AS_LEG = "as_leg"
    CHASE = "chase"


class ExitOrderMode(StrEnum):
    MARKET = "market"
    CHASE = "chase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One instrument line of a strategy (product.md 3.2); `lots` is lots a set or per account."""

    id: int
    leg_number: int
    underlying: str
    expiry: ExpiryRule = ExpiryRule.CURRENT_WEEK
    side: Side
    option_type: OptionType | None
    strike_rule: StrikeRule = StrikeRule.ATM
    strike_offset: int = 1
    strike_price: Decimal | None = None
    lots: int = 1
    price_type: PriceType = PriceType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A design (product.md 3.1); editing it never changes a run that exists. Amounts in rupees.

    `max_loss`/`max_profit` are positive or None (off). `custom_lots` maps an account id to sets.
    """

    id: int
    name: str
    description: str = ""
    legs: tuple[Leg, ...] = ()
    account_ids: tuple[int, ...] = ()
    custom_lots: tuple[tuple[int, int], ...] = ()
    product: Product = Product.NRML
    max_loss: Decimal | None = None
    max_loss_action: RiskAction = RiskAction.CLOSE_ALL
    max_profit: Decimal | None = None
    max_profit_action: RiskAction = RiskAction.CLOSE_ALL
    hedge_timeout_s: int = 30
    hedge_timeout_policy: HedgePolicy = HedgePolicy.ABORT
    entry_timeout_s: int = 120
    entry_timeout_policy: RemainderPolicy = RemainderPolicy.CANCEL
    unbalanced_policy: UnbalancedPolicy | None = None
    entry_order_mode: EntryOrderMode = EntryOrderMode.AS_LEG
    exit_order_mode: ExitOrderMode = ExitOrderMode.MARKET
    is_active: bool = True
    version: int = 1
    archived_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLeg:
    """A leg resolved to a contract. `weight` = leg lots / gcd of all leg lots (a set's lots)."""

    leg: Leg
    contract: Contract
    weight: int
    last_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAccount:
    """What one account will trade. `lots[leg id]` in lots; money in rupees; skipped if `skip`."""

    account_id: int
    account_name: str
    mode: str
    sets: int
    lots: tuple[tuple[int, int], ...]
    margin: Decimal | None
    margin_basis: str
    available: Decimal | None
    funds_at: datetime | None
    orders: int
    seconds: int
    skip: str | None = None
    notes: tuple[str, ...] = ()
    exit_seconds: int = 0
    """What an exit of all of it takes at least, by the order budget alone."""

    def lots_of(self, leg_id: int) -> int:
        return dict(self.lots).get(leg_id, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The sized plan a run freezes. `spots` by underlying; `warnings` are sentences."""

    strategy: Strategy
    legs: tuple[PlannedLeg, ...]
    accounts: tuple[PlannedAccount, ...]
    spots: tuple[tuple[str, Decimal], ...]
    made_at: datetime
    expiry_day: bool
    session_day: date
    warnings: tuple[str, ...] = ()
    refusal: str | None = None

    def leg(self, leg_id: int) -> PlannedLeg:
        return next(p for p in self.legs if p.leg.id == leg_id)
