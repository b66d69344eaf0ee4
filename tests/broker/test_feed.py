"""The live socket: a checked login, ticks, and everything subscribed again after a break."""

import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from algomirror.broker.feed import OpenAlgoFeed
from algomirror.broker.probe import probe_feed
from algomirror.clock import SystemClock
from algomirror.domain.books import BookOrder
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.engine.ports import FeedState
from tests.processes import get
from tests.processes import paper

KEY = "f" * 32
NIFTY = Instrument("NIFTY", Exchange.NSE_INDEX)
SENSEX = Instrument("SENSEX", Exchange.BSE_INDEX)


class Ear:
    """Hears what a feed delivers."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.states: list[tuple[FeedState, str]] = []
        self.hints: list[BookOrder] = []
        self.news = threading.Condition()

    def on_quote(self, quote: Quote) -> None:
        self._note(lambda: self.quotes.append(quote))

    def on_order_hint(self, account_id: int, report: BookOrder) -> None:
        self._note(lambda: self.hints.append(report))

    def on_feed_state(self, account_id: int, state: FeedState, reason: str) -> None:
        self._note(lambda: self.states.append((state, reason)))

    def _note(self, act: Callable[[], None]) -> None:
        with self.news:
            act()
            self.news.notify_all()

    def wait(self, condition: Callable[[], bool], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        with self.news:
            while not condition():
                left = end - time.monotonic()
                assert left > 0, (self.states, len(self.quotes))
                self.news.wait(left)

    def count(self, state: FeedState) -> int:
        return sum(s == state for s, _ in self.states)


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with paper("--key", KEY, "--tick", "0.1") as found:
        yield found


def feed(ready: dict[str, Any], ear: Ear, key: str = KEY) -> OpenAlgoFeed:
    return OpenAlgoFeed(account_id=1, url=ready["ws"], api_key=key, listener=ear,
                        clock=SystemClock())  # fmt: skip


def faults(ready: dict[str, Any], *rules: dict[str, Any]) -> None:
    get(f"{ready['rest']}/admin/faults", {"key": KEY, "rules": list(rules)})


def test_what_is_wanted_is_delivered_and_what_is_not_ends(ready: dict[str, Any]) -> None:
    """Subscriptions follow the wanted set by differences."""
    ear = Ear()
    found = feed(ready, ear)
    found.want(frozenset({NIFTY}))
    found.start()
    ear.wait(lambda: any(q.instrument == NIFTY for q in ear.quotes))
    found.want(frozenset({SENSEX}))
    ear.wait(lambda: any(q.instrument == SENSEX for q in ear.quotes))
    ear.quotes.clear()
    ear.wait(lambda: len(ear.quotes) >= 3)
    found.stop()

    assert {q.instrument for q in ear.quotes[1:]} == {SENSEX}
    assert ear.quotes[-1].source == "feed:1"


def test_a_cut_socket_comes_back_with_everything_subscribed(ready: dict[str, Any]) -> None:
    """Down is reported, then login and subscriptions anew, without anyone asking."""
    ear = Ear()
    found = feed(ready, ear)
    found.want(frozenset({NIFTY}))
    found.start()
    ear.wait(lambda: len(ear.quotes) > 1)
    faults(ready, {"kind": "disconnect", "count": 1})

    ear.wait(lambda: ear.count("down") == 1)
    ear.wait(lambda: ear.count("authenticated") == 2)
    ear.quotes.clear()
    ear.wait(lambda: len(ear.quotes) > 1)
    found.stop()

    assert ear.quotes[-1].instrument == NIFTY


def test_a_silent_feed_is_reported_and_heard_again(ready: dict[str, Any]) -> None:
    """Connected and authenticated but without data counts as down."""
    ear = Ear()
    found = feed(ready, ear)
    found.want(frozenset({NIFTY}))
    found.start()
    ear.wait(lambda: len(ear.quotes) > 1)
    faults(ready, {"kind": "mute_feed", "count": 1, "seconds": 7.0})

    ear.wait(lambda: ear.count("down") == 1, seconds=12.0)
    ear.wait(lambda: ear.count("authenticated") == 2, seconds=8.0)
    found.stop()

    assert "no tick for" in next(reason for state, reason in ear.states if state == "down")


def test_a_refused_login_is_noticed(ready: dict[str, Any]) -> None:
    """The answer is checked although errors carry no type."""
    ear = Ear()
    found = feed(ready, ear, key="nobody-knows-this-key")
    found.start()

    ear.wait(lambda: ear.count("auth_refused") == 1)
    found.stop()

    assert ear.count("authenticated") == 0


def test_an_order_update_is_a_hint(ready: dict[str, Any]) -> None:
    """It names the order; it is no fill."""
    ear = Ear()
    found = feed(ready, ear)
    found.start()
    ear.wait(lambda: ear.count("authenticated") == 1)
    time.sleep(0.2)
    body = {"apikey": KEY, "strategy": "t", "symbol": "SBIN", "exchange": "NSE",
            "action": "BUY", "quantity": 1, "product": "MIS"}  # fmt: skip
    _, placed = get(f"{ready['rest']}/api/v1/placeorder", body)

    ear.wait(lambda: bool(ear.hints))
    found.stop()

    assert ear.hints[0].broker_order_id == placed["orderid"]


def test_the_probe_says_what_is_wrong(ready: dict[str, Any]) -> None:
    """Empty when it works; else a sentence."""
    assert probe_feed(ready["ws"], KEY) == ""
    assert "refused: Invalid API key" in probe_feed(ready["ws"], "nobody-knows-this-key")
    assert "nothing answers at" in probe_feed("ws://127.0.0.1:9", KEY)
