"""The simulated market: index paths with volatility clusters, futures, options with a smile."""

import math
import random
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from algomirror.clock import IST
from algomirror.domain.pricing import value
from algomirror.paper.master import BASE_PRICES
from algomirror.paper.master import Master
from algomirror.paper.master import MasterRow

INDEX_VOLATILITY = {"NIFTY": 0.12, "BANKNIFTY": 0.15, "SENSEX": 0.12}
_DEFAULT_VOLATILITY = 0.22
_YEAR_S = 252 * 6.25 * 3600
_CARRY = 0.06
_EXPIRY_TIME = time(15, 30)
_CENT = Decimal("0.01")
_CORRELATED = ("NIFTY", "BANKNIFTY", "SENSEX")


@dataclass(slots=True)
class _Path:
    """One underlying: price, its fluctuating volatility, and the day so far."""

    price: float
    previous_close: float
    volatility: float
    long_run: float
    open: float
    high: float
    low: float
    drift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketQuote:
    """Prices in rupees, exact on tick; index bid/ask 0 as OpenAlgo gives them."""

    ltp: Decimal
    bid: Decimal
    ask: Decimal
    bid_quantity: int
    ask_quantity: int
    open: Decimal
    high: Decimal
    low: Decimal
    previous_close: Decimal
    volume: int
    oi: int


class Market:
    """Deterministic for a seed and a sequence of `step` times. Prices options only on demand."""

    def __init__(
        self,
        master: Master,
        *,
        seed: int,
        start: datetime,
        step_s: float = 0.25,
        moving: Collection[str] = tuple(BASE_PRICES),
    ) -> None:
        """`moving`: the underlyings whose price moves; the others stand still."""
        self.master = master
        self.seed = seed
        self.now = start
        self.started = start
        self._step_s = step_s
        self._random = random.Random(seed)
        self._steps = 0
        self._cache: dict[tuple[str, str], tuple[int, float]] = {}
        self._ticks: dict[tuple[str, str], tuple[int, float, Decimal]] = {}
        self._forwards: dict[tuple[str, date], tuple[int, float, float]] = {}
        self._ranges: dict[tuple[str, str], tuple[float, float, float]] = {}
        self._fixed: dict[tuple[str, str], Decimal] = {}
        self.paths = {name: self._new_path(name, price) for name, price in BASE_PRICES.items()}
        self._moving = [(name, path) for name, path in self.paths.items() if name in moving]
        self.minutes: dict[str, list[tuple[datetime, float, float, float, float]]] = {
            name: [] for name in self.paths
        }

    def _new_path(self, name: str, price: float) -> _Path:
        draw = random.Random(f"{self.seed}-{name}")
        start = price * (1.0 + draw.gauss(0.0, 0.004))
        sigma = INDEX_VOLATILITY.get(name, _DEFAULT_VOLATILITY)
        close = start * (1.0 + draw.gauss(0.0, 0.003))
        return _Path(
            price=start,
            previous_close=close,
            volatility=sigma,
            long_run=sigma,
            open=start,
            high=start,
            low=start,
        )

    # --- moving ---------------------------------------------------------------------------
    def step(self, now: datetime) -> None:
        """Advance every path to `now` in equal internal steps; at most an hour is caught up."""
        due = int((now - self.now).total_seconds() / self._step_s)
        for _ in range(min(due, int(3600 / self._step_s))):
            self._advance()
        if due > 0:
            self.now = now

    def _advance(self) -> None:
        self._steps += 1
        scale = math.sqrt(self._step_s / _YEAR_S)
        common = self._random.gauss(0.0, 1.0)
        at = self.started + timedelta(seconds=self._steps * self._step_s)
        minute = at.replace(second=0, microsecond=0)
        for name, path in self._moving:
            own = self._random.gauss(0.0, 1.0)
            shock = 0.9 * common + 0.4359 * own if name in _CORRELATED else own
            move = path.volatility * scale * shock + path.drift * self._step_s
            path.price = max(path.price * math.exp(move), 0.05)
            # GARCH-like: a large move raises the volatility, which decays to its long run
            surprise = abs(shock) - 0.7979
            pulled = path.volatility + 0.02 * (path.long_run - path.volatility)
            path.volatility = min(max(pulled + 0.02 * path.long_run * surprise, 0.03), 0.8)
            path.high, path.low = max(path.high, path.price), min(path.low, path.price)
            self._note_minute(name, minute, path.price)

    def _note_minute(self, name: str, minute: datetime, price: float) -> None:
        bars = self.minutes[name]
        if bars and bars[-1][0] == minute:
            _, o, h, low, _ = bars[-1]
            bars[-1] = (minute, o, max(h, price), min(low, price), price)
        else:
            bars.append((minute, price, price, price, price))

    def set_index(self, name: str, price: float) -> None:
        """Move an underlying there at once (tests, the demo's shock)."""
        path = self.paths[name]
        path.price = price
        path.high, path.low = max(path.high, price), min(path.low, price)
        self._steps += 1
        self._cache.clear()

    def set_drift(self, name: str, per_second: float) -> None:
        self.paths[name].drift = per_second

    def fix_price(self, symbol: str, exchange: str, ltp: Decimal | None) -> None:
        """Hold an instrument at a price (0 for a dead tick); None lets it move again."""
        if ltp is None:
            self._fixed.pop((symbol, exchange), None)
        else:
            self._fixed[symbol, exchange] = ltp

    # --- prices ---------------------------------------------------------------------------
    def fair(self, row: MasterRow) -> float:
        """Model price in rupees before rounding, cached per step."""
        key = (row.symbol, row.exchange)
        cached = self._cache.get(key)
        if cached is not None and cached[0] == self._steps:
            return cached[1]
        price = self._model(row)
        if row.instrumenttype not in ("INDEX", "EQ"):
            price = max(price * (1.0 + 0.0008 * self._noise(row.symbol)), float(row.tick_size))
        self._cache[key] = (self._steps, price)
        if cached is not None and cached[1] == price:
            return price
        low, high, opened = self._ranges.get(key, (price, price, price))
        self._ranges[key] = (min(low, price), max(high, price), opened)
        return price

    def _model(self, row: MasterRow) -> float:
        """`fair_at` of now; contracts of one underlying and expiry share their forward."""
        spot = self._spot(row.name)
        if row.expiry is None:
            return spot
        known = self._forwards.get((row.name, row.expiry))
        if known is None or known[0] != self._steps:
            years = self.years_to(row.expiry, self.now)
            known = (self._steps, years, spot * math.exp(_CARRY * years))
            self._forwards[row.name, row.expiry] = known
        return self._worth(row, known[1], known[2])

    def fair_at(self, row: MasterRow, spot: float, at: datetime) -> float:
        if row.expiry is None:
            return spot
        years = self.years_to(row.expiry, at)
        return self._worth(row, years, spot * math.exp(_CARRY * years))

    def _worth(self, row: MasterRow, years: float, forward: float) -> float:
        kind = row.option_type
        if row.strike is None or kind is None:
            return forward
        strike = float(row.strike)
        sigma = self.smile(row.name, forward, strike, years)
        return max(value(forward, strike, years, sigma, kind), 0.05)

    def smile(self, name: str, forward: float, strike: float, years: float) -> float:
        """Implied volatility: base level, skew to low strikes, convex wings."""
        base = INDEX_VOLATILITY.get(name, _DEFAULT_VOLATILITY) + 0.005
        money = math.log(strike / forward) / math.sqrt(max(years, 1 / 365))
        return min(max(base - 0.08 * money + 0.20 * money * money, 0.05), 1.5)

    def years_to(self, expiry: date, at: datetime) -> float:
        end = datetime.combine(expiry, _EXPIRY_TIME, tzinfo=IST)
        return max((end - at).total_seconds(), 0.0) / (365 * 86400)

    def _spot(self, name: str) -> float:
        path = self.paths.get(name)
        return path.price if path else 100.0

    def _noise(self, symbol: str) -> float:
        """-1..1, the same for a symbol and step whoever asks."""
        mixed = zlib.crc32(f"{self.seed}:{symbol}:{self._steps}".encode())
        return mixed / 2**31 - 1.0

    def ltp(self, symbol: str, exchange: str) -> Decimal | None:
        fixed = self._fixed.get((symbol, exchange)) if self._fixed else None
        if fixed is not None:
            return fixed
        known = self._ticks.get((symbol, exchange))
        if known is not None and known[0] == self._steps:
            return known[2]
        row = self.master.get(symbol, exchange)
        if row is None:
            return None
        price = self.fair(row)
        shown = known[2] if known is not None and known[1] == price else _rounded(row, price)
        self._ticks[symbol, exchange] = (self._steps, price, shown)
        return shown

    def touch(self, symbol: str, exchange: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and ask; a tick or 0.05 % of the price to each side of the last price."""
        row = self.master.get(symbol, exchange)
        last = self.ltp(symbol, exchange)
        if row is None or last is None:
            return None
        if row.instrumenttype == "INDEX":
            return last, last
        ticks = max(1, round(float(last) * 0.0005 / float(row.tick_size)))
        half = ticks * row.tick_size
        return max(last - half, row.tick_size), last + half

    def quote(self, symbol: str, exchange: str) -> MarketQuote | None:
        row = self.master.get(symbol, exchange)
        last = self.ltp(symbol, exchange)
        touch = self.touch(symbol, exchange)
        if row is None or last is None or touch is None:
            return None
        bid, ask = touch
        is_index = row.instrumenttype == "INDEX"
        seconds = (self.now - self.started).total_seconds()
        size = zlib.crc32(symbol.encode()) % 400 + 20
        low, high, opened = self._ranges.get((symbol, exchange), (float(last),) * 3)
        path = self.paths.get(symbol) if is_index or row.instrumenttype == "EQ" else None
        if path is not None:
            low, high, opened = path.low, path.high, path.open
        previous = path.previous_close if path else opened
        return MarketQuote(
            ltp=last,
            bid=Decimal(0) if is_index else bid,
            ask=Decimal(0) if is_index else ask,
            bid_quantity=0 if is_index else size * row.lotsize,
            ask_quantity=0 if is_index else (size // 2 + 7) * row.lotsize,
            open=_paisa(opened),
            high=max(_paisa(high), last),
            low=min(_paisa(low), last),
            previous_close=_paisa(previous),
            volume=0 if is_index else int(size * (900 + seconds)) * row.lotsize,
            oi=0 if row.expiry is None else size * 150 * row.lotsize,
        )


def _rounded(row: MasterRow, price: float) -> Decimal:
    if row.instrumenttype == "INDEX":
        return Decimal(f"{price:.2f}")
    return _twentieths(max(round(price * 20), 1))


@lru_cache(maxsize=16_384)
def _twentieths(count: int) -> Decimal:
    """Rupees of so many ticks of five paise."""
    return Decimal(count) * 5 / 100


def _paisa(price: float) -> Decimal:
    return Decimal(str(price)).quantize(_CENT)
