"""What each answer to a send proves (product.md 5.1), by table and over real sockets."""

import json
import socket
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from algomirror.broker import wire
from algomirror.broker.openalgo import OpenAlgoBroker
from algomirror.broker.transport import HttpxTransport
from algomirror.broker.transport import NoAnswer
from algomirror.broker.transport import NothingWritten
from algomirror.broker.transport import OrderTransport
from algomirror.clock import SystemClock
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import Accepted
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Refused
from algomirror.engine.ports import Unknown
from algomirror.errors import BadAnswer
from algomirror.errors import NotSent as NotSentError

OK = {"status": "success", "orderid": "26112300000001"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, OK, Accepted),
        (200, {**OK, "mode": "analyze"}, Accepted),
        (200, {"status": "success", "orderid": None}, Unknown),
        (200, {"status": "success"}, Unknown),
        (200, {"status": "success", "orderid": ""}, Unknown),
        (200, {"status": "success", "mode": "semi_auto", "pending_order_id": 17}, Unknown),
        (200, "<html>proxy</html>", Unknown),
        (400, {"status": "error", "message": "Insufficient funds"}, Refused),
        (400, {"status": "error", "message": {"apikey": ["Missing"]}}, Refused),
        (403, {"status": "error", "message": "Invalid openalgo apikey"}, Refused),
        (403, "Access Denied: Your IP has been banned", Refused),
        (408, {"status": "error", "message": "timeout"}, Unknown),
        (429, {"message": "10 per 1 second"}, NotSent),
        (429, {"status": "error", "message": "Too many requests at the broker"}, Refused),
        (500, {"status": "error", "message": "Failed to place order"}, Unknown),
        (502, "<html>bad gateway</html>", Unknown),
        (503, {}, Unknown),
    ],
)
@pytest.mark.acceptance(35)
def test_an_answer_proves_only_what_it_proves(status: int, body: Any, kind: type) -> None:
    """The table of product.md 5.1."""
    assert type(wire.outcome_of(status, "application/json", body)) is kind


def test_the_mode_of_an_acceptance_is_known() -> None:
    """analyze is the sandbox; no mode is real money."""
    live = wire.outcome_of(200, "", OK)
    paper = wire.outcome_of(200, "", {**OK, "mode": "analyze"})

    assert isinstance(live, Accepted)
    assert isinstance(paper, Accepted)
    assert (live.mode, paper.mode) == (TradingMode.LIVE, TradingMode.PAPER)


def test_a_rate_limit_names_its_window() -> None:
    """10 per 1 second -> again in a second."""
    outcome = wire.outcome_of(429, "", {"message": "30 per 1 minute"})

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after_s == 60.0


@pytest.mark.acceptance(81)
@pytest.mark.parametrize("text", ["12,45,000.00", " 1245000.00 ", 1245000, 1245000.0])
def test_funds_are_read_from_strings_and_numbers(text: object) -> None:
    """Grouping and blanks are tolerated."""
    assert wire.decimal_of(text, "availablecash") == 1245000


@pytest.mark.acceptance(81)
@pytest.mark.parametrize("text", ["", None, "abc", "NaN", "inf", True, [], "1.2.3"])
def test_an_unreadable_amount_is_unknown_and_never_zero(text: object) -> None:
    """BadAnswer, so that nothing is sized on it."""
    with pytest.raises(BadAnswer):
        wire.decimal_of(text, "availablecash")


# --- real sockets -----------------------------------------------------------------------------
@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A host that does exactly what `talk` says with each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopping.set()
        listener.close()


def answer(body: bytes, head: str = "HTTP/1.1 200 OK") -> bytes:
    return (
        f"{head}\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n".encode()
        + body
    )


def test_an_order_over_a_kept_connection_is_answered_twice() -> None:
    """The second request uses the first one's connection."""
    connections = []

    def talk(connection: socket.socket) -> None:
        connections.append(connection)
        for _ in range(2):
            connection.recv(4096)
            connection.sendall(answer(json.dumps(OK).encode()))

    with server(talk) as url:
        transport = OrderTransport(url)
        replies = [transport.call("placeorder", {}, timeout_s=2.0) for _ in range(2)]
        transport.close()

    assert [r.body for r in replies] == [OK, OK]
    assert len(connections) == 1


def test_a_kept_connection_that_breaks_under_a_request_is_unknown_and_not_replayed() -> None:
    """Bytes left on it: nobody knows."""
    seen = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(4096))
        connection.sendall(answer(json.dumps(OK).encode()))
        seen.append(connection.recv(4096))

    with server(talk) as url:
        transport = OrderTransport(url)
        transport.call("placeorder", {}, timeout_s=2.0)
        with pytest.raises(NoAnswer):
            transport.call("placeorder", {}, timeout_s=2.0)
        transport.close()

    assert len(seen) == 2


def test_a_connection_that_was_hung_up_while_idle_is_not_used() -> None:
    """The other end closed it between two orders: the second goes over a fresh one, once."""
    seen = []
    hung_up = threading.Event()

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(4096))
        connection.sendall(answer(json.dumps(OK).encode()))
        connection.shutdown(socket.SHUT_WR)
        hung_up.set()

    with server(talk) as url:
        transport = OrderTransport(url)
        replies = []
        for _ in range(2):
            replies.append(transport.call("placeorder", {}, timeout_s=2.0).body)
            hung_up.wait(2.0)
            hung_up.clear()
        transport.close()

    assert replies == [OK, OK]
    assert len(seen) == 2


@pytest.mark.parametrize(
    "sent",
    [b"", b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"sta', b"nonsense\r\n\r\n"],
    ids=["dropped", "half an answer", "not HTTP"],
)
def test_a_broken_answer_is_unknown(sent: bytes) -> None:
    """After the first byte only the books know."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(sent)

    with server(talk) as url:
        transport = OrderTransport(url)
        with pytest.raises(NoAnswer):
            transport.call("placeorder", {}, timeout_s=2.0)


def test_a_trickling_answer_does_not_extend_the_deadline() -> None:
    """One total deadline a call."""
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(20):
            if stop.wait(0.1):
                return
            try:
                connection.sendall(b"x")
            except OSError:
                return

    with server(talk) as url:
        transport = OrderTransport(url)
        with pytest.raises(NoAnswer, match="No answer from"):
            transport.call("placeorder", {}, timeout_s=0.4)
        stop.set()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_host_means_nothing_was_sent() -> None:
    """Refused while connecting: safe to send again, and the sentence says what to do."""
    url = f"http://{closed_port()}"

    with pytest.raises(NothingWritten, match="Is OpenAlgo running"):
        OrderTransport(url).call("placeorder", {}, timeout_s=2.0)


def test_tls_to_a_plain_host_is_named() -> None:
    """The sentence says TLS and what to do."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"plain text, no TLS here")

    with server(talk) as url:
        with pytest.raises(NothingWritten, match="TLS to"):
            OrderTransport(url.replace("http:", "https:")).call("ping", {}, timeout_s=2.0)
        reads = HttpxTransport(url.replace("http:", "https:"))
        with pytest.raises(NothingWritten, match="TLS to"):
            reads.call("ping", {}, timeout_s=2.0)
        reads.close()


def test_a_read_from_a_dead_host_says_so() -> None:
    """A sentence, not a traceback."""
    url = f"http://{closed_port()}"
    reads = HttpxTransport(url)
    broker = OpenAlgoBroker(
        account_id=1,
        host_url=url,
        api_key="k" * 10,
        orders=OrderTransport(url),
        reads=reads,
        clock=SystemClock(),
    )

    with pytest.raises(NotSentError) as caught:
        broker.ping()

    assert caught.value.sentence == f"Nothing answers at {url}. Is OpenAlgo running?"
    broker.close()
