"""Which passwords are good enough (product.md 14.2)."""

import re
from functools import cache
from itertools import product
from pathlib import Path

SIGNS = "!@#$%^&*()_+-=[]{}|;:,.<>?"
_TAIL = re.compile(r"[\d\W_]+$")
_FILE = Path(__file__).with_name("common_passwords.txt")


@cache
def common_passwords() -> frozenset[str]:
    """At least a thousand well-known ones: words from a file, each with usual endings."""
    words = _FILE.read_text(encoding="ascii").split()
    ends = ("", "1", "12", "123", "1234", "2024", "2025", "2026")
    return frozenset(word + end for word, end in product(words, ends))


def weaknesses(password: str, *, username: str, email: str) -> list[str]:
    """What is wrong with it, as short sentences; empty when it may be used."""
    found = []
    if not 8 <= len(password) <= 128:
        found.append("8 to 128 characters")
    if not any(c.isupper() for c in password):
        found.append("an upper-case letter")
    if not any(c.islower() for c in password):
        found.append("a lower-case letter")
    if not any(c.isdigit() for c in password):
        found.append("a digit")
    if not any(c in SIGNS for c in password):
        found.append(f"one of {SIGNS}")
    plain = password.lower()
    stem = _TAIL.sub("", plain)
    if plain in common_passwords() or (stem and stem in common_passwords()):
        found.append("not a common password")
    if plain in (username.lower(), email.lower()) and plain:
        found.append("not your name or address")
    return found
