"""Answers about the market: quotes, depth, candles, chains, Greeks, margin, the master."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from algomirror.domain.instrument import format_expiry
from algomirror.paper.answer import Answer
from algomirror.paper.answers_books import number
from algomirror.paper.candles import MINUTES
from algomirror.paper.candles import history as candles
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.market import MarketQuote
from algomirror.paper.master import MasterRow

if TYPE_CHECKING:
    from algomirror.paper.answers import PaperServer

_CSV = ("symbol", "brsymbol", "name", "exchange", "brexchange", "token", "expiry", "strike",
        "lotsize", "instrumenttype", "tick_size")  # fmt: skip
_MINUTES_OFFERED = ("1m", "3m", "5m", "10m", "15m", "30m")


def error(status: int, message: str, **more: Any) -> Answer:
    return Answer(status, {"status": "error", "message": message, **more})


def no_symbol(symbol: str, exchange: str) -> str:
    return (
        f"Symbol '{symbol}' not found for exchange '{exchange}'. Please verify the symbol name "
        "and ensure master contracts are downloaded."
    )


def quote_fields(quote: MarketQuote) -> dict[str, Any]:
    return {
        "ltp": number(quote.ltp),
        "bid": number(quote.bid) if quote.bid else 0,
        "ask": number(quote.ask) if quote.ask else 0,
        "open": number(quote.open),
        "high": number(quote.high),
        "low": number(quote.low),
        "prev_close": number(quote.previous_close),
        "volume": quote.volume,
        "oi": quote.oi,
    }


def quotes(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    quote = account.market.quote(values["symbol"], values["exchange"])
    if quote is None:
        return error(400, no_symbol(values["symbol"], values["exchange"]))
    return Answer(200, {"status": "success", "data": quote_fields(quote)})


def multiquotes(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    """Unknown symbols first, as the server has it."""
    good, bad = [], []
    for item in values["symbols"]:
        key = {"symbol": item["symbol"], "exchange": item["exchange"]}
        quote = account.market.quote(item["symbol"], item["exchange"])
        if quote is None:
            bad.append({**key, "error": no_symbol(item["symbol"], item["exchange"])})
        else:
            good.append({**key, "data": quote_fields(quote)})
    if not good:
        return error(400, bad[0]["error"], invalid_symbols=bad)
    return Answer(200, {"status": "success", "results": bad + good})


def depth(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    quote = account.market.quote(values["symbol"], values["exchange"])
    row = account.market.master.get(values["symbol"], values["exchange"])
    if quote is None or row is None:
        return error(400, no_symbol(values["symbol"], values["exchange"]))
    bids, asks = depth_levels(quote, row)
    fields = quote_fields(quote)
    del fields["bid"], fields["ask"]
    data = {
        **fields,
        "bids": bids,
        "asks": asks,
        "ltq": row.lotsize,
        "totalbuyqty": sum(level["quantity"] for level in bids),
        "totalsellqty": sum(level["quantity"] for level in asks),
    }
    return Answer(200, {"status": "success", "data": data})


def depth_levels(
    quote: MarketQuote, row: MasterRow
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Five levels a side; an index has none."""
    if not quote.bid:
        return [{"price": 0, "quantity": 0}] * 5, [{"price": 0, "quantity": 0}] * 5
    bids, asks = [], []
    for i in range(5):
        step = i * row.tick_size
        size = row.lotsize * (i + 1)
        bids.append({"price": number(max(quote.bid - step, row.tick_size)), "quantity": size})
        asks.append({"price": number(quote.ask + step), "quantity": size})
    return bids, asks


def history(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    row = account.market.master.get(values["symbol"], values["exchange"])
    if row is None:
        return error(400, no_symbol(values["symbol"], values["exchange"]))
    interval = values["interval"]
    if interval != "D" and interval not in MINUTES:
        return error(400, f"Timeframe {interval} is not supported by this broker")
    bars = candles(account.market, row, interval, values["start_date"], values["end_date"])
    data = []
    for at, o, h, low, c in bars:
        stamp = int(at.timestamp()) + (19_800 if interval == "D" else 0)
        data.append(
            {
                "timestamp": stamp,
                "open": round(o, 2),
                "high": round(h, 2),
                "low": round(low, 2),
                "close": round(c, 2),
                "volume": 1000,
                "oi": 0,
            }
        )
    return Answer(200, {"status": "success", "data": data})


def intervals(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    data = {
        "seconds": [],
        "minutes": list(_MINUTES_OFFERED),
        "hours": ["1h"],
        "days": ["D"],
        "weeks": [],
        "months": [],
    }
    return Answer(200, {"status": "success", "data": data})


# --- the master -------------------------------------------------------------------------------
def master_fields(row: MasterRow) -> dict[str, Any]:
    expiry = ""
    if row.expiry is not None:
        plain = format_expiry(row.expiry)
        expiry = f"{plain[:2]}-{plain[2:5]}-{plain[5:]}"
    return {
        "symbol": row.symbol,
        "brsymbol": row.symbol,
        "name": row.name,
        "exchange": row.exchange,
        "brexchange": row.exchange,
        "token": row.token,
        "expiry": expiry,
        "strike": float(row.strike) if row.strike is not None else -1.0,
        "lotsize": row.lotsize,
        "instrumenttype": row.instrumenttype,
        "tick_size": float(row.tick_size),
    }


def symbol(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    row = account.market.master.get(values["symbol"], values["exchange"])
    if row is None:
        return error(404, f"Symbol {values['symbol']} not found in exchange {values['exchange']}")
    data = {**master_fields(row), "id": row.id, "freeze_qty": row.freeze_qty}
    return Answer(200, {"status": "success", "data": data})


def search(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    rows = account.market.master.search(values["query"], values["exchange"])
    data = [{**master_fields(r), "freeze_qty": r.freeze_qty} for r in rows]
    message = f"Found {len(data)} matching symbols" if data else "No matching symbols found"
    return Answer(200, {"status": "success", "message": message, "data": data})


def expiry(account: PaperAccount, values: dict[str, Any], now: datetime) -> Answer:
    name, exchange, kind = values["symbol"], values["exchange"], values["instrumenttype"]
    found = account.market.master.expiries(name, exchange, kind, now.date())
    plain = [format_expiry(e) for e in found]
    message = f"Found {len(plain)} expiry dates for {name} {kind} in {exchange}"
    if not plain:
        message = f"No expiry dates found for {name} {kind} in {exchange}"
    data = [f"{p[:2]}-{p[2:5]}-{p[5:]}" for p in plain]
    return Answer(200, {"status": "success", "message": message, "data": data})


def instruments(server: "PaperServer", query: Any) -> Answer:
    """GET with a query string; the key alone is checked, `exchange` is in effect required."""
    wrong = {n: ["Field may not be null."] for n in ("apikey", "exchange") if not query.get(n)}
    if wrong:
        return Answer(400, {"status": "error", "message": wrong})
    if query["apikey"] not in server.accounts:
        return error(403, "Invalid openalgo apikey")
    rows = [master_fields(r) for r in server.market.master.of_exchange(query["exchange"])]
    if query.get("format") == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=_CSV)
        writer.writeheader()
        writer.writerows(rows)
        return Answer(200, out.getvalue())
    message = f"Found {len(rows)} instruments"
    return Answer(200, {"status": "success", "message": message, "data": rows})


Handler = Callable[[PaperAccount, dict[str, Any], datetime], Answer]
ANSWERS: dict[str, Handler] = {
    "quotes": quotes,
    "multiquotes": multiquotes,
    "depth": depth,
    "history": history,
    "intervals": intervals,
    "symbol": symbol,
    "search": search,
    "expiry": expiry,
}
