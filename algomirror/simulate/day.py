"""A short trading day with faults, and what must be true after every event of it."""

import random
from collections import Counter
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field
from decimal import Decimal
from functools import cache

from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import OrderPurpose
from algomirror.domain.run import ExecutionState
from algomirror.engine.book import ExecutionBook
from algomirror.paper.books import PaperOrder
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.trading import TradingStore

MINUTES = 20
ACCOUNTS = 2
TICK_S = 4.0


@cache
def _database() -> TradingStore:
    return TradingStore.in_memory()


def _store() -> TradingStore:
    """One database per process, empty at the start of each day."""
    store = _database()
    store.wipe()
    return store


@dataclass(slots=True)
class Ledger:
    """What one day did and every invariant that broke, as sentences."""

    seed: int
    profile: Profile
    events: int = 0
    orders: int = 0
    checks: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def faults_of(seed: int) -> list[FaultRule]:
    """A day's faults: a random handful, gentle enough for something to happen between them."""
    draw = random.Random(f"day-{seed}")
    menu = [
        FaultRule(kind="drop_reply", probability=0.10, endpoint="placeorder"),
        FaultRule(kind="http_429", probability=0.10),
        FaultRule(kind="http_500_after_accept", probability=0.08),
        FaultRule(kind="reject_late", probability=0.08, seconds=draw.uniform(0.2, 4.0)),
        FaultRule(kind="partial_fill", probability=0.15, seconds=draw.uniform(1.0, 20.0)),
        FaultRule(kind="success_without_id", probability=0.06),
        FaultRule(kind="orderbook_empty", probability=0.08),
        FaultRule(kind="orderbook_short", probability=0.08),
        FaultRule(kind="positionbook_lag", probability=0.15, seconds=draw.uniform(1.0, 6.0)),
        FaultRule(kind="hang", probability=0.06, seconds=draw.uniform(1.0, 15.0)),
        FaultRule(kind="market_as_limit", probability=0.2),
        FaultRule(kind="delay", probability=0.1, seconds=draw.uniform(0.2, 6.0)),
        FaultRule(kind="drop_reply", probability=0.2, endpoint="cancelorder"),
    ]
    return draw.sample(menu, draw.randint(2, 6))


class Day:
    """Two accounts, a four-leg run, twenty market minutes, faults, one restart in some days."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self.ledger = Ledger(seed=seed, profile=profile)
        self._random = random.Random(f"plan-{seed}")
        self.world = World(
            accounts=ACCOUNTS,
            profile=profile,
            seed=seed,
            tick_s=TICK_S,
            is_read=False,
            journal=_store(),
            moving=("NIFTY",),
        )
        for account_id, paper in self.world.papers.items():
            paper.faults = FaultPlan(rules=faults_of(seed), seed=seed * 10 + account_id)
        self.world.after_event = self.check

    def run(self) -> Ledger:
        world, draw = self.world, self._random
        limit = Decimal(draw.choice([400, 800, 1500, 4000]))
        world.start(short_iron_fly(max_loss=limit), sets=draw.choice([1, 2, 3]))
        minutes = MINUTES * 60.0
        world.run_for(minutes * draw.uniform(0.05, 0.4))
        if draw.random() < 0.3:
            world.restart()
            world.after_event = self.check
        world.set_index(world.market.paths["NIFTY"].price * draw.choice([0.985, 1.0, 1.0, 1.015]))
        world.run_for(minutes * draw.uniform(0.1, 0.3))
        run = world.run()
        if not run.is_final and draw.random() < 0.7:
            world.exit(run)
        if draw.random() < 0.3:
            world.restart()
            world.after_event = self.check
        world.run_for(max(minutes - world.clock.monotonic(), 60.0))
        for paper in world.papers.values():
            self.ledger.injected.update(paper.faults.injected)
            paper.faults.rules.clear()
        world.run_for(90.0)
        if not world.run().is_final:
            world.exit(world.run())
        world.run_for(180.0)
        self.check_end()
        return self.ledger

    # --- after every event ----------------------------------------------------------------
    def check(self) -> None:
        self.ledger.events += 1
        book = self.world.engine.core.book
        for execution in book.executions.values():
            self.ledger.checks += 1
            self._exits_within_proven(execution)
        known = book.orders
        for account_id, limb in self.world.limbs.items():
            for job in limb.sent:
                if job.act == "place" and job.intent.client_order_id not in known:
                    self._break(f"account {account_id}: {job.intent.client_order_id} has no row")

    def _exits_within_proven(self, execution: ExecutionBook) -> None:
        for leg_id, position in execution.positions.items():
            exits = [
                o
                for o in execution.leg_orders(leg_id, OrderPurpose.EXIT)
                if o.status in IN_FLIGHT and o.intent.side is not position.side
            ]
            waiting = sum(o.open_quantity for o in exits)
            if waiting > max(position.quantity * position.side.sign, 0):
                self._break(
                    f"execution {execution.id} leg {leg_id}: {waiting} in flight, "
                    f"{position.quantity} held"
                )

    # --- at the end of the day ------------------------------------------------------------
    def check_end(self) -> None:
        core = self.world.engine.core
        self.ledger.orders = len(core.book.orders)
        for execution in core.book.executions.values():
            self.ledger.states[execution.state] += 1
            self._explained_by_fills(execution)
            if execution.state not in (ExecutionState.EXITED, ExecutionState.FAILED,
                                       ExecutionState.SKIPPED):  # fmt: skip
                unknown = [o.id for o in execution.orders.values() if o.is_in_flight]
                self._break(
                    f"execution {execution.id} ends {execution.state} "
                    f"({execution.execution.attention or 'no attention'}), in flight {unknown}"
                )
        run = self.world.run()
        if run.is_final and run.pnl != self.world.exchange_cash():
            self._break(f"P&L {run.pnl}, cash at the exchange {self.world.exchange_cash()}")

    def _explained_by_fills(self, execution: ExecutionBook) -> None:
        """Our position per symbol = the exchange's fills of this account (one run, so all ours)."""
        fills: dict[str, int] = defaultdict(int)
        for trade in self.world.papers[execution.account_id].books.trades:
            sign = 1 if trade.action == "BUY" else -1
            fills[trade.symbol] += sign * trade.quantity
        for position in execution.positions.values():
            symbol = position.instrument.symbol
            if fills.get(symbol, 0) != position.quantity:
                self._break(
                    f"execution {execution.id} {symbol}: we hold {position.quantity}, "
                    f"fills say {fills.get(symbol, 0)}"
                )
            if execution.state is ExecutionState.EXITED and fills.get(symbol, 0) != 0:
                self._break(f"execution {execution.id} exited with {fills[symbol]} {symbol}")

    def _break(self, text: str) -> None:
        if len(self.ledger.broken) < 10 and text not in self.ledger.broken:
            self.ledger.broken.append(text)

    def orders_at_exchange(self, account_id: int) -> list[PaperOrder]:
        return list(self.world.papers[account_id].books.orders.values())


def run_day(seed: int) -> Ledger:
    """Even seeds on the sandbox profile, odd ones on the live profile."""
    return Day(seed, "analyze" if seed % 2 == 0 else "live").run()
