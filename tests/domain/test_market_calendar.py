"""Promises of algomirror/domain/market_calendar.py."""

from dataclasses import replace
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from algomirror.domain.instrument import Exchange
from algomirror.domain.market_calendar import DEMO
from algomirror.domain.market_calendar import IST
from algomirror.domain.market_calendar import SEEDED
from algomirror.domain.market_calendar import Holiday
from algomirror.domain.market_calendar import MarketCalendar
from algomirror.domain.market_calendar import MarketSession
from algomirror.domain.market_calendar import market_text
from algomirror.domain.market_calendar import session_day
from algomirror.domain.market_calendar import why_closed

NFO = Exchange.NFO
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2026, 12, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(IST),
)


def ist(day: str, at: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), tzinfo=IST)


@pytest.mark.parametrize(
    ("day", "at", "market", "is_open"),
    [
        ("2026-11-23", "09:14:59", NFO, False),
        ("2026-11-23", "09:15", NFO, True),
        ("2026-11-23", "15:39:59", NFO, True),
        ("2026-11-23", "15:40", NFO, False),
        ("2026-11-23", "15:35", Exchange.NSE, False),
        ("2026-07-31", "15:35", NFO, False),
        ("2026-08-03", "15:35", Exchange.BFO, True),
        ("2026-11-22", "11:00", NFO, False),
        ("2026-11-24", "11:00", NFO, False),
        ("2026-11-23", "10:00", Exchange.MCX, False),
    ],
)
def test_the_seeded_hours_are_the_published_ones(
    day: str, at: str, market: Exchange, is_open: bool
) -> None:
    """Half-open sessions, F&O until 15:40 since 3 Aug 2026, no weekend, no holiday, MCX unused."""
    assert is_open == SEEDED.is_open(market, ist(day, at))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"])
def test_the_zone_of_the_host_changes_no_answer(zone: str) -> None:
    """The same instant in any zone gives the same verdict, session day and next opening."""
    at = ist("2026-11-23", "00:30").astimezone(ZoneInfo(zone))

    assert date(2026, 11, 23) == session_day(at)
    assert ist("2026-11-23", "09:15") == SEEDED.next_open(NFO, at)
    assert not SEEDED.is_open(NFO, at)


def test_a_naive_instant_is_refused() -> None:
    """A time without a zone is a bug, not a guess."""
    with pytest.raises(ValueError, match="naive"):
        SEEDED.is_open(NFO, datetime(2026, 11, 23, 10))  # noqa: DTZ001 - the point of the test


def test_the_next_session_skips_weekend_and_holiday() -> None:
    """From Monday's close before Guru Nanak Jayanti the market opens on Wednesday."""
    after_close = ist("2026-11-23", "15:40")

    assert ist("2026-11-25", "09:15") == SEEDED.next_open(NFO, after_close)
    assert ist("2026-11-25", "15:40") == SEEDED.next_close(NFO, after_close)
    assert SEEDED.is_over(NFO, after_close)
    assert not SEEDED.is_over(NFO, ist("2026-11-24", "23:00"))


def test_a_holiday_is_named_as_the_reason() -> None:
    """A refused entry says which holiday and when trading goes on."""
    text = why_closed(SEEDED, NFO, ist("2026-11-24", "09:20"))

    assert text == "NFO is closed until Wed 25 Nov 09:15 (Guru Nanak Jayanti)."


def test_muhurat_on_a_sunday_trades_in_its_window_only() -> None:
    """Once confirmed, the special session replaces the day; unconfirmed it opens nothing."""
    confirmed = replace(
        SEEDED,
        special_sessions=tuple(replace(s, is_active=True) for s in SEEDED.special_sessions),
    )
    inside, before = ist("2026-11-08", "18:30"), ist("2026-11-08", "11:00")

    assert confirmed.is_open(NFO, inside)
    assert not confirmed.is_open(NFO, before)
    assert not SEEDED.is_open(NFO, inside)
    assert ist("2026-11-08", "18:00") == confirmed.next_open(NFO, before)


def test_a_special_session_replaces_the_hours_of_a_holiday() -> None:
    """Diwali 2025: a holiday with one hour of trading."""
    assert SEEDED.is_open(NFO, ist("2025-10-21", "14:00"))
    assert not SEEDED.is_open(NFO, ist("2025-10-21", "10:00"))
    assert not SEEDED.is_open(NFO, ist("2025-10-22", "10:00"))


def test_a_settlement_holiday_closes_nothing() -> None:
    """Only a trading holiday closes a market."""
    monday = date(2026, 11, 23)
    holiday = Holiday(market=NFO, day=monday, name="Settlement", closes_trading=False)

    assert replace(SEEDED, holidays=(holiday,)).is_trading_day(NFO, monday)


def test_a_pre_market_session_is_no_trading() -> None:
    """Only normal sessions count."""
    early = MarketSession(market=NFO, weekday=0, start=time(9), end=time(9, 8), kind="pre_market")

    assert not MarketCalendar(name="x", sessions=(early,)).is_open(NFO, ist("2026-11-23", "09:05"))


def test_trading_days_are_counted_back_over_closed_ones() -> None:
    """One day back from Wednesday 25 Nov is Monday, over the holiday; five back is the 18th."""
    day = date(2026, 11, 25)

    assert date(2026, 11, 23) == SEEDED.trading_days_back(NFO, day, 1)
    assert date(2026, 11, 18) == SEEDED.trading_days_back(NFO, day, 4)
    assert day == SEEDED.trading_days_back(NFO, day, 0)


def test_an_empty_calendar_opens_never() -> None:
    """No template: no guess about hours."""
    empty = MarketCalendar(name="empty", sessions=())
    at = ist("2026-11-23", "10:00")

    assert not empty.is_open(NFO, at)
    assert empty.next_open(NFO, at) is None
    assert empty.next_close(NFO, at) is None
    assert empty.trading_days_back(NFO, at.date(), 1) is None
    assert why_closed(empty, NFO, at) == "NFO is closed."


def test_a_year_without_holidays_is_known_to_be_missing() -> None:
    """2027 has no list yet; the demo has no holidays at all and that is right."""
    assert SEEDED.knows_year(2026)
    assert not SEEDED.knows_year(2027)
    assert DEMO.knows_year(2027)


@given(at=instants)
def test_the_demo_never_closes(at: datetime) -> None:
    """Open at every instant of every day, over midnight too."""
    assert DEMO.is_open(NFO, at)
    assert not DEMO.is_over(NFO, at)


def test_the_demo_has_no_closing_time() -> None:
    """Sessions that touch at midnight are one."""
    assert DEMO.next_close(NFO, ist("2026-11-22", "23:59:59")) is None


@settings(deadline=None)
@given(at=instants)
def test_open_close_and_next_agree(at: datetime) -> None:
    """The market is closed just before the next opening, open from it to the next close."""
    opens = SEEDED.next_open(NFO, at)
    closes = SEEDED.next_close(NFO, at)
    assert opens is not None
    assert closes is not None

    assert opens > at
    assert closes > at
    assert SEEDED.is_open(NFO, opens)
    assert not SEEDED.is_open(NFO, opens - timedelta(microseconds=1))
    assert not SEEDED.is_open(NFO, closes)
    assert SEEDED.is_open(NFO, closes - timedelta(microseconds=1))
    assert SEEDED.is_open(NFO, at) == (closes < opens)


@given(at=instants, hours=st.integers(min_value=-12, max_value=14))
def test_the_session_day_is_the_date_in_india(at: datetime, hours: int) -> None:
    """Never the date of UTC or of the host."""
    elsewhere = at.astimezone(UTC) + timedelta(hours=hours) - timedelta(hours=hours)

    assert at.date() == session_day(elsewhere)


@pytest.mark.parametrize(
    ("day", "at", "text"),
    [
        ("2026-11-23", "10:00", ("NFO open, closes 15:40", True)),
        ("2026-11-24", "10:00", ("Holiday: Guru Nanak Jayanti", False)),
        ("2026-11-22", "10:00", ("Opens Mon 09:15", False)),
        ("2026-11-23", "16:00", ("Opens Wed 09:15", False)),
    ],
)
def test_the_header_says_how_the_market_is(day: str, at: str, text: tuple[str, bool]) -> None:
    """Open with its close, a holiday by name, else the next opening."""
    assert text == market_text(ist(day, at), is_demo=False)


def test_the_demo_says_that_it_is_one() -> None:
    """Nobody takes the demo for a market."""
    assert market_text(ist("2026-11-22", "03:00"), is_demo=True) == ("DEMO MARKET", True)
