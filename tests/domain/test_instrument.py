"""Promises of algomirror/domain/instrument.py."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import ParsedSymbol
from algomirror.domain.instrument import format_expiry
from algomirror.domain.instrument import future_symbol
from algomirror.domain.instrument import option_symbol
from algomirror.domain.instrument import parse_expiry
from algomirror.domain.instrument import parse_symbol

days = st.dates(min_value=date(2020, 1, 1), max_value=date(2090, 12, 31))
strikes = st.decimals(min_value="0.5", max_value="200000", places=2)


@given(
    base=st.sampled_from(["NIFTY", "BANKNIFTY", "SENSEX", "M&M", "BAJAJ-AUTO", "360ONE"]),
    expiry=days,
    strike=strikes,
    kind=st.sampled_from(OptionType),
)
def test_an_option_symbol_reads_back(
    base: str, expiry: date, strike: Decimal, kind: OptionType
) -> None:
    """Base, expiry, strike and type survive the way into the symbol and out."""
    symbol = option_symbol(base, expiry, strike, kind)

    assert parse_symbol(symbol) == ParsedSymbol(base, expiry, strike, kind)


@given(base=st.sampled_from(["NIFTY", "SENSEX", "360ONE"]), expiry=days)
def test_a_future_symbol_reads_back(base: str, expiry: date) -> None:
    """A future has no strike and no type."""
    assert parse_symbol(future_symbol(base, expiry)) == ParsedSymbol(base, expiry, None, None)


@pytest.mark.parametrize(
    ("strike", "text"),
    [("26000", "NIFTY24NOV2626000CE"), ("26000.00", "NIFTY24NOV2626000CE"),
     ("292.5", "NIFTY24NOV26292.5CE"), ("1E+4", "NIFTY24NOV2610000CE")],
)  # fmt: skip
def test_a_strike_has_no_trailing_zeros(strike: str, text: str) -> None:
    """The form of product.md 3.3, whatever the form of the number."""
    symbol = option_symbol("NIFTY", date(2026, 11, 24), Decimal(strike), OptionType.CE)

    assert symbol == text


@pytest.mark.parametrize("symbol", ["NIFTY", "RELIANCE", "NIFTY24XXX2626000CE", "", "CE"])
def test_an_index_or_share_is_no_derivative(symbol: str) -> None:
    """What does not carry an expiry is not read as a contract."""
    assert parse_symbol(symbol) is None


@pytest.mark.parametrize("text", ["24NOV26", "24-NOV-26", "24-Nov-2026", "24nov2026"])
def test_expiries_come_in_four_forms(text: str) -> None:
    """Brokers and OpenAlgo write them differently."""
    assert parse_expiry(text) == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["", "24-11-2026", "31FEB26", "NOV26", "24NOVEMBER26"])
def test_what_is_no_expiry_is_an_error(text: str) -> None:
    """No date is guessed."""
    with pytest.raises(ValueError, match=r"."):
        parse_expiry(text)


@given(expiry=days)
def test_an_expiry_reads_back(expiry: date) -> None:
    """DDMMMYY keeps the date of this century."""
    assert parse_expiry(format_expiry(expiry)) == expiry


def test_a_freeze_limit_is_at_least_a_lot() -> None:
    """The defaults of product.md 16.2."""
    found = {u.name: (u.lot_size, u.freeze_quantity // u.lot_size) for u in UNDERLYINGS.values()}

    assert found == {"NIFTY": (65, 27), "BANKNIFTY": (30, 20), "SENSEX": (20, 50)}
