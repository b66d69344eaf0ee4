"""The trading engine: one thread, one inbox, one book; everyone else posts messages."""

import logging
import threading
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from algomirror.clock import Clock
from algomirror.domain.chase import ChaseTerms
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.market_calendar import SEEDED
from algomirror.domain.market_calendar import MarketCalendar
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingState
from algomirror.engine import messages as m
from algomirror.engine.accounts import AccountState
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import RunBook
from algomirror.engine.chase import Chase
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.drift_acts import DriftActs
from algomirror.engine.entry import Entry
from algomirror.engine.exit import Exits
from algomirror.engine.expiry import Expiry
from algomirror.engine.flatten import Flatten
from algomirror.engine.health import Health
from algomirror.engine.inbox import Inbox
from algomirror.engine.kill import KillDesk
from algomirror.engine.lifecycle import Lifecycle
from algomirror.engine.limbs import AccountLimbs
from algomirror.engine.limbs import FeedDesk
from algomirror.engine.limbs import KillFile
from algomirror.engine.live_view import LiveView
from algomirror.engine.market import STALE_AFTER_S
from algomirror.engine.orders import Orders
from algomirror.engine.outcomes import Outcomes
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Journal
from algomirror.engine.projection import Projection
from algomirror.engine.reconcile import Reconcile
from algomirror.engine.recovery import recover
from algomirror.engine.requests import Requests
from algomirror.engine.risk import RiskDesk
from algomirror.engine.start import Start
from algomirror.errors import LeaseHeld

log = logging.getLogger(__name__)

IDLE_S = 0.05
"""Longest sleep of the engine thread: timers are at most this late."""
BACKLOG_S = 0.001
"""While rows wait to be projected."""
SAFETY_ROUND_S = 1.0


class TradingEngine:
    """The single writer of live trading state.

    The One Rule: state changes only inside `step`, on one thread, and no request leaves for a
    broker before the facts that explain it are committed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        limbs: Mapping[int, AccountLimbs],
        feeds: FeedDesk,
        view: LiveView,
        mark: str,
        stale_after_s: float = STALE_AFTER_S,
        calendar: MarketCalendar = SEEDED,
        chase: ChaseTerms = ChaseTerms(),  # noqa: B008 - frozen
        kill_file: KillFile | None = None,
    ) -> None:
        self.inbox = Inbox()
        self.core = Core(
            clock=clock,
            journal=journal,
            limbs=limbs,
            mark=mark,
            stale_after_s=stale_after_s,
            calendar=calendar,
            chase=chase,
        )
        self.core.orders = Orders(self.core)
        self.view = view
        self._clock = clock
        drift, chaser = DriftDesk(self.core), Chase(self.core)
        self._exits = Exits(self.core, drift, chaser)
        self._entry = Entry(self.core, self._exits, chaser, drift)
        self._start = Start(self.core)
        self._outcomes = Outcomes(self.core)
        self._reconcile = Reconcile(self.core, drift)
        self._risk = RiskDesk(self.core, self._exits)
        self._lifecycle = Lifecycle(self.core, self._entry, self._exits)
        self._requests = Requests(self.core, self._lifecycle, self._exits)
        self._flatten = Flatten(self.core)
        self._expiry = Expiry(self.core)
        self._drift_acts = DriftActs(self.core, drift, self._flatten, self._start)
        self._kills = KillDesk(self.core, self._lifecycle, self._flatten, drift, view, kill_file)
        self._start.is_killed = self._kills.blocks_strategy
        self._health = Health(self.core, self._outcomes, feeds)
        self._projection = Projection(self.core, drift, view)
        self._next_safety_round = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # --- the thread -----------------------------------------------------------------------
    def start(self, profiles: Iterable[AccountProfile] = ()) -> None:
        """Recover from the journal, then run until `stop`."""
        self.recover(profiles)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def recover(self, profiles: Iterable[AccountProfile] = ()) -> None:
        """Start-up is recovery; accounts trade only after their books were read."""
        for profile in profiles:
            self._add_account(m.AccountAdded(profile=profile))
        self._kills.restore(recover(self.core, self._start, self._projection))
        self._settle()

    def stop(self) -> None:
        """Finish the message in hand and end; the journal has everything."""
        self._stopping.set()
        self.post(m.Tick())
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.inbox.wait(BACKLOG_S if self._projection.has_backlog else IDLE_S)
            self.step()

    def post(self, message: m.Message) -> None:
        """From any thread: have the engine deal with it soon."""
        self.inbox.put(message)

    def put_quote(self, quote: Quote) -> None:
        """From any feed thread: the latest price of an instrument."""
        self.inbox.put_quote(quote)

    # --- one round ------------------------------------------------------------------------
    def step(self) -> None:
        """Messages first, all of them; then the latest quotes; then what is due."""
        self._drain()
        self.core.mishaps.run("take prices", self._take_quotes)
        self.core.mishaps.run("mind the time", self._mind_time)
        self._drain()
        self.core.mishaps.run("show what happened", self._projection.project)

    def _drain(self) -> None:
        while (message := self.inbox.take_message()) is not None:
            self._guarded(message)
            self._settle()

    def _guarded(self, message: m.Message) -> None:
        """A handler that raises must not kill the thread nor vanish (architecture.md, habit 10)."""
        self.core.mishaps.run(f"handle {type(message).__name__}", lambda: self._handle(message))

    def _settle(self) -> None:
        """Advance what was touched until nothing moves, then commit and act."""
        self.core.mishaps.run("advance the executions", self._lifecycle.settle)
        self._commit()

    def _commit(self) -> None:
        """Whatever keeps facts from being saved keeps their orders from being sent."""
        try:
            self.core.commit()
        except LeaseHeld as held:
            log.error("lease lost to %s: nothing is sent any more", held.holder)
            self.core.stop_sending(f"another process owns trading: {held.holder}")
        except Exception:
            log.exception("facts could not be saved, nothing is sent")
            self.core.journal_error = "facts could not be saved; see the log"

    def _take_quotes(self) -> None:
        quotes = self.inbox.take_quotes()
        if not quotes:
            return
        touched: dict[int, None] = {}
        market, book = self.core.market, self.core.book
        for instrument, quote in quotes.items():
            if not market.admit(quote):
                self._projection.note_quote(instrument)
                continue
            self._projection.note_quote(instrument)
            for run_id in book.runs_by_instrument.get(instrument, ()):
                run = book.runs[run_id]
                if not run.is_final:
                    run.on_mark(instrument, quote.ltp)
                    touched[run_id] = None
        for run_id in touched:
            self._judge(book.runs[run_id])
        if self.core.touched or self.core.has_staged:
            self._settle()

    def _mind_time(self) -> None:
        now = self._clock.monotonic()
        due = self.core.due_wakes()
        self.core.touched.update(dict.fromkeys(due))
        for desk in (self._health, self._kills, self._flatten, self._expiry):
            self.core.mishaps.run(f"do a round of {type(desk).__name__}", desk.round)
        if now >= self._next_safety_round:
            self._next_safety_round = now + SAFETY_ROUND_S
            for run in self.core.book.runs.values():
                if not run.is_final:
                    self._judge(run)
        if self.core.touched or self.core.has_staged:
            self._settle()

    def _judge(self, run: RunBook) -> None:
        self.core.mishaps.run(f"judge run {run.id}", lambda: self._risk.evaluate(run))

    # --- messages -------------------------------------------------------------------------
    def _handle(self, message: m.Message) -> None:
        match message:
            case m.SendOutcome():
                self._outcomes.on_outcome(message)
            case m.BooksRead():
                self._reconcile.on_books(message)
            case m.StartRun():
                self._start.start(message)
            case (
                m.RequestExit()
                | m.CancelOrder()
                | m.ModifyOrder()
                | m.ConvertToMarket()
                | m.SettleOrder()
                | m.ReleaseLongs()
                | m.TrimExecution()
                | m.Acknowledge()
            ):
                self._requests.on_message(message)
            case m.IgnoreDrift() | m.AdoptOutside() | m.TakeOver() | m.FlattenDrift():
                self._drift_acts.on_message(message)
            case m.ConfirmSettlement():
                self._expiry.confirm(message)
            case m.RequestKill():
                self._kills.pull(message)
            case m.SetTradingState():
                self._set_state(message)
            case m.LookAgain():
                if message.account_id in self.core.accounts:
                    self.core.want_look(message.account_id, positions=True)
            case m.AccountAdded():
                self._add_account(message)
            case m.AccountRemoved():
                self._remove_account(message)
            case m.WatchSymbols():
                self.core.market.hold(
                    message.holder,
                    [Instrument(s, Exchange(e)) for s, e in message.instruments],
                )
            case m.FundsRead() | m.Pinged() | m.OrderModeRead() | m.FeedChanged() | m.OrderHint():
                self._health.on_message(message)
            case m.PollDue():
                self._health.poll_all()
            case m.Tick():
                pass
            case _:
                assert_never(message)

    def _set_state(self, message: m.SetTradingState) -> None:
        """Not ACTIVE: resting entries of the scope are taken back at once."""
        self.core.set_trading_state(
            message.account_id, message.state, reason=message.reason, by=message.by
        )
        if message.state is TradingState.ACTIVE:
            return
        for execution in self.core.book.executions.values():
            if message.account_id in (None, execution.account_id):
                self._entry.take_back(execution)

    def _add_account(self, message: m.AccountAdded) -> None:
        account = self.core.accounts.get(message.profile.id)
        if account is None:
            self.core.accounts[message.profile.id] = AccountState(profile=message.profile)
        else:
            account.profile = message.profile
        if message.profile.is_primary:
            for other in self.core.accounts.values():
                if other.id != message.profile.id and other.profile.is_primary:
                    other.profile = replace(other.profile, is_primary=False)
        self._health.begin(message.profile.id)

    def _remove_account(self, message: m.AccountRemoved) -> None:
        """Kept while something of it is open or on its way: its exits wait for its return."""
        account_id, book = message.account_id, self.core.book
        ends = all(
            e.is_flat and e.state in FINAL_EXECUTION for e in book.account_executions(account_id)
        )
        if not ends or book.live_orders[account_id] or self._flatten.has_task(account_id):
            name = self.core.account_name(account_id)
            text = f"{name} was removed with positions or orders open: connect it again"
            self.core.event("account", text, level="critical", account_id=account_id)
            return
        self.core.accounts.pop(account_id, None)
        self._projection.forget_account(account_id)
