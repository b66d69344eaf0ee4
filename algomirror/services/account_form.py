"""What may stand in the fields of an account."""

import re
from urllib.parse import urlsplit

from algomirror.errors import InvalidInput

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_url(field: str, text: str, schemes: tuple[str, ...]) -> InvalidInput | None:
    example = f"{schemes[0]}://127.0.0.1:{5000 if schemes[0] == 'http' else 8765}"
    try:
        parts = urlsplit(text.strip())
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_ok = False
        parts = urlsplit("")
    good = parts.scheme in schemes and bool(parts.hostname) and port_ok
    if not good or len(text) > 200 or " " in text.strip():
        return InvalidInput(field, f"Type an address like {example}.")
    return None


def check_key(key: str, editing_id: int | None) -> InvalidInput | None:
    plain = key.strip()
    if not plain and editing_id is not None:
        return None
    if not 10 <= len(plain) <= 256 or not plain.isascii() or CONTROL.search(plain):
        return InvalidInput("api_key", "The key has 10 to 256 plain characters. Copy it from "
                                       "OpenAlgo, API key page.")  # fmt: skip
    return None


def check_pace(text: str) -> InvalidInput | None:
    plain = str(text).strip()
    if not plain.isascii() or not plain.isdigit() or not 1 <= int(plain[:6]) <= 50:
        return InvalidInput("max_orders_per_second", "A whole number from 1 to 50.")
    return None
