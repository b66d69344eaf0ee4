"""OpenAlgo's words to ours: status tables, outcomes of a send, parsing of the books. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from decimal import Decimal
from decimal import InvalidOperation
from typing import Any

from algomirror.broker.wire_rows import named
from algomirror.broker.wire_rows import parsed_once
from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.instrument import parse_expiry
from algomirror.domain.option_chain import ChainLeg
from algomirror.domain.option_chain import ChainRow
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import Accepted
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Outcome
from algomirror.engine.ports import Refused
from algomirror.engine.ports import Unknown
from algomirror.errors import BadAnswer

STATUS_WORDS: Mapping[str, OrderStatus] = {
    "complete": OrderStatus.FILLED,
    "completed": OrderStatus.FILLED,
    "rejected": OrderStatus.REJECTED,
    "cancelled": OrderStatus.CANCELLED,
    "expired": OrderStatus.CANCELLED,
}
"""Everything else is a word for "working" (protocol.md 2.4)."""

_LIMIT_TEXT = re.compile(r"^\d+ per (\d+) (second|minute|hour)$")
_UNIT_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_CARRY_ON = 499


# --- small values -----------------------------------------------------------------------------
def decimal_of(value: Any, name: str) -> Decimal:
    """A number or numeric string, thousands separators and blanks tolerated; else BadAnswer."""
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, bool) or value is None:
        raise BadAnswer(f"{name} is not a number: {value!r}")
    try:
        if type(value) is float:
            found = Decimal(repr(value))
        else:
            found = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation:
        raise BadAnswer(f"{name} is not a number: {value!r}") from None
    if not found.is_finite():
        raise BadAnswer(f"{name} is not a number: {value!r}")
    return found


def _decimal_or_none(value: Any) -> Decimal | None:
    try:
        return decimal_of(value, "value")
    except BadAnswer:
        return None


def _whole(value: Any, name: str) -> int:
    if type(value) is int:
        return value
    found = decimal_of(value, name)
    if found != found.to_integral_value():
        raise BadAnswer(f"{name} is not a whole number: {value!r}")
    return int(found)


def _instrument(row: Mapping[str, Any]) -> Instrument | None:
    """None for exchanges we do not trade on (their rows concern nobody here)."""
    try:
        return named(str(row["symbol"]), str(row["exchange"]))
    except (KeyError, ValueError):
        return None


def _product(row: Mapping[str, Any]) -> Product | None:
    try:
        return Product(str(row.get("product", "")).upper())
    except ValueError:
        return None


def _side(row: Mapping[str, Any]) -> Side:
    try:
        return Side(str(row.get("action", "")).upper())
    except ValueError:
        raise BadAnswer(f"an order row without a side: {row.get('action')!r}") from None


def order_status(word: str) -> OrderStatus:
    plain = word.lower().replace("_", " ").replace("canceled", "cancelled").strip()
    return STATUS_WORDS.get(plain, OrderStatus.ACCEPTED)


# --- outcomes of place, modify, cancel (product.md 5.1) ---------------------------------------
def outcome_of(status: int, content_type: str, body: Any) -> Outcome:
    """What an answer proves. `body` is the parsed JSON object, or the text if it is not JSON."""
    if not isinstance(body, dict):
        if status == 403 and "banned" in str(body):
            return Refused(
                reason=f"OpenAlgo has blocked this machine's address: {body}", status=status
            )
        return Unknown(reason=f"HTTP {status} with an answer that is not OpenAlgo's")
    word = body.get("status")
    if status == 429 and word is None:
        return NotSent(reason=f"rate limit: {message_of(body)}", retry_after_s=_window(body))
    if status == 200 and word == "success":
        return _accepted(body)
    if 400 <= status <= _CARRY_ON and status != 408 and word == "error":
        return Refused(reason=message_of(body), status=status)
    if status == 400 and "could not understand" in message_of(body):
        return Refused(reason=message_of(body), status=status)
    return Unknown(reason=f"HTTP {status}: {message_of(body) or 'no reason given'}")


def _accepted(body: Mapping[str, Any]) -> Outcome:
    if body.get("mode") == "semi_auto":
        return Unknown(reason="queued for approval", semi_auto=str(body.get("pending_order_id")))
    order_id = body.get("orderid")
    if order_id in (None, "", 0):
        return Unknown(reason="success without an order id")
    mode = TradingMode.PAPER if body.get("mode") == "analyze" else TradingMode.LIVE
    return Accepted(broker_order_id=str(order_id), mode=mode)


def _window(body: Mapping[str, Any]) -> float:
    found = _LIMIT_TEXT.match(message_of(body))
    return int(found[1]) * _UNIT_S[found[2]] if found else 1.0


def message_of(body: Mapping[str, Any]) -> str:
    """`message` as a sentence; OpenAlgo sends a string, or an object of field errors."""
    message = body.get("message", "")
    if isinstance(message, dict):
        return "; ".join(f"{field}: {_flat(texts)}" for field, texts in message.items())
    return str(message)


def _flat(texts: Any) -> str:
    return " ".join(map(str, texts)) if isinstance(texts, list) else str(texts)


def parse_semi_auto(status: int, body: Any) -> bool | None:
    """What the refusal of an impossible cancel says of the order mode (protocol.md 1.4)."""
    text = message_of(body) if isinstance(body, dict) else str(body)
    if status == 403 and "Semi-Auto" in text:
        return True
    is_theirs = isinstance(body, dict) and bool(body.get("status"))
    return False if is_theirs and status not in (401, 403, 408, 429) else None


def order_body(intent: OrderIntent, *, tag: str) -> dict[str, Any]:
    """The fields of placeorder, no more (unknown ones are refused)."""
    return {
        "strategy": tag,
        "symbol": intent.instrument.symbol,
        "exchange": str(intent.instrument.exchange),
        "action": str(intent.side),
        "quantity": intent.quantity,
        "pricetype": str(intent.price_type),
        "product": str(intent.product),
        "price": str(intent.limit_price or 0),
        "trigger_price": str(intent.trigger_price or 0),
        "disclosed_quantity": 0,
    }


# --- books ------------------------------------------------------------------------------------
def data_of(body: Any, kind: type) -> Any:
    """`data` of a success answer, checked to be of the kind; BadAnswer otherwise."""
    if not isinstance(body, dict) or body.get("status") != "success":
        raise BadAnswer("the answer is no success")
    data = body.get("data")
    if not isinstance(data, kind):
        raise BadAnswer(f"the answer holds no {kind.__name__}")
    return data


def parse_order_book(body: Any) -> list[BookOrder]:
    rows = data_of(body, dict).get("orders")
    if not isinstance(rows, list):
        raise BadAnswer("the order book holds no list of orders")
    return [found for row in rows if (found := parse_order(row)) is not None]


def parse_order(row: Any) -> BookOrder | None:
    if not isinstance(row, dict) or not row.get("orderid"):
        raise BadAnswer("an order row without an order id")
    return _order_row(row)


@parsed_once
def _order_row(row: Mapping[str, Any]) -> BookOrder | None:
    instrument = _instrument(row)
    if instrument is None:
        return None
    raw = str(row.get("order_status", ""))
    filled = row.get("filled_quantity")
    return BookOrder(
        broker_order_id=str(row["orderid"]),
        instrument=instrument,
        side=_side(row),
        quantity=_whole(row.get("quantity"), "quantity"),
        product=_product(row),
        price_type=str(row.get("pricetype") or row.get("price_type") or ""),
        price=_decimal_or_none(row.get("price")) or Decimal(0),
        trigger_price=_decimal_or_none(row.get("trigger_price")) or Decimal(0),
        status=order_status(raw),
        raw_status=raw,
        filled_quantity=_whole(filled, "filled_quantity") if filled is not None else None,
        average_price=_decimal_or_none(row.get("average_price")),
        reason=str(row.get("rejection_reason") or ""),
        tag=str(row.get("strategy") or ""),
        raw_time=str(row.get("timestamp", "")),
    )


def parse_trade_book(body: Any) -> list[BookTrade]:
    return [found for row in data_of(body, list) if (found := _trade_row(row)) is not None]


@parsed_once
def _trade_row(row: Mapping[str, Any]) -> BookTrade | None:
    instrument = _instrument(row)
    if instrument is None:
        return None
    return BookTrade(
        broker_order_id=str(row["orderid"]),
        instrument=instrument,
        side=_side(row),
        quantity=_whole(row.get("quantity"), "quantity"),
        price=decimal_of(row.get("average_price"), "average_price"),
        product=_product(row),
        trade_id=str(row.get("tradeid", "")),
        raw_time=str(row.get("timestamp", "")),
    )


def parse_position_book(body: Any) -> list[BookPosition]:
    return [found for row in data_of(body, list) if (found := _position_row(row)) is not None]


@parsed_once
def _position_row(row: Mapping[str, Any]) -> BookPosition | None:
    instrument, product = _instrument(row), _product(row)
    if instrument is None or product is None:
        return None
    return BookPosition(
        instrument=instrument,
        product=product,
        quantity=_whole(row.get("quantity"), "quantity"),
        average_price=_decimal_or_none(row.get("average_price")),
        ltp=_decimal_or_none(row.get("ltp")),
        pnl=_decimal_or_none(row.get("pnl")),
    )


def parse_funds(body: Any, at: datetime) -> Funds:
    """All five figures or BadAnswer: a missing one means unknown, never 0."""
    data = data_of(body, dict)
    return Funds(
        cash=decimal_of(data.get("availablecash"), "availablecash"),
        collateral=decimal_of(data.get("collateral"), "collateral"),
        debits=decimal_of(data.get("utiliseddebits"), "utiliseddebits"),
        m2m_realised=decimal_of(data.get("m2mrealized"), "m2mrealized"),
        m2m_unrealised=decimal_of(data.get("m2munrealized"), "m2munrealized"),
        read_at=at,
    )


# --- market data ------------------------------------------------------------------------------
def parse_quote(
    instrument: Instrument, data: Mapping[str, Any], at: datetime, source: str
) -> Quote:
    return Quote(
        instrument,
        decimal_of(data.get("ltp"), "ltp"),
        at,
        source,
        positive(data.get("bid")),
        positive(data.get("ask")),
    )


def positive(value: Any) -> Decimal | None:
    found = _decimal_or_none(value)
    return found if found is not None and found > 0 else None


def parse_multiquotes(body: Any, at: datetime, source: str) -> dict[Instrument, Quote]:
    """Known symbols only; order does not matter, unknown ones carry an error and are left out."""
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        raise BadAnswer("multiquotes without results")
    found = {}
    for row in body["results"]:
        instrument = _instrument(row)
        data = row.get("data")
        if instrument is not None and isinstance(data, dict):
            found[instrument] = parse_quote(instrument, data, at, source)
    return found


def parse_expiries(body: Any) -> list[date]:
    try:
        return [parse_expiry(text) for text in data_of(body, list)]
    except ValueError as odd:
        raise BadAnswer(str(odd)) from None


def parse_contract(body: Any) -> Contract:
    data = data_of(body, dict)
    instrument = _instrument(data)
    if instrument is None or not data.get("expiry"):
        raise BadAnswer("not a derivative")
    kind = str(data.get("instrumenttype", "")).upper()
    option = next((o for o in OptionType if instrument.symbol.endswith(o)), None)
    is_future = kind.startswith("FUT") or option is None
    return Contract(
        instrument=instrument,
        underlying=str(data.get("name") or instrument.symbol),
        expiry=parse_expiry(str(data["expiry"])),
        strike=None if is_future else decimal_of(data.get("strike"), "strike"),
        option_type=None if is_future else option,
        lot_size=_whole(data.get("lotsize"), "lotsize"),
        tick_size=decimal_of(data.get("tick_size"), "tick_size"),
        freeze_quantity=_whole(data.get("freeze_qty") or 0, "freeze_qty"),
    )


def parse_chain(body: Any) -> OptionChain:
    if not isinstance(body, dict) or not isinstance(body.get("chain"), list):
        raise BadAnswer("an option chain without rows")
    rows = [
        ChainRow(
            strike=decimal_of(row.get("strike"), "strike"),
            ce=_chain_leg(row.get("ce")),
            pe=_chain_leg(row.get("pe")),
        )
        for row in body["chain"]
    ]
    return OptionChain(
        underlying=str(body.get("underlying", "")),
        expiry=parse_expiry(str(body.get("expiry_date", ""))),
        spot=decimal_of(body.get("underlying_ltp"), "underlying_ltp"),
        rows=tuple(rows),
    )


def _chain_leg(leg: Any) -> ChainLeg | None:
    if not isinstance(leg, dict):
        return None
    zero = Decimal(0)
    return ChainLeg(
        symbol=str(leg.get("symbol", "")),
        ltp=_decimal_or_none(leg.get("ltp")) or zero,
        bid=_decimal_or_none(leg.get("bid")) or zero,
        ask=_decimal_or_none(leg.get("ask")) or zero,
        volume=_whole(leg.get("volume") or 0, "volume"),
        oi=_whole(leg.get("oi") or 0, "oi"),
        lot_size=_whole(leg.get("lotsize"), "lotsize"),
        tick_size=decimal_of(leg.get("tick_size"), "tick_size"),
        bid_quantity=_whole(leg.get("bid_qty") or 0, "bid_qty"),
        ask_quantity=_whole(leg.get("ask_qty") or 0, "ask_qty"),
    )


def parse_margin(body: Any) -> Decimal:
    return decimal_of(data_of(body, dict).get("total_margin_required"), "total_margin_required")


def parse_mode(body: Any) -> TradingMode:
    flag = data_of(body, dict).get("analyze_mode")
    if not isinstance(flag, bool):
        return TradingMode.UNKNOWN
    return TradingMode.PAPER if flag else TradingMode.LIVE


def parse_ping(body: Any) -> str:
    return str(data_of(body, dict).get("broker", ""))
