"""What a broker's refusal is about, read from its sentence. Pure."""

import re
from decimal import Decimal
from enum import StrEnum

from algomirror.domain.order import Side


class RefusalClass(StrEnum):
    """What to do next depends on it (product.md 6.5)."""

    MARGIN = "margin"
    PRICE_BAND = "price_band"
    FREEZE = "freeze"
    LOGIN = "login"
    ADDRESS = "address"
    CLOSED = "closed"
    MODE = "mode"
    MARKET_TYPE = "market_type"
    OTHER = "other"


_SIGNS: tuple[tuple[RefusalClass, tuple[str, ...]], ...] = (
    (RefusalClass.MODE, ("sandbox", "analyzer", "semi-auto")),
    (RefusalClass.LOGIN, ("apikey", "api key", "session", "token", "login", "logged out")),
    (RefusalClass.ADDRESS, ("static ip", "ip address", "whitelist", "blocked this machine")),
    (RefusalClass.MARKET_TYPE, ("market orders are not", "market order not", "only limit")),
    (RefusalClass.PRICE_BAND, ("circuit", "price band", "price range", "daily range", "dpr")),
    (RefusalClass.FREEZE, ("freeze", "maximum order quantity", "max order quantity")),
    (RefusalClass.MARGIN, ("margin", "insufficient", "funds", "shortfall")),
    (RefusalClass.CLOSED, ("market is closed", "market closed", "outside market", "after market")),
)
"""First match wins; the words that many brokers' sentences share, in lower case."""
_BAND = re.compile(r"(lower|upper)[a-z ]*?(?:limit|circuit|band)?[a-z :₹=]*?(\d+(?:\.\d+)?)")


def classify(sentence: str) -> RefusalClass:
    plain = sentence.lower()
    for kind, signs in _SIGNS:
        if any(sign in plain for sign in signs):
            return kind
    return RefusalClass.OTHER


def band_price(sentence: str, side: Side) -> Decimal | None:
    """The edge of the price band that a refusal names: the upper one to buy, the lower to sell."""
    wanted = "upper" if side is Side.BUY else "lower"
    for edge, price in _BAND.findall(sentence.lower()):
        if edge == wanted:
            return Decimal(price)
    return None
