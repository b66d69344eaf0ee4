"""Numbers, money, times and words as a person reads them; twin of static/formats.js."""

from datetime import datetime
from decimal import ROUND_HALF_UP
from decimal import Decimal

from algomirror.clock import IST

MINUS = "\u2212"
LAKH = Decimal(100_000)
CRORE = Decimal(10_000_000)

EXIT_WORDS = {
    "kill_switch": "Kill switch",
    "manual": "Manual",
    "max_loss": "Max loss",
    "max_profit": "Max profit",
    "hedge_timeout": "Hedge not filled",
    "unbalanced": "Unbalanced entry",
}
RUN_WORDS = {
    "planned": "Planned",
    "entering": "Entering",
    "entered": "Open",
    "exiting": "Exiting",
    "exited": "Closed",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "missed": "Missed",
}


def grouped(digits: str) -> str:
    """Indian grouping: 1245000 -> 12,45,000."""
    if len(digits) <= 3:
        return digits
    head, tail = digits[:-3], digits[-3:]
    parts: list[str] = []
    while head:
        parts.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*parts, tail])


def _body(value: Decimal, places: int) -> str:
    rounded = abs(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole, _, part = format(rounded, "f").partition(".")
    return grouped(whole) + (f".{part}" if part else "")


def _is_zero(value: Decimal, places: int) -> bool:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP) == 0


def number(value: Decimal | None, places: int = 2) -> str:
    if value is None:
        return "–"
    minus = MINUS if value < 0 and not _is_zero(value, places) else ""
    return minus + _body(value, places)


def money(value: Decimal | None, places: int = 2) -> str:
    if value is None:
        return "unknown"
    minus = MINUS if value < 0 and not _is_zero(value, places) else ""
    return f"{minus}₹{_body(value, places)}"


def pnl(value: Decimal | None, places: int = 2) -> str:
    """Signed always; zero has no sign."""
    if value is None:
        return "unknown"
    if _is_zero(value, places):
        return f"₹{_body(value, places)}"
    return f"{MINUS if value < 0 else '+'}₹{_body(value, places)}"


def short(value: Decimal | None) -> str:
    """Tiles only: lakh and crore with two decimals."""
    if value is None:
        return "unknown"
    minus = MINUS if value < 0 else ""
    if abs(value) >= CRORE:
        return f"{minus}₹{_body(abs(value) / CRORE, 2)} Cr"
    if abs(value) >= LAKH:
        return f"{minus}₹{_body(abs(value) / LAKH, 2)} L"
    return money(value, 0)


def sentence(text: str) -> str:
    """A first letter and a full stop, so that texts can stand side by side."""
    plain = text.strip()
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in '.!?"' else ".")


def signed(units: int) -> str:
    """Units of a position: +65, −130, 0."""
    if units == 0:
        return "0"
    return f"{MINUS if units < 0 else '+'}{grouped(str(abs(units)))}"


def number_of_units(units: int) -> str:
    return grouped(str(abs(units)))


def counted(count: int, noun: str) -> str:
    """1 position, 2 positions."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def clock_time(at: datetime | None, now: datetime | None = None) -> str:
    """HH:mm:ss IST, with the date if it is not today's."""
    if at is None:
        return "–"
    local = at.astimezone(IST)
    if now is not None and local.date() != now.astimezone(IST).date():
        return f"{local:%a %d %b %H:%M}"
    return f"{local:%H:%M:%S}"


def milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)


def initials(name: str) -> str:
    words = name.split()
    letters = words[0][:1] + words[1][:1] if len(words) > 1 else name[:2]
    return letters.upper()
