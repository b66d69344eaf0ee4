"""Lives of an engine that are really killed, on one database file and one exchange."""

import gc
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import NoReturn

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Engine
from sqlalchemy import event

from algomirror.clock import FakeClock
from algomirror.engine.ports import Fact
from algomirror.paper.answer import Answer
from algomirror.simulate.world import World
from algomirror.store.db import open_database
from algomirror.store.fallback import Fallback
from algomirror.store.trading import TradingStore

DOWN_S = 1.0
"""Market time between a death and the next start."""
TAKING = frozenset({"placeorder", "modifyorder", "cancelorder"})
"""Requests that change the exchange: dying before their answer is known is a boundary."""
TAKEN = "after the exchange took"


class Crossing(NamedTuple):
    """One boundary that a life crossed: what happened last, and which facts were at stake."""

    kind: str
    facts: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.kind}: {', '.join(self.facts)}" if self.facts else self.kind


@dataclass(slots=True, kw_only=True)
class Books:
    """What the engine holds at the end of its last life."""

    run: str
    run_reason: str
    execution: str
    execution_reason: str
    said: str
    """Why, in its own words: attention and skip reason."""
    positions: dict[str, int]
    cash: Decimal
    realised: Decimal
    lost: list[str]
    """Entries that were saved and are proven never to have reached the exchange."""
    open_kills: int
    """Pulls of the kill switch that have not ended."""
    doubled_rows: int
    """Appended rows that stand twice in the database."""
    errors: int
    """Messages the engine could not handle."""


@dataclass(slots=True, kw_only=True)
class Ended:
    """One story: its lives, what they crossed, what the exchange has."""

    crossings: list[list[Crossing]] = field(default_factory=list)
    kills: int = 0
    books: Books | None = None
    failure: str = ""
    orders: Counter[tuple[str, str, int, str, str]] = field(default_factory=Counter)
    """(symbol, side, quantity, product, status) of everything the exchange took."""
    tags: Counter[str] = field(default_factory=Counter)
    net: dict[str, int] = field(default_factory=dict)
    cash: Decimal = Decimal(0)


class Remote:
    """The exchange as a dying process sees it: over a socket to the process that outlives it."""

    def __init__(self, link: Connection, kill_at: int | None) -> None:
        self._link = link
        self._kill_at = kill_at
        self._crossed = 0
        self._prices: dict[tuple[str, str], Decimal | None] = {}

    def _ask(self, act: str, *given: Any) -> Any:
        self._link.send((act, *given))
        return self._link.recv()

    def step(self, now: datetime) -> None:
        self._prices = self._ask("step", now, list(self._prices))

    def handle(self, endpoint: str, body: Any, now: datetime) -> Answer:
        answer: Answer = self._ask("handle", endpoint, body, now)
        if endpoint in TAKING:
            self.crossed(f"{TAKEN} {endpoint}", ())
        return answer

    def ltp(self, symbol: str, exchange: str) -> Decimal | None:
        key = (symbol, exchange)
        if key not in self._prices:
            self._prices[key] = self._ask("ltp", symbol, exchange)
        return self._prices[key]

    def set_index(self, name: str, price: float) -> None:
        self._ask("set_index", name, price)
        self._prices.clear()

    def lock(self) -> None:
        """Another process locks the database, until `unlock` or until we die."""
        self._ask("lock")

    def unlock(self) -> None:
        self._ask("unlock")

    def crossed(self, kind: str, facts: Sequence[Fact]) -> None:
        """The hook of every boundary: tells the outliving process, and dies if it is the one."""
        names = tuple(dict.fromkeys(type(fact).__name__ for fact in facts))
        self._link.send(("crossed", Crossing(kind, names)))
        if self._crossed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._crossed += 1


Play = Callable[[World, Remote], None]
"""What a life does once it has recovered; it must bear being done again."""


class Host:
    """Owns exchange, prices and time of one story; forks one child a life."""

    def __init__(self, world: World, engine: Engine, database: Path, play: Play) -> None:
        """`engine`: closed, its statements compiled; each life opens its own file with it."""
        self._world = world
        self._server = world.exchange
        self._engine = engine
        self._database = database
        self._play = play
        self._lock: DatabaseConnection | None = None
        self._ended = Ended()

    def tell(self, kills: Sequence[int]) -> Ended:
        """The n-th life dies at its crossing `kills[n]`; the last one plays to the end."""
        for kill_at in (*kills, None):
            link, child = forked(lambda link, at=kill_at: self._live(link, at))  # type: ignore[misc]
            self._serve(link)
            status = os.waitpid(child, 0)[1]
            link.close()
            self._unlock()
            if self._ended.books is not None or self._ended.failure:
                break
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                self._ended.failure = f"ended with status {status}, neither killed nor done"
                break
            self._ended.kills += 1
            self._world.clock.advance(DOWN_S)
            self._server.step(self._world.clock.now())
        return self._summed()

    # --- the child ------------------------------------------------------------------------
    def _live(self, link: Connection, kill_at: int | None) -> None:
        remote, world = Remote(link, kill_at), self._world
        world.exchange, world.prices, world.boundary = remote, remote.ltp, remote.crossed
        world.clock = FakeClock(world.clock.now())
        _point_at(self._engine, self._database)
        fallback = Fallback(self._database.with_suffix(".fallback"), world.clock)
        world.journal = TradingStore(self._engine, fallback=fallback)
        world.restart()
        world.run_for(2.0)
        self._play(world, remote)
        link.send(("done", _books_of(world, self._engine)))

    # --- the process that outlives it -----------------------------------------------------
    def _serve(self, link: Connection) -> None:
        """Until the child is dead or done."""
        crossings: list[Crossing] = []
        self._ended.crossings.append(crossings)
        while True:
            try:
                act, *given = link.recv()
            except EOFError:
                return
            if act == "crossed":
                crossings.append(given[0])
            elif act == "done":
                self._ended.books = given[0]
            elif act == "failed":
                self._ended.failure = given[0]
            else:
                link.send(self._answer(act, given))

    def _answer(self, act: str, given: list[Any]) -> Any:
        match act:
            case "step":
                ahead: timedelta = given[0] - self._world.clock.now()
                self._world.clock.advance(max(ahead.total_seconds(), 0.0))
                self._server.step(given[0])
                return {key: self._world.market.ltp(*key) for key in given[1]}
            case "handle":
                return self._server.handle(given[0], given[1], given[2])
            case "ltp":
                return self._world.market.ltp(given[0], given[1])
            case "set_index":
                self._world.market.set_index(given[0], given[1])
            case "lock":
                self._lock = open_database(f"sqlite:///{self._database}").connect()
                self._lock.exec_driver_sql("BEGIN EXCLUSIVE")
            case "unlock":
                self._unlock()
        return None

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.exec_driver_sql("ROLLBACK")
            self._lock.close()
            self._lock = None

    def _summed(self) -> Ended:
        ended = self._ended
        for paper in self._world.papers.values():
            for order in paper.books.orders.values():
                asked = order.request
                ended.orders[
                    (asked.symbol, asked.action, order.filled, asked.product, order.status)
                ] += 1
                ended.tags[asked.strategy] += 1
            for position in paper.books.positions.values():
                if position.quantity:
                    ended.net[position.symbol] = position.quantity
                ended.cash += position.cash
        return ended


def forked(work: Callable[[Connection], None]) -> tuple[Connection, int]:
    """A child that does `work` with its end of a pipe and ends; our end and its process id."""
    ours, theirs = Pipe()
    child = os.fork()
    if child == 0:
        gc.disable()
        ours.close()
        _work_and_end(work, theirs)
    theirs.close()
    return ours, child


def _work_and_end(work: Callable[[Connection], None], link: Connection) -> NoReturn:
    """Nothing of the parent's is unwound here: no test goes on, no file is closed twice."""
    try:
        work(link)
    except BaseException:
        link.send(("failed", traceback.format_exc()))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _point_at(engine: Engine, database: Path) -> None:
    """Further connections open this file: an engine of one's own would compile everything anew."""

    @event.listens_for(engine, "do_connect")
    def _open(dialect: Any, record: Any, given: list[Any], named: Any) -> None:
        given[0] = str(database)


def _books_of(world: World, engine: Engine) -> Books:
    saved = world.journal.load(world.clock.now().date())
    run = world.run()
    execution = next(iter(run.executions.values()))
    orders = execution.orders.values()
    return Books(
        run=run.run.state,
        run_reason=run.run.exit_reason or "",
        execution=execution.state,
        execution_reason=execution.execution.exit_reason or "",
        said=f"{execution.execution.attention} {execution.execution.skip_reason}".strip(),
        positions={p.instrument.symbol: p.quantity for p in execution.positions.values()},
        cash=sum((p.cash for p in execution.positions.values()), Decimal(0)),
        realised=run.run.realised,
        lost=[o.id for o in orders if o.intent.purpose == "ENTRY" and _is_lost(o.reason)],
        open_kills=len(saved.kills),
        doubled_rows=_doubled(engine),
        errors=sum(line.kind == "engine_error" for line in saved.timeline),
    )


def _is_lost(reason: str) -> bool:
    return reason.startswith("not found at the broker")


def _doubled(engine: Engine) -> int:
    """Appended rows that are equal in everything but the number the database gave them."""
    queries = (
        "SELECT count(*) FROM order_events GROUP BY client_order_id, at, to_status, source, text",
        "SELECT count(*) FROM fills GROUP BY client_order_id, at, quantity, value",
        "SELECT count(*) FROM trading_state_changes GROUP BY at, state, reason, account_id",
    )
    with engine.connect() as connection:
        return sum(
            row[0] > 1 for query in queries for row in connection.exec_driver_sql(query).all()
        )
