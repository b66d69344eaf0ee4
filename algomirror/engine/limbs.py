"""What the engine asks of an account's workers; answers come as messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from typing import Protocol

from algomirror.domain.instrument import Instrument
from algomirror.domain.order import OrderIntent

Act = Literal["place", "modify", "cancel"]
PRIORITY_KILL, PRIORITY_EXIT, PRIORITY_CANCEL, PRIORITY_MODIFY, PRIORITY_ENTRY = range(5)


@dataclass(slots=True, kw_only=True)
class Job:
    """One request to the broker. `withdrawn` set before it leaves turns it into NotSent."""

    act: Act
    intent: OrderIntent
    tag: str
    priority: int
    broker_order_id: str | None = None
    withdrawn: bool = False


class AccountLimbs(Protocol):
    """The workers of one account. Every method returns at once; results are posted to the inbox."""

    def send(self, job: Job) -> None: ...

    def look(self, *, trades: bool, positions: bool) -> None:
        """Order book, then (as asked) trade book, then position book; posts BooksRead."""
        ...

    def read_funds(self) -> None: ...

    def ping(self) -> None: ...

    def probe_order_mode(self) -> None:
        """Is OpenAlgo in semi-auto mode? Posts OrderModeRead."""
        ...

    def read_quotes(self, instruments: Iterable[Instrument]) -> None: ...

    def stop(self) -> None: ...


class FeedDesk(Protocol):
    """Turns the engine's wish for prices into subscriptions of the feed in use."""

    def want(self, account_id: int, instruments: frozenset[Instrument]) -> None: ...
