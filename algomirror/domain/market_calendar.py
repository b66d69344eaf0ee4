"""When markets trade: weekday hours with their dates, holidays; the demo never closes."""

from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta

from algomirror.domain.holidays import HOLIDAYS
from algomirror.domain.instrument import Exchange

OPENS = time(9, 15)
CASH_CLOSES = time(15, 30)
DERIVATIVES_CLOSE = time(15, 40)
LONGER_FROM = date(2026, 8, 3)
_DERIVATIVES = frozenset({Exchange.NFO, Exchange.BFO})


def closes_at(exchange: Exchange, day: date) -> time:
    """F&O trades until 15:40 since 3 Aug 2026 (product.md 16.4)."""
    if exchange in _DERIVATIVES and day >= LONGER_FROM:
        return DERIVATIVES_CLOSE
    return CASH_CLOSES


def is_trading_day(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def is_open(exchange: Exchange, now: datetime) -> bool:
    """`now` aware, in IST."""
    if not is_trading_day(now.date()):
        return False
    return OPENS <= now.time() < closes_at(exchange, now.date())


def next_open(now: datetime) -> datetime:
    """The next session's first moment after `now`."""
    day = now.date()
    if now.time() >= OPENS:
        day += timedelta(days=1)
    while not is_trading_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, OPENS, tzinfo=now.tzinfo)


def market_text(now: datetime, *, is_demo: bool) -> tuple[str, bool]:
    """What the header says, and whether F&O trades."""
    if is_demo:
        return "DEMO MARKET", True
    if is_open(Exchange.NFO, now):
        return f"NFO open, closes {closes_at(Exchange.NFO, now.date()):%H:%M}", True
    if now.date() in HOLIDAYS:
        return f"Holiday: {HOLIDAYS[now.date()]}", False
    return f"Opens {next_open(now):%a %H:%M}", False
