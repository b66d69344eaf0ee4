"""The paper exchange on real sockets: REST and WebSocket in one event loop."""

import asyncio
import signal
import sys
from datetime import datetime
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web

from algomirror.clock import Clock
from algomirror.paper.admin import admin
from algomirror.paper.answer import Answer
from algomirror.paper.answers import NOT_JSON
from algomirror.paper.answers import PaperServer
from algomirror.paper.schema import SCHEMAS
from algomirror.paper.stream import Stream

STEP_S = 0.25
_UNEXPECTED = {"status": "error", "message": "An unexpected error occurred"}


class PaperProcess:
    """Owns both listeners and the market's clock. `speed` market seconds pass in a real one."""

    def __init__(self, server: PaperServer, clock: Clock, *, speed: float = 1.0) -> None:
        self.server = server
        self.stream = Stream(server)
        self.step_s = STEP_S
        self._clock = clock
        self._speed = speed
        self._begun = clock.monotonic()
        self._start = server.market.now
        self._runners: list[web.AppRunner] = []
        self._stopped = asyncio.Event()

    def now(self) -> datetime:
        """Market time."""
        passed = (self._clock.monotonic() - self._begun) * self._speed
        return self._start + timedelta(seconds=passed)

    async def start(self, host: str, port: int, ws_port: int) -> tuple[int, int]:
        """Listen; returns the two ports (asked for as 0: free ones)."""
        rest = web.Application(client_max_size=2**21)
        rest.router.add_route("*", "/admin/{what}", self._admin)
        rest.router.add_route("*", "/api/v1/{tail:.*}", self._rest)
        stream = web.Application()
        stream.router.add_get("/{tail:.*}", self.stream.serve)
        found = []
        for app, wanted in ((rest, port), (stream, ws_port)):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            site = web.TCPSite(runner, host, wanted, backlog=512)
            await site.start()
            self._runners.append(runner)
            found.append(int(runner.addresses[0][1]))
        return found[0], found[1]

    async def run(self) -> None:
        """Move the market until told to stop."""
        while not self._stopped.is_set():
            self.server.step(self.now())
            await self.stream.tick()
            try:
                await asyncio.wait_for(self._stopped.wait(), self.step_s)
            except TimeoutError:
                continue
        for runner in self._runners:
            await runner.cleanup()

    def stop(self) -> None:
        self._stopped.set()

    def stop_on_signals(self, *, with_parent: bool) -> None:
        """SIGTERM and SIGINT end it; as a child also the end of standard input."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            if sys.platform != "win32":
                loop.add_signal_handler(number, self.stop)
        if with_parent:
            loop.run_in_executor(None, self._wait_for_parent, loop)

    def _wait_for_parent(self, loop: asyncio.AbstractEventLoop) -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(self.stop)

    # --- requests -------------------------------------------------------------------------
    async def _rest(self, request: web.Request) -> web.StreamResponse:
        endpoint = request.match_info["tail"].strip("/")
        answer = await self._answer(endpoint, request)
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        if answer.transport == "hang":
            await asyncio.sleep(30.0)
        if answer.transport:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPInternalServerError
        if isinstance(answer.body, str):
            return web.Response(text=answer.body, status=answer.status, content_type="text/csv")
        return web.Response(
            body=orjson.dumps(answer.body), status=answer.status, content_type="application/json"
        )

    async def _answer(self, endpoint: str, request: web.Request) -> Answer:
        known = endpoint in SCHEMAS or endpoint == "instruments"
        method = "GET" if endpoint == "instruments" else "POST"
        if not known or request.method != method:
            path = f"/api/v1/{endpoint}"
            return Answer(404, {"status": "error", "message": "Not found", "path": path})
        if method == "GET":
            return self.server.handle(endpoint, dict(request.query), self.now())
        if "json" not in request.content_type:
            text = " in the API endpoint" if endpoint in ("placeorder", "margin") else ""
            message = _UNEXPECTED["message"] + text
            return Answer(500, {**_UNEXPECTED, "message": message})
        try:
            body: Any = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return Answer(400, NOT_JSON)
        return self.server.handle(endpoint, body, self.now())

    async def _admin(self, request: web.Request) -> web.Response:
        if request.remote not in ("127.0.0.1", "::1"):
            raise web.HTTPForbidden
        body = orjson.loads(await request.read() or b"{}")
        status, found = admin(self.server, request.match_info["what"], body, self.now())
        return web.Response(
            body=orjson.dumps(found), status=status, content_type="application/json"
        )
