"""What each endpoint of the paper exchange accepts, and how it words what it does not."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from typing import Literal

Style = Literal["object", "text", "errors"]
"""How a schema error is worn: message as object, as text of a dict, or beside `errors`."""

EXCHANGES = ("NSE", "NFO", "CDS", "BSE", "BFO", "BCD", "MCX", "NCDEX", "NCO", "NSE_INDEX",
             "BSE_INDEX", "MCX_INDEX", "GLOBAL_INDEX", "CRYPTO")  # fmt: skip
FNO_EXCHANGES = ("NFO", "BFO", "MCX", "CDS", "NCO", "BCD", "NCDEX", "CRYPTO")
INTERVALS = ("1s", "5s", "10s", "15s", "30s", "45s", "1m", "2m", "3m", "5m", "10m", "15m", "20m",
             "30m", "1h", "2h", "3h", "4h", "D", "W", "M", "Q", "Y")  # fmt: skip
MISSING = "Missing data for required field."


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` returns (value, error)."""

    check: Callable[[Any], tuple[Any, Any]]
    required: bool = False
    default: Any = None


def text(value: Any) -> tuple[Any, Any]:
    return (value, None) if isinstance(value, str) else (None, ["Not a valid string."])


def key(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, str):
        return None, ["Not a valid string."]
    if not 1 <= len(value) <= 256:
        return None, ["Length must be between 1 and 256."]
    return value, None


def one_of(*choices: str) -> Callable[[Any], tuple[Any, Any]]:
    def check(value: Any) -> tuple[Any, Any]:
        if not isinstance(value, str):
            return None, ["Not a valid string."]
        if value in choices:
            return value, None
        return None, [f"Must be one of: {', '.join(choices)}."]

    return check


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def quantity(value: Any) -> tuple[Any, Any]:
    number = _number(value)
    if number is None:
        return None, ["Not a valid number."]
    if number <= 0:
        return None, ["Quantity must be a positive number."]
    if number != int(number):
        return None, [f"Fractional quantity ({number:g}) is not allowed for non-crypto exchanges."]
    return int(number), None


def price(value: Any) -> tuple[Any, Any]:
    number = _number(value)
    if number is None:
        return None, ["Not a valid number."]
    return (number, None) if number >= 0 else (None, ["Price must be a non-negative number."])


def whole(low: int, high: int | None = None) -> Callable[[Any], tuple[Any, Any]]:
    def check(value: Any) -> tuple[Any, Any]:
        number = _number(value)
        if number is None or number != int(number):
            return None, ["Not a valid integer."]
        if number < low or (high is not None and number > high):
            upper = f" and less than or equal to {high}" if high is not None else ""
            return None, [f"Must be greater than or equal to {low}{upper}."]
        return int(number), None

    return check


def real(value: Any) -> tuple[Any, Any]:
    number = _number(value)
    return (number, None) if number is not None else (None, ["Not a valid number."])


def boolean(value: Any) -> tuple[Any, Any]:
    if value in (True, "true", "True", "1", 1):
        return True, None
    if value in (False, "false", "False", "0", 0):
        return False, None
    return None, ["Not a valid boolean."]


def day(value: Any) -> tuple[Any, Any]:
    try:
        return date.fromisoformat(value), None
    except (TypeError, ValueError):
        return None, ["Not a valid date."]


def offset(value: Any) -> tuple[Any, Any]:
    word = str(value).upper()
    if word == "ATM":
        return word, None
    if word[:3] in ("ITM", "OTM") and word[3:].isdigit() and 1 <= int(word[3:]) <= 50:
        return word, None
    return None, ["Offset must be ATM, ITM1-ITM50, or OTM1-OTM50"]


def many(rules: Mapping[str, Rule], low: int, high: int | None) -> Callable[[Any], tuple[Any, Any]]:
    def check(value: Any) -> tuple[Any, Any]:
        if not isinstance(value, list):
            return None, ["Invalid type."]
        if len(value) < low:
            return None, [f"Shorter than minimum length {low}."]
        if high is not None and len(value) > high:
            return None, [f"Longer than maximum length {high}."]
        found, errors = [], {}
        for number, item in enumerate(value):
            cleaned, wrong = validate(rules, item)
            found.append(cleaned)
            if wrong:
                errors[number] = wrong
        return (found, None) if not errors else (None, errors)

    return check


def validate(rules: Mapping[str, Rule], body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cleaned values with defaults, and errors by field in the order of the rules."""
    if not isinstance(body, dict):
        return {}, {"_schema": ["Invalid input type."]}
    cleaned: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, rule in rules.items():
        if name not in body:
            if rule.required:
                errors[name] = [MISSING]
            else:
                cleaned[name] = rule.default
            continue
        value, wrong = rule.check(body[name])
        if wrong:
            errors[name] = wrong
        else:
            cleaned[name] = value
    for name in body:
        if name not in rules:
            errors[name] = ["Unknown field."]
    return cleaned, errors


_KEY = {"apikey": Rule(key, required=True)}
_EXCHANGE = Rule(one_of(*EXCHANGES), required=True)
_SYMBOL = {"symbol": Rule(text, required=True), "exchange": _EXCHANGE}
_ACTION = Rule(one_of("BUY", "SELL", "buy", "sell"), required=True)
_PRICES = {
    "pricetype": Rule(one_of("MARKET", "LIMIT", "SL", "SL-M"), default="MARKET"),
    "product": Rule(one_of("MIS", "NRML", "CNC"), default="MIS"),
    "price": Rule(price, default=0.0),
    "trigger_price": Rule(price, default=0.0),
    "disclosed_quantity": Rule(price, default=0.0),
}
_ITEM = {
    "exchange": _EXCHANGE,
    "symbol": Rule(text, required=True),
    "action": _ACTION,
    "quantity": Rule(quantity, required=True),
    **_PRICES,
}
_STRATEGY = {"strategy": Rule(text, required=True)}
_ORDER = {**_KEY, **_STRATEGY, **_ITEM, "underlying_ltp": Rule(real)}
_ORDER_ID = {"orderid": Rule(text, required=True)}
_UNDERLYING = {"underlying": Rule(text, required=True), "exchange": _EXCHANGE}
_MARGIN_LEG = {
    "symbol": Rule(text, required=True),
    "exchange": _EXCHANGE,
    "action": _ACTION,
    "quantity": Rule(text, required=True),
    "product": Rule(one_of("MIS", "NRML", "CNC"), required=True),
    "pricetype": Rule(one_of("MARKET", "LIMIT", "SL", "SL-M"), required=True),
    "price": Rule(text, default="0"),
    "trigger_price": Rule(text, default="0"),
}
_MODIFY_ORDER = ("product", "pricetype", "price", "quantity", "disclosed_quantity",
                 "trigger_price")  # fmt: skip

SCHEMAS: dict[str, tuple[Style, dict[str, Rule]]] = {
    "ping": ("object", _KEY),
    "funds": ("object", _KEY),
    "orderbook": ("object", _KEY),
    "tradebook": ("object", _KEY),
    "positionbook": ("object", _KEY),
    "holdings": ("object", _KEY),
    "intervals": ("object", _KEY),
    "analyzer": ("text", _KEY),
    "analyzer/toggle": ("text", {**_KEY, "mode": Rule(boolean, required=True)}),
    "openposition": (
        "text",
        {**_KEY, **_STRATEGY, **_SYMBOL,
         "product": Rule(one_of("MIS", "NRML", "CNC"), required=True)},
    ),
    "orderstatus": ("text", {**_KEY, **_STRATEGY, **_ORDER_ID}),
    "placeorder": ("text", _ORDER),
    "placesmartorder": (
        "text",
        {**_ORDER, "quantity": Rule(whole(0), required=True),
         "position_size": Rule(real, required=True)},
    ),
    "basketorder": (
        "text", {**_KEY, **_STRATEGY, "orders": Rule(many(_ITEM, 0, None), required=True)},
    ),
    "splitorder": ("text", {**_ORDER, "splitsize": Rule(whole(1), required=True)}),
    "modifyorder": (
        "text",
        {**_KEY, **_STRATEGY, "exchange": _EXCHANGE, "symbol": Rule(text, required=True),
         **_ORDER_ID, "action": _ACTION,
         **{n: Rule((_PRICES | _ITEM)[n].check, required=True) for n in _MODIFY_ORDER}},
    ),
    "cancelorder": ("text", {**_KEY, **_STRATEGY, **_ORDER_ID}),
    "cancelallorder": ("text", {**_KEY, **_STRATEGY}),
    "closeposition": ("text", {**_KEY, **_STRATEGY}),
    "quotes": ("object", {**_KEY, **_SYMBOL}),
    "multiquotes": ("object", {**_KEY, "symbols": Rule(many(_SYMBOL, 1, None), required=True)}),
    "depth": ("object", {**_KEY, **_SYMBOL}),
    "history": (
        "object",
        {**_KEY, **_SYMBOL, "interval": Rule(one_of(*INTERVALS), required=True),
         "start_date": Rule(day, required=True), "end_date": Rule(day, required=True),
         "source": Rule(one_of("api", "db"), default="api")},
    ),
    "symbol": ("object", {**_KEY, **_SYMBOL}),
    "search": (
        "object", {**_KEY, "query": Rule(text, required=True), "exchange": Rule(text)},
    ),
    "expiry": (
        "object",
        {**_KEY, "symbol": Rule(text, required=True),
         "exchange": Rule(one_of(*FNO_EXCHANGES), required=True),
         "instrumenttype": Rule(one_of("futures", "options"), required=True)},
    ),
    "optionsymbol": (
        "errors",
        {**_KEY, **_UNDERLYING, "offset": Rule(offset, required=True),
         "option_type": Rule(one_of("CE", "PE", "ce", "pe"), required=True),
         "expiry_date": Rule(text), "strike_int": Rule(whole(1)), "strategy": Rule(text)},
    ),
    "optionchain": (
        "errors",
        {**_KEY, **_UNDERLYING, "expiry_date": Rule(text, required=True),
         "strike_count": Rule(whole(1, 100)), "with_greeks": Rule(boolean, default=False),
         "interest_rate": Rule(real)},
    ),
    "optiongreeks": (
        "errors",
        {**_KEY, **_SYMBOL, "interest_rate": Rule(real, default=0), "forward_price": Rule(real),
         "underlying_symbol": Rule(text), "underlying_exchange": Rule(text),
         "expiry_time": Rule(text)},
    ),
    "syntheticfuture": (
        "errors", {**_KEY, **_UNDERLYING, "expiry_date": Rule(text, required=True)},
    ),
    "margin": ("text", {**_KEY, "positions": Rule(many(_MARGIN_LEG, 1, 50), required=True)}),
    "market/holidays": ("object", {"apikey": Rule(text), "year": Rule(whole(2020, 2050))}),
    "market/timings": ("object", {"apikey": Rule(text), "date": Rule(text, required=True)}),
}  # fmt: skip

ORDER_RATE = frozenset({"placeorder", "modifyorder", "cancelorder"})
LIMITS: dict[str, tuple[int, float]] = {
    **dict.fromkeys(SCHEMAS, (50, 1.0)),
    **dict.fromkeys((*ORDER_RATE, "placesmartorder"), (10, 1.0)),
    "optiongreeks": (30, 60.0),
}
"""Requests per seconds, per key and endpoint (protocol.md 1.5)."""
