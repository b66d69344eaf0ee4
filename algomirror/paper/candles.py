"""Candles of the paper market: twenty trading days behind, today as it happens."""

import math
import random
from collections.abc import Callable
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta

from algomirror.clock import IST
from algomirror.paper.market import Market
from algomirror.paper.master import MasterRow

DAYS_BACK = 20
MINUTES = {
    "1m": 1,
    "2m": 2,
    "3m": 3,
    "5m": 5,
    "10m": 10,
    "15m": 15,
    "20m": 20,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "3h": 180,
    "4h": 240,
}
_OPEN = time(9, 15)
_SESSION_MINUTES = 375

Bar = tuple[datetime, float, float, float, float]


def history(market: Market, row: MasterRow, interval: str, start: date, end: date) -> list[Bar]:
    """Bars (begin, open, high, low, close) of `interval` between two dates, both included.

    Intraday bars are anchored at the session open. Raises KeyError for an unknown interval.
    """
    days = [d for d in trading_days(market.now.date()) if start <= d <= end]
    minutes: list[Bar] = []
    for day in days:
        minutes.extend(_past_minutes(market, row.name, day))
    today = market.now.date()
    if start <= today <= end:
        minutes.extend(market.minutes.get(row.name, []))
    if row.expiry is not None:
        minutes = [_priced(market, row, bar) for bar in minutes]
    if interval == "D":
        return _grouped(minutes, lambda at: datetime.combine(at.date(), time(0), tzinfo=IST))
    size = MINUTES[interval]
    return _grouped(minutes, lambda at: _anchor(at, size))


def trading_days(today: date) -> list[date]:
    """The trading weekdays before `today`, oldest first."""
    found: list[date] = []
    day = today
    while len(found) < DAYS_BACK:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            found.append(day)
    return found[::-1]


def _past_minutes(market: Market, name: str, day: date) -> list[Bar]:
    """The index minutes of a past day: the same whenever they are asked for."""
    path = market.paths[name]
    draw = random.Random(f"{market.seed}-{name}-{day}")
    back = (market.started.date() - day).days
    close = path.open * (1.0 + random.Random(f"{market.seed}-{name}-level-{back}").gauss(0, 0.012))
    scale = path.long_run / math.sqrt(252 * _SESSION_MINUTES)
    prices = [close]
    for _ in range(_SESSION_MINUTES):
        prices.append(prices[-1] * math.exp(draw.gauss(0.0, scale)))
    begin = datetime.combine(day, _OPEN, tzinfo=IST)
    bars: list[Bar] = []
    for i in range(_SESSION_MINUTES):
        a, b = prices[i], prices[i + 1]
        wick = abs(a) * scale * abs(draw.gauss(0.0, 0.5))
        bars.append((begin + timedelta(minutes=i), a, max(a, b) + wick, min(a, b) - wick, b))
    return bars


def _priced(market: Market, row: MasterRow, bar: Bar) -> Bar:
    at, *levels = bar
    prices = [market.fair_at(row, level, at) for level in levels]
    return at, prices[0], max(prices), min(prices), prices[3]


def _anchor(at: datetime, size: int) -> datetime:
    begin = datetime.combine(at.date(), _OPEN, tzinfo=IST)
    if at < begin:
        begin = datetime.combine(at.date(), time(0), tzinfo=IST)
    whole = int((at - begin).total_seconds() // 60 // size) * size
    return begin + timedelta(minutes=whole)


def _grouped(bars: list[Bar], begin_of: Callable[[datetime], datetime]) -> list[Bar]:
    grouped: dict[datetime, Bar] = {}
    for at, o, h, low, c in bars:
        begin = begin_of(at)
        if begin in grouped:
            _, first, high, lowest, _ = grouped[begin]
            grouped[begin] = (begin, first, max(high, h), min(lowest, low), c)
        else:
            grouped[begin] = (begin, o, h, low, c)
    return list(grouped.values())
