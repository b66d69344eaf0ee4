"""One answer of the paper exchange."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Answer:
    """`body` is JSON-ready or text. `transport`: what happens to it on its way back
    ("" arrives, "drop" the connection dies, "hang" nothing comes)."""

    status: int
    body: Any
    transport: str = ""
    delay_s: float = 0.0
