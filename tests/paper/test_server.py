"""The paper exchange over real HTTP and a real socket, and the official SDK against it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from tests.processes import get
from tests.processes import paper

KEY = "k" * 32


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with paper("--key", f"{KEY}:5000000", "--key", "other-key-0000", "--seed", "3") as found:
        yield found


def call(ready: dict[str, Any], endpoint: str, **fields: Any) -> tuple[int, Any]:
    return get(f"{ready['rest']}/api/v1/{endpoint}", {"apikey": KEY, **fields})


def a_call(ready: dict[str, Any]) -> str:
    """The at-the-money call of the second NIFTY expiry."""
    _, listed = call(ready, "expiry", symbol="NIFTY", exchange="NFO", instrumenttype="options")
    expiry = listed["data"][1].replace("-", "")
    _, found = call(ready, "optionsymbol", underlying="NIFTY", exchange="NSE_INDEX",
                    expiry_date=expiry, offset="ATM", option_type="CE")  # fmt: skip
    return str(found["symbol"])


def test_what_is_not_json_gets_flasks_answers(ready: dict[str, Any]) -> None:
    """Status codes and texts of protocol.md 1.1."""
    import urllib.error
    import urllib.request

    def raw(path: str, data: bytes | None, kind: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"{ready['rest']}/api/v1/{path}", data=data,
                                         headers={"Content-Type": kind})  # fmt: skip
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            found = refused.code, json.loads(refused.read())
            refused.close()
            return found

    assert raw("funds", b"{bad", "application/json")[0] == 400
    assert raw("funds", b"apikey=1", "text/plain") == (
        500, {"status": "error", "message": "An unexpected error occurred"})  # fmt: skip
    assert raw("funds", None, "application/json")[1]["path"] == "/api/v1/funds"
    assert call(ready, "nosuch")[0] == 404
    assert call(ready, "ping/")[1]["data"]["message"] == "pong"


def test_the_eleventh_order_of_a_second_is_refused_by_the_limiter(ready: dict[str, Any]) -> None:
    """The body names the limit and has no status; another key has its own limit."""
    answers = [call(ready, "cancelorder", strategy="t", orderid="none") for _ in range(14)]

    limited = [body for status, body in answers if status == 429]
    other = get(f"{ready['rest']}/api/v1/cancelorder",
                {"apikey": "other-key-0000", "strategy": "t", "orderid": "x"})  # fmt: skip
    assert limited
    assert limited[0] == {"message": "10 per 1 second"}
    assert other[0] == 404


class Socket:
    """A client of the stream."""

    def __init__(self, url: str) -> None:
        self.socket = websocket.create_connection(url, timeout=5)

    def say(self, **message: Any) -> dict[str, Any]:
        """The first answer that is no tick."""
        self.socket.send(json.dumps(message))
        return self.next(lambda f: f.get("type") not in ("market_data", "order_update"))

    def next(self, wanted: Any) -> dict[str, Any]:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            frame: dict[str, Any] = json.loads(self.socket.recv())
            if wanted(frame):
                return frame
        raise AssertionError("the frame did not come")


def test_the_stream_wants_a_login_and_then_ticks(ready: dict[str, Any]) -> None:
    """Errors have no type; each mode brings its payload; an order is pushed before its reply."""
    client = Socket(ready["ws"])
    refused = client.say(action="subscribe", symbol="NIFTY", exchange="NSE_INDEX", mode=1)
    wrong = client.say(action="authenticate", api_key="nope")
    login = client.say(action="authenticate", api_key=KEY)
    symbol = a_call(ready)
    told = client.say(
        action="subscribe", mode=3, request_id="r1",
        symbols=[{"symbol": symbol, "exchange": "NFO"}, {"symbol": "NOPE", "exchange": "NFO"}],
    )  # fmt: skip
    tick = client.next(lambda f: f.get("type") == "market_data")
    client.say(action="subscribe_orders")
    status, placed = call(ready, "placeorder", strategy="t", symbol=symbol, exchange="NFO",
                          action="BUY", quantity=65, product="NRML")  # fmt: skip
    update = client.next(lambda f: f.get("order_status") == "complete")
    client.socket.close()

    assert refused["code"] == "NOT_AUTHENTICATED"
    assert "type" not in refused
    assert wrong["code"] == "AUTHENTICATION_ERROR"
    assert login["status"] == "success"
    assert told["status"] == "partial"
    assert told["request_id"] == "r1"
    assert {"buy", "sell"} == tick["data"]["depth"].keys()
    assert (status, update["orderid"]) == (200, placed["orderid"])


def first_tick(client: Any, mode: str, listed: list[dict[str, str]]) -> list[Any]:
    """What arrives after subscribing in one mode; the subscription is ended again."""
    got: list[Any] = []
    getattr(client, f"subscribe_{mode}")(listed, on_data_received=got.append)
    end = time.monotonic() + 6
    while time.monotonic() < end and not got:
        time.sleep(0.05)
    getattr(client, f"unsubscribe_{mode}")(listed)
    return got[:1]


def test_the_official_sdk_works_unmodified(ready: dict[str, Any]) -> None:
    """Funds, quotes, chain, orders, books and the three stream modes."""
    from openalgo import api

    client = api(api_key=KEY, host=ready["rest"], ws_url=ready["ws"])
    symbol = a_call(ready)

    funds = client.funds()
    quote = client.quotes(symbol=symbol, exchange="NFO")
    order = client.placeorder(strategy="sdk", symbol=symbol, action="BUY", exchange="NFO",
                              price_type="MARKET", product="NRML", quantity=65)  # fmt: skip
    book = client.orderbook()
    positions = client.positionbook()
    trades = client.tradebook()
    assert client.connect()
    listed = [{"exchange": "NFO", "symbol": symbol}]
    seen = {mode: first_tick(client, mode, listed) for mode in ("ltp", "quote", "depth")}
    client.disconnect()

    assert funds["status"] == "success"
    assert quote["data"]["ltp"] > 0
    assert order["status"] == "success"
    assert order["orderid"] in {o["orderid"] for o in book["data"]["orders"]}
    assert positions["data"][0]["symbol"] == symbol
    assert trades["data"][0]["orderid"] == order["orderid"]
    assert all(seen.values()), seen


def test_updates_arrive_twice_and_in_the_wrong_order_when_a_fault_says_so(
    ready: dict[str, Any],
) -> None:
    """duplicate_update and reorder_update are carried out."""
    client = Socket(ready["ws"])
    client.say(action="authenticate", api_key=KEY)
    client.say(action="subscribe_orders")
    rules = [{"kind": "reorder_update", "count": 1}, {"kind": "duplicate_update", "count": 1}]
    get(f"{ready['rest']}/admin/faults", {"key": KEY, "rules": rules})
    call(ready, "placeorder", strategy="t", symbol=a_call(ready), exchange="NFO",
         action="BUY", quantity=65, product="NRML")  # fmt: skip

    words = [
        client.next(lambda f: f.get("type") == "order_update")["order_status"] for _ in range(3)
    ]
    get(f"{ready['rest']}/admin/faults", {"key": KEY, "rules": []})
    client.socket.close()

    assert words == ["complete", "open", "open"]
