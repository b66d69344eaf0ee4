"""The last believable price of each instrument, its age, and who needs which subscription."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from algomirror.clock import Clock
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.engine.live_view import MarkState

STALE_AFTER_S = 5.0
"""Default of STALE_PRICE_SECONDS (product.md 8.2)."""


class Market:
    """Owned by the engine thread. A price that is zero, negative or older is refused."""

    def __init__(self, clock: Clock, *, stale_after_s: float = STALE_AFTER_S) -> None:
        self._clock = clock
        self._stale_after_s = stale_after_s
        self.last: dict[Instrument, Quote] = {}
        self._received: dict[Instrument, float] = {}
        self._bad: dict[Instrument, datetime] = {}
        self._holders: dict[str, frozenset[Instrument]] = {}
        self.wanted: frozenset[Instrument] = frozenset()
        """What anybody holds."""

    def admit(self, quote: Quote) -> bool:
        """Whether the price is believed; if so it is the mark from now on."""
        known = self.last.get(quote.instrument)
        if quote.ltp <= 0:
            self._bad[quote.instrument] = quote.at
            return False
        if known is not None and quote.at < known.at and self.is_fresh(quote.instrument):
            return False  # when the last one is old, the clock was set back
        self.last[quote.instrument] = quote
        self._received[quote.instrument] = self._clock.monotonic()
        if self._bad:
            self._bad.pop(quote.instrument, None)
        return True

    def mark(self, instrument: Instrument) -> Decimal | None:
        quote = self.last.get(instrument)
        return quote.ltp if quote else None

    def age(self, instrument: Instrument) -> float | None:
        """Seconds since the last believed price; None if there never was one."""
        received = self._received.get(instrument)
        return None if received is None else self._clock.monotonic() - received

    def is_fresh(self, instrument: Instrument) -> bool:
        received = self._received.get(instrument)
        return received is not None and self._clock.monotonic() - received <= self._stale_after_s

    def state(self, instrument: Instrument) -> MarkState:
        if instrument not in self.last:
            return "bad" if instrument in self._bad else "none"
        if instrument in self._bad:
            return "bad"
        return "fresh" if self.is_fresh(instrument) else "stale"

    def hold(self, holder: str, instruments: Iterable[Instrument]) -> None:
        """`holder` needs these and no others; an empty set releases."""
        wanted = frozenset(instruments)
        if self._holders.get(holder, frozenset()) == wanted:
            return
        if wanted:
            self._holders[holder] = wanted
        else:
            self._holders.pop(holder, None)
        self.wanted = frozenset().union(*self._holders.values())

    def ageing(self, *, older_than_s: float) -> list[Instrument]:
        """Wanted instruments whose price is older than that or missing."""
        return [i for i in self.wanted if (age := self.age(i)) is None or age > older_than_s]

    def oldest(self, instruments: Iterable[Instrument]) -> datetime | None:
        times = [self.last[i].at for i in instruments if i in self.last]
        return min(times) if times else None
