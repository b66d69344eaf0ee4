"""The paper exchange answers as the recorded OpenAlgo server did."""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import pytest

from algomirror.clock import IST
from algomirror.paper.answers import PaperServer
from algomirror.paper.books import Request
from algomirror.paper.faults import FaultPlan
from algomirror.paper.market import Market
from algomirror.paper.schema import SCHEMAS
from tests.paper.recorded_master import recorded_master

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "openalgo-transcripts"
NOW = datetime(2026, 11, 23, 10, 15, tzinfo=IST)
KEY = "KEY"
FAULTS_NOT_TO_COPY = "protocol.md section 6: a fault of the recorded server, not to be copied"

pytestmark = pytest.mark.skipif(
    not RECORDED.exists(), reason="the recorded exchanges are not beside this checkout"
)


def lines(name: str) -> list[dict[str, Any]]:
    text = (RECORDED / name).read_text()
    return [row for row in map(json.loads, text.splitlines()) if row["kind"] == "rest"]


def shape(value: Any, path: str = "") -> Any:
    """Keys and types; numbers are one type where the wire mixes 0 and 0.0; lists by their first."""
    if isinstance(value, dict):
        return {k: shape(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0], path)] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    if isinstance(value, int | float):
        return "number"
    return type(value).__name__


def request_of_line(request: dict[str, Any]) -> Request:
    return Request(
        symbol=request["symbol"],
        exchange=request["exchange"],
        product=request.get("product", "MIS"),
        action="BUY",
        quantity=75,
    )


class Walk:
    """One file: requests with recorded order ids mapped to ours."""

    def __init__(self, name: str, profile: Any) -> None:
        self.market = Market(recorded_master(), seed=7, start=NOW)
        self.server = PaperServer(self.market, limits=False)
        self.account = self.server.add_account(
            KEY,
            cash=Decimal(10_000_000),
            profile=profile,
            faults=FaultPlan(),
            seed=1,
            broker="paperstub",
        )
        self.rows = lines(name)
        self.ids: dict[str, str] = {}
        self.skipped: Counter[str] = Counter()
        self.compared = 0
        self.problems: list[str] = []

    def run(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            parts = urlsplit(row["path"])
            endpoint = parts.path.removeprefix("/api/v1/").strip("/")
            reason = self.why_skipped(endpoint, row)
            if reason:
                self.skipped[reason] += 1
                continue
            self.restore_state(endpoint, row)
            body = dict(parse_qsl(parts.query)) if parts.query else self.mapped(row["request"])
            if row["method"] == "GET" and endpoint == "instruments" and not parts.query:
                body = {}
            answer = self.server.handle(endpoint, body, NOW)
            self.compare(number, endpoint, row, answer.status, answer.body)
            self.learn(row.get("response"), answer.body)

    def why_skipped(self, endpoint: str, row: dict[str, Any]) -> str:
        if "response" not in row:
            return "no JSON answer was recorded"
        if isinstance(row["request"], str):
            return "body that is not JSON: answered by the HTTP layer (test_server)"
        if endpoint not in SCHEMAS and endpoint != "instruments":
            if row["status"] == 404 and endpoint in ("nosuch",):
                return ""
            return "endpoint outside our list"
        if row["method"] == "GET" and endpoint != "instruments":
            return "wrong method: answered by the HTTP layer (test_server)"
        text = json.dumps(row["response"])
        if "square-off time" in text:
            return "MIS square-off window of the recorded clock"
        if row["status"] == 429:
            return "rate limits are tested on their own (test_server)"
        if endpoint in ("cancelallorder", "closeposition", "positionbook", "funds"):
            return ""
        return ""

    def restore_state(self, endpoint: str, row: dict[str, Any]) -> None:
        """Recorded server state that no request sets: ended session, order mode, switch."""
        text = json.dumps(row["response"])
        key = (row["request"] or {}).get("apikey") if isinstance(row["request"], dict) else None
        ended = row["status"] == 403 and "Invalid openalgo apikey" in text and key == KEY
        self.account.session_alive = not ended
        semi = "semi_auto" in text or "Semi-Auto" in text
        self.account.order_mode = "semi_auto" if semi else "auto"
        if endpoint in ("analyzer", "funds", "orderbook", "placeorder") and row["status"] == 200:
            mode = row["response"].get("mode")
            if mode in ("analyze", None) and endpoint != "analyzer":
                self.account.analyze = mode == "analyze"
        if endpoint == "analyzer" and row["status"] == 200:
            self.account.analyze = row["response"]["data"]["analyze_mode"]
        elif row["status"] == 400 and '"mode": "analyze"' in text:
            self.account.analyze = True
        self.account.refusal_text = "RMS:Margin Exceeds" if "RMS:" in text else ""
        if "Positions Already Matched" in text or "No OpenPosition" in text:
            held = self.account.books.position(request_of_line(row["request"]))
            held.quantity = row["request"]["position_size"]

    def mapped(self, request: Any) -> Any:
        text = json.dumps(request)
        for theirs, ours in self.ids.items():
            text = text.replace(f'"{theirs}"', f'"{ours}"')
        return json.loads(text)

    def learn(self, theirs: Any, ours: Any) -> None:
        """Pair recorded order ids with the ones our exchange gave."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                if name == "orderid" and theirs[name] and ours[name]:
                    self.ids.setdefault(str(theirs[name]), str(ours[name]))
                else:
                    self.learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for a, b in zip(theirs, ours, strict=False):
                self.learn(a, b)

    def compare(
        self, number: int, endpoint: str, row: dict[str, Any], status: int, body: Any
    ) -> None:
        self.compared += 1
        where = f"line {number} {endpoint} {json.dumps(row['request'])[:160]}"
        if status != row["status"]:
            self.problems.append(f"{where}: status {row['status']}, ours {status} {body}"[:400])
            return
        odd = self.difference(shape(row["response"]), shape(body))
        if odd:
            self.problems.append(f"{where}: {odd}")

    def difference(self, recorded: Any, ours: Any, path: str = "") -> str:
        """The first place where they differ, for the report."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            odd = recorded.keys() ^ ours.keys()
            if odd:
                return f"{path}: keys {sorted(odd)}"
            found = (self.difference(recorded[k], ours[k], f"{path}.{k}") for k in recorded)
            return next((text for text in found if text), "")
        if isinstance(recorded, list) and isinstance(ours, list):
            if not recorded or not ours:
                return ""
            return self.difference(recorded[0], ours[0], f"{path}[0]")
        return "" if recorded == ours else f"{path}: {recorded}, ours {ours}"


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("analyzer-rest.jsonl", "analyze"),
        ("errors-rest.jsonl", "analyze"),
        ("live-rest.jsonl", "live"),
    ],
)
def test_the_paper_exchange_answers_as_the_recorded_server_did(name: str, profile: str) -> None:
    """Same keys, types and status codes for every recorded request we serve."""
    walk = Walk(name, profile)

    walk.run()

    print(f"{name}: {walk.compared} compared, skipped {dict(walk.skipped)}")
    assert walk.problems == []
    assert walk.compared > 30
