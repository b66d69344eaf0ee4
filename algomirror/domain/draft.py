"""What a person typed into the builder, read into a strategy or into sentences beside fields."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from typing import TypeVar

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.money import is_on_tick
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import HedgePolicy
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.domain.typed import is_blank
from algomirror.domain.typed import number_of
from algomirror.domain.typed import wrong_text
from algomirror.errors import InvalidInput

MAX_LEGS = 20
MAX_LOTS = 100
MAX_RUPEES = Decimal(10_00_00_000)
TICK = Decimal("0.05")
MAX_PRICE = Decimal(10_00_000)

E = TypeVar("E", bound=StrEnum)


class Reader:
    """Collects a sentence for each field that cannot be read; what was typed stays as it is."""

    def __init__(self) -> None:
        self.problems: list[InvalidInput] = []

    def fail(self, field: str, message: str) -> None:
        self.problems.append(InvalidInput(field, message))

    def text(self, field: str, value: Any, *, low: int, high: int, is_one_line: bool = True) -> str:
        wrong = wrong_text(value, low=low, high=high, is_one_line=is_one_line)
        if wrong is not None:
            self.fail(field, wrong)
            return ""
        return (value or "").strip()

    def whole(self, field: str, value: Any, *, low: int, high: int) -> int:
        found = number_of(value)
        if found is None or found != found.to_integral_value() or not low <= found <= high:
            self.fail(field, f"A whole number from {low} to {high}.")
            return low
        return int(found)

    def rupees(self, field: str, value: Any) -> Decimal | None:
        """Empty is None (off); else above zero, in paise at the finest."""
        if is_blank(value):
            return None
        found = number_of(value)
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
        found = number_of(value)
        if found is None or found <= 0:
            self.fail(field, "A price above 0.")
        elif found > MAX_PRICE:
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
    description = read.text(
        "description", raw.get("description"), low=0, high=2000, is_one_line=False
    )
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
        "entry_order_mode": read.choice(
            "entry_order_mode", raw.get("entry_order_mode", "as_leg"), EntryOrderMode
        ),
        "exit_order_mode": read.choice(
            "exit_order_mode", raw.get("exit_order_mode", "market"), ExitOrderMode
        ),
    }
    if fields["product"] is Product.CNC:
        read.fail("product", "MIS or NRML.")
    if read.problems:
        return None, read.problems
    return (
        Strategy(
            id=_identity(raw.get("id"), 0),
            version=_identity(raw.get("version"), 1),
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


def _identity(value: Any, otherwise: int) -> int:
    """An id or version as the page keeps it; nobody types it."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _accounts(read: Reader, raw: Any, known: Sequence[int]) -> dict[int, int]:
    if not isinstance(raw, Mapping):
        if raw is not None:
            read.fail("accounts", "Choose the accounts again.")
        return {}
    found: dict[int, int] = {}
    for key, sets in raw.items():
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
    legs = [_leg(read, number, row) for number, row in enumerate(rows[:MAX_LEGS])]
    return tuple(_with_own_ids(legs))


def _with_own_ids(legs: Sequence[Leg]) -> list[Leg]:
    """A leg that is new, or a copy of another, gets a number no other leg of the draft has."""
    taken: set[int] = set()
    free = max((leg.id for leg in legs), default=0) + 1
    named = []
    for leg in legs:
        is_new = leg.id <= 0 or leg.id in taken
        named.append(replace(leg, id=free) if is_new else leg)
        taken.add(named[-1].id)
        free += is_new
    return named


def _leg(read: Reader, number: int, row: Any) -> Leg:
    at = f"legs.{number}."
    raw: Mapping[str, Any] = row if isinstance(row, Mapping) else {}
    instrument = raw.get("instrument")
    if not isinstance(instrument, str) or instrument not in UNDERLYINGS:
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
        id=_identity(raw.get("id"), 0),
        leg_number=number + 1,
        underlying=str(instrument),
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
        "entry_order_mode": strategy.entry_order_mode.value,
        "exit_order_mode": strategy.exit_order_mode.value,
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
