"""An account's workers without threads: the real client against the paper core, on a fake clock."""

import heapq
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any
from typing import Protocol

from algomirror.broker.openalgo import SEND_DEADLINE_S
from algomirror.broker.openalgo import OpenAlgoBroker
from algomirror.broker.transport import NoAnswer
from algomirror.broker.transport import NothingWritten
from algomirror.broker.transport import Reply
from algomirror.clock import FakeClock
from algomirror.domain.instrument import Instrument
from algomirror.domain.quote import Quote
from algomirror.engine import messages as m
from algomirror.engine.limbs import Job
from algomirror.engine.order_queue import OrderQueue
from algomirror.engine.pace import Limits
from algomirror.engine.pace import Moment
from algomirror.engine.pace import Pace
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Outcome
from algomirror.engine.sender import read_books
from algomirror.engine.sender import read_health
from algomirror.engine.sender import read_money
from algomirror.engine.sender import run_job
from algomirror.errors import BrokerError
from algomirror.paper.answer import Answer

LATENCY_S = 0.04
LOOKS_KEPT = 6


class Venue(Protocol):
    """The paper exchange: here, or in the process that outlives this one (crash tests)."""

    def step(self, now: datetime) -> None: ...

    def handle(self, endpoint: str, body: Any, now: datetime) -> Answer: ...


class DirectTransport:
    """Calls the paper core in-process; its transport faults become what a client would see."""

    def __init__(self, server: Venue, clock: FakeClock) -> None:
        self._server = server
        self._clock = clock
        self.took_s = LATENCY_S
        self.is_dead = False
        self.before: Callable[[str, dict[str, Any]], None] = lambda endpoint, body: None
        """Sees each request before the exchange does."""

    def call(self, endpoint: str, body: dict[str, Any], *, timeout_s: float) -> Reply:
        self.took_s = LATENCY_S
        if self.is_dead:
            raise NothingWritten("Nothing answers at the paper host. Is OpenAlgo running?")
        self.before(endpoint, body)
        answer = self._server.handle(endpoint, body, self._clock.now())
        self.took_s += answer.delay_s
        if answer.transport == "hang" or self.took_s >= timeout_s:
            self.took_s = timeout_s
            raise NoAnswer("No answer in time.")
        if answer.transport == "drop":
            raise NoAnswer("The connection broke.")
        return Reply(answer.status, "application/json", answer.body)

    def close(self) -> None:
        """Nothing to close."""


class SimLimbs:
    """Implements engine.limbs.AccountLimbs. `pump` does what is due; answers come after a delay."""

    def __init__(
        self,
        account_id: int,
        server: Venue,
        clock: FakeClock,
        *,
        key: str,
        post: Callable[[m.Message], None],
        put_quote: Callable[[Quote], None],
        limits: Limits | None = None,
        noted_today: int = 0,
    ) -> None:
        self.transport = DirectTransport(server, clock)
        self.reads = DirectTransport(server, clock)
        self.broker = OpenAlgoBroker(
            account_id=account_id,
            host_url="http://paper",
            api_key=key,
            orders=self.transport,
            reads=self.reads,
            clock=clock,
        )
        self.sent: list[Job] = []
        self.sent_at: list[datetime] = []
        self.looks: deque[m.BooksRead] = deque(maxlen=LOOKS_KEPT)
        """The last ones that were told, oldest first."""
        self.is_eager = False
        """A request leaves within `send`, as when a sender's thread is that quick."""
        self._account_id = account_id
        self._clock = clock
        self._post = post
        self._put_quote = put_quote
        self._number = count()
        self._queue = OrderQueue(Pace(limits or Limits(), noted_today=noted_today))
        self._answers: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def next_due(self) -> float | None:
        """When something of ours happens next (monotonic seconds)."""
        first = self._answers[0][0] if self._answers else None
        wait = self._queue.wait_s(self._now()) if len(self._queue) else None
        if wait is None:
            return first
        due = self._clock.monotonic() + wait
        return due if first is None else min(first, due)

    def pump(self) -> None:
        """Deliver answers that are due, send what the pace allows."""
        now = self._clock.monotonic()
        while self._answers and self._answers[0][0] <= now:
            heapq.heappop(self._answers)[2]()
        while len(self._queue) and (turn := self._queue.take(self._now())).job is not None:
            self._run(turn.job, turn.refusal)

    def set_limits(self, limits: Limits, *, noted_today: int = 0) -> None:
        """A new budget, counted from here on."""
        self._queue.pace = Pace(limits, noted_today=noted_today)

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.now())

    def _run(self, job: Job, refusal: str) -> None:
        begun = self._clock.now()
        if refusal:
            unsent = NotSent(reason=refusal)
            self._answer(0.0, lambda: self._post(self._outcome(job, unsent, begun)))
            return
        self.sent.append(job)
        self.sent_at.append(begun)
        found = run_job(self.broker, job)
        took = min(self.transport.took_s, SEND_DEADLINE_S)
        self._answer(took, lambda: self._deliver(job, found, begun))

    def _deliver(self, job: Job, found: Outcome, begun: datetime) -> None:
        self._queue.pace.answered(job, self._now())
        self._post(self._outcome(job, found, begun))

    def _outcome(self, job: Job, outcome: Outcome, begun: datetime) -> m.SendOutcome:
        return m.SendOutcome(
            client_order_id=job.intent.client_order_id,
            act=job.act,
            outcome=outcome,
            sent_at=begun,
            ended_at=self._clock.now(),
        )

    def _answer(self, delay: float, deliver: Callable[[], None]) -> None:
        at = self._clock.monotonic() + delay
        heapq.heappush(self._answers, (at, next(self._number), deliver))

    # --- engine.limbs.AccountLimbs --------------------------------------------------------
    def send(self, job: Job) -> None:
        self._queue.push(job)
        if self.is_eager:
            self.pump()

    def set_exit_reserve(self, orders: int) -> None:
        self._queue.pace.exit_reserve = orders

    def look(self, *, trades: bool, positions: bool) -> None:
        found = read_books(
            self.broker, self._account_id, self._clock, trades=trades, positions=positions
        )
        self._answer(self.reads.took_s, lambda: self._tell_look(found))

    def _tell_look(self, found: m.BooksRead) -> None:
        self.looks.append(found)
        self._post(found)

    def read_funds(self) -> None:
        found = read_money(self.broker, self._account_id)
        self._answer(self.reads.took_s, lambda: self._post(found))

    def ping(self) -> None:
        found = read_health(self.broker, self._account_id, self._clock)
        self._answer(self.reads.took_s, lambda: self._post(found))

    def probe_order_mode(self) -> None:
        found = m.OrderModeRead(
            account_id=self._account_id, is_semi_auto=self.broker.is_semi_auto()
        )
        self._answer(self.reads.took_s, lambda: self._post(found))

    def read_quotes(self, instruments: Iterable[Instrument]) -> None:
        try:
            found = self.broker.quotes(list(instruments))
        except BrokerError:
            return
        for quote in found.values():
            self._put_quote(quote)

    def stop(self) -> None:
        """Nothing runs between pumps."""
