"""The WebSocket of the paper exchange: login, subscriptions, ticks, order updates."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import orjson
from aiohttp import WSMsgType
from aiohttp import web

from algomirror.paper.answers import PaperServer
from algomirror.paper.answers_books import number
from algomirror.paper.answers_data import depth_levels
from algomirror.paper.books import PaperOrder
from algomirror.paper.exchange import PaperAccount

GRACE_S = 15.0
CLOSE_AUTH_TIMEOUT = 4401
MODES = {1: "LTP", 2: "Quote", 3: "Depth"}
_WORDS = {name.lower(): mode for mode, name in MODES.items()}

Key = tuple[str, str]


@dataclass(eq=False)
class Connection:
    """One client; `modes` per (symbol, exchange) the modes it subscribed."""

    socket: web.WebSocketResponse
    account: PaperAccount | None = None
    modes: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    wants_orders: bool = False
    outbox: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(maxsize=5000))

    def push(self, frame: bytes) -> None:
        """Queue a frame; a client that does not read loses the oldest."""
        if self.outbox.full():
            self.outbox.get_nowait()
        self.outbox.put_nowait(frame)


class Stream:
    """All connections of one exchange. Runs on the server's event loop."""

    def __init__(self, server: PaperServer) -> None:
        self._server = server
        self.connections: set[Connection] = set()
        self._muted_until: dict[str, float] = {}
        self._held: dict[str, list[bytes]] = {}
        """Updates that a fault lets arrive after their successor."""
        for account in server.accounts.values():
            self.follow(account)

    def follow(self, account: PaperAccount) -> None:
        account.on_update = lambda order, word: self._on_order(account, order, word)

    # --- a connection ---------------------------------------------------------------------
    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=2**20)
        await socket.prepare(request)
        connection = Connection(socket)
        self.connections.add(connection)
        writer = asyncio.create_task(self._write(connection))
        grace = asyncio.create_task(self._grace(connection))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    for answer in self.answer(connection, message.data):
                        connection.push(orjson.dumps(answer))
        finally:
            self.connections.discard(connection)
            writer.cancel()
            grace.cancel()
        return socket

    async def _write(self, connection: Connection) -> None:
        while not connection.socket.closed:
            frame = await connection.outbox.get()
            try:
                await connection.socket.send_str(frame.decode())
            except ConnectionError:
                return

    async def _grace(self, connection: Connection) -> None:
        await asyncio.sleep(GRACE_S)
        if connection.account is None:
            await connection.socket.close(code=CLOSE_AUTH_TIMEOUT, message=b"auth timeout")

    # --- what a client says ---------------------------------------------------------------
    def answer(self, connection: Connection, text: str) -> list[dict[str, Any]]:
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return [_error("INVALID_JSON", "Invalid JSON message")]
        if not isinstance(message, dict):
            return [_error("SERVER_ERROR", "Error processing message")]
        action = message.get("action") or message.get("type")
        if action in ("authenticate", "auth"):
            return [self._login(connection, message)]
        if action == "ping":
            return [_pong(message)]
        if action == "get_supported_brokers":
            return [
                {"type": "supported_brokers", "status": "success", "brokers": ["paper"], "count": 1}
            ]
        account = connection.account
        if account is None:
            return [_error("NOT_AUTHENTICATED", "You must authenticate first")]
        if action == "get_broker_info":
            return [
                {
                    "type": "broker_info",
                    "status": "success",
                    "broker": account.broker,
                    "adapter_status": "connected",
                    "user_id": "trader",
                }
            ]
        if action in ("subscribe_orders", "unsubscribe_orders"):
            connection.wants_orders = action == "subscribe_orders"
            word = "Subscribed to" if connection.wants_orders else "Unsubscribed from"
            return [{"type": action, "status": "success", "message": f"{word} order updates"}]
        if action == "subscribe":
            return [self._subscribe(connection, account, message)]
        if action in ("unsubscribe", "unsubscribe_all"):
            return [self._unsubscribe(connection, account, message, all_of_it=action[-3:] == "all")]
        return [_error("INVALID_ACTION", f"Invalid action: {action}")]

    def _login(self, connection: Connection, message: dict[str, Any]) -> dict[str, Any]:
        key = message.get("api_key") or message.get("apikey")
        if not key:
            return _error("AUTHENTICATION_ERROR", "API key is required")
        account = self._server.accounts.get(key)
        if account is None:
            return _error("AUTHENTICATION_ERROR", "Invalid API key")
        if not account.session_alive:
            return _error("BROKER_ERROR", "No broker configuration found for user")
        connection.account = account
        return {
            "type": "auth",
            "status": "success",
            "message": "Authentication successful",
            "broker": account.broker,
            "user_id": "trader",
            "supported_features": {"ltp": True, "quote": True, "depth": True},
        }

    def _subscribe(
        self, connection: Connection, account: PaperAccount, message: dict[str, Any]
    ) -> dict[str, Any]:
        mode = mode_of(message.get("mode", 2))
        if mode is None:
            return _error("INVALID_MODE", f"Invalid mode: {message.get('mode')}")
        symbols = message.get("symbols") or [message]
        rows, failed = [], False
        for item in symbols:
            if not item.get("symbol") or not item.get("exchange"):
                continue
            key = (item["symbol"], item["exchange"])
            row = {"symbol": key[0], "exchange": key[1], "broker": account.broker}
            if self._server.market.master.get(*key) is None:
                failed = True
                rows.append(
                    {
                        **row,
                        "status": "error",
                        "message": f"Symbol {key[0]} not found for exchange {key[1]}",
                    }
                )
                continue
            connection.modes[key].add(mode)
            rows.append({**row, "status": "success", "mode": MODES[mode], "depth": 5})
        answer = {
            "type": "subscribe",
            "status": "partial" if failed else "success",
            "subscriptions": rows,
            "message": "Subscription processing complete",
            "broker": account.broker,
        }
        if "request_id" in message:
            answer["request_id"] = message["request_id"]
        return answer

    def _unsubscribe(
        self,
        connection: Connection,
        account: PaperAccount,
        message: dict[str, Any],
        *,
        all_of_it: bool,
    ) -> dict[str, Any]:
        """In a batch the mode stands inside each symbol; a top-level one is ignored there."""
        if all_of_it:
            done = [{"symbol": s, "exchange": e} for s, e in connection.modes]
            connection.modes.clear()
        else:
            items = message.get("symbols")
            done = []
            for item in items or [message]:
                mode = mode_of(item.get("mode", 2)) or 2
                key = (item.get("symbol", ""), item.get("exchange", ""))
                connection.modes[key].discard(mode)
                if not connection.modes[key]:
                    del connection.modes[key]
                done.append(
                    {
                        "symbol": key[0],
                        "exchange": key[1],
                        "status": "success",
                        "broker": account.broker,
                    }
                )
        answer = {
            "type": "unsubscribe",
            "status": "success",
            "successful": done,
            "failed": [],
            "message": "Unsubscription processing complete",
            "broker": account.broker,
        }
        if "request_id" in message:
            answer["request_id"] = message["request_id"]
        return answer

    # --- what the exchange says -----------------------------------------------------------
    async def tick(self) -> None:
        """Send every subscribed symbol's price; each frame is made once for all clients."""
        wanted: dict[tuple[Key, int], list[Connection]] = defaultdict(list)
        for connection in list(self.connections):
            account = connection.account
            if account is None or await self._is_struck(connection, account):
                continue
            for key, modes in connection.modes.items():
                if modes:
                    wanted[key, max(modes)].append(connection)
        for (key, mode), connections in wanted.items():
            frame = self._tick_frame(key, mode, connections[0].account)
            if frame is not None:
                for connection in connections:
                    connection.push(frame)

    async def _is_struck(self, connection: Connection, account: PaperAccount) -> bool:
        """Mute or cut off by a fault."""
        now = time.monotonic()
        mute = account.faults.draw("mute_feed")
        if mute is not None:
            self._muted_until[account.key] = now + mute.seconds
        if account.faults.draw("disconnect"):
            await connection.socket.close()
            return True
        return self._muted_until.get(account.key, 0.0) > now

    def _tick_frame(self, key: Key, mode: int, account: PaperAccount | None) -> bytes | None:
        market = self._server.market
        row = market.master.get(*key)
        last = market.ltp(*key)
        if row is None or last is None or account is None:
            return None
        if account.faults.rules:
            if account.faults.draw("stale_ltp"):
                return None
            if account.faults.draw("zero_ltp"):
                last = last * 0
        stamp = int(market.now.timestamp() * 1000)
        data: dict[str, Any] = {
            "symbol": key[0],
            "exchange": key[1],
            "mode": mode,
            "ltp": number(last),
            "ltt": stamp,
            "timestamp": stamp,
        }
        if mode > 1:
            quote = market.quote(*key)
            if quote is None:
                return None
            data.update(
                open=number(quote.open),
                high=number(quote.high),
                low=number(quote.low),
                close=number(quote.previous_close),
                volume=quote.volume,
                average_price=number(last),
                last_quantity=row.lotsize,
                oi=quote.oi,
                total_buy_quantity=quote.bid_quantity,
                total_sell_quantity=quote.ask_quantity,
            )
            if mode == 3:
                bids, asks = depth_levels(quote, row)
                data["depth"] = {
                    "buy": [{**b, "orders": 1} for b in bids],
                    "sell": [{**a, "orders": 1} for a in asks],
                }
        frame = {
            "type": "market_data",
            "symbol": key[0],
            "exchange": key[1],
            "mode": mode,
            "data": data,
            "broker": account.broker,
        }
        return orjson.dumps(frame)

    def _on_order(self, account: PaperAccount, order: PaperOrder, word: str) -> None:
        r = order.request
        frame = orjson.dumps(
            {
                "type": "order_update",
                "user_id": "trader",
                "mode": "analyze" if account.analyze else "live",
                "broker": "sandbox" if account.analyze else account.broker,
                "orderid": order.orderid,
                "symbol": r.symbol,
                "exchange": r.exchange,
                "action": r.action,
                "quantity": r.quantity,
                "price": number(order.average if order.filled else r.price),
                "trigger_price": number(r.trigger_price),
                "pricetype": r.pricetype,
                "product": r.product,
                "order_status": word,
                "filled_quantity": order.filled,
                "pending_quantity": 0,
                "average_price": number(order.average),
                "rejection_reason": order.reason,
            }
        )
        frames = [frame, frame] if account.faults.draw("duplicate_update") else [frame]
        held = self._held.pop(account.key, [])
        if account.faults.draw("reorder_update") and not held:
            self._held[account.key] = frames
            return
        for connection in list(self.connections):
            if connection.account is account and connection.wants_orders:
                for one in [*frames, *held]:
                    connection.push(one)


def mode_of(value: Any) -> int | None:
    """1, 2, 3 or a word in any case; other values are invalid."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value in MODES else None
    return _WORDS.get(value.lower()) if isinstance(value, str) else None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"status": "error", "code": code, "message": message}


def _pong(message: dict[str, Any]) -> dict[str, Any]:
    answer = {"type": "pong", "status": "success", "server_timestamp": int(time.time() * 1000)}
    if "timestamp" in message:
        answer["client_timestamp"] = message["timestamp"]
    if "_pingId" in message:
        answer["_pingId"] = message["_pingId"]
    return answer
