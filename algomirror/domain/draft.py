"""What a person typed into the builder, read into a strategy or into sentences beside fields."""

import re
from collections.abc import Mapping
from collections.abc import Sequence
from decimal import Decimal
from decimal import InvalidOperation
from enum import StrEnum
from typing import Any
from typing import TypeVar

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.money import is_on_tick
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import HedgePolicy
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.errors import InvalidInput

MAX_LEGS = 20
MAX_LOTS = 100
MAX_RUPEES = Decimal(10_00_00_000)
TICK = Decimal("0.05")
_PLAIN = re.compile(r"^-?\d{1,15}(\.\d{1,10})?$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

E = TypeVar("E", bound=StrEnum)


class Reader:
    """Collects a sentence for each field that cannot be read; what was typed stays as it is."""

    def __init__(self) -> None:
        self.problems: list[InvalidInput] = []

    def fail(self, field: str, message: str) -> None:
        self.problems.append(InvalidInput(field, message))

    def text(self, field: str, value: Any, *, low: int, high: int) -> str:
        plain = value.strip() if isinstance(value, str) else ""
        if value is not None and not isinstance(value, str):
            self.fail(field, "Type a text.")
        elif not low <= len(plain) <= high or _CONTROL.search(plain):
            wanted = f"{low} to {high} characters" if low else f"At most {high} characters"
            self.fail(field, f"{wanted}.")
        return plain

    def number(self, value: Any) -> Decimal | None:
        """A finite plain number, Indian grouping and a rupee sign tolerated; None otherwise."""
        if isinstance(value, bool) or value is None:
            return None
        plain = str(value).strip().replace(",", "").replace("₹", "").strip()
        if not plain.isascii() or not _PLAIN.match(plain):
            return None
        try:
            return Decimal(plain)
        except InvalidOperation:
            return None

    def whole(self, field: str, value: Any, *, low: int, high: int) -> int:
        found = self.number(value)
        if found is None or found != found.to_integral_value() or not low <= found <= high:
            self.fail(field, f"A whole number from {low} to {high}.")
            return low
        return int(found)

    def rupees(self, field: str, value: Any) -> Decimal | None:
        """Empty is None (off); else above zero, in paise at the finest."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        found = self.number(value)
        if found is None:
            self.fail(field, "An amount in rupees, like 5,000, or empty for none.")
        elif found <= 0:
            self.fail(field, "More than 0, or empty for none.")
        elif found > MAX_RUPEES:
            self.fail(field, "At most 10 crore.")
        elif found != round(found, 2):
            self.fail(field, "At most two decimals.")
        else:
            return found
        return None

    def price(self, field: str, value: Any) -> Decimal | None:
        found = self.number(value)
        if found is None or found <= 0:
            self.fail(field, "A price above 0.")
        elif found > 1_000_000:
            self.fail(field, "At most 10,00,000.")
        elif not is_on_tick(found, TICK):
            self.fail(field, "Not on tick: use steps of 0.05.")
        else:
            return found
        return None

    def choice(self, field: str, value: Any, kind: type[E]) -> E:
        try:
            return kind(value)
        except ValueError:
            self.fail(field, "Choose one of the list.")
            return next(iter(kind))


def parse_draft(
    raw: Mapping[str, Any], *, account_ids: Sequence[int]
) -> tuple[Strategy | None, list[InvalidInput]]:
    """A strategy, or None with the sentences. Field keys: "name", "max_loss", "legs.0.lots", ...

    `account_ids` are those that exist. `raw["legs"]` is a list of mappings, `raw["accounts"]`
    maps an account id to its sets.
    """
    read = Reader()
    name = read.text("name", raw.get("name"), low=1, high=100)
    description = read.text("description", raw.get("description") or "", low=0, high=2000)
    legs = _legs(read, raw.get("legs"))
    accounts = _accounts(read, raw.get("accounts"), account_ids)
    fields: dict[str, Any] = {
        "product": read.choice("product", raw.get("product", "NRML"), Product),
        "max_loss": read.rupees("max_loss", raw.get("max_loss")),
        "max_loss_action": _action(read, "max_loss_action", raw),
        "max_profit": read.rupees("max_profit", raw.get("max_profit")),
        "max_profit_action": _action(read, "max_profit_action", raw),
        "hedge_timeout_s": read.whole(
            "hedge_timeout_s", raw.get("hedge_timeout_s", 30), low=1, high=600
        ),
        "hedge_timeout_policy": read.choice(
            "hedge_timeout_policy", raw.get("hedge_timeout_policy", "abort"), HedgePolicy
        ),
        "entry_timeout_s": read.whole(
            "entry_timeout_s", raw.get("entry_timeout_s", 120), low=5, high=3600
        ),
        "entry_timeout_policy": read.choice(
            "entry_timeout_policy", raw.get("entry_timeout_policy", "cancel"), RemainderPolicy
        ),
    }
    if fields["product"] is Product.CNC:
        read.fail("product", "MIS or NRML.")
    if fields["entry_timeout_policy"] is RemainderPolicy.CHASE:
        read.fail("entry_timeout_policy", "Choose one of the list.")
    if read.problems:
        return None, read.problems
    return (
        Strategy(
            id=int(raw.get("id") or 0),
            version=int(raw.get("version") or 1),
            name=name,
            description=description,
            legs=legs,
            account_ids=tuple(accounts),
            custom_lots=tuple(accounts.items()),
            **fields,
        ),
        [],
    )


def _action(read: Reader, field: str, raw: Mapping[str, Any]) -> RiskAction:
    action = read.choice(field, raw.get(field, "close_all"), RiskAction)
    if action is RiskAction.CLOSE_PARTIAL:
        read.fail(field, "Choose one of the list.")
    return action


def _accounts(read: Reader, raw: Any, known: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for key, sets in (raw or {}).items():
        field = f"accounts.{key}"
        if key not in known:
            read.fail(field, "This account no longer exists.")
            continue
        found[key] = read.whole(field, sets, low=1, high=MAX_LOTS)
    return found


def _legs(read: Reader, raw: Any) -> tuple[Leg, ...]:
    rows = raw if isinstance(raw, list) else []
    if not rows:
        read.fail("legs", "A strategy needs at least one leg.")
    if len(rows) > MAX_LEGS:
        read.fail("legs", f"At most {MAX_LEGS} legs.")
    return tuple(_leg(read, number, row) for number, row in enumerate(rows[:MAX_LEGS]))


def _leg(read: Reader, number: int, raw: Mapping[str, Any]) -> Leg:
    at = f"legs.{number}."
    if raw.get("instrument") not in UNDERLYINGS:
        read.fail(f"{at}instrument", "Choose NIFTY, BANKNIFTY or SENSEX.")
    side = read.choice(f"{at}action", raw.get("action"), Side)
    rule = read.choice(f"{at}strike_selection", raw.get("strike_selection", "ATM"), StrikeRule)
    offset, strike = 0, None
    if rule in (StrikeRule.ITM, StrikeRule.OTM):
        offset = read.whole(f"{at}strike_offset", raw.get("strike_offset"), low=1, high=20)
    elif rule is StrikeRule.STRIKE_PRICE:
        strike = read.price(f"{at}strike_price", raw.get("strike_price"))
    kind = read.choice(f"{at}order_type", raw.get("order_type", "MARKET"), PriceType)
    limit = trigger = None
    if kind in (PriceType.LIMIT, PriceType.SL):
        limit = read.price(f"{at}limit_price", raw.get("limit_price"))
    if kind in (PriceType.SL, PriceType.SL_M):
        trigger = read.price(f"{at}trigger_price", raw.get("trigger_price"))
    if kind is PriceType.SL and limit is not None and trigger is not None:
        wrong = limit < trigger if side is Side.BUY else limit > trigger
        if wrong:
            word = "at or above" if side is Side.BUY else "at or below"
            read.fail(f"{at}limit_price", f"For a {side} the limit lies {word} the trigger.")
    return Leg(
        id=int(raw.get("id") or 0) or number + 1,
        leg_number=number + 1,
        underlying=str(raw.get("instrument")),
        expiry=read.choice(f"{at}expiry", raw.get("expiry", "current_week"), ExpiryRule),
        side=side,
        option_type=read.choice(f"{at}option_type", raw.get("option_type"), OptionType),
        strike_rule=rule,
        strike_offset=offset,
        strike_price=strike,
        lots=read.whole(f"{at}lots", raw.get("lots", 1), low=1, high=MAX_LOTS),
        price_type=kind,
        limit_price=limit,
        trigger_price=trigger,
    )


def draft_of(strategy: Strategy) -> dict[str, Any]:
    """The builder's fields of a stored strategy."""
    return {
        "id": strategy.id,
        "version": strategy.version,
        "name": strategy.name,
        "description": strategy.description,
        "product": strategy.product.value,
        "accounts": dict(strategy.custom_lots) or dict.fromkeys(strategy.account_ids, 1),
        "max_loss": _plain(strategy.max_loss),
        "max_loss_action": strategy.max_loss_action.value,
        "max_profit": _plain(strategy.max_profit),
        "max_profit_action": strategy.max_profit_action.value,
        "hedge_timeout_s": strategy.hedge_timeout_s,
        "hedge_timeout_policy": strategy.hedge_timeout_policy.value,
        "entry_timeout_s": strategy.entry_timeout_s,
        "entry_timeout_policy": strategy.entry_timeout_policy.value,
        "legs": [
            {
                "id": leg.id,
                "instrument": leg.underlying,
                "expiry": leg.expiry.value,
                "action": leg.side.value,
                "option_type": (leg.option_type or OptionType.CE).value,
                "strike_selection": leg.strike_rule.value,
                "strike_offset": leg.strike_offset or 1,
                "strike_price": _plain(leg.strike_price),
                "lots": leg.lots,
                "order_type": leg.price_type.value,
                "limit_price": _plain(leg.limit_price),
                "trigger_price": _plain(leg.trigger_price),
            }
            for leg in strategy.legs
        ],
    }


def _plain(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize(), "f")
