"""Prices and order updates as a socket would bring them, with the faults of a socket."""

from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from algomirror.broker.wire import parse_order
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.engine import messages as m
from algomirror.engine.ports import FeedState
from algomirror.paper.answers_books import order_row
from algomirror.paper.books import PaperOrder
from algomirror.paper.exchange import PaperAccount

Post = Callable[[m.Message], None]
ZERO = Decimal(0)


class PriceFeed:
    """The primary's market data. Muted, cut off, silent for a symbol, or dead at zero by fault."""

    def __init__(self, account_id: int, paper: PaperAccount, post: Post) -> None:
        self._account_id = account_id
        self._paper = paper
        self._post = post
        self._mute_until = 0.0
        self._is_down = False

    def quotes(
        self, prices: Iterable[tuple[Instrument, Decimal]], at: datetime, now: float
    ) -> list[Quote]:
        """What arrives of these prices; `now` in monotonic seconds."""
        faults = self._paper.faults
        source = f"feed:{self._account_id}"
        if not faults.rules and not self._mute_until:
            return [Quote(instrument, price, at, source) for instrument, price in prices]
        if self._is_silent(now):
            return []
        found = []
        for instrument, price in prices:
            if faults.draw("stale_ltp"):
                continue
            shown = ZERO if faults.draw("zero_ltp") else price
            found.append(Quote(instrument, shown, at, source))
        return found

    def _is_silent(self, now: float) -> bool:
        """Mute says nothing; a cut-off is told, and so is its end."""
        faults = self._paper.faults
        mute, cut = faults.draw("mute_feed"), faults.draw("disconnect")
        for rule in (mute, cut):
            if rule is not None:
                self._mute_until = max(self._mute_until, now + rule.seconds)
        if cut is not None and not self._is_down:
            self._is_down = True
            self._tell("down", "the socket closed")
        if now < self._mute_until:
            return True
        if self._is_down:
            self._is_down = False
            self._tell("authenticated", "")
        return False

    def _tell(self, state: FeedState, reason: str) -> None:
        self._post(m.FeedChanged(account_id=self._account_id, state=state, reason=reason))


class OrderFeed:
    """An account's order updates: a moment later (before the answer to the order), sometimes twice,
    or after the next one.
    """

    def __init__(self, account_id: int, paper: PaperAccount, post: Post) -> None:
        self._account_id = account_id
        self._paper = paper
        self._post = post
        self._held: list[m.OrderHint] = []
        self._arriving: list[m.OrderHint] = []
        paper.on_update = self._on_update

    def _on_update(self, order: PaperOrder, word: str) -> None:
        report = parse_order(order_row(self._paper, order))
        if report is None:
            return
        hint = m.OrderHint(account_id=self._account_id, report=report)
        hints = [hint, hint] if self._paper.faults.draw("duplicate_update") else [hint]
        if not self._held and self._paper.faults.draw("reorder_update"):
            self._held = hints
            return
        held, self._held = self._held, []
        self._arriving += [*hints, *held]

    def pump(self) -> None:
        """Deliver what left since the last moment."""
        arriving, self._arriving = self._arriving, []
        for hint in arriving:
            self._post(hint)
