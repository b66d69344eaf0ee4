"""Where other threads leave news for the engine: messages in order, quotes conflated."""

import threading
from collections import deque

from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.engine.messages import Message


class Inbox:
    """Messages are never dropped; of quotes only the latest per instrument is kept.

    Any thread may put; only the engine thread takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._messages: deque[Message] = deque()
        self._quotes: dict[Instrument, Quote] = {}

    def put(self, message: Message) -> None:
        self._messages.append(message)  # deque.append is atomic
        self._news.set()

    def put_quote(self, quote: Quote) -> None:
        with self._lock:
            self._quotes[quote.instrument] = quote
        if not self._news.is_set():
            self._news.set()

    def wait(self, timeout: float) -> None:
        self._news.wait(timeout)
        self._news.clear()

    def take_message(self) -> Message | None:
        try:
            return self._messages.popleft()
        except IndexError:
            return None

    def take_quotes(self) -> dict[Instrument, Quote]:
        if not self._quotes:
            return {}
        with self._lock:
            taken = self._quotes
            self._quotes = {}
        return taken

    @property
    def has_messages(self) -> bool:
        return bool(self._messages)
