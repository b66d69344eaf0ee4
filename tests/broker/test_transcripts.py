"""Our parsers read everything a real OpenAlgo server has said."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from algomirror.broker import wire
from algomirror.broker.wire_tick import parse_tick
from algomirror.clock import IST

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "openalgo-transcripts"
NOW = datetime(2026, 11, 23, 10, 15, tzinfo=IST)
READERS: dict[str, Any] = {
    "orderbook": wire.parse_order_book,
    "tradebook": wire.parse_trade_book,
    "positionbook": wire.parse_position_book,
    "funds": lambda body: wire.parse_funds(body, NOW),
    "multiquotes": lambda body: wire.parse_multiquotes(body, NOW, "rest:1"),
    "expiry": wire.parse_expiries,
    "optionchain": wire.parse_chain,
    "margin": wire.parse_margin,
    "analyzer": wire.parse_mode,
    "ping": wire.parse_ping,
}
SENDS = ("placeorder", "modifyorder", "cancelorder")

pytestmark = pytest.mark.skipif(
    not RECORDED.exists(), reason="the recorded exchanges are not beside this checkout"
)


@pytest.mark.parametrize("name", ["analyzer-rest", "errors-rest", "live-rest"])
def test_every_recorded_answer_is_read(name: str) -> None:
    """Success parses; anything else has a sentence; each send has an outcome."""
    read: Counter[str] = Counter()
    for line in (RECORDED / f"{name}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.get("kind") != "rest":
            continue
        endpoint = row["path"].removeprefix("/api/v1/").split("?")[0].strip("/")
        body = row.get("response")
        if endpoint in SENDS:
            outcome = wire.outcome_of(row["status"], "", body)
            read[type(outcome).__name__] += 1
        elif row["status"] == 200 and endpoint in READERS:
            READERS[endpoint](body)
            read["parsed"] += 1
        elif isinstance(body, dict) and row["status"] != 200:
            assert wire.message_of(body)
            read["sentence"] += 1
        else:
            read["endpoint we do not use"] += 1
    print(name, dict(read))

    assert read["parsed"] > 0


def test_every_recorded_tick_and_update_is_read() -> None:
    """Market data becomes quotes, order updates become rows."""
    ticks = updates = 0
    for line in (RECORDED / "analyzer-stream.jsonl").read_text().splitlines():
        row = json.loads(line)
        frame = row.get("frame")
        if row.get("dir") != "recv" or not isinstance(frame, dict):
            continue
        if frame.get("type") == "market_data":
            quote = parse_tick(frame, NOW, "feed:1")
            assert quote is not None
            assert quote.ltp > 0
            ticks += 1
        elif frame.get("type") == "order_update":
            assert wire.parse_order(frame) is not None
            updates += 1
    print(f"{ticks} ticks, {updates} order updates")

    assert ticks > 10
    assert updates > 0
