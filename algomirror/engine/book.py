"""Runs, executions, positions, orders and their indices; P&L kept up to date tick by tick."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from decimal import Decimal

from algomirror.domain.books import PositionKey
from algomirror.domain.chase import Escalation
from algomirror.domain.instrument import Instrument
from algomirror.domain.money import ZERO
from algomirror.domain.order import DONE
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import WORKING
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.position import Position
from algomirror.domain.risk.rules import RiskRule
from algomirror.domain.risk.rules import RuleState
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import Run
from algomirror.domain.run import RunState
from algomirror.domain.strategy import PlannedLeg

FINAL_EXECUTION = frozenset({ExecutionState.EXITED, ExecutionState.FAILED, ExecutionState.SKIPPED})
FINAL_RUN = frozenset({RunState.CLOSED, RunState.FAILED, RunState.CANCELLED, RunState.MISSED})


@dataclass(slots=True)
class ChaseState:
    """A chase of one leg: where it began (rupees, monotonic seconds) and how far it is."""

    reference: Decimal
    touch: Decimal
    begun_at: float
    stepped_at: float
    step: int = 0
    escalation: Escalation | None = None


@dataclass(slots=True)
class ExecutionBook:
    """One execution with its positions, orders and open exit plans. Times are monotonic seconds."""

    execution: Execution
    legs: dict[int, PlannedLeg]
    lots: dict[int, int]
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    plans: dict[int, ExitPlan] = field(default_factory=dict)
    """Open exit plans by leg id."""
    whole_exit: bool = False
    leaves_from: float | None = None
    """When something of it was first being left."""
    begun_at: float = 0.0
    hedges_from: float | None = None
    hedges_given_up: bool = False
    remainder_done: bool = False
    cancel_deadline: float | None = None
    barrier_from: float | None = None
    barrier_alarmed: bool = False
    flat_from: float | None = None
    flat_alarmed: bool = False
    last_order_event: float = 0.0
    drift_before: dict[PositionKey, int] = field(default_factory=dict)
    retry_at: dict[int, float] = field(default_factory=dict)
    slices: dict[tuple[int, OrderPurpose], int] = field(default_factory=dict)
    chases: dict[tuple[int, OrderPurpose], ChaseState] = field(default_factory=dict)
    band_prices: dict[int, Decimal] = field(default_factory=dict)
    """By leg: the edge of the price band that a refusal named; the next exit is a limit there."""
    must_chase: set[int] = field(default_factory=set)
    """Legs whose market orders the broker refused."""
    slice_caps: dict[int, int] = field(default_factory=dict)
    """By leg: largest exit order in units after a freeze refusal."""
    refused_attempts: dict[int, int] = field(default_factory=dict)
    """By leg: the newest exit attempt whose refusal was counted."""
    waits_for_login: set[int] = field(default_factory=set)
    """Legs whose exit was refused for login or address: tried at each successful ping."""
    fresh_until: float | None = None
    """A person's exit waits until then for a look that is not old."""
    longs_released: bool = False
    outages: dict[str, float] = field(default_factory=dict)
    """By order that could not be sent: since when somebody may answer again."""
    held_because: str = ""
    """The sentence of what holds its exits back now."""

    @property
    def id(self) -> int:
        return self.execution.id

    @property
    def account_id(self) -> int:
        return self.execution.account_id

    @property
    def state(self) -> ExecutionState:
        return self.execution.state

    def leg_orders(self, leg_id: int, *purposes: OrderPurpose) -> Iterator[Order]:
        for order in self.orders.values():
            if order.intent.leg_id == leg_id and order.intent.purpose in purposes:
                yield order

    def entry_orders(self) -> Iterator[Order]:
        return (o for o in self.orders.values() if o.intent.purpose is OrderPurpose.ENTRY)

    def target_quantity(self, leg_id: int) -> int:
        return self.lots.get(leg_id, 0) * self.legs[leg_id].contract.lot_size

    def entered_quantity(self, leg_id: int) -> int:
        position = self.positions.get(leg_id)
        return position.entry_quantity if position else 0

    def ordered_entry(self, leg_id: int) -> int:
        """Units of entry that are filled or may still fill; what ended unfilled does not count."""
        total = 0
        for order in self.leg_orders(leg_id, OrderPurpose.ENTRY):
            total += order.filled_quantity if order.status in DONE else order.intent.quantity
        return total

    def in_flight(self, leg_id: int, side: Side) -> int:
        """Exit units of that side that may still fill (SUBMITTED and UNKNOWN count in full)."""
        return sum(
            order.open_quantity
            for order in self.leg_orders(leg_id, OrderPurpose.EXIT, OrderPurpose.HEDGE_UNWIND)
            if order.intent.side is side
        )

    def has_unknown_entry(self, leg_id: int) -> bool:
        return any(
            o.status is OrderStatus.UNKNOWN for o in self.leg_orders(leg_id, OrderPurpose.ENTRY)
        )

    @property
    def has_in_flight(self) -> bool:
        return any(order.status in IN_FLIGHT for order in self.orders.values())

    @property
    def is_flat(self) -> bool:
        return all(p.quantity == 0 for p in self.positions.values())

    @property
    def ever_filled(self) -> bool:
        return any(p.entry_quantity for p in self.positions.values())

    @property
    def is_price_pending(self) -> bool:
        return any(order.price_pending for order in self.orders.values())

    def working_entries(self) -> list[Order]:
        return [o for o in self.entry_orders() if o.status in WORKING]


@dataclass(slots=True)
class RunBook:
    """A run with its executions and the incremental sum of its P&L."""

    run: Run
    rules: tuple[RiskRule, ...]
    executions: dict[int, ExecutionBook] = field(default_factory=dict)
    states: dict[str, RuleState] = field(default_factory=dict)
    cash: Decimal = ZERO
    net: dict[Instrument, int] = field(default_factory=dict)
    marks: dict[Instrument, Decimal] = field(default_factory=dict)
    pnl: Decimal = ZERO
    unmarked: set[Instrument] = field(default_factory=set)
    peak: Decimal = ZERO
    trough: Decimal = ZERO
    token: str = ""

    @property
    def id(self) -> int:
        return self.run.id

    @property
    def is_final(self) -> bool:
        return self.run.state in FINAL_RUN

    def on_mark(self, instrument: Instrument, mark: Decimal) -> None:
        """A new price: one multiplication, whatever the number of accounts."""
        net = self.net.get(instrument)
        old = self.marks.get(instrument)
        self.marks[instrument] = mark
        if old is None:
            self.unmarked.discard(instrument)
            self.revalue()
        elif net:
            self.pnl += net * (mark - old)

    def on_fill(self, instrument: Instrument, side: Side, fill: Fill) -> None:
        self.cash -= side.sign * fill.value
        self.net[instrument] = self.net.get(instrument, 0) + side.sign * fill.quantity
        self.revalue()

    def revalue(self) -> None:
        """P&L from scratch: cash + sum(net x mark); instruments without a mark are remembered."""
        self.unmarked = {i for i, n in self.net.items() if n and i not in self.marks}
        held = ((i, n) for i, n in self.net.items() if n and i in self.marks)
        self.pnl = self.cash + sum((n * self.marks[i] for i, n in held), ZERO)

    @property
    def open_instruments(self) -> list[Instrument]:
        return [i for i, n in self.net.items() if n]


class Book:
    """All live runs and the indices that a tick or a report needs. Owned by the engine thread."""

    def __init__(self) -> None:
        self.runs: dict[int, RunBook] = {}
        self.executions: dict[int, ExecutionBook] = {}
        self.orders: dict[str, Order] = {}
        self.runs_by_instrument: dict[Instrument, set[int]] = defaultdict(set)
        self.broker_ids: dict[int, dict[str, str]] = defaultdict(dict)
        """Per account, broker order id -> client order id."""
        self.run_of_execution: dict[int, int] = {}
        self._by_account: dict[int, list[ExecutionBook]] = defaultdict(list)
        self.live_orders: dict[int, set[str]] = defaultdict(set)
        """Client ids by account of orders that are not in a final state."""

    def add_run(self, run: RunBook) -> None:
        self.runs[run.id] = run

    def add_execution(self, run: RunBook, execution: ExecutionBook) -> None:
        run.executions[execution.id] = execution
        self.executions[execution.id] = execution
        self.run_of_execution[execution.id] = run.id
        self._by_account[execution.account_id].append(execution)
        for leg in execution.legs.values():
            self.runs_by_instrument[leg.contract.instrument].add(run.id)

    def put_order(self, order: Order) -> None:
        self.orders[order.id] = order
        account_id = order.intent.account_id
        if order.intent.execution_id in self.executions:
            self.executions[order.intent.execution_id].orders[order.id] = order
        if order.broker_order_id is not None:
            ids = self.broker_ids[account_id]
            known = self.orders.get(ids.get(order.broker_order_id, ""))
            if known is None or known.session_day < order.session_day:
                ids[order.broker_order_id] = order.id  # brokers start their ids again each day
        if order.status in DONE:
            self.live_orders[account_id].discard(order.id)
        else:
            self.live_orders[account_id].add(order.id)

    def run_of(self, execution_id: int) -> RunBook:
        return self.runs[self.run_of_execution[execution_id]]

    def account_executions(self, account_id: int) -> list[ExecutionBook]:
        return self._by_account.get(account_id, [])

    def our_net(self, account_id: int) -> dict[PositionKey, int]:
        """The signed sum of our positions per (symbol, product) of an account."""
        net: dict[PositionKey, int] = defaultdict(int)
        for execution in self.account_executions(account_id):
            for position in execution.positions.values():
                net[PositionKey(position.instrument, position.product)] += position.quantity
        return net

    def owner(self, account_id: int, broker_order_id: str, day: date) -> str | None:
        """Our order behind a broker's id of that day, as its client id."""
        client_id = self.broker_ids[account_id].get(broker_order_id)
        if client_id is None or self.orders[client_id].session_day != day:
            return None
        return client_id

    def is_traded(self, account_id: int, key: PositionKey) -> bool:
        """An order of ours there may still fill."""
        return any(
            (order.intent.instrument, order.intent.product) == key
            for client_id in self.live_orders[account_id]
            if (order := self.orders[client_id])
        )

    def unresolved(self, account_id: int) -> list[Order]:
        return [
            order
            for client_id in self.live_orders[account_id]
            if (order := self.orders[client_id]).status is OrderStatus.UNKNOWN
        ]
