"""What the engine asks of an account's workers; answers come as messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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

    def set_exit_reserve(self, orders: int) -> None:
        """Orders that an exit of all that is open would take: entries leave that much budget."""
        ...

    def stop(self) -> None: ...


class FeedDesk(Protocol):
    """Turns the engine's wish for prices into subscriptions of the feed in use."""

    def want(self, account_id: int, instruments: frozenset[Instrument]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KillOrder:
    """What the file <data>/KILL asks for; blank and None widen the scope to everything ours.

    An empty or unreadable file is such a wide order. `token` names the file as it lies there: the
    same token is the same order. An id wins over a name, which a person may have written.
    """

    token: str
    by: str = "KILL file"
    account: str = ""
    account_id: int | None = None
    strategy: str = ""
    strategy_id: int | None = None
    with_foreign: bool = False
    """Also close what AlgoMirror did not open; ignored with a strategy."""


class KillFile(Protocol):
    """The kill switch without a browser. No method raises; what failed is logged and returned."""

    def look(self) -> KillOrder | None:
        """The order that lies there, each time until `finish`; None without one."""
        ...

    def write_status(self, text: str) -> str:
        """For `algomirror kill` to print as it changes; a line begins with FLAT at the end."""
        ...

    def finish(self, now: datetime) -> str:
        """FLAT: KILL becomes KILL.done-<time>; a newer KILL written meanwhile stays."""
        ...
