"""The composition root: builds every part, connects them, starts and stops them in order."""

import logging
import secrets
import sys
import threading
from datetime import datetime

from algomirror.broker.feed import OpenAlgoFeed
from algomirror.broker.openalgo import OpenAlgoBroker
from algomirror.broker.probe import probe_feed
from algomirror.broker.transport import HttpxTransport
from algomirror.broker.transport import OrderTransport
from algomirror.clock import Clock
from algomirror.clock import SystemClock
from algomirror.domain.books import BookOrder
from algomirror.domain.instrument import Instrument
from algomirror.domain.market_calendar import DEMO
from algomirror.domain.market_calendar import SEEDED
from algomirror.domain.market_calendar import market_text
from algomirror.domain.quote import Quote
from algomirror.engine import messages as m
from algomirror.engine.engine import TradingEngine
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.pace import limits_of
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import FeedState
from algomirror.engine.schedule import Schedule
from algomirror.engine.sender import ThreadedLimbs
from algomirror.services.accounts import AccountAddress
from algomirror.services.accounts import AccountService
from algomirror.services.accounts import FeedProbe
from algomirror.services.activity import ActivityLog
from algomirror.services.cipher import Cipher
from algomirror.services.cipher import Undecipherable
from algomirror.services.cipher import secret_file
from algomirror.services.planning import PlanningService
from algomirror.services.strategies import StrategyService
from algomirror.services.takeover import Takeover
from algomirror.services.users import UserService
from algomirror.settings import Settings
from algomirror.store.db import ENGINE_PATIENCE_S
from algomirror.store.db import Database
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.fallback import FALLBACK_NAME
from algomirror.store.fallback import Fallback
from algomirror.store.kill_file import KillFile
from algomirror.store.lease import Lease
from algomirror.store.order_counts import requests_of_day
from algomirror.store.trading import TradingStore

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.0001
"""See docs/adr: p99 of tick to order bytes 10 ms at 0.5 ms, 6.6 ms at 0.1 ms."""


class _Listener:
    """Where feeds deliver: straight into the engine's inbox."""

    def __init__(self, engine: TradingEngine) -> None:
        self._engine = engine

    def on_quote(self, quote: Quote) -> None:
        self._engine.put_quote(quote)

    def on_order_hint(self, account_id: int, report: BookOrder) -> None:
        self._engine.post(m.OrderHint(account_id=account_id, report=report))

    def on_feed_state(self, account_id: int, state: FeedState, reason: str) -> None:
        self._engine.post(m.FeedChanged(account_id=account_id, state=state, reason=reason))


class _Feeds:
    """engine.limbs.FeedDesk over one socket an account."""

    def __init__(self) -> None:
        self.by_account: dict[int, OpenAlgoFeed] = {}

    def want(self, account_id: int, instruments: frozenset[Instrument]) -> None:
        feed = self.by_account.get(account_id)
        if feed is not None:
            feed.want(instruments)


class App:
    """Everything pages may reach. Built once by main.py; nothing runs before `start`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.view = LiveView()
        self.lease = Lease(settings.data_dir)
        self._brokers: dict[int, OpenAlgoBroker] = {}
        self._limbs: dict[int, ThreadedLimbs] = {}
        self._feeds = _Feeds()
        self._lock = threading.Lock()
        self._is_running = False

    # --- life -----------------------------------------------------------------------------
    def open(self) -> None:
        """Lease, migrations, services. LeaseHeld when another process owns this data."""
        settings = self.settings
        self.lease.take(self.clock)
        migrate(settings.url)
        self.db = Database(open_database(settings.url))
        journal_engine = open_database(settings.url, patience_s=ENGINE_PATIENCE_S)
        epoch = self.lease.record(self.db.engine, self.clock)
        fallback = Fallback(settings.data_dir / FALLBACK_NAME, self.clock)
        self.store = TradingStore(journal_engine, epoch=epoch, fallback=fallback)
        self.activity = ActivityLog(self.db, self.clock)
        self.users = UserService(self.db, self.clock, self.activity)
        self.accounts = AccountService(
            db=self.db,
            cipher=Cipher.from_folder(settings.data_dir, settings.encryption_key),
            clock=self.clock,
            activity=self.activity,
            connect=lambda address: self._broker(0, address),
            probe_feed=self._probe,
            on_change=self._account_changed,
            holdings=self._holdings,
        )
        self.strategies = StrategyService(self.db, self.clock, self.activity)
        self.planning = PlanningService(
            clock=self.clock,
            profiles=self.accounts.profiles,
            broker_of=self._brokers.get,
            always_open=settings.is_demo,
            view=self.view,
        )
        self.takeover = Takeover(
            clock=self.clock,
            strategy_of=self.strategies.get,
            broker_of=self._brokers.get,
            view=self.view,
        )
        self.engine = TradingEngine(
            clock=self.clock,
            journal=self.store,
            limbs=self._limbs,
            feeds=self._feeds,
            view=self.view,
            mark=secret_file(settings.data_dir / "mark", secrets.token_hex(2)),
            stale_after_s=settings.stale_price_s,
            calendar=DEMO if settings.is_demo else SEEDED,
            kill_file=KillFile(settings.data_dir),
        )
        self.schedule = Schedule(self.post)

    def start(self) -> None:
        """Workers, engine (which recovers first), feeds, schedule."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        profiles = self.accounts.profiles()
        for profile in profiles:
            self._connect_account(profile)
        self.engine.start(profiles)
        self._is_running = True
        for feed in list(self._feeds.by_account.values()):
            feed.start()
        self.schedule.start()
        log.info("started with %d accounts", len(profiles))

    def stop(self) -> None:
        """Nothing new is sent; what is at a broker has its row; the next start recovers."""
        if not self._is_running:
            return
        self._is_running = False
        self.schedule.stop()
        for limb in self._limbs.values():
            limb.stop()
        for feed in self._feeds.by_account.values():
            feed.stop()
        self.engine.stop()
        self.planning.close()
        self.store.close()
        self.db.engine.dispose()
        self.lease.release()
        log.info("stopped")

    # --- what pages ask -------------------------------------------------------------------
    def post(self, message: m.Message) -> None:
        """Give the engine a message; returns at once."""
        self.engine.post(message)

    def market_text(self, now: datetime) -> tuple[str, bool]:
        """("NFO open, closes 15:40", True) or why the market is closed."""
        return market_text(now, is_demo=self.settings.is_demo)

    def secret(self) -> str:
        """For signing cookies; made at first run, readable by its owner only."""
        if self.settings.secret_key:
            return self.settings.secret_key
        return secret_file(self.settings.data_dir / "secret.key", secrets.token_hex(32))

    # --- accounts come and go -------------------------------------------------------------
    def _broker(self, account_id: int, address: AccountAddress) -> OpenAlgoBroker:
        return OpenAlgoBroker(
            account_id=account_id,
            host_url=address.host_url,
            api_key=address.api_key,
            orders=OrderTransport(address.host_url),
            reads=HttpxTransport(address.host_url),
            clock=self.clock,
        )

    def _probe(self, address: AccountAddress) -> FeedProbe:
        problem = probe_feed(address.websocket_url, address.api_key)
        return FeedProbe(ok=not problem, sentence=problem)

    def _connect_account(self, profile: AccountProfile) -> None:
        """Broker, workers and feed of an account; an unreadable key leaves it unconnected."""
        try:
            address = self.accounts.address(profile.id)
        except Undecipherable:
            log.error("account %s: stored key cannot be decrypted", profile.id)
            return
        with self._lock:
            broker = self._broker(profile.id, address)
            self._brokers[profile.id] = broker
            self._limbs[profile.id] = ThreadedLimbs(
                profile.id,
                broker,
                self.clock,
                post=self.engine.post,
                put_quote=self.engine.put_quote,
                limits=limits_of(profile),
                noted_today=requests_of_day(self.db.engine, profile.id, self.clock.now().date()),
            )
            self._feeds.by_account[profile.id] = OpenAlgoFeed(
                account_id=profile.id,
                url=address.websocket_url,
                api_key=address.api_key,
                listener=_Listener(self.engine),
                clock=self.clock,
            )

    def _disconnect_account(self, account_id: int) -> None:
        with self._lock:
            limb = self._limbs.pop(account_id, None)
            feed = self._feeds.by_account.pop(account_id, None)
            self._brokers.pop(account_id, None)
        if limb is not None:
            limb.stop()
        if feed is not None:
            feed.stop()

    def _account_changed(self, change: AccountProfile | int) -> None:
        if not self._is_running:
            return
        if isinstance(change, int):
            self._disconnect_account(change)
            self.post(m.AccountRemoved(account_id=change))
            return
        self._disconnect_account(change.id)
        self._connect_account(change)
        self.post(m.AccountAdded(profile=change))
        for other in self.accounts.profiles():
            if other.id != change.id:
                self.post(m.AccountAdded(profile=other))
        feed = self._feeds.by_account.get(change.id)
        if feed is not None:
            feed.start()

    def _holdings(self, account_id: int) -> tuple[int, int]:
        row = self.view.get("account", str(account_id))
        if not isinstance(row, AccountRow):
            return 0, 0
        return row.open_positions, row.working_orders
