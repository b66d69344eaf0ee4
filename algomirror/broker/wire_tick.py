"""One frame of the live socket as a price: the hottest parser we have."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from algomirror.broker.wire import positive
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote


def parse_tick(frame: Mapping[str, Any], at: datetime, source: str) -> Quote | None:
    """A market_data frame as a quote; None when it carries no price of an exchange of ours."""
    data = frame.get("data")
    exchange = EXCHANGES.get(frame.get("exchange", ""))
    if exchange is None or not isinstance(data, dict):
        return None
    price = data.get("ltp")
    if price.__class__ not in (int, float, str):
        return None
    instrument = Instrument(frame["symbol"], exchange)
    depth = data.get("depth")
    bid = ask = None
    if isinstance(depth, dict):
        bid, ask = _top(depth.get("buy")), _top(depth.get("sell"))
    return Quote(instrument, Decimal(str(price)), at, source, bid, ask)


def _top(levels: Any) -> Decimal | None:
    if not isinstance(levels, list) or not levels:
        return None
    return positive(levels[0].get("price"))


EXCHANGES: dict[str, Exchange] = {str(e): e for e in Exchange}
