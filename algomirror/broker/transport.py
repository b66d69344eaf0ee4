"""One HTTP request to OpenAlgo and what is known of it when it fails."""

import json
import select
import socket
import ssl
import time
from http.client import HTTPConnection
from http.client import HTTPException
from http.client import HTTPResponse
from http.client import HTTPSConnection
from typing import Any
from typing import NamedTuple
from typing import Protocol
from urllib.parse import urlsplit

import httpx

IDLE_LIMIT_S = 4.0
"""A connection idle for longer is not reused for an order (product.md 5.1)."""


class Reply(NamedTuple):
    """`body` is the parsed JSON, or the text when it is not JSON."""

    status: int
    content_type: str
    body: Any


class NothingWritten(Exception):  # noqa: N818 - says what is known, not that we erred
    """The request failed before its first byte left; `sentence` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NoAnswer(Exception):  # noqa: N818 - says what is known, not that we erred
    """Bytes left, no whole answer came: it may have happened."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Transport(Protocol):
    """May be called by several threads. Raises NothingWritten or NoAnswer, never repeats."""

    def call(self, endpoint: str, body: dict[str, Any], *, timeout_s: float) -> Reply: ...

    def close(self) -> None: ...


def decoded(status: int, content_type: str, raw: bytes) -> Reply:
    try:
        return Reply(status, content_type, json.loads(raw))
    except ValueError:
        return Reply(status, content_type, raw.decode("utf-8", "replace"))


def connect_sentence(host_url: str, failed: BaseException) -> str:
    """Why nothing could be sent to a host, and what to do."""
    chain = [failed]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    text = " ".join(str(e) for e in chain)
    if any(isinstance(e, ssl.SSLError) for e in chain) or "SSL" in text:
        return (
            f"TLS to {host_url} failed: {failed}. Check the certificate, or use http:// if "
            "this OpenAlgo has no TLS."
        )
    if any(isinstance(e, socket.gaierror) for e in chain) or "Name or service" in text:
        return f"The host name in {host_url} is not known. Check the address."
    return f"Nothing answers at {host_url}. Is OpenAlgo running?"


class HttpxTransport:
    """Reads: keep-alive connections of a shared pool, one total deadline a call, no retries."""

    def __init__(self, host_url: str) -> None:
        self._host_url = host_url
        self._client = httpx.Client(
            base_url=f"{host_url}/api/v1/",
            transport=httpx.HTTPTransport(
                retries=0, limits=httpx.Limits(max_connections=4, keepalive_expiry=30.0)
            ),
            timeout=10.0,
        )

    def call(self, endpoint: str, body: dict[str, Any], *, timeout_s: float) -> Reply:
        try:
            answer = self._client.post(endpoint, json=body, timeout=timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as failed:
            raise NothingWritten(connect_sentence(self._host_url, failed)) from failed
        except httpx.TimeoutException:
            text = f"No answer from {self._host_url} in {timeout_s:.0f} s."
            raise NoAnswer(text) from None
        except httpx.HTTPError as failed:
            text = f"The connection to {self._host_url} broke: {failed}"
            raise NoAnswer(text) from failed
        return decoded(answer.status_code, answer.headers.get("content-type", ""), answer.content)

    def close(self) -> None:
        self._client.close()


class OrderTransport:
    """Orders: one persistent connection per calling thread, head and body in one write.

    Whether a byte was written is known exactly: connecting is a step of its own. See
    docs/adr for the figures against httpx.
    """

    def __init__(self, host_url: str) -> None:
        parts = urlsplit(host_url)
        self._host_url = host_url
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._is_tls else 80)
        self._prefix = f"{parts.path.rstrip('/')}/api/v1/"
        self._idle: list[tuple[HTTPConnection, float]] = []

    def call(self, endpoint: str, body: dict[str, Any], *, timeout_s: float) -> Reply:
        deadline = time.monotonic() + timeout_s
        connection = self._connection(timeout_s)
        payload = json.dumps(body, separators=(",", ":")).encode()
        try:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.sock.sendall(self._head(endpoint, len(payload)) + payload)
            answer = HTTPResponse(connection.sock, method="POST")
            answer.begin()
            raw = self._read(answer, connection, deadline)
        except TimeoutError:
            connection.close()
            raise NoAnswer(f"No answer from {self._host_url} in {timeout_s:.0f} s.") from None
        except (OSError, HTTPException) as failed:
            connection.close()
            raise NoAnswer(f"The connection to {self._host_url} broke: {failed}") from failed
        answer.close()  # frees the connection for its next request
        if answer.will_close:
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))
        return decoded(answer.status, answer.getheader("content-type") or "", raw)

    def _head(self, endpoint: str, length: int) -> bytes:
        default = 443 if self._is_tls else 80
        host = f"[{self._host}]" if ":" in self._host else self._host
        where = host if self._port == default else f"{host}:{self._port}"
        return (
            f"POST {self._prefix}{endpoint} HTTP/1.1\r\nHost: {where}\r\n"
            "Content-Type: application/json\r\nAccept: application/json\r\n"
            f"Accept-Encoding: identity\r\nContent-Length: {length}\r\n\r\n"
        ).encode("ascii")

    def _read(self, answer: Any, connection: HTTPConnection, deadline: float) -> bytes:
        """The whole body before the total deadline; a trickle does not extend it."""
        chunks: list[bytes] = []
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if connection.sock is not None:
                connection.sock.settimeout(left)
            chunk = answer.read1(65536)
            if not chunk:
                if answer.length:
                    raise HTTPException("half an answer")
                return b"".join(chunks)
            chunks.append(chunk)

    def _connection(self, timeout_s: float) -> HTTPConnection:
        """A connection that was used a moment ago, or a fresh one; NothingWritten if none."""
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since <= IDLE_LIMIT_S and not _is_closed(connection):
                return connection
            connection.close()
        kind = HTTPSConnection if self._is_tls else HTTPConnection
        connection = kind(self._host, self._port, timeout=timeout_s)
        try:
            connection.connect()
        except OSError as failed:
            raise NothingWritten(connect_sentence(self._host_url, failed)) from failed
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()


def _is_closed(connection: HTTPConnection) -> bool:
    """The other end hung up (or spoke unasked) while the connection lay idle."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)
