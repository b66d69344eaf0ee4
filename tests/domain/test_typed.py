"""Promises of algomirror/domain/typed.py."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.money import grouped
from algomirror.domain.typed import number_of
from algomirror.domain.typed import wrong_text


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1,25,000.50", "125000.50"),
        ("12,45,000", "1245000"),
        ("125,000", "125000"),
        ("1,250,000", "1250000"),
        ("₹ 5,000", "5000"),
        ("  5000 ", "5000"),
        (5000, "5000"),
        (5000.0, "5000"),
        ("-3.5", "-3.5"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_numbers_are_read_as_traders_type_them(typed: Any, value: str) -> None:
    """Indian and western grouping, a rupee sign and blanks are understood."""
    assert Decimal(value) == number_of(typed)


@pytest.mark.parametrize(
    "typed",
    ["", " ", ",", "1,2", "0,05", "1,,000", "1.2.3", "1e5", "1e309", "NaN", "inf", "-inf", "--5",
     "٣٤", "५०००", "１２３", "5 000", "0x10", "five", "9" * 400, True, None, [], {},
     float("nan"), float("inf"), 1e309, 1e22, b"5", 3 + 4j, Decimal("NaN"), "−5"],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(typed: Any) -> None:
    """Exponents, infinities, other digits and doubtful commas are never guessed at."""
    assert number_of(typed) is None


@given(st.integers(min_value=0, max_value=10**14))
def test_what_we_print_can_be_typed_back(amount: int) -> None:
    """A number in our own grouping reads back as the same number."""
    assert Decimal(amount) == number_of(grouped(Decimal(amount)))


@given(st.text())
def test_reading_a_number_never_fails(typed: str) -> None:
    """Any text is a number or is not; none is an error."""
    found = number_of(typed)

    assert found is None or found.is_finite()


@pytest.mark.parametrize(
    "typed", ["a\x00b", "a\nb", "\u202eevil", "\ud800x", "\u200b\u200b\u200b", 12, ["x"]]
)
def test_text_that_cannot_be_shown_is_refused(typed: Any) -> None:
    """Control, reordering and invisible characters do not become a name."""
    assert wrong_text(typed, low=1, high=100) is not None


@pytest.mark.parametrize("typed", ["NIFTY straddle", "मेरी रणनीति", "  padded  ", "x" * 100])
def test_ordinary_names_are_fine(typed: str) -> None:
    """Any script, any visible characters, blanks at the ends ignored."""
    assert wrong_text(typed, low=1, high=100) is None
