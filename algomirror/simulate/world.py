"""A whole small world: the real engine, a real database, the paper exchange, a fake clock."""

import random
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from datetime import date
from datetime import datetime
from decimal import Decimal
from math import gcd

from algomirror.clock import IST
from algomirror.clock import FakeClock
from algomirror.domain.holidays import HOLIDAYS
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import option_symbol
from algomirror.domain.option_chain import choose_strike
from algomirror.domain.order import Side
from algomirror.domain.run import RunTrigger
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.engine import messages as m
from algomirror.engine.book import RunBook
from algomirror.engine.engine import TradingEngine
from algomirror.engine.live_view import LiveView
from algomirror.engine.outbox import Boundary
from algomirror.engine.outbox import no_boundary
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Journal
from algomirror.paper.answers import PaperServer
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.market import Market
from algomirror.paper.master import BASE_PRICES
from algomirror.paper.master import Master
from algomirror.paper.master import default_master
from algomirror.simulate.feed import OrderFeed
from algomirror.simulate.feed import PriceFeed
from algomirror.simulate.limbs import SimLimbs
from algomirror.simulate.limbs import Venue
from algomirror.store.trading import TradingStore

START = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
FINE_S = 0.1
"""Step while something is under way; a coarse tick else."""

_MASTERS: dict[date, Master] = {}


def short_iron_fly(**changes: object) -> Strategy:
    """The main job's strategy: a short straddle with bought hedges on NIFTY."""
    legs = (
        _leg(1, Side.BUY, OptionType.CE, StrikeRule.OTM, 6),
        _leg(2, Side.BUY, OptionType.PE, StrikeRule.OTM, 6),
        _leg(3, Side.SELL, OptionType.CE, StrikeRule.ATM, 0),
        _leg(4, Side.SELL, OptionType.PE, StrikeRule.ATM, 0),
    )
    fields: dict[str, object] = {"id": 1, "name": "NIFTY short iron fly", "legs": legs, **changes}
    return Strategy(**fields)  # type: ignore[arg-type]


def _leg(number: int, side: Side, kind: OptionType, rule: StrikeRule, offset: int) -> Leg:
    return Leg(
        id=number,
        leg_number=number,
        underlying="NIFTY",
        side=side,
        option_type=kind,
        strike_rule=rule,
        strike_offset=offset,
    )


class NoFeeds:
    """The world carries prices itself."""

    def want(self, account_id: int, instruments: frozenset[Instrument]) -> None:
        """Every subscribed price is delivered by World.tick."""


class World:
    """Time moves only by `run_for`. Nothing sleeps; the same seed gives the same day."""

    def __init__(
        self,
        *,
        accounts: int = 1,
        profile: Profile = "analyze",
        seed: int = 7,
        faults: Callable[[int], FaultPlan] | None = None,
        journal: Journal | None = None,
        start: datetime = START,
        tick_s: float = 1.0,
        is_read: bool = True,
        moving: Collection[str] = tuple(BASE_PRICES),
    ) -> None:
        """`is_read`: a page looks at the rows; `moving`: the underlyings whose price moves."""
        self.clock = FakeClock(start)
        self.random = random.Random(seed)
        day = start.date()
        if day not in _MASTERS:
            _MASTERS[day] = default_master(day, frozenset(HOLIDAYS))
        self.market = Market(_MASTERS[day], seed=seed, start=start, step_s=tick_s, moving=moving)
        server = PaperServer(self.market)
        self.exchange: Venue = server
        self.prices: Callable[[str, str], Decimal | None] = self.market.ltp
        self.boundary: Boundary = no_boundary
        self.is_eager = False
        self.journal = journal if journal is not None else TradingStore.in_memory()
        self.tick_s = tick_s
        self._is_read = is_read
        self.ticks = 0
        self.freeze_quantity: int | None = None
        """Of every contract, in place of the master's."""
        self.papers: dict[int, PaperAccount] = {}
        for account_id in range(1, accounts + 1):
            self.papers[account_id] = server.add_account(
                f"key-{account_id}",
                cash=Decimal(10_000_000),
                profile=profile,
                faults=faults(account_id) if faults else None,
                seed=seed,
            )
        self._feed = PriceFeed(1, self.papers[1], self._post)
        self._order_feeds: list[OrderFeed] = []
        self.is_mute = False
        self.after_event: Callable[[], None] = lambda: None
        self._next_tick = 0.0
        self.limbs: dict[int, SimLimbs] = {}
        self.engine = self._new_engine()
        self.run_for(2.0)

    # --- lives of the engine --------------------------------------------------------------
    def _new_engine(self) -> TradingEngine:
        view = LiveView(is_read=self._is_read)
        engine = TradingEngine(
            clock=self.clock,
            journal=self.journal,
            limbs=self.limbs,
            feeds=NoFeeds(),
            view=view,
            mark="a1b2",
        )
        engine.core.outbox.boundary = self.boundary
        self.limbs.clear()
        for account_id, paper in self.papers.items():
            self.limbs[account_id] = SimLimbs(
                account_id,
                self.exchange,
                self.clock,
                key=paper.key,
                post=engine.post,
                put_quote=engine.put_quote,
            )
            self.limbs[account_id].is_eager = self.is_eager
        engine.recover([self.profile(i) for i in self.papers])
        return engine

    def _post(self, message: m.Message) -> None:
        """To the engine that lives now."""
        self.engine.post(message)

    def push_updates(self) -> None:
        """From here on every account's order updates are pushed."""
        self._order_feeds = [OrderFeed(i, paper, self._post) for i, paper in self.papers.items()]

    def restart(self) -> None:
        """The process dies here and starts again on the same database."""
        self._next_tick = self.clock.monotonic()
        self.engine = self._new_engine()

    def profile(self, account_id: int) -> AccountProfile:
        return AccountProfile(
            id=account_id,
            name=f"Account {account_id}",
            broker_name="paper",
            colour="sky",
            is_primary=account_id == 1,
            is_active=True,
        )

    # --- time -----------------------------------------------------------------------------
    def run_for(self, seconds: float) -> None:
        """Let time pass: coarse steps while nothing happens, fine ones while something does."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            step = min(self._step(), end - self.clock.monotonic())
            self.clock.advance(step)
            self.step()

    def run_until(self, condition: Callable[[], bool], *, at_most_s: float = 120.0) -> None:
        """Let time pass until the condition holds; AssertionError when it never does."""
        end = self.clock.monotonic() + at_most_s
        while not condition():
            if self.clock.monotonic() >= end:
                raise AssertionError(f"not reached in {at_most_s} s of market time")
            self.clock.advance(self._step())
            self.step()

    def _step(self) -> float:
        """Until the next thing that is due, never less than the fine step, nor past a tick."""
        now = self.clock.monotonic()
        due = [limb.next_due for limb in self.limbs.values()]
        times = [t - now for t in due if t is not None]
        times.append(self._next_tick - now)
        return min(max(min(times), FINE_S), self.tick_s)

    def step(self) -> None:
        """One moment: the exchange, the prices, the workers, the engine."""
        now = self.clock.monotonic()
        self.exchange.step(self.clock.now())
        if now >= self._next_tick:
            self._next_tick = now + self.tick_s
            self.tick()
        for feed in self._order_feeds:
            feed.pump()
        for limb in self.limbs.values():
            limb.pump()
        self.engine.step()
        self.after_event()

    def tick(self) -> None:
        """Deliver the price of every instrument the engine wants."""
        if self.is_mute:
            return
        self.ticks += 1
        prices = [
            (instrument, price)
            for instrument in sorted(self.engine.core.market.wanted)
            if (price := self.prices(instrument.symbol, instrument.exchange)) is not None
        ]
        for quote in self._feed.quotes(prices, self.clock.now(), self.clock.monotonic()):
            self.engine.put_quote(quote)

    # --- what a trader does ---------------------------------------------------------------
    def plan(self, strategy: Strategy, *, sets: int = 1) -> Plan:
        legs = tuple(self._planned(leg, strategy.legs) for leg in strategy.legs)
        accounts = tuple(self._sized(i, strategy, sets) for i in self.papers)
        return Plan(
            strategy=strategy,
            legs=legs,
            accounts=accounts,
            spots=(("NIFTY", self.market.ltp("NIFTY", "NSE_INDEX") or Decimal(0)),),
            made_at=self.clock.now(),
            expiry_day=False,
            session_day=self.clock.now().date(),
        )

    def _planned(self, leg: Leg, legs: Sequence[Leg]) -> PlannedLeg:
        underlying = UNDERLYINGS[leg.underlying]
        master = self.market.master
        expiry = master.expiries(
            leg.underlying, underlying.exchange, "options", self.clock.now().date()
        )[1]
        strikes = master.strikes(leg.underlying, underlying.exchange, expiry)
        spot = self.market.ltp(underlying.index.symbol, underlying.index.exchange) or Decimal(0)
        kind = leg.option_type or OptionType.CE
        strike = choose_strike(strikes, spot, kind, leg.strike_rule, offset=leg.strike_offset)
        symbol = option_symbol(leg.underlying, expiry, strike, kind)
        row = master.get(symbol, underlying.exchange)
        assert row is not None  # noqa: S101 - the master lists what it named
        return PlannedLeg(
            leg=leg,
            contract=Contract(
                instrument=Instrument(symbol, Exchange(underlying.exchange)),
                underlying=leg.underlying,
                expiry=expiry,
                strike=strike,
                option_type=kind,
                lot_size=row.lotsize,
                tick_size=row.tick_size,
                freeze_quantity=self.freeze_quantity or row.freeze_qty,
            ),
            weight=leg.lots // gcd(*(other.lots for other in legs)),
            last_price=self.market.ltp(symbol, underlying.exchange),
        )

    def _sized(self, account_id: int, strategy: Strategy, sets: int) -> PlannedAccount:
        return PlannedAccount(
            account_id=account_id,
            account_name=f"Account {account_id}",
            mode="paper" if self.papers[account_id].analyze else "live",
            sets=sets,
            lots=tuple((leg.id, leg.lots * sets) for leg in strategy.legs),
            margin=None,
            margin_basis="none",
            available=None,
            funds_at=None,
            orders=len(strategy.legs),
            seconds=1,
        )

    def start(self, strategy: Strategy, *, sets: int = 1, token: str = "t1") -> None:  # noqa: S107
        self.engine.post(
            m.StartRun(
                plan=self.plan(strategy, sets=sets),
                trigger=RunTrigger.MANUAL,
                by="trader",
                token=token,
            )
        )
        self.step()

    def open(self, strategy: Strategy, *, sets: int = 1) -> RunBook:
        """Start and wait until every execution has entered (or failed)."""
        self.start(strategy, sets=sets)
        run = self.run()
        self.run_until(lambda: run.run.state not in ("planned", "entering"))
        return run

    def run(self) -> RunBook:
        """The newest run."""
        return self.engine.core.book.runs[max(self.engine.core.book.runs)]

    def exit(self, run: RunBook, *, account_id: int | None = None) -> None:
        self.engine.post(m.RequestExit(run_id=run.id, by="trader", account_id=account_id))
        self.step()

    def set_index(self, price: float, name: str = "NIFTY") -> None:
        self.market.set_index(name, price)

    # --- what is true at the exchange -----------------------------------------------------
    def net_at_exchange(self, account_id: int) -> dict[str, int]:
        books = self.papers[account_id].books
        return {p.symbol: p.quantity for p in books.positions.values() if p.quantity}

    def exchange_cash(self) -> Decimal:
        """Sum of all fills of all accounts, rupees; the run's P&L when flat."""
        return sum(
            (p.cash for a in self.papers.values() for p in a.books.positions.values()),
            sum((a.books.earlier_cash for a in self.papers.values()), Decimal(0)),
        )
