"""Tick to decision and tick to order bytes: the real engine, database and sockets under load."""

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from algomirror.broker.transport import OrderTransport
from algomirror.broker.wire import order_body
from algomirror.clock import SystemClock
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.market_calendar import DEMO
from algomirror.domain.order import Side
from algomirror.domain.quote import Quote
from algomirror.domain.risk.rules import rules_of
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import Run
from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.domain.run import TradingMode
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.engine import TradingEngine
from algomirror.engine.limbs import AccountLimbs
from algomirror.engine.limbs import Job
from algomirror.engine.live_view import LiveView
from algomirror.engine.ports import AccountProfile
from algomirror.simulate.world import NoFeeds
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.trading import TradingStore

ACCOUNTS = 50
RUNS = 5
PROBES = 120
TICKS_PER_SECOND = 5000
PRICE = Decimal("100.00")


@dataclass
class Probe:
    """Times of one breach, seconds on the monotonic clock."""

    put: float = 0.0
    decided: float = 0.0
    bytes_out: list[float] = field(default_factory=list)


class BytesServer:
    """Answers every order at once; what counts is when our bytes left."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        body = b'{"status":"error","message":"bench"}'
        head = f"HTTP/1.1 400 X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        while connection.recv(65536):
            connection.sendall(head + body)


class BenchLimbs:
    """One sender thread an account, the real order transport, no answers to the engine."""

    def __init__(self, url: str, probes: dict[int, Probe]) -> None:
        self._transport = OrderTransport(url)
        self._probes = probes
        self._jobs: list[Job] = []
        self._news = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, job: Job) -> None:
        with self._news:
            self._jobs.append(job)
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._jobs:
                    self._news.wait()
                job = self._jobs.pop(0)
            probe = self._probes.get(job.intent.execution_id or 0)
            if probe is not None:
                probe.bytes_out.append(time.perf_counter())
            self._transport.call("placeorder", order_body(job.intent, tag=job.tag), timeout_s=5)

    def look(self, *, trades: bool, positions: bool) -> None:
        """No books in this benchmark."""

    def read_funds(self) -> None:
        """No books in this benchmark."""

    def ping(self) -> None:
        """No books in this benchmark."""

    def probe_order_mode(self) -> None:
        """No books in this benchmark."""

    def read_quotes(self, instruments: Iterable[Instrument]) -> None:
        """Prices come from the ticker."""

    def set_exit_reserve(self, orders: int) -> None:
        """No budget in this benchmark."""

    def stop(self) -> None:
        """Daemon threads end with the process."""


class Bench:
    """50 accounts x 20 legs in five runs, and single-account runs that breach one by one."""

    def __init__(self, folder: Path, *, is_empty: bool = False) -> None:
        url = f"sqlite:///{folder / 'bench.db'}"
        migrate(url)
        self.folder = folder
        self._quoting = threading.Lock()
        self._fallen: dict[Instrument, Decimal] = {}
        self.probes: dict[int, Probe] = {}
        self.server = BytesServer()
        self.view = LiveView()
        self.clock = SystemClock()
        self.expiry = self.clock.now().date() + timedelta(days=7)
        self.limbs: dict[int, AccountLimbs] = {
            i: BenchLimbs(self.server.url, self.probes) for i in range(1, ACCOUNTS + 1)
        }
        self.engine = TradingEngine(
            clock=self.clock,
            journal=TradingStore(open_database(url, patience_s=0.25)),
            limbs=self.limbs,
            feeds=NoFeeds(),
            view=self.view,
            mark="beef",
            calendar=DEMO,
        )
        profiles = [
            AccountProfile(id=i, name=f"A{i}", broker_name="bench", colour="sky",
                           is_primary=i == 1, is_active=True)
            for i in self.limbs
        ]  # fmt: skip
        self.engine.recover(profiles)
        for account in self.engine.core.accounts.values():
            account.is_reconciled = True
        self.held = [self.run(f"H{n}", list(self.limbs), None) for n in range(RUNS)]
        self.singles: list[RunBook] = []
        if not is_empty:
            for n in range(PROBES):
                self.singles.append(self.run(f"P{n}", [n % ACCOUNTS + 1], Decimal(1000)))
        self.fleet = self.run("F", list(self.limbs), Decimal(1000))
        self.engine.core.commit()

    def quote(self, instrument: Instrument, price: Decimal | None, now: datetime) -> None:
        """A tick; without a price the last one again: quotes are conflated, and a tick back to
        where it was would hide a breach that the engine has not seen yet."""
        with self._quoting:
            known = self._fallen.get(instrument, PRICE)
            self.engine.put_quote(Quote(instrument, price or known, now, "feed:1"))

    def fall(self, short: Instrument) -> float:
        """One tick that loses more than the limit on a sold leg; when it was put in."""
        with self._quoting:
            self._fallen[short] = PRICE + 20
            put = time.perf_counter()
            self.engine.put_quote(Quote(short, PRICE + 20, self.clock.now(), "feed:1"))
        return put

    def run(self, name: str, accounts: list[int], limit: Decimal | None) -> RunBook:
        core = self.engine.core
        legs = tuple(self.leg(name, n) for n in range(1, 5))
        strategy = Strategy(id=core.next_id("strategy"), name=name, max_loss=limit,
                            legs=tuple(p.leg for p in legs))  # fmt: skip
        planned = tuple(
            PlannedAccount(account_id=i, account_name=f"A{i}", mode="live", sets=1,
                           lots=tuple((p.leg.id, 1) for p in legs), margin=None,
                           margin_basis="", available=None, funds_at=None, orders=4, seconds=1)
            for i in accounts
        )  # fmt: skip
        now = self.clock.now()
        plan = Plan(strategy=strategy, legs=legs, accounts=planned, spots=(), made_at=now,
                    expiry_day=False, session_day=now.date())  # fmt: skip
        run = RunBook(
            run=Run(id=core.next_id("run"), strategy_id=strategy.id, number=1,
                    trigger=RunTrigger.MANUAL, state=RunState.OPEN, plan=plan,
                    session_day=now.date(), started_at=now),
            rules=rules_of(strategy),
        )  # fmt: skip
        core.book.add_run(run)
        core.stage(run.run)
        for account_id in accounts:
            self.execution(run, account_id, legs)
        for leg in legs:
            run.marks[leg.contract.instrument] = PRICE
            core.market.admit(Quote(leg.contract.instrument, PRICE, now, "feed:1"))
        run.revalue()
        return run

    def execution(self, run: RunBook, account_id: int, legs: tuple[PlannedLeg, ...]) -> None:
        core = self.engine.core
        execution = ExecutionBook(
            execution=Execution(id=core.next_id("execution"), run_id=run.id,
                                strategy_id=run.run.strategy_id, account_id=account_id,
                                state=ExecutionState.ENTERED, mode=TradingMode.LIVE,
                                planned_sets=1),
            legs={p.leg.id: p for p in legs},
            lots={p.leg.id: 1 for p in legs},
        )  # fmt: skip
        core.book.add_execution(run, execution)
        core.stage(execution.execution)
        for p in legs:
            position = core.new_position(execution, p.leg.id)
            filled = position.apply(p.leg.side, 65, 65 * PRICE)
            execution.positions[p.leg.id] = filled
            core.stage(filled)
            run.cash += filled.cash
            instrument = p.contract.instrument
            run.net[instrument] = run.net.get(instrument, 0) + filled.quantity
        core.touched.clear()
        if run.rules:
            self.probes[execution.id] = Probe()

    def leg(self, name: str, number: int) -> PlannedLeg:
        side = Side.BUY if number <= 2 else Side.SELL
        kind = OptionType.CE if number % 2 else OptionType.PE
        return PlannedLeg(
            leg=Leg(id=number, leg_number=number, underlying="NIFTY", side=side,
                    option_type=kind),
            contract=Contract(instrument=Instrument(f"{name}-{number}", Exchange.NFO),
                              underlying="NIFTY", expiry=self.expiry,
                              strike=Decimal(25000), option_type=kind, lot_size=65,
                              tick_size=Decimal("0.05"), freeze_quantity=1800),
            weight=1,
            last_price=PRICE,
        )  # fmt: skip


def ticker(
    bench: Bench, stop: threading.Event, sent: list[int], per_second: int = TICKS_PER_SECOND
) -> None:
    """5,000 ticks a second on the held symbols, in slices of five milliseconds."""
    instruments = [p.contract.instrument for r in bench.held for p in r.run.plan.legs]
    others = [*bench.singles, bench.fleet]
    instruments += [p.contract.instrument for r in others for p in r.run.plan.legs]
    prices = [PRICE + Decimal(n) / 20 for n in range(10)]
    number = 0
    begun = time.perf_counter()
    while not stop.is_set():
        now = bench.clock.now()
        due = int((time.perf_counter() - begun) * per_second)
        while number < due:
            at = number % len(instruments)
            price = prices[number % 10] if at < 4 * RUNS else None
            bench.quote(instruments[at], price, now)
            number += 1
        sent[0] = number
        time.sleep(0.002)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def measure(bench: Bench) -> dict[str, Any]:
    """Breach one single-account run after the other while everything else ticks; then one run
    on all accounts."""
    stop, sent = threading.Event(), [0]
    original = bench.engine.core.risk_event

    def noted(event_type: Any, **more: Any) -> Any:
        if more.get("run_id") is not None:
            for execution_id in bench.engine.core.book.runs[more["run_id"]].executions:
                if execution_id in bench.probes:
                    bench.probes[execution_id].decided = time.perf_counter()
        return original(event_type, **more)

    bench.engine.core.risk_event = noted  # type: ignore[method-assign]
    bench.engine._thread = threading.Thread(target=bench.engine._run, daemon=True)
    bench.engine._thread.start()
    threading.Thread(target=ticker, args=(bench, stop, sent), daemon=True).start()
    time.sleep(2.0)
    begun = time.perf_counter()
    for run in bench.singles:
        breach(bench, run)
        time.sleep(0.05)
    rate = sent[0] / (time.perf_counter() - begun + 2.0)
    time.sleep(1.0)
    breach(bench, bench.fleet)
    time.sleep(3.0)
    stop.set()
    bench.engine.stop()
    singles = [bench.probes[next(iter(r.executions))] for r in bench.singles]
    done = [p for p in singles if p.bytes_out and p.decided]
    fleet = sorted(t for i in bench.fleet.executions for t in bench.probes[i].bytes_out)
    put = bench.probes[next(iter(bench.fleet.executions))].put
    return {
        "ticks_per_s": rate,
        "decision": [p.decided - p.put for p in done],
        "first": [p.bytes_out[0] - p.put for p in done],
        "wave": [p.bytes_out[min(1, len(p.bytes_out) - 1)] - p.put for p in done],
        "fleet": [t - put for t in fleet],
    }


def breach(bench: Bench, run: RunBook) -> None:
    """One tick that loses more than the limit on a sold leg."""
    short = run.run.plan.legs[2].contract.instrument
    execution_id = next(iter(run.executions))
    bench.probes[execution_id].put = bench.fall(short)
