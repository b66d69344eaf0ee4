"""What a person typed: numbers in Indian grouping and plain text, read or refused."""

import re
from decimal import Decimal
from typing import Any

_PLAIN = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_GROUPED = re.compile(r"-?\d{1,3}((,\d{2})*|(,\d{3})*),\d{3}(\.\d{1,10})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_ONE_LINE = re.compile(r"[\t\n\u2028\u2029]")


def number_of(value: Any) -> Decimal | None:
    """A finite number: 1,25,000.50, ₹ 5,000, 5000 or 5000.0; None for anything else.

    A comma that is no grouping ("0,05") is refused, for it may be meant as a decimal point.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    plain = format(value, "f") if isinstance(value, Decimal) else str(value)
    plain = plain.strip().removeprefix("₹").strip()
    if not plain.isascii():
        return None
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    return Decimal(plain) if _PLAIN.fullmatch(plain) else None


def is_blank(value: Any) -> bool:
    """Nothing was typed."""
    return value is None or (isinstance(value, str) and not value.strip())


def wrong_text(value: Any, *, low: int, high: int, is_one_line: bool = True) -> str | None:
    """What is wrong with a text, as a sentence; None if nothing is. Blanks at the ends are free."""
    if not is_blank(value) and not isinstance(value, str):
        return "Type a text."
    plain = (value or "").strip()
    if not low <= len(plain) <= high:
        return f"Type {low} to {high} characters." if low else f"At most {high} characters."
    if _CONTROL.search(plain) or (is_one_line and _ONE_LINE.search(plain)):
        return "It holds characters that cannot be shown. Type it anew."
    if plain and not any(c.isprintable() and not c.isspace() for c in plain):
        return "It holds characters that cannot be shown. Type it anew."
    return None
