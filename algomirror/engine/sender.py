"""The threads of one account: orders leave by priority and pace, books are read beside them."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime

from algomirror.clock import Clock
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.engine import messages as m
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import Job
from algomirror.engine.order_queue import OrderQueue
from algomirror.engine.pace import Limits
from algomirror.engine.pace import Moment
from algomirror.engine.pace import Pace
from algomirror.engine.ports import Broker
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Outcome
from algomirror.engine.ports import Unknown
from algomirror.errors import BrokerError
from algomirror.errors import NotSent as NothingSent

log = logging.getLogger(__name__)

RENEWED = "the account's connection was renewed"
MAX_ORDER_THREADS = 4
MAX_ENTRY_THREADS = MAX_ORDER_THREADS - 1
"""Entries that hang at the broker leave one thread to exits."""


def run_job(broker: Broker, job: Job) -> Outcome:
    """One request to the broker."""
    if job.act == "place":
        return broker.place(job.intent, tag=job.tag)
    if job.broker_order_id is None:
        return NotSent(reason="no broker order id")
    if job.act == "cancel":
        return broker.cancel(job.broker_order_id, tag=job.tag)
    return broker.modify(job.intent, broker_order_id=job.broker_order_id, tag=job.tag)


def read_books(
    broker: Broker, account_id: int, clock: Clock, *, trades: bool, positions: bool
) -> m.BooksRead:
    """Order book, then trade book, then position book; what failed is None and named."""
    begun = clock.now()
    try:
        orders = tuple(broker.order_book())
    except BrokerError as failed:
        return m.BooksRead(
            account_id=account_id,
            begun_at=begun,
            ended_at=clock.now(),
            orders=None,
            trades=None,
            positions=None,
            error=failed.sentence,
            is_unreachable=isinstance(failed, NothingSent),
        )
    error = ""
    found_trades = found_positions = None
    try:
        found_trades = tuple(broker.trade_book()) if trades else None
        found_positions = tuple(broker.position_book()) if positions else None
    except BrokerError as failed:
        error = failed.sentence
    return m.BooksRead(
        account_id=account_id,
        begun_at=begun,
        ended_at=clock.now(),
        orders=orders,
        trades=found_trades,
        positions=found_positions,
        error=error,
    )


def read_health(broker: Broker, account_id: int, clock: Clock) -> m.Pinged:
    """Ping and analyzer mode in one message."""
    begun = clock.monotonic()
    try:
        name = broker.ping()
        took = round((clock.monotonic() - begun) * 1000)
        mode = broker.mode()
    except BrokerError as failed:
        took = round((clock.monotonic() - begun) * 1000)
        return m.Pinged(
            account_id=account_id,
            ok=False,
            milliseconds=took,
            broker_name="",
            mode=TradingMode.UNKNOWN,
            error=failed.sentence,
        )
    return m.Pinged(account_id=account_id, ok=True, milliseconds=took, broker_name=name, mode=mode)


def read_money(broker: Broker, account_id: int) -> m.FundsRead:
    try:
        return m.FundsRead(account_id=account_id, funds=broker.funds())
    except BrokerError as failed:
        return m.FundsRead(account_id=account_id, funds=None, error=failed.sentence)


class ThreadedLimbs:
    """Order threads `sender-<account>-<n>` and one `reader-<account>` of an account.

    The next order thread starts only while the others wait for an answer; a slow book never
    delays an order. Results go to `post`, prices to `put_quote`. Every job is answered, also one
    that has not left when the worker stops: NotSent, for the account's next worker to send.
    """

    def __init__(
        self,
        account_id: int,
        broker: Broker,
        clock: Clock,
        *,
        post: Callable[[m.Message], None],
        put_quote: Callable[[Quote], None],
        limits: Limits,
        noted_today: int = 0,
    ) -> None:
        self._account_id = account_id
        self._broker = broker
        self._clock = clock
        self._post = post
        self._put_quote = put_quote
        self._queue = OrderQueue(Pace(limits, noted_today=noted_today))
        self._news = threading.Condition()
        self._waiting = 0
        self._order_threads = 0
        self._entries_away = 0
        self._reads: deque[Callable[[], None]] = deque()
        self._read_news = threading.Event()
        self._stopping = False
        self._start_order_thread()
        self._reader = threading.Thread(
            target=self._read_loop, name=f"reader-{account_id}", daemon=True
        )
        self._reader.start()

    # --- what the engine calls ------------------------------------------------------------
    def send(self, job: Job) -> None:
        with self._news:
            if self._stopping:
                self._answer(job, NotSent(reason=RENEWED), self._clock.now())
                return
            self._queue.push(job)
            self._wake_one()

    def set_exit_reserve(self, orders: int) -> None:
        with self._news:
            if self._queue.pace.exit_reserve != orders:
                self._queue.pace.exit_reserve = orders
                self._news.notify_all()

    def look(self, *, trades: bool, positions: bool) -> None:
        self._read(
            lambda: self._post(
                read_books(
                    self._broker,
                    self._account_id,
                    self._clock,
                    trades=trades,
                    positions=positions,
                )
            )
        )

    def read_funds(self) -> None:
        self._read(lambda: self._post(read_money(self._broker, self._account_id)))

    def ping(self) -> None:
        self._read(lambda: self._post(read_health(self._broker, self._account_id, self._clock)))

    def probe_order_mode(self) -> None:
        self._read(
            lambda: self._post(
                m.OrderModeRead(
                    account_id=self._account_id, is_semi_auto=self._broker.is_semi_auto()
                )
            )
        )

    def read_quotes(self, instruments: Iterable[Instrument]) -> None:
        wanted = list(instruments)
        self._read(lambda: self._quotes(wanted))

    def stop(self) -> None:
        """No new request starts; one that is on its way ends by itself."""
        with self._news:
            self._stopping = True
            for job in self._queue.drain():
                self._answer(job, NotSent(reason=RENEWED), self._clock.now())
            self._news.notify_all()
        self._read_news.set()

    # --- order threads --------------------------------------------------------------------
    def _start_order_thread(self) -> None:
        self._order_threads += 1
        name = f"sender-{self._account_id}-{self._order_threads}"
        threading.Thread(target=self._send_loop, name=name, daemon=True).start()

    def _wake_one(self) -> None:
        """Someone looks at the queue now: a thread that waits (for work or for its pace), else a
        new one. Call with the lock."""
        if self._waiting:
            self._news.notify()
        elif self._order_threads < MAX_ORDER_THREADS:
            self._start_order_thread()

    def _send_loop(self) -> None:
        while (job := self._next_job()) is not None:
            begun = self._clock.now()
            try:
                outcome = run_job(self._broker, job)
            except Exception:
                log.exception("sending %s raised", job.intent.client_order_id)
                outcome = Unknown(reason="our own client failed while sending; see the log")
            self._answer(job, outcome, begun)
            with self._news:
                self._entries_away -= job.priority >= PRIORITY_ENTRY
                self._queue.pace.answered(job, self._moment())

    def _next_job(self) -> Job | None:
        """The most urgent job that may leave; what will not leave is answered at once.

        Whoever takes a job wakes the next thread: two jobs that came together must not share the
        one that was woken first, or the second would wait for the first one's answer.
        """
        with self._news:
            while not self._stopping:
                now = self._moment()
                turn = self._queue.take(now, entries=self._entries_away < MAX_ENTRY_THREADS)
                if turn.job is None:
                    self._waiting += 1
                    self._news.wait(turn.wait_s)
                    self._waiting -= 1
                elif turn.refusal:
                    self._answer(turn.job, NotSent(reason=turn.refusal), now.wall)
                else:
                    self._entries_away += turn.job.priority >= PRIORITY_ENTRY
                    if len(self._queue):
                        self._wake_one()
                    return turn.job
            return None

    def _moment(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.now())

    def _answer(self, job: Job, outcome: Outcome, begun: datetime) -> None:
        self._post(
            m.SendOutcome(
                client_order_id=job.intent.client_order_id,
                act=job.act,
                outcome=outcome,
                sent_at=begun,
                ended_at=self._clock.now(),
            )
        )

    # --- reader thread --------------------------------------------------------------------
    def _read(self, work: Callable[[], None]) -> None:
        self._reads.append(work)
        self._read_news.set()

    def _read_loop(self) -> None:
        while not self._stopping:
            self._read_news.wait()
            self._read_news.clear()
            while self._reads and not self._stopping:
                work = self._reads.popleft()
                try:
                    work()
                except Exception:
                    log.exception("reading account %s raised", self._account_id)

    def _quotes(self, instruments: list[Instrument]) -> None:
        try:
            found = self._broker.quotes(instruments)
        except BrokerError as failed:
            log.warning("no REST quotes from account %s: %s", self._account_id, failed.sentence)
            return
        for quote in found.values():
            self._put_quote(quote)
