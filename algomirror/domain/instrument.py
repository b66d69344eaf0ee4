"""What can be traded: exchanges, products, contracts and the symbols that name them."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Exchange(StrEnum):
    NSE = "NSE"
    BSE = "BSE"
    NFO = "NFO"
    BFO = "BFO"
    MCX = "MCX"
    NSE_INDEX = "NSE_INDEX"
    BSE_INDEX = "BSE_INDEX"


class Product(StrEnum):
    MIS = "MIS"
    NRML = "NRML"
    CNC = "CNC"


class OptionType(StrEnum):
    CE = "CE"
    PE = "PE"


class Instrument(NamedTuple):
    """The key of a price or position: symbol on an exchange; a tuple, for cheap hashing."""

    symbol: str
    exchange: Exchange

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A future or option as the contract master describes it.

    `strike` and `option_type` are None for a future. Quantities are units, prices rupees.
    `freeze_quantity` is the largest single order; 0 or 1 from a broker means "unknown".
    """

    instrument: Instrument
    underlying: str
    expiry: date
    strike: Decimal | None
    option_type: OptionType | None
    lot_size: int
    tick_size: Decimal
    freeze_quantity: int

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def exchange(self) -> Exchange:
        return self.instrument.exchange

    @property
    def order_limit(self) -> int:
        """The largest single order in units: a freeze quantity of 0 or 1 means "unknown", then the
        underlying's default of product.md 16.2 holds; 0 where there is none.
        """
        if self.freeze_quantity > 1:
            return self.freeze_quantity
        known = UNDERLYINGS.get(self.underlying)
        return known.freeze_quantity if known is not None else 0

    @property
    def is_option(self) -> bool:
        return self.option_type is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlying:
    """An index that strategies are built on, with the defaults of product.md 16.2."""

    name: str
    index: Instrument
    exchange: Exchange
    lot_size: int
    freeze_quantity: int
    strike_step: Decimal


UNDERLYINGS: dict[str, Underlying] = {
    u.name: u
    for u in (
        Underlying(
            name="NIFTY",
            index=Instrument("NIFTY", Exchange.NSE_INDEX),
            exchange=Exchange.NFO,
            lot_size=65,
            freeze_quantity=1800,
            strike_step=Decimal(50),
        ),
        Underlying(
            name="BANKNIFTY",
            index=Instrument("BANKNIFTY", Exchange.NSE_INDEX),
            exchange=Exchange.NFO,
            lot_size=30,
            freeze_quantity=600,
            strike_step=Decimal(100),
        ),
        Underlying(
            name="SENSEX",
            index=Instrument("SENSEX", Exchange.BSE_INDEX),
            exchange=Exchange.BFO,
            lot_size=20,
            freeze_quantity=1000,
            strike_step=Decimal(100),
        ),
    )
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_OPTION = re.compile(r"^(.+)(\d{2}[A-Z]{3}\d{2})(\d+(?:\.\d+)?)(CE|PE)$")
_FUTURE = re.compile(r"^(.+)(\d{2}[A-Z]{3}\d{2})FUT$")


class ParsedSymbol(NamedTuple):
    underlying: str
    expiry: date
    strike: Decimal | None
    option_type: OptionType | None


def format_expiry(expiry: date) -> str:
    """DDMMMYY as it stands in symbols, e.g. 24NOV26."""
    return f"{expiry.day:02d}{_MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"


def parse_expiry(text: str) -> date:
    """A date from 24NOV26, 24-NOV-26 or 24-Nov-2026; ValueError otherwise."""
    plain = text.replace("-", "").upper()
    if len(plain) not in (7, 9) or plain[2:5] not in _MONTHS:
        raise ValueError(f"not an expiry: {text!r}")
    year = int(plain[5:])
    return date(year if year > 99 else 2000 + year, _MONTHS.index(plain[2:5]) + 1, int(plain[:2]))


def option_symbol(base: str, expiry: date, strike: Decimal, option_type: OptionType) -> str:
    """BASE + DDMMMYY + strike without trailing zeros + CE or PE (product.md 3.3)."""
    text = format(strike.normalize(), "f")
    return f"{base}{format_expiry(expiry)}{text}{option_type}"


def future_symbol(base: str, expiry: date) -> str:
    return f"{base}{format_expiry(expiry)}FUT"


def parse_symbol(symbol: str) -> ParsedSymbol | None:
    """The parts of a derivative's symbol; None for an index, a share or an impossible date."""
    try:
        if found := _OPTION.match(symbol):
            base, expiry, strike, kind = found.groups()
            return ParsedSymbol(base, parse_expiry(expiry), Decimal(strike), OptionType(kind))
        if found := _FUTURE.match(symbol):
            return ParsedSymbol(found[1], parse_expiry(found[2]), None, None)
    except ValueError:
        return None
    return None
