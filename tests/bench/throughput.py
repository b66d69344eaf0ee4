"""Fan-out of fifty orders against bare clients, and how many ticks a second reach the state."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from algomirror.broker.transport import HttpxTransport
from algomirror.broker.transport import OrderTransport
from algomirror.broker.wire_tick import parse_tick
from algomirror.clock import SystemClock
from algomirror.engine.inbox import Inbox
from tests.processes import get
from tests.processes import paper

ORDERS = 50
ROUNDS = 12
KEYS = [f"key-{n:04d}-{'x' * 20}" for n in range(ORDERS)]


def body(key: str, symbol: str) -> dict[str, Any]:
    return {
        "apikey": key, "strategy": "bench", "symbol": symbol, "exchange": "NFO", "action": "BUY",
        "quantity": 65, "pricetype": "MARKET", "product": "NRML", "price": "0",
        "trigger_price": "0", "disclosed_quantity": 0,
    }  # fmt: skip


def in_threads(work: list[Callable[[], None]]) -> Callable[[], float]:
    """Fifty waiting threads, released together; seconds until the last is done."""
    start, done = threading.Barrier(ORDERS + 1), threading.Barrier(ORDERS + 1)

    def loop(act: Callable[[], None]) -> None:
        for _ in range(ROUNDS):
            start.wait()
            act()
            done.wait()

    for act in work:
        threading.Thread(target=loop, args=(act,), daemon=True).start()

    def once() -> float:
        start.wait()
        begun = time.perf_counter()
        done.wait()
        return time.perf_counter() - begun

    return once


def fan_out() -> dict[str, float]:
    """Median seconds of a fan-out by each client, interleaved in one run."""
    arguments = [part for key in KEYS for part in ("--key", key)]
    with paper(*arguments, "--no-limits") as ready:
        url, symbol = ready["rest"], at_the_money(ready["rest"])
        rounds = {
            "ours": in_threads([sender(OrderTransport(url), k, symbol) for k in KEYS]),
            "httpx": in_threads([sender(HttpxTransport(url), k, symbol) for k in KEYS]),
            "http.client": in_threads([bare(url, k, symbol) for k in KEYS]),
            "aiohttp": AiohttpRound(url, symbol),
        }
        times: dict[str, list[float]] = {name: [] for name in rounds}
        for _ in range(ROUNDS):
            for name, once in rounds.items():
                times[name].append(once())
        rounds["aiohttp"].close()
    return {name: sorted(found[2:])[len(found[2:]) // 2] for name, found in times.items()}


def at_the_money(url: str) -> str:
    key = {"apikey": KEYS[0]}
    _, listed = get(f"{url}/api/v1/expiry", {**key, "symbol": "NIFTY", "exchange": "NFO",
                                             "instrumenttype": "options"})  # fmt: skip
    fields = {"underlying": "NIFTY", "exchange": "NSE_INDEX", "offset": "ATM",
              "option_type": "CE", "expiry_date": listed["data"][1].replace("-", "")}  # fmt: skip
    return str(get(f"{url}/api/v1/optionsymbol", {**key, **fields})[1]["symbol"])


def sender(transport: Any, key: str, symbol: str) -> Callable[[], None]:
    fields = body(key, symbol)
    return lambda: transport.call("placeorder", fields, timeout_s=10.0)


def bare(url: str, key: str, symbol: str) -> Callable[[], None]:
    """The floor: one kept connection, no care for anything."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    payload = json.dumps(body(key, symbol)).encode()

    def act() -> None:
        connection.request("POST", "/api/v1/placeorder", payload,
                           {"Content-Type": "application/json"})  # fmt: skip
        connection.getresponse().read()

    return act


class AiohttpRound:
    """Fifty orders gathered on one loop."""

    def __init__(self, url: str, symbol: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._url = f"{url}/api/v1/placeorder"
        self._bodies = [body(k, symbol) for k in KEYS]
        self._session = self._loop.run_until_complete(self._open())

    async def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    def __call__(self) -> float:
        begun = time.perf_counter()
        self._loop.run_until_complete(self._all())
        return time.perf_counter() - begun

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(fields) for fields in self._bodies))

    async def _one(self, fields: dict[str, Any]) -> None:
        async with self._session.post(self._url, json=fields) as answer:
            await answer.read()

    def close(self) -> None:
        self._loop.run_until_complete(self._session.close())


def decode_ceiling(seconds: float = 2.0) -> tuple[float, float]:
    """(ticks a second from frame to inbox, the floor: orjson alone)."""
    frames = [
        orjson.dumps({"type": "market_data", "symbol": f"NIFTY01DEC26{25000 + 50 * n}CE",
                      "exchange": "NFO", "mode": 1, "broker": "x",
                      "data": {"ltp": 100.05 + n, "ltt": 1795387031263,
                               "timestamp": 1795387031263}})
        for n in range(40)
    ]  # fmt: skip
    inbox, clock = Inbox(), SystemClock()
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        for raw in frames:
            quote = parse_tick(orjson.loads(raw), clock.now(), "feed:1")
            if quote is not None:
                inbox.put_quote(quote)
        count += len(frames)
    floor, end = 0, time.perf_counter() + seconds / 2
    while time.perf_counter() < end:
        for raw in frames:
            orjson.loads(raw)
        floor += len(frames)
    return count / seconds, floor / (seconds / 2)
