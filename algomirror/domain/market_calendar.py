"""When markets trade: sessions with their dates, holidays, special sessions; the demo's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from typing import Literal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from algomirror.domain.holidays import HOLIDAYS
from algomirror.domain.instrument import Exchange

IST = ZoneInfo("Asia/Kolkata")
MIDNIGHT = time(0)
HORIZON_DAYS = 400
"""How far a question about the next session looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSession:
    """Hours of one weekday (0 = Monday) of a market; an `end` of 00:00 is the day's last moment."""

    market: Exchange
    weekday: int
    start: time
    end: time
    name: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    kind: Literal["normal", "pre_market", "post_market"] = "normal"
    is_active: bool = True

    def counts_on(self, market: Exchange, day: date) -> bool:
        return (
            self.is_active
            and self.kind == "normal"
            and self.market is market
            and self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A settlement-only holiday has `closes_trading` False."""

    market: Exchange
    day: date
    name: str
    closes_trading: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialSession:
    """Replaces the normal sessions of its date, holiday or weekend included."""

    market: Exchange
    day: date
    name: str
    start: time
    end: time
    is_active: bool = True


class Span(NamedTuple):
    """Open from `start` until just before `end`; both aware, in IST."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCalendar:
    """Pure: every question names its instant (aware, any zone) or its day (IST)."""

    name: str
    sessions: tuple[MarketSession, ...]
    holidays: tuple[Holiday, ...] = ()
    special_sessions: tuple[SpecialSession, ...] = ()
    day_change: time = time(3)
    """When brokers' order and trade books start empty (OpenAlgo's session ends then)."""

    def spans(self, market: Exchange, day: date) -> list[Span]:
        """The trading hours of a day in order; empty when the market stays closed."""
        special = [
            s for s in self.special_sessions if s.is_active and s.market is market and s.day == day
        ]
        if special:
            hours = [(s.start, s.end) for s in special]
        elif self.holiday(market, day):
            hours = []
        else:
            hours = [(s.start, s.end) for s in self.sessions if s.counts_on(market, day)]
        return sorted(_span(day, start, end) for start, end in hours)

    def holiday(self, market: Exchange, day: date) -> str:
        """The name of the holiday that closes a market; empty when none does."""
        found = (h for h in self.holidays if h.market is market and h.day == day)
        return next((h.name for h in found if h.closes_trading), "")

    def is_open(self, market: Exchange, at: datetime) -> bool:
        now = _ist(at)
        return any(s.start <= now < s.end for s in self.spans(market, now.date()))

    def is_trading_day(self, market: Exchange, day: date) -> bool:
        return bool(self.spans(market, day))

    def is_over(self, market: Exchange, at: datetime) -> bool:
        """The last session of this day has ended; False on a day without one."""
        now = _ist(at)
        today = self.spans(market, now.date())
        return bool(today) and now >= today[-1].end

    def next_open(self, market: Exchange, at: datetime) -> datetime | None:
        """The first opening after `at`; None when none comes within 400 days."""
        now = _ist(at)
        return next((s.start for s in self._ahead(market, now) if s.start > now), None)

    def next_close(self, market: Exchange, at: datetime) -> datetime | None:
        """The end of the session that is on, else of the next; None when it never closes."""
        now = _ist(at)
        found = next((s for s in self._ahead(market, now) if s.end > now), None)
        if found is None or found.end - now > timedelta(days=HORIZON_DAYS - 2):
            return None
        return found.end

    def trading_days_back(self, market: Exchange, day: date, count: int) -> date | None:
        """The `count`th trading day before `day`; None when the calendar knows none."""
        for _ in range(HORIZON_DAYS + 3 * count):
            if count == 0:
                return day
            day -= timedelta(days=1)
            if self.is_trading_day(market, day):
                count -= 1
        return day if count == 0 else None

    def broker_day(self, at: datetime) -> date:
        """The IST day a broker's books belong to, from one day change to the next."""
        now = _ist(at)
        today = now.date()
        return today if now.time() >= self.day_change else today - timedelta(days=1)

    def knows_year(self, year: int) -> bool:
        """Whether holidays of a year are stored; a calendar without any is one that has none."""
        return not self.holidays or any(h.day.year == year for h in self.holidays)

    def _ahead(self, market: Exchange, now: datetime) -> Iterator[Span]:
        """Spans from today on, those that touch (at midnight) made one."""
        current: Span | None = None
        for days in range(HORIZON_DAYS):
            for span in self.spans(market, now.date() + timedelta(days=days)):
                if current is not None and span.start <= current.end:
                    current = Span(current.start, max(current.end, span.end))
                    continue
                if current is not None:
                    yield current
                current = span
        if current is not None:
            yield current


def _ist(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a naive datetime has no place in a calendar")
    return at.astimezone(IST)


def _span(day: date, start: time, end: time) -> Span:
    last = day + timedelta(days=1) if end == MIDNIGHT else day
    return Span(datetime.combine(day, start, tzinfo=IST), datetime.combine(last, end, tzinfo=IST))


def session_day(at: datetime) -> date:
    """ "Today" everywhere: the IST date, never the machine's or UTC's."""
    return _ist(at).date()


# --- seeds (product.md 16.4 to 16.7) ------------------------------------------------------------
OPENS = time(9, 15)
LONGER_FROM = date(2026, 8, 3)
EXPIRY_TIME = time(15, 30)
"""Exits of a contract that expires today are planned until then (product.md 11.5)."""
_CASH = (Exchange.NSE, Exchange.BSE)
_DERIVATIVES = (Exchange.NFO, Exchange.BFO)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def _weekly(
    market: Exchange,
    start: time,
    end: time,
    *,
    valid_from: date | None = None,
    valid_to: date | None = None,
    is_active: bool = True,
) -> list[MarketSession]:
    return [
        MarketSession(
            market=market,
            weekday=weekday,
            start=start,
            end=end,
            name=f"{name} Regular Hours",
            valid_from=valid_from,
            valid_to=valid_to,
            is_active=is_active,
        )
        for weekday, name in enumerate(_DAYS)
    ]


def _seeded() -> MarketCalendar:
    sessions: list[MarketSession] = []
    for market in _CASH:
        sessions += _weekly(market, OPENS, time(15, 30))
    for market in _DERIVATIVES:
        sessions += _weekly(market, OPENS, time(15, 30), valid_to=LONGER_FROM - timedelta(days=1))
        sessions += _weekly(market, OPENS, time(15, 40), valid_from=LONGER_FROM)
    sessions += _weekly(Exchange.MCX, time(9), time(23, 30), is_active=False)
    markets = (*_CASH, *_DERIVATIVES)
    muhurat = [
        SpecialSession(
            market=market, day=day, name="Muhurat", start=start, end=end, is_active=is_active
        )
        for market in markets
        for day, start, end, is_active in (
            (date(2025, 10, 21), time(13, 45), time(14, 45), True),
            # to be confirmed with the exchange's notice
            (date(2026, 11, 8), time(18), time(19), False),
        )
    ]
    return MarketCalendar(
        name="Seeded",
        sessions=tuple(sessions),
        holidays=tuple(
            Holiday(market=market, day=day, name=name)
            for market in markets
            for day, name in HOLIDAYS.items()
        ),
        special_sessions=tuple(muhurat),
    )


SEEDED = _seeded()
DEMO = MarketCalendar(
    name="Demo",
    day_change=MIDNIGHT,
    sessions=tuple(
        MarketSession(market=market, weekday=weekday, start=MIDNIGHT, end=MIDNIGHT, name="Demo")
        for market in (*_CASH, *_DERIVATIVES)
        for weekday in range(7)
    ),
)
"""Open round the clock on all days; the day changes at midnight (product.md 15.3)."""


def why_closed(calendar: MarketCalendar, market: Exchange, now: datetime) -> str:
    """A sentence for a refused entry; empty while the market is open."""
    if calendar.is_open(market, now):
        return ""
    opens = calendar.next_open(market, now)
    until = f" until {opens:%a %d %b %H:%M}" if opens is not None else ""
    holiday = calendar.holiday(market, session_day(now))
    return f"{market} is closed{until}{f' ({holiday})' if holiday else ''}."


def market_text(now: datetime, *, is_demo: bool) -> tuple[str, bool]:
    """What the header says, and whether F&O trades."""
    if is_demo:
        return "DEMO MARKET", True
    closes = SEEDED.next_close(Exchange.NFO, now)
    if SEEDED.is_open(Exchange.NFO, now) and closes is not None:
        return f"NFO open, closes {closes:%H:%M}", True
    if holiday := SEEDED.holiday(Exchange.NFO, session_day(now)):
        return f"Holiday: {holiday}", False
    opens = SEEDED.next_open(Exchange.NFO, now)
    return (f"Opens {opens:%a %H:%M}" if opens is not None else "Closed"), False
