"""Answers about options: symbols by offset, chains, Greeks, the synthetic future, margin."""

from collections.abc import Callable
from datetime import datetime
from datetime import time
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

from algomirror.clock import IST
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import format_expiry
from algomirror.domain.instrument import option_symbol
from algomirror.domain.instrument import parse_expiry
from algomirror.domain.instrument import parse_symbol
from algomirror.domain.option_chain import at_the_money
from algomirror.domain.pricing import greeks
from algomirror.domain.pricing import implied_volatility
from algomirror.paper.answer import Answer
from algomirror.paper.answers_books import number
from algomirror.paper.answers_data import error
from algomirror.paper.answers_data import no_symbol
from algomirror.paper.answers_data import quote_fields
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.margin import Exposure
from algomirror.paper.margin import margin_of
from algomirror.paper.master import MasterRow

if TYPE_CHECKING:
    pass

_CSV = ("symbol", "brsymbol", "name", "exchange", "brexchange", "token", "expiry", "strike",
        "lotsize", "instrumenttype", "tick_size")  # fmt: skip
_MINUTES_OFFERED = ("1m", "3m", "5m", "10m", "15m", "30m")


def _underlying(
    account: PaperAccount, values: dict[str, Any]
) -> tuple[str, str, str, Decimal] | Answer:
    """(name, option exchange, index exchange, spot), or the answer that says why not."""
    parsed = parse_symbol(values["underlying"])
    name = parsed.underlying if parsed else values["underlying"]
    known = UNDERLYINGS.get(name)
    if known is None:
        return error(400, f"Failed to fetch LTP for {name}: {no_symbol(name, values['exchange'])}")
    spot = account.market.ltp(known.index.symbol, known.index.exchange)
    return name, str(known.exchange), str(known.index.exchange), spot or Decimal(0)


def _strikes(account: PaperAccount, name: str, exchange: str, text: str) -> list[Decimal]:
    try:
        return account.market.master.strikes(name, exchange, parse_expiry(text))
    except ValueError:
        return []


def no_strikes(name: str, text: str) -> Answer:
    return error(
        404,
        f"No strikes found for {name} expiring {text}. Please check expiry date or update "
        "master contract.",
    )


def optionsymbol(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    found = _underlying(account, values)
    if isinstance(found, Answer):
        return found
    name, exchange, _, spot = found
    text = values["expiry_date"]
    embedded = parse_symbol(values["underlying"])
    if text is None and embedded is None:
        return error(
            400,
            "Expiry date required. Provide via expiry_date parameter or embed in underlying "
            "(e.g., NIFTY28OCT25FUT).",
        )
    if text is None and embedded is not None:
        text = format_expiry(embedded.expiry)
    strikes = _strikes(account, name, exchange, text)
    if not strikes:
        return no_strikes(name, text)
    kind = OptionType(values["option_type"].upper())
    offset = values["offset"]
    away = int(offset[3:] or 0)
    up = (kind is OptionType.CE) == offset.startswith("OTM")
    index = strikes.index(at_the_money(strikes, spot)) + (away if up else -away)
    if not 0 <= index < len(strikes):
        return error(
            400,
            f"Offset {offset} is out of range for available strikes. Please use a smaller offset.",
        )
    symbol_text = option_symbol(name, parse_expiry(text), strikes[index], kind)
    row = account.market.master.get(symbol_text, exchange)
    if row is None:
        return error(404, f"Option symbol {symbol_text} not found")
    return Answer(
        200,
        {
            "status": "success",
            "symbol": row.symbol,
            "exchange": row.exchange,
            "lotsize": row.lotsize,
            "tick_size": float(row.tick_size),
            "freeze_qty": row.freeze_qty,
            "underlying_ltp": number(spot),
        },
    )


def optionchain(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    found = _underlying(account, values)
    if isinstance(found, Answer):
        return found
    name, exchange, index_exchange, spot = found
    embedded = parse_symbol(values["underlying"])
    text = format_expiry(embedded.expiry) if embedded else values["expiry_date"]
    strikes = _strikes(account, name, exchange, text)
    if not strikes:
        return no_strikes(name, text)
    if text != text.upper():
        return error(404, "No valid option symbols found for the given parameters")
    at = strikes.index(at_the_money(strikes, spot))
    count = values["strike_count"]
    chosen = strikes if count is None else strikes[max(at - count, 0) : at + count + 1]
    atm = strikes[at]
    day = parse_expiry(text)
    chain = []
    for strike in chosen:
        away = strikes.index(strike) - at
        legs: dict[str, Any] = {"strike": float(strike)}
        for kind in OptionType:
            row = account.market.master.get(option_symbol(name, day, strike, kind), exchange)
            legs[kind.lower()] = _leg(account, row, away, values["with_greeks"]) if row else None
        chain.append(legs)
    quote = account.market.quote(name, index_exchange)
    forward = None
    if values["with_greeks"]:
        ce = account.market.ltp(option_symbol(name, day, atm, OptionType.CE), exchange)
        pe = account.market.ltp(option_symbol(name, day, atm, OptionType.PE), exchange)
        forward = number(atm + (ce or 0) - (pe or 0))
    return Answer(
        200,
        {
            "status": "success",
            "underlying": name,
            "underlying_symbol": name,
            "underlying_exchange": index_exchange,
            "underlying_ltp": number(spot),
            "underlying_prev_close": number(quote.previous_close) if quote else 0.0,
            "expiry_date": text,
            "expiry_ts": int(datetime.combine(day, time(15, 30), tzinfo=IST).timestamp()),
            "server_ts": int(now.timestamp()),
            "atm_strike": float(atm),
            "quotes_included": True,
            "greeks_included": values["with_greeks"],
            "forward_price": forward,
            "chain": chain,
        },
    )


def _leg(account: PaperAccount, row: MasterRow, away: int, with_greeks: bool) -> dict[str, Any]:
    quote = account.market.quote(row.symbol, row.exchange)
    if quote is None:
        return {"symbol": row.symbol}
    label = "ATM"
    if away:
        label = ("OTM" if (away > 0) == (row.instrumenttype == "CE") else "ITM") + str(abs(away))
    leg: dict[str, Any] = {
        "symbol": row.symbol,
        "label": label,
        **quote_fields(quote),
        "bid_qty": quote.bid_quantity,
        "ask_qty": quote.ask_quantity,
        "lotsize": row.lotsize,
        "tick_size": float(row.tick_size),
    }
    if with_greeks:
        model = _greeks(account, row)
        if model is not None:
            sigma, values = model
            leg.update(
                implied_volatility=round(sigma * 100, 2),
                delta=values["delta"],
                gamma=values["gamma"],
                theta=values["theta"],
                vega=values["vega"],
            )
    return leg


def _greeks(
    account: PaperAccount, row: MasterRow, forward: float | None = None
) -> tuple[float, dict[str, float]] | None:
    market = account.market
    if row.expiry is None or row.strike is None or row.option_type is None:
        return None
    spot = forward or market.paths[row.name].price
    years = market.years_to(row.expiry, market.now)
    last = float(market.ltp(row.symbol, row.exchange) or 0)
    sigma = implied_volatility(last, spot, float(row.strike), years, row.option_type)
    if sigma is None:
        return None
    g = greeks(spot, float(row.strike), years, sigma, row.option_type)
    return sigma, {
        "delta": round(g.delta, 4),
        "gamma": round(g.gamma, 6),
        "theta": round(g.theta, 4),
        "vega": round(g.vega, 4),
        "rho": round(-last * years / 100, 6),
    }


def optiongreeks(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    parsed = parse_symbol(values["symbol"])
    if parsed is None or parsed.option_type is None:
        name = values["symbol"]
        return error(
            500,
            f"Failed to get option Greeks: Failed to parse option symbol {name}: "
            f"Invalid option symbol format: {name}",
        )
    row = account.market.master.get(values["symbol"], values["exchange"])
    model = _greeks(account, row, values["forward_price"]) if row else None
    if row is None or row.expiry is None or model is None:
        return error(404, f"LTP not available for {values['symbol']}")
    sigma, g = model
    years = account.market.years_to(row.expiry, account.market.now)
    return Answer(
        200,
        {
            "status": "success",
            "symbol": row.symbol,
            "exchange": row.exchange,
            "underlying": row.name,
            "strike": float(row.strike or 0),
            "option_type": row.instrumenttype,
            "expiry_date": f"{row.expiry:%d-%b-%Y}",
            "days_to_expiry": round(years * 365, 4),
            "spot_price": round(values["forward_price"] or account.market.paths[row.name].price, 2),
            "option_price": number(account.market.ltp(row.symbol, row.exchange) or Decimal(0)),
            "interest_rate": values["interest_rate"],
            "implied_volatility": round(sigma * 100, 2),
            "greeks": g,
        },
    )


def syntheticfuture(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    found = _underlying(account, values)
    if isinstance(found, Answer):
        return found
    name, exchange, _, spot = found
    text = values["expiry_date"]
    strikes = _strikes(account, name, exchange, text)
    if not strikes:
        return no_strikes(name, text)
    atm, day = at_the_money(strikes, spot), parse_expiry(text)
    ce = account.market.ltp(option_symbol(name, day, atm, OptionType.CE), exchange)
    pe = account.market.ltp(option_symbol(name, day, atm, OptionType.PE), exchange)
    return Answer(
        200,
        {
            "status": "success",
            "underlying": name,
            "underlying_ltp": number(spot),
            "expiry": text,
            "atm_strike": float(atm),
            "synthetic_future_price": number(atm + (ce or 0) - (pe or 0)),
        },
    )


def margin(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    exposures = []
    for leg in values["positions"]:
        sign = 1 if leg["action"].upper() == "BUY" else -1
        try:
            quantity = int(leg["quantity"])
        except ValueError:
            return error(400, f"Invalid quantity {leg['quantity']}")
        exposures.append(Exposure(leg["symbol"], leg["exchange"], sign * quantity))
    total = number(margin_of(account.market, exposures))
    data = {"total_margin_required": total, "span_margin": total, "exposure_margin": 0.0}
    return Answer(200, {"status": "success", "data": data})


Handler = Callable[[PaperAccount, dict[str, Any], datetime], Answer]
ANSWERS: dict[str, Handler] = {
    "optionsymbol": optionsymbol,
    "optionchain": optionchain,
    "optiongreeks": optiongreeks,
    "syntheticfuture": syntheticfuture,
    "margin": margin,
}
