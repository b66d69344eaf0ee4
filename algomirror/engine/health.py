"""What is due: looks at the books, pings, funds, price proofs, subscriptions; and their answers."""

import logging
from datetime import date
from datetime import time
from functools import partial
from typing import assert_never

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import TradingMode
from algomirror.engine import messages as m
from algomirror.engine.accounts import AccountState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core
from algomirror.engine.limbs import FeedDesk
from algomirror.engine.outcomes import Outcomes
from algomirror.engine.pace import orders_to_exit
from algomirror.engine.ports import SeenOrder
from algomirror.engine.reconcile import next_look_in

log = logging.getLogger(__name__)

POLL_AT_LEAST_EVERY_S = 45.0
"""The schedule polls each 30 s; this is the net below it."""
PROVE_PRICES_EVERY_S = 2.5
PROVE_OLDER_THAN_S = 3.0
LOOK_LOST_S = 15.0
"""A look that has not come back after this is given up, so that the next one can start."""
TRADES_EVERY_S = 60.0
RESERVE_EVERY_S = 0.25
FAILURES_UNTIL_FAILED = 3
MOVING = (ExecutionState.PENDING, ExecutionState.EXITING)
"""Executions that want the trade book with every look."""
PROBE_EVERY_S = 5.0
MAY_WAIT = "?"
"""Number of an order that may wait for approval: its answer was lost."""
CROSS_CHECK_S = 14.0
CROSS_CHECK_BUSY_S = 3.0
RATIONED_EVERY_S = 300.0
CANARIES = frozenset(u.index for u in UNDERLYINGS.values())
NOTHING: frozenset[Instrument] = frozenset()
PROBES_FROM = time(8)
PROBES_A_DAY = 60
PAPER_RETRY_S = 60.0


class Health:
    """Owned by the engine thread."""

    def __init__(self, core: Core, outcomes: Outcomes, feeds: FeedDesk) -> None:
        self._core = core
        self._outcomes = outcomes
        self._feeds = feeds
        self._next_prices = 0.0
        self._wanted: dict[int, frozenset[Instrument]] = {}
        self._subscribed: tuple[int, ...] = ()
        self._due: dict[int, float] = {}
        self._probe_due: dict[int, float] = {}
        self._reserve_due: dict[int, float] = {}

    def begin(self, account_id: int) -> None:
        """A new or edited account: read everything at once."""
        self._due[account_id] = self._reserve_due[account_id] = 0.0
        self._core.want_look(account_id, positions=True)
        self._wanted.pop(account_id, None)

    # --- what is due ----------------------------------------------------------------------
    def round(self) -> None:
        now = self._core.clock.monotonic()
        today = self._core.broker_day(self._core.clock.now())
        for account in list(self._core.accounts.values()):
            self._core.mishaps.run(
                f"mind account {account.id}",
                partial(self._mind, account, now, today),
            )
        if now >= self._next_prices:
            self._next_prices = now + PROVE_PRICES_EVERY_S
            self._prove_prices()
        self._subscribe()

    def _mind(self, account: AccountState, now: float, today: date) -> None:
        account.begin_day(today)
        self._outcomes.retry_due(account.id)
        self._look_if_due(account, now)
        self._poll_if_due(account, now)
        self._probe_if_due(account, now)
        self._reserve_exits(account, now)

    def _reserve_exits(self, account: AccountState, now: float) -> None:
        """Where a minute or day budget is set, entries leave what an exit of everything needs."""
        profile = account.profile
        if profile.max_orders_per_minute is None and profile.max_orders_per_day is None:
            return
        if account.id in self._core.limbs and now >= self._reserve_due.get(account.id, 0.0):
            self._reserve_due[account.id] = now + RESERVE_EVERY_S
            held = self._core.book.account_executions(account.id)
            self._core.limbs[account.id].set_exit_reserve(orders_to_exit(held))

    def _look_if_due(self, account: AccountState, now: float) -> None:
        if account.look_in_flight is not None and now - account.look_in_flight < LOOK_LOST_S:
            return
        if now < account.look_due or account.id not in self._core.limbs:
            return
        if self._is_rationed(account):
            return
        live = [self._core.book.orders[i] for i in self._core.book.live_orders[account.id]]
        pending = any(e.is_price_pending for e in self._core.book.account_executions(account.id))
        unsettled = bool(live) or pending or self._has_ended_unproven(account)
        moves = any(e.state in MOVING for e in self._executions(account))
        busy = bool(live) or moves or bool(account.drift)
        positions = account.look_wants_positions or self._is_old(account, now, busy=busy)
        trades = (
            unsettled
            or moves
            or not account.has_todays_trades
            or bool(account.drift)
            or now - account.last_trades_at >= TRADES_EVERY_S
        )
        account.look_in_flight = now
        account.look_wants_positions = False
        account.look_due = now + next_look_in(live, holds=self._holds(account))
        self._core.limbs[account.id].look(trades=trades, positions=positions)

    def _executions(self, account: AccountState) -> list[ExecutionBook]:
        return self._core.book.account_executions(account.id)

    def _holds(self, account: AccountState) -> bool:
        """We have a position there, or the broker shows what we cannot explain."""
        executions = self._core.book.account_executions(account.id)
        return bool(account.drift) or any(not e.is_flat for e in executions)

    def _has_ended_unproven(self, account: AccountState) -> bool:
        """Some order was seen as rejected or cancelled once and waits for its second look."""
        return any(
            track.final_word and not self._core.book.orders[client_id].is_done
            for client_id, track in account.tracks.items()
        )

    def _is_old(self, account: AccountState, now: float, *, busy: bool) -> bool:
        """The position book is due: each 3 s while something moves or differs, else each 15 s."""
        pause = CROSS_CHECK_BUSY_S if busy else CROSS_CHECK_S
        return account.positions_look_at is None or now - account.positions_look_at >= pause

    def _poll_if_due(self, account: AccountState, now: float) -> None:
        if account.id not in self._core.limbs or now < self._due.get(account.id, 0.0):
            return
        if self._is_rationed(account):
            self._due[account.id] = now + RATIONED_EVERY_S
            if self._may_spend(account):
                self._core.limbs[account.id].ping()
            return
        self._due[account.id] = now + POLL_AT_LEAST_EVERY_S
        self._core.limbs[account.id].ping()
        self._core.limbs[account.id].read_funds()

    def _is_rationed(self, account: AccountState) -> bool:
        """A dead key on another machine: OpenAlgo would ban our address, exits included."""
        return account.connection == "auth_error" and not account.profile.is_loopback

    def _may_spend(self, account: AccountState) -> bool:
        """One probe each 5 min from 08:00 to the close, at most 60 a day, none at night."""
        now = self._core.clock.now()
        day = self._core.broker_day(now)
        if account.refused_day != day:
            account.refused_day, account.refused_calls = day, 0
        calendar = self._core.calendar
        is_night = now.time() < PROBES_FROM or calendar.is_over(Exchange.NFO, now)
        if is_night or account.refused_calls >= PROBES_A_DAY:
            return False
        account.refused_calls += 1
        return True

    def _probe_if_due(self, account: AccountState, now: float) -> None:
        """Semi-auto: ask whether it is over; a sandbox cannot tell, it is tried again instead."""
        since = account.semi_auto_since
        limbs = self._core.limbs.get(account.id)
        if limbs is None or since is None or now < self._probe_due.get(account.id, 0.0):
            return
        self._probe_due[account.id] = now + PROBE_EVERY_S
        if account.mode is not TradingMode.PAPER:
            limbs.probe_order_mode()
        elif now - since >= PAPER_RETRY_S:
            self._end_semi_auto(account, "orders are tried again")

    def _on_order_mode(self, account: AccountState, message: m.OrderModeRead) -> None:
        """Auto: exits go on. Semi-auto: what is unknown may wait there, never called lost."""
        if message.is_semi_auto is False:
            account.auto_at = self._core.clock.monotonic()
            if account.semi_auto_since is not None:
                self._end_semi_auto(account, "OpenAlgo is in auto mode: exits go on")
        elif message.is_semi_auto:
            for order in self._core.book.unresolved(account.id):
                track = self._core.track(order)
                if order.broker_order_id is None and track.semi_auto is None:
                    track.semi_auto = MAY_WAIT
                    self._outcomes.say_may_wait(order)

    def _end_semi_auto(self, account: AccountState, text: str) -> None:
        account.semi_auto_since = None
        self._core.event("semi_auto", f"{account.profile.name}: {text}", account_id=account.id)
        for execution in self._core.book.account_executions(account.id):
            if execution.plans:
                self._core.touch(execution)

    def poll_all(self) -> None:
        """The schedule's turn: every account, whatever its last poll."""
        for account in self._core.accounts.values():
            if not self._is_rationed(account):
                self._due.pop(account.id, None)

    def _prove_prices(self) -> None:
        """A quiet symbol on a live feed, or a feed that is down: ask REST."""
        ageing = self._core.market.ageing(older_than_s=PROVE_OLDER_THAN_S)
        source = self._price_source()
        if ageing and source is not None:
            self._core.limbs[source.id].read_quotes(ageing)

    def _price_source(self) -> AccountState | None:
        usable = [
            a
            for a in self._core.accounts.values()
            if a.id in self._core.limbs
            and a.profile.is_active
            and a.connection not in ("failed", "auth_error")
        ]
        usable.sort(key=lambda a: (not a.profile.is_primary, a.profile.backup_rank or 0))
        return usable[0] if usable else None

    def _subscribe(self) -> None:
        """Open positions and watched symbols on the primary's feed; order updates on all."""
        runs = tuple(r.id for r in self._core.book.runs.values() if not r.is_final)
        if runs != self._subscribed:
            self._subscribed = runs
            self._core.market.hold("runs", self._instruments(runs))
        self._core.market.hold("canary", CANARIES)
        wanted = self._core.market.wanted
        for account in self._core.accounts.values():
            share = wanted if account.profile.is_primary else NOTHING
            if self._wanted.get(account.id) != share:
                self._wanted[account.id] = share
                self._feeds.want(account.id, share)

    def _instruments(self, runs: tuple[int, ...]) -> set[Instrument]:
        legs = (leg for i in runs for leg in self._core.book.runs[i].run.plan.legs)
        return {leg.contract.instrument for leg in legs}

    # --- answers --------------------------------------------------------------------------
    def on_message(
        self,
        message: m.FundsRead | m.Pinged | m.OrderModeRead | m.FeedChanged | m.OrderHint,
    ) -> None:
        account = self._core.accounts.get(message.account_id)
        if account is None:
            return
        match message:
            case m.FundsRead():
                if message.funds is not None:
                    account.funds = message.funds
                account.funds_error = message.error
            case m.Pinged():
                self._on_ping(account, message)
            case m.FeedChanged():
                self._on_feed(account, message)
            case m.OrderModeRead():
                self._on_order_mode(account, message)
            case m.OrderHint():
                self._on_hint(account, message)
            case _:
                assert_never(message)

    def _on_hint(self, account: AccountState, message: m.OrderHint) -> None:
        """The books are read at once; an id that is pushed before our send is nobody of ours."""
        broker_id = message.report.broker_order_id
        if broker_id not in account.seen:
            now = self._core.clock.now()
            account.seen[broker_id] = self._core.clock.monotonic()
            self._core.stage(
                SeenOrder(
                    account_id=account.id,
                    session_day=self._core.broker_day(now),
                    broker_order_id=broker_id,
                    first_seen_at=now,
                )
            )
        self._core.want_look(account.id)

    def _on_ping(self, account: AccountState, message: m.Pinged) -> None:
        now = self._core.clock.now()
        account.ping_ms, account.pinged_at = message.milliseconds, now
        if message.ok:
            account.failures = 0
            account.mode, account.mode_at = message.mode, self._core.clock.monotonic()
            self._set_connection(account, "connected", "")
            self._try_after_login(account)
        else:
            account.failures += 1
            refused = message.error.startswith(("OpenAlgo did not", "OpenAlgo is up but"))
            failed = account.failures >= FAILURES_UNTIL_FAILED
            state = "auth_error" if refused else ("failed" if failed else "degraded")
            self._set_connection(account, state, message.error)
            if message.mode is not TradingMode.UNKNOWN:
                account.mode, account.mode_at = message.mode, self._core.clock.monotonic()
        for execution in self._core.book.account_executions(account.id):
            if execution.state in ("pending",):
                self._core.touch(execution)

    def _try_after_login(self, account: AccountState) -> None:
        """Exits refused for login or address are tried at each successful ping."""
        for execution in self._core.book.account_executions(account.id):
            for leg_id in execution.waits_for_login:
                execution.retry_at.pop(leg_id, None)
            if execution.waits_for_login or execution.plans:
                execution.waits_for_login.clear()
                self._core.touch(execution)

    def _set_connection(self, account: AccountState, state: str, text: str) -> None:
        account.connection_text = text
        if account.connection == state:
            return
        before, account.connection = account.connection, state
        account.connection_since = self._core.clock.now()
        if state == "connected" and before == "unknown":
            return
        level = "info" if state == "connected" else "warning"
        self._core.event(
            "health",
            f"{account.profile.name} is {state}" + (f": {text}" if text else ""),
            level="critical" if state in ("failed", "auth_error") else level,  # type: ignore[arg-type]
            account_id=account.id,
        )

    def _on_feed(self, account: AccountState, message: m.FeedChanged) -> None:
        before, account.feed_state = account.feed_state, message.state
        if message.state == "authenticated":
            self._core.want_look(account.id, positions=True)
            return
        if before == message.state or not account.profile.is_primary:
            return
        if message.state in ("down", "auth_refused"):
            self._core.event(
                "feed",
                f"Live feed of {account.profile.name} is down: {message.reason}",
                level="critical",
                detail="prices are read by REST until it is back",
                account_id=account.id,
            )
