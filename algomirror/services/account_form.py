"""What may stand in the fields of an account: a sentence for each that cannot be saved."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.typed import is_blank
from algomirror.domain.typed import number_of
from algomirror.domain.typed import wrong_text
from algomirror.errors import InvalidInput

MAX_URL = 200
MAX_PACE = 50
MAX_WINDOW = 100_000
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f?#@\\]")


def check_name(value: Any) -> InvalidInput | None:
    wrong = wrong_text(value, low=3, high=100)
    return InvalidInput("account_name", wrong) if wrong else None


def check_group(value: Any) -> InvalidInput | None:
    wrong = wrong_text(value, low=0, high=40)
    return InvalidInput("group", wrong) if wrong else None


def check_colour(value: Any, palette: Sequence[str]) -> InvalidInput | None:
    if value in ("", None) or (isinstance(value, str) and value in palette):
        return None
    return InvalidInput("colour", "Choose a colour of the list.")


def clean_url(value: str) -> str:
    return value.strip().rstrip("/")


def check_url(field: str, value: Any, schemes: tuple[str, ...]) -> InvalidInput | None:
    """Scheme, host and port; no user, password, query or fragment: those end up in logs."""
    example = f"{schemes[0]}://127.0.0.1:{5000 if schemes[0] == 'http' else 8765}"
    refused = InvalidInput(field, f"Type an address like {example}.")
    if not isinstance(value, str) or not value.isascii():
        return refused
    plain = clean_url(value)
    if len(plain) > MAX_URL or _UNFIT.search(plain):
        return refused
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return refused
    good = parts.scheme in schemes and _HOST.fullmatch(host) and port != 0
    return None if good else refused


def check_key(value: Any, editing_id: int | None) -> InvalidInput | None:
    """Blank keeps the stored key of an account that is being edited."""
    plain = value.strip() if isinstance(value, str) else ""
    if editing_id is not None and not plain and (value is None or isinstance(value, str)):
        return None
    if 10 <= len(plain) <= 256 and plain.isascii() and plain.isprintable() and " " not in plain:
        return None
    return InvalidInput(
        "api_key", "The key has 10 to 256 plain characters. Copy it from OpenAlgo, API key page."
    )


def check_limits(form: Any) -> list[InvalidInput | None]:
    """Orders a second, a minute and a day, and how the broker takes orders."""
    return [
        check_pace(form.max_orders_per_second),
        check_window("max_orders_per_minute", form.max_orders_per_minute),
        check_window("max_orders_per_day", form.max_orders_per_day),
        _check_ascending(form),
        check_choice("chase_by", form.chase_by, ChaseBy),
        check_choice("market_orders", form.market_orders, MarketOrders),
    ]


def check_window(field: str, value: Any) -> InvalidInput | None:
    """Orders a minute or a day; empty is no limit."""
    if is_blank(value) or _whole_of(value, MAX_WINDOW):
        return None
    return InvalidInput(field, "A whole number from 1 to 1,00,000, or empty for no limit.")


def window_of(value: Any) -> int | None:
    """As stored; None for no limit."""
    return None if is_blank(value) else _whole_of(value, MAX_WINDOW) or None


def _check_ascending(form: Any) -> InvalidInput | None:
    """A day holds a minute: a smaller number would only be a slip."""
    minute, day = window_of(form.max_orders_per_minute), window_of(form.max_orders_per_day)
    if minute is None or day is None or minute <= day:
        return None
    return InvalidInput("max_orders_per_day", "At least as many as a minute has.")


def check_choice(field: str, value: Any, kind: type[StrEnum]) -> InvalidInput | None:
    if isinstance(value, str) and value in set(kind):
        return None
    return InvalidInput(field, "Choose one of the list.")


def check_pace(value: Any) -> InvalidInput | None:
    if pace_of(value):
        return None
    return InvalidInput("max_orders_per_second", f"A whole number from 1 to {MAX_PACE}.")


def pace_of(value: Any) -> int:
    """Orders a second; 0 when it is no whole number in range."""
    return _whole_of(value, MAX_PACE)


def _whole_of(value: Any, most: int) -> int:
    """A whole number from 1; 0 when it is none."""
    found = number_of(value)
    if found is None or found != found.to_integral_value() or not 1 <= found <= most:
        return 0
    return int(found)
