"""Rows of what waits for a person: drift at a broker, a kill switch counting down."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar


@dataclass(slots=True, kw_only=True)
class DriftRow:
    """Broker net against our runs on one symbol of an account; there while they differ."""

    topic: ClassVar[str] = "drift"
    key: str
    version: int = 0
    account_id: int
    account_name: str
    symbol: str
    exchange: str
    product: str
    broker_net: int
    ours: int
    drift: int
    since: datetime
    confirmed: bool = False
    """Two complete looks agree and no order of ours there is on its way."""
    explained: bool = False
    """Trades of others (or the start of the day) account for it."""
    claimed: int = 0
    """Unsigned units that exits of ours left out because of it."""
    ignored: bool = False
    average: Decimal | None = None
    """The price of those trades, else the broker's average: proposed for an adoption."""
    holders: tuple[tuple[int, int, str, int], ...] = ()
    """(execution id, leg id, run text, signed quantity) of our positions there."""


@dataclass(slots=True, kw_only=True)
class KillRow:
    """A kill switch on one account: counting down until FLAT."""

    topic: ClassVar[str] = "kill"
    key: str
    version: int = 0
    kill_id: int
    account_id: int
    account_name: str
    scope: str
    with_foreign: bool = False
    begun_at: datetime
    orders: int = 0
    orders_filled: int = 0
    positions_left: int = 0
    is_flat: bool = False
    flat_at: datetime | None = None
    """When every book agreed; the row stays, so that pages can say so."""
    text: str = ""
    """Why it is not flat yet."""
