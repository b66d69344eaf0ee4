"""The contract master of the paper exchange: what is listed, with lots, ticks and freeze limits."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import future_symbol
from algomirror.domain.instrument import option_symbol
from algomirror.domain.instrument import parse_expiry

TICK = Decimal("0.05")
BASE_PRICES = {
    "NIFTY": 25000.0,
    "BANKNIFTY": 56000.0,
    "SENSEX": 82000.0,
    "INDIAVIX": 13.5,
    "SBIN": 820.0,
    "RELIANCE": 1400.0,
    "INFY": 1600.0,
}
_EXPIRY_WEEKDAY = {"NIFTY": 1, "BANKNIFTY": 1, "SENSEX": 3}
_WEEKLIES = {"NIFTY": 5, "BANKNIFTY": 0, "SENSEX": 5}
_MONTHLIES = 3
_STRIKES_EACH_SIDE = 60
_OPTION_TYPES = {str(kind): kind for kind in OptionType}


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterRow:
    """One listed instrument; `strike` None and `expiry` None where it has none."""

    id: int
    symbol: str
    name: str
    exchange: str
    expiry: date | None
    strike: Decimal | None
    lotsize: int
    instrumenttype: str
    tick_size: Decimal
    freeze_qty: int

    @property
    def option_type(self) -> OptionType | None:
        return _OPTION_TYPES.get(self.instrumenttype)

    @property
    def token(self) -> str:
        return str(100_000 + self.id)


class Master:
    """All rows with the look-ups that answers need."""

    def __init__(self, rows: Iterable[MasterRow]) -> None:
        self.rows = list(rows)
        self._by_key = {(r.symbol, r.exchange): r for r in self.rows}
        self._strikes: dict[tuple[str, str, date], list[Decimal]] = {}
        for row in self.rows:
            if row.option_type is OptionType.CE and row.expiry and row.strike is not None:
                self._strikes.setdefault((row.name, row.exchange, row.expiry), []).append(
                    row.strike
                )
        for strikes in self._strikes.values():
            strikes.sort()
        self._expiries = _expiries_by_name(self.rows)

    def get(self, symbol: str, exchange: str) -> MasterRow | None:
        return self._by_key.get((symbol, exchange))

    def of_exchange(self, exchange: str) -> list[MasterRow]:
        return [r for r in self.rows if r.exchange == exchange]

    def expiries(self, name: str, exchange: str, kind: str, today: date) -> list[date]:
        """Ascending; `kind` is options or futures; expired ones dropped, today's stays."""
        key = (name.upper(), exchange, kind == "futures")
        return [day for day in self._expiries.get(key, ()) if day >= today]

    def strikes(self, name: str, exchange: str, expiry: date) -> list[Decimal]:
        return self._strikes.get((name, exchange, expiry), [])

    def search(self, query: str, exchange: str | None) -> list[MasterRow]:
        words = query.upper().split()
        return [
            r
            for r in self.rows
            if (exchange is None or r.exchange == exchange)
            and all(w in r.symbol or w in r.name or w == r.token for w in words)
        ]


def _expiries_by_name(rows: Iterable[MasterRow]) -> dict[tuple[str, str, bool], list[date]]:
    """Ascending expiry days by (name, exchange, is a future)."""
    days: dict[tuple[str, str, bool], set[date]] = {}
    for row in rows:
        if row.expiry and row.instrumenttype in ("FUT", "CE", "PE"):
            key = (row.name, row.exchange, row.instrumenttype == "FUT")
            days.setdefault(key, set()).add(row.expiry)
    return {key: sorted(found) for key, found in days.items()}


def trading_day_at_or_before(day: date, holidays: frozenset[date]) -> date:
    while day.weekday() >= 5 or day in holidays:
        day -= timedelta(days=1)
    return day


def expiries_of(name: str, today: date, holidays: frozenset[date]) -> list[date]:
    """Real weekdays (NSE Tuesday, BSE Thursday), moved to the trading day before a holiday."""
    weekday = _EXPIRY_WEEKDAY[name]
    first = today + timedelta(days=(weekday - today.weekday()) % 7)
    found: set[date] = set()
    nominal = [first + timedelta(weeks=n) for n in range(_WEEKLIES[name])]
    year, month = today.year, today.month
    for _ in range(_MONTHLIES + 1):
        following = date(year + month // 12, month % 12 + 1, 1)
        last = following - timedelta(days=1)
        nominal.append(last - timedelta(days=(last.weekday() - weekday) % 7))
        year, month = following.year, following.month
    for day in nominal:
        moved = trading_day_at_or_before(day, holidays)
        if moved >= today:
            found.add(moved)
    return sorted(found)


def default_master(today: date, holidays: frozenset[date] = frozenset()) -> Master:
    """NIFTY, BANKNIFTY, SENSEX with options and futures, their indices and three shares."""
    rows: list[MasterRow] = []

    def add(
        symbol: str,
        name: str,
        exchange: str,
        kind: str,
        *,
        expiry: date | None = None,
        strike: Decimal | None = None,
        lot: int = 1,
        freeze: int = 1,
    ) -> None:
        rows.append(
            MasterRow(
                id=len(rows) + 1,
                symbol=symbol,
                name=name,
                exchange=exchange,
                expiry=expiry,
                strike=strike,
                lotsize=lot,
                instrumenttype=str(kind),
                tick_size=TICK,
                freeze_qty=freeze,
            )
        )

    for name, exchange in (
        ("NIFTY", "NSE_INDEX"),
        ("BANKNIFTY", "NSE_INDEX"),
        ("INDIAVIX", "NSE_INDEX"),
        ("SENSEX", "BSE_INDEX"),
    ):
        add(name, name, exchange, "INDEX")
    for share in ("SBIN", "RELIANCE", "INFY"):
        add(share, share, "NSE", "EQ")
    for u in UNDERLYINGS.values():
        lot, freeze = u.lot_size, u.freeze_quantity
        expiries = expiries_of(u.name, today, holidays)
        months = {(e.year, e.month): e for e in expiries}
        for expiry in sorted(months.values())[:_MONTHLIES]:
            add(
                future_symbol(u.name, expiry),
                u.name,
                u.exchange,
                "FUT",
                expiry=expiry,
                lot=lot,
                freeze=freeze,
            )
        centre = Decimal(round(BASE_PRICES[u.name] / float(u.strike_step))) * u.strike_step
        for expiry in expiries:
            for step in range(-_STRIKES_EACH_SIDE, _STRIKES_EACH_SIDE + 1):
                strike = centre + step * u.strike_step
                for kind in OptionType:
                    add(
                        option_symbol(u.name, expiry, strike, kind),
                        u.name,
                        u.exchange,
                        kind,
                        expiry=expiry,
                        strike=strike,
                        lot=lot,
                        freeze=freeze,
                    )
    return Master(rows)


def load_master(path: Path) -> Master:
    """From JSON: a list of objects with the fields of MasterRow (expiry as 01-DEC-26)."""
    rows = []
    for number, raw in enumerate(json.loads(path.read_text()), start=1):
        rows.append(
            MasterRow(
                id=number,
                symbol=raw["symbol"],
                name=raw["name"],
                exchange=raw["exchange"],
                expiry=parse_expiry(raw["expiry"]) if raw.get("expiry") else None,
                strike=Decimal(str(raw["strike"])) if raw.get("strike") is not None else None,
                lotsize=int(raw["lotsize"]),
                instrumenttype=raw["instrumenttype"],
                tick_size=Decimal(str(raw.get("tick_size", "0.05"))),
                freeze_qty=int(raw.get("freeze_qty", 1)),
            )
        )
    return Master(rows)
