"""A price as it arrived: value, where from, when."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from algomirror.domain.instrument import Instrument


class Quote(NamedTuple):
    """Last price of an instrument in rupees; a tuple, for it is made at each tick.

    `at` is our receive time (aware). `source` reads "feed:<account id>", "rest:<account id>",
    "backup:<account id>" or "last session". `bid`/`ask` are None where the feed has none.
    """

    instrument: Instrument
    ltp: Decimal
    at: datetime
    source: str
    bid: Decimal | None = None
    ask: Decimal | None = None
