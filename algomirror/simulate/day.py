"""A short trading day with faults: what is drawn for it, and how it goes."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from decimal import Decimal
from functools import cache

from algomirror.domain.run import TradingState
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import Strategy
from algomirror.engine import messages as m
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.simulate.invariants import Invariants
from algomirror.simulate.journal import WatchedJournal
from algomirror.simulate.trader import Trader
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.trading import TradingStore

MINUTES = 20
ACCOUNTS = 2
TICK_S = 4.0
QUIET_S = 90.0
KINDS = ("drop_reply", "http_429", "http_500_after_accept", "reject_late", "partial_fill",
         "success_without_id", "orderbook_empty", "orderbook_short", "positionbook_lag", "hang",
         "market_as_limit", "delay", "semi_auto", "zero_ltp", "stale_ltp", "mute_feed",
         "disconnect", "duplicate_update", "reorder_update", "token_death",
         "cancel_loses_race")  # fmt: skip
"""All kinds of paper.faults: those of a socket are played by simulate.feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How likely a day holds what; `rules` replaces the drawn faults."""

    kinds: tuple[str, ...] = KINDS
    rules: tuple[FaultRule, ...] | None = None
    second_run: float = 0.3
    by_hand: float = 0.2
    equal_by_hand: float = 0.15
    """A hand trade equal to an order of the second run, a while before it."""
    chase: float = 0.25
    small_freeze: float = 0.2
    restart: float = 0.3
    kill: float = 0.15
    push: float = 0.4
    """OpenAlgo pushes order updates."""


@dataclass(slots=True)
class Ledger:
    """What one day did and every invariant that broke, as sentences."""

    seed: int
    profile: Profile
    events: int = 0
    ticks: int = 0
    orders: int = 0
    hand_trades: int = 0
    restarts: int = 0
    kills: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def faults_of(seed: int, kinds: Sequence[str] = KINDS) -> list[FaultRule]:
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
        FaultRule(kind="semi_auto", probability=0.04, seconds=draw.uniform(5.0, 90.0),
                  part=draw.choice([0.0, 1.0])),
        FaultRule(kind="zero_ltp", probability=0.01),
        FaultRule(kind="stale_ltp", probability=0.01),
        FaultRule(kind="mute_feed", probability=0.01, seconds=draw.uniform(5.0, 60.0)),
        FaultRule(kind="disconnect", probability=0.01, seconds=draw.uniform(5.0, 60.0)),
        FaultRule(kind="duplicate_update", probability=0.2),
        FaultRule(kind="reorder_update", probability=0.2),
        FaultRule(kind="token_death", probability=0.002, count=1),
        FaultRule(kind="cancel_loses_race", probability=0.3),
        FaultRule(kind="drop_reply", probability=0.2, endpoint="modifyorder"),
    ]  # fmt: skip
    drawn = draw.sample(menu, draw.randint(2, 6))
    return [rule for rule in drawn if rule.kind in kinds]


@cache
def _database() -> TradingStore:
    return TradingStore.in_memory()


def _store() -> TradingStore:
    """One database per process, empty at the start of each day."""
    store = _database()
    store.wipe()
    return store


class Day:
    """Two accounts, one or two runs of four legs, twenty market minutes, faults, restarts."""

    def __init__(self, seed: int, profile: Profile, recipe: Recipe) -> None:
        self._recipe = recipe
        self.ledger = Ledger(seed=seed, profile=profile)
        self._random = random.Random(f"plan-{seed}")
        journal = WatchedJournal(_store())
        self.world = World(
            accounts=ACCOUNTS,
            profile=profile,
            seed=seed,
            tick_s=TICK_S,
            is_read=False,
            journal=journal,
            moving=("NIFTY",),
        )
        if self._random.random() < recipe.small_freeze:
            self.world.freeze_quantity = 130
        for account_id, paper in self.world.papers.items():
            rules = faults_of(seed, recipe.kinds)
            if recipe.rules is not None:
                rules = [replace(rule) for rule in recipe.rules]
            paper.faults = FaultPlan(rules=rules, seed=seed * 10 + account_id)
        if random.Random(f"push-{seed}").random() < recipe.push:
            self.world.push_updates()
        self.invariants = Invariants(self.world, seed, journal)
        self.trader = Trader(self.world, seed)
        self.world.after_event = self._after_event

    # --- the day --------------------------------------------------------------------------
    def run(self) -> Ledger:
        world, draw = self.world, self._random
        minutes = MINUTES * 60.0
        world.start(self._strategy(1), sets=draw.choice([1, 2, 3]))
        if draw.random() < self._recipe.second_run:
            self._start_second()
        world.run_for(minutes * draw.uniform(0.05, 0.4))
        self._perhaps_restart()
        self._perhaps_by_hand()
        world.set_index(world.market.paths["NIFTY"].price * draw.choice([0.985, 1.0, 1.0, 1.015]))
        world.run_for(minutes * draw.uniform(0.1, 0.3))
        self._perhaps_by_hand()
        self._leave()
        self._perhaps_restart()
        world.run_for(max(minutes - world.clock.monotonic(), 60.0))
        self._settle()
        return self._close_ledger()

    def _start_second(self) -> None:
        """Another strategy on the same symbols; now and then a person traded the same before."""
        draw, sets = self._random, self._random.choice([1, 2])
        self.world.run_for(draw.uniform(0.0, 60.0))
        if draw.random() < self._recipe.equal_by_hand:
            self.trader.trade_like_an_entry(sets)
            self.world.run_for(15.0)
        self.world.start(self._strategy(2), sets=sets, token="second")  # noqa: S106

    def _strategy(self, strategy_id: int) -> Strategy:
        draw = self._random
        changes: dict[str, object] = {"max_loss": Decimal(draw.choice([400, 800, 1500, 4000]))}
        if draw.random() < self._recipe.chase:
            changes["exit_order_mode"] = ExitOrderMode.CHASE
        if draw.random() < 0.15:
            changes["entry_order_mode"] = EntryOrderMode.CHASE
            changes["entry_timeout_policy"] = draw.choice(list(RemainderPolicy))
        return short_iron_fly(id=strategy_id, name=f"Day {strategy_id}", **changes)

    def _perhaps_restart(self) -> None:
        if self._random.random() < self._recipe.restart:
            self.ledger.restarts += 1
            self.world.restart()
            self.invariants.attach()

    def _perhaps_by_hand(self) -> None:
        self.trader.log_in()
        if self._random.random() < self._recipe.by_hand:
            self.trader.trade_by_hand()

    def _leave(self) -> None:
        """Mostly by a person, sometimes by the kill switch, sometimes not yet."""
        choice = self._random.random()
        if choice < self._recipe.kill:
            self.ledger.kills += 1
            self.world.engine.post(m.RequestKill(by="trader"))
            self.world.step()
        elif choice < 0.75:
            self._exit_all()

    def _exit_all(self) -> None:
        for run in list(self.world.engine.core.book.runs.values()):
            if not run.is_final:
                self.world.exit(run)

    def _settle(self) -> None:
        """Faults end, the person leaves everything and answers what is asked, twice at most."""
        world = self.world
        for paper in world.papers.values():
            self.ledger.injected.update(paper.faults.injected)
            paper.faults.rules.clear()
        self.trader.log_in()
        self._until_over()
        for _ in range(3):
            self._exit_all()
            self._until_over()
            self.invariants.nothing_left_behind()
            if self._is_over():
                break
            self.trader.answer()
            self._until_over()
        if world.engine.core.fleet_state is not TradingState.ACTIVE:
            world.run_for(1.0)

    def _until_over(self) -> None:
        """A quiet while, or less when every run has ended by then."""
        end = self.world.clock.monotonic() + QUIET_S
        while self.world.clock.monotonic() < end and not self._is_over():
            self.world.run_for(5.0)

    def _is_over(self) -> bool:
        return all(run.is_final for run in self.world.engine.core.book.runs.values())

    def _close_ledger(self) -> Ledger:
        core, ledger = self.world.engine.core, self.ledger
        self.invariants.at_end()
        ledger.orders = len(core.book.orders)
        ledger.hand_trades = self.trader.trades
        ledger.states.update(e.state for e in core.book.executions.values())
        ledger.checks = self.invariants.checks
        ledger.broken = self.invariants.broken
        ledger.ticks = self.world.ticks
        return ledger

    def _after_event(self) -> None:
        """An order that was queued for approval means that OpenAlgo is in that mode by now."""
        self.ledger.events += 1
        for paper in self.world.papers.values():
            paper.order_mode = "semi_auto" if paper.pending else "auto"
        self.invariants.after_event()


def run_day(seed: int, recipe: Recipe = Recipe()) -> Ledger:
    """Even seeds on the sandbox profile, odd ones on the live profile."""
    return Day(seed, "analyze" if seed % 2 == 0 else "live", recipe).run()
