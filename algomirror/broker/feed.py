"""The live socket of one OpenAlgo server: authenticate, subscribe, deliver, come back."""

import json
import logging
import random
import threading
import time
from collections.abc import Iterable
from typing import Any

import orjson
import websocket

from algomirror.broker import wire
from algomirror.broker.wire_tick import parse_tick
from algomirror.clock import Clock
from algomirror.domain.instrument import Instrument
from algomirror.engine.ports import FeedListener
from algomirror.engine.ports import FeedState
from algomirror.errors import BadAnswer

log = logging.getLogger(__name__)

BATCH = 100
MODE = 1
"""LTP: rules need the last price; bid and ask are not in quote ticks of most brokers."""
AUTH_DEADLINE_S = 10.0
SILENT_AFTER_S = 5.0
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class OpenAlgoFeed:
    """Implements engine.ports.Feed on one thread `feed-<account>`.

    Every connection starts with authentication whose answer is checked (errors carry no `type`),
    then order updates and the whole wanted set are subscribed. `want` may be called at any time
    from any thread. A feed that is authenticated and subscribed but silent is reported down.
    """

    def __init__(
        self,
        *,
        account_id: int,
        url: str,
        api_key: str,
        listener: FeedListener,
        clock: Clock,
    ) -> None:
        self._account_id = account_id
        self._url = url
        self._api_key = api_key
        self._listener = listener
        self._clock = clock
        self._source = f"feed:{account_id}"
        self._wanted: frozenset[Instrument] = frozenset()
        self._subscribed: frozenset[Instrument] = frozenset()
        self._socket: websocket.WebSocket | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._is_ready = False
        self._last_data = 0.0
        self._is_silent = False
        self._thread = threading.Thread(target=self._run, name=f"feed-{account_id}", daemon=True)

    # --- engine.ports.Feed ----------------------------------------------------------------
    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        socket = self._socket
        if socket is not None and socket.sock is not None:
            try:
                socket.sock.close()
            except OSError as failed:
                log.debug("feed %s: %s while closing", self._account_id, failed)

    def want(self, instruments: frozenset[Instrument]) -> None:
        self._wanted = instruments
        if self._is_ready:
            try:
                self._send_difference()
            except (OSError, websocket.WebSocketException) as failed:
                log.warning("feed %s: could not subscribe: %s", self._account_id, failed)

    # --- the thread -----------------------------------------------------------------------
    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            reason = "closed"
            try:
                self._connect()
                failures = 0
                self._read_until_closed()
            except (OSError, websocket.WebSocketException, BadAnswer) as failed:
                reason = str(failed) or type(failed).__name__
            except Exception:
                log.exception("feed %s failed", self._account_id)
                reason = "an error of ours; see the log"
            self._close()
            if self._stopping.is_set():
                break
            self._report("down", reason)
            pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            failures += 1
            self._stopping.wait(pause * random.uniform(0.8, 1.2))
        self._report("stopped", "stopped")

    def _connect(self) -> None:
        self._report("connecting", "")
        self._socket = websocket.create_connection(
            self._url, timeout=AUTH_DEADLINE_S, enable_multithread=True
        )
        self._authenticate(self._socket)
        self._socket.settimeout(1.0)
        self._socket.send(json.dumps({"action": "subscribe_orders"}))
        self._subscribed = frozenset()
        self._is_ready = True
        self._last_data = time.monotonic()
        self._report("authenticated", "")
        self._send_difference()

    def _authenticate(self, socket: websocket.WebSocket) -> None:
        """Raises BadAnswer unless the server says that it worked."""
        socket.send(json.dumps({"action": "authenticate", "api_key": self._api_key}))
        deadline = time.monotonic() + AUTH_DEADLINE_S
        while time.monotonic() < deadline:
            frame = json.loads(socket.recv())
            if frame.get("type") == "auth" and frame.get("status") == "success":
                return
            if frame.get("status") == "error":
                if frame.get("code") == "AUTHENTICATION_ERROR":
                    self._report("auth_refused", wire.message_of(frame))
                raise BadAnswer(f"login refused: {wire.message_of(frame)}")
        raise BadAnswer("no answer to the login")

    def _read_until_closed(self) -> None:
        socket = self._socket
        if socket is None:
            return
        while not self._stopping.is_set():
            try:
                raw = socket.recv()
            except websocket.WebSocketTimeoutException:
                self._check_silence()
                continue
            if not raw:
                raise BadAnswer("the server closed the socket")
            self._on_frame(raw)

    def _check_silence(self) -> None:
        """Connected and authenticated but without data counts as dead (product.md 2.4)."""
        silent = time.monotonic() - self._last_data
        if self._subscribed and silent > SILENT_AFTER_S and not self._is_silent:
            self._is_silent = True
            self._report("down", f"no tick for {silent:.0f} s")

    def _on_frame(self, raw: str | bytes) -> None:
        try:
            frame: Any = orjson.loads(raw)
        except orjson.JSONDecodeError:
            log.warning("feed %s: a frame that is not JSON", self._account_id)
            return
        kind = frame.get("type") if isinstance(frame, dict) else None
        if kind == "market_data":
            self._on_tick(frame)
        elif kind == "order_update":
            self._on_order(frame)
        elif kind == "subscribe" and frame.get("status") != "success":
            log.warning("feed %s: not all subscribed: %s", self._account_id, frame.get("message"))

    def _on_tick(self, frame: dict[str, Any]) -> None:
        self._last_data = time.monotonic()
        if self._is_silent:
            self._is_silent = False
            self._report("authenticated", "ticks are back")
        quote = parse_tick(frame, self._clock.now(), self._source)
        if quote is not None:
            self._listener.on_quote(quote)

    def _on_order(self, frame: dict[str, Any]) -> None:
        try:
            row = wire.parse_order(frame)
        except BadAnswer as odd:
            log.warning("feed %s: order update not readable: %s", self._account_id, odd)
            return
        if row is not None:
            self._listener.on_order_hint(self._account_id, row)

    # --- subscriptions --------------------------------------------------------------------
    def _send_difference(self) -> None:
        with self._lock:
            wanted = self._wanted
            for batch in _batches(wanted - self._subscribed):
                symbols = [{"symbol": i.symbol, "exchange": str(i.exchange)} for i in batch]
                self._send({"action": "subscribe", "symbols": symbols, "mode": MODE})
            for batch in _batches(self._subscribed - wanted):
                leaving: list[dict[str, Any]] = [
                    {"symbol": i.symbol, "exchange": str(i.exchange), "mode": MODE} for i in batch
                ]
                self._send({"action": "unsubscribe", "symbols": leaving})
            self._subscribed = wanted

    def _send(self, message: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(json.dumps(message))

    def _close(self) -> None:
        self._is_ready = False
        socket, self._socket = self._socket, None
        if socket is not None:
            try:
                socket.close(timeout=1)
            except (OSError, websocket.WebSocketException) as failed:
                log.debug("feed %s: %s while closing", self._account_id, failed)

    def _report(self, state: FeedState, reason: str) -> None:
        self._listener.on_feed_state(self._account_id, state, reason)


def _batches(instruments: Iterable[Instrument]) -> Iterable[list[Instrument]]:
    """At most 100 symbols a message."""
    ordered = sorted(instruments)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
