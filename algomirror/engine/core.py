"""The engine's working memory and its one door outside: stage facts, commit, then act."""

import heapq
import logging
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Literal

from algomirror.clock import Clock
from algomirror.domain.chase import ChaseTerms
from algomirror.domain.instrument import Contract
from algomirror.domain.market_calendar import MarketCalendar
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.position import Position
from algomirror.domain.risk.events import RiskEvent
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.run import Execution
from algomirror.domain.run import ExitReason
from algomirror.domain.run import TradingState
from algomirror.domain.strategy import RiskAction
from algomirror.engine.accounts import AccountState
from algomirror.engine.accounts import Track
from algomirror.engine.book import Book
from algomirror.engine.book import ExecutionBook
from algomirror.engine.limbs import AccountLimbs
from algomirror.engine.limbs import Job
from algomirror.engine.market import Market
from algomirror.engine.mishaps import Mishaps
from algomirror.engine.outbox import Outbox
from algomirror.engine.ports import Fact
from algomirror.engine.ports import Journal
from algomirror.engine.ports import StateChange
from algomirror.engine.ports import TimelineEvent

if TYPE_CHECKING:
    from algomirror.engine.orders import Orders

log = logging.getLogger(__name__)

Level = Literal["info", "warning", "critical"]


class Core:
    """Owned by the engine thread; entry, exit and reconcile work on it.

    Its one door outside is `outbox`: a request leaves only after the facts that explain it are
    durable.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        limbs: Mapping[int, AccountLimbs],
        mark: str,
        stale_after_s: float,
        calendar: MarketCalendar,
        chase: ChaseTerms,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.limbs = limbs
        self.mark = mark
        self.calendar = calendar
        self.chase_terms = chase
        self.orders: Orders  # given by the engine: the two know each other
        self.kills_open = 0
        self.book = Book()
        self.market = Market(clock, stale_after_s=stale_after_s)
        self.accounts: dict[int, AccountState] = {}
        self.fleet_state = TradingState.ACTIVE
        self.fleet_reason = ""
        self.jobs: dict[str, Job] = {}
        self.touched: dict[int, None] = {}
        self.dirty_executions: set[int] = set()
        self.dirty_orders: dict[str, None] = {}
        self.new_fills: list[tuple[Order, Fill]] = []
        self.timeline: list[TimelineEvent] = []
        self.outbox = Outbox(journal, clock, self._say_fallback)
        self.mishaps = Mishaps(clock.monotonic, self._say_mishap)
        self._next: dict[str, int] = {}
        self._wakes: list[tuple[float, int]] = []

    # --- ids and time ---------------------------------------------------------------------
    def set_next_ids(self, next_ids: Mapping[str, int]) -> None:
        self._next = dict(next_ids)

    def next_id(self, kind: str) -> int:
        number = self._next.get(kind, 1)
        self._next[kind] = number + 1
        return number

    def wake_in(self, execution_id: int, seconds: float) -> None:
        """Have this execution looked at again then, whatever happens."""
        heapq.heappush(self._wakes, (self.clock.monotonic() + seconds, execution_id))

    def due_wakes(self) -> list[int]:
        now = self.clock.monotonic()
        due = []
        while self._wakes and self._wakes[0][0] <= now:
            due.append(heapq.heappop(self._wakes)[1])
        return due

    # --- staging --------------------------------------------------------------------------
    def stage(self, *facts: Fact) -> None:
        self.outbox.stage(*facts)

    def then(self, effect: Callable[[], None], *, entry_id: str = "") -> None:
        """`entry_id`: the client id of an entry; its sending waits for the database."""
        self.outbox.then(effect, entry_id=entry_id)

    def commit(self) -> None:
        """All staged facts durable in one piece; only then their effects."""
        self.outbox.commit()

    def stop_sending(self, why: str) -> None:
        """For good: what is staged is dropped, and with it every order not yet sent."""
        self.outbox.stop(why)

    @property
    def has_staged(self) -> bool:
        return self.outbox.has_staged

    @property
    def journal_error(self) -> str:
        return self.outbox.error

    @journal_error.setter
    def journal_error(self, text: str) -> None:
        self.outbox.error = text

    def _say_fallback(self, level: Level, text: str) -> None:
        self.event("fallback", text, level=level)

    def _say_mishap(self, text: str) -> None:
        self.event("engine_error", text, level="critical")

    # --- things that happen ---------------------------------------------------------------
    def event(
        self,
        kind: str,
        text: str,
        *,
        level: Level = "info",
        detail: str = "",
        run_id: int | None = None,
        account_id: int | None = None,
    ) -> None:
        """A line of the timeline, for people."""
        line = TimelineEvent(
            id=self.next_id("timeline"),
            at=self.clock.now(),
            level=level,
            kind=kind,
            text=text,
            detail=detail,
            run_id=run_id,
            account_id=account_id,
        )
        self.timeline.append(line)
        self.stage(line)

    def risk_event(
        self,
        event_type: RiskEventType,
        *,
        reason: ExitReason | None,
        notes: str,
        action: RiskAction = RiskAction.CLOSE_ALL,
        run_id: int | None = None,
        execution: ExecutionBook | None = None,
        leg_id: int | None = None,
        threshold: Decimal | None = None,
        current: Decimal | None = None,
        inputs: str = "",
    ) -> RiskEvent:
        event = RiskEvent(
            id=self.next_id("risk_event"),
            event_type=event_type,
            run_id=run_id if execution is None else execution.execution.run_id,
            execution_id=execution.id if execution else None,
            account_id=execution.account_id if execution else None,
            leg_id=leg_id,
            threshold=threshold,
            current=current,
            action=action,
            reason=reason,
            at=self.clock.now(),
            notes=notes,
            inputs=inputs,
        )
        self.stage(event)
        return event

    def attention(self, execution: ExecutionBook, text: str, *, kind: str = "attention") -> None:
        """Raise the flag: a human is needed. Rules and exits go on."""
        if text in execution.execution.attention:
            return
        before = execution.execution.attention
        self.change(execution, attention=f"{before} · {text}" if before else text)
        self.event(
            kind,
            f"{self.account_name(execution.account_id)}: {text}",
            level="critical",
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )

    def settle_attention(self, execution: ExecutionBook, text: str) -> None:
        """What asked for a human is over by itself: its sentence goes, others stay."""
        parts = execution.execution.attention.split(" · ")
        if text and text in parts:
            parts.remove(text)
            self.change(execution, attention=" · ".join(parts))

    def account_name(self, account_id: int) -> str:
        state = self.accounts.get(account_id)
        return state.profile.name if state else f"account {account_id}"

    def change(self, execution: ExecutionBook, **fields: object) -> Execution:
        """A new value of the execution, staged."""
        execution.execution = replace(execution.execution, **fields)  # type: ignore[arg-type]
        self.stage(execution.execution)
        self.touch(execution)
        return execution.execution

    def touch(self, execution: ExecutionBook) -> None:
        self.touched[execution.id] = None
        self.dirty_executions.add(execution.id)

    def set_trading_state(
        self, account_id: int | None, state: TradingState, *, reason: str, by: str
    ) -> None:
        if account_id is None:
            self.fleet_state, self.fleet_reason = state, reason
        elif account_id in self.accounts:
            self.accounts[account_id].trading_state = state
        self.stage(
            StateChange(
                account_id=account_id, state=state, reason=reason, actor=by, at=self.clock.now()
            )
        )
        who = "Fleet" if account_id is None else self.account_name(account_id)
        self.event("state", f"{who} is {state}: {reason}", level="warning", account_id=account_id)

    def reduce(self, account_id: int, reason: str) -> None:
        """No more entries there by our own decision, only from ACTIVE; a person lifts it (7.7)."""
        if self.accounts[account_id].trading_state is TradingState.ACTIVE:
            self.set_trading_state(account_id, TradingState.REDUCING, reason=reason, by="engine")
            for execution in self.book.account_executions(account_id):
                self.touch(execution)  # resting entries are taken back

    def entries_allowed(self, account_id: int) -> bool:
        """May an entry leave now? On the fallback journal entries wait for the database."""
        return self.is_active(account_id) and not self.outbox.is_on_fallback

    def is_active(self, account_id: int) -> bool:
        account = self.accounts[account_id]
        return (
            self.fleet_state is TradingState.ACTIVE and account.trading_state is TradingState.ACTIVE
        )

    def broker_day(self, at: datetime) -> date:
        """The day a broker's books belong to: they start empty at 03:00 (midnight in the demo)."""
        return self.calendar.broker_day(at)

    def is_expired(self, contract: Contract) -> bool:
        """Past its last session: an earlier day, or today after the close."""
        now = self.clock.now()
        over = contract.expiry == now.date() and self.calendar.is_over(contract.exchange, now)
        return contract.expiry < now.date() or over

    # --- orders ---------------------------------------------------------------------------
    def track(self, order: Order) -> Track:
        account = self.accounts[order.intent.account_id]
        return account.tracks.setdefault(order.id, Track(sent_at=self.clock.monotonic()))

    def tag(self, client_order_id: str) -> str:
        return f"{self.mark}-{client_order_id}"

    def execution_of(self, order: Order) -> ExecutionBook | None:
        if order.intent.execution_id is None:
            return None
        return self.book.executions.get(order.intent.execution_id)

    def new_position(self, execution: ExecutionBook, leg_id: int) -> Position:
        planned = execution.legs[leg_id]
        position = Position(
            id=self.next_id("position"),
            execution_id=execution.id,
            leg_id=leg_id,
            account_id=execution.account_id,
            instrument=planned.contract.instrument,
            product=self.book.run_of(execution.id).run.plan.strategy.product,
            side=planned.leg.side,
        )
        execution.positions[leg_id] = position
        self.stage(position)
        return position

    def want_look(self, account_id: int, *, delay: float = 0.0, positions: bool = False) -> None:
        """Have the account's books read soon; the earliest wish wins."""
        account = self.accounts[account_id]
        account.look_due = min(account.look_due, self.clock.monotonic() + delay)
        account.look_wants_positions = account.look_wants_positions or positions
