"""Explicit orders that bring a broker's net back to what our runs hold: by a person, or a kill."""

import logging
from dataclasses import dataclass

from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import parse_symbol
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.sizing import slices
from algomirror.engine.core import Core
from algomirror.engine.refusals import ESCALATED_RETRY_S
from algomirror.engine.refusals import RETRY_DELAYS_S

log = logging.getLogger(__name__)

EVERY_S = 0.5


@dataclass(slots=True)
class Task:
    """So many units on one side, never more; ends when that many of ours are filled."""

    account_id: int
    key: PositionKey
    side: Side
    quantity: int
    cause: str
    number: int
    attempts: int = 0
    refusals: int = 0
    retry_at: float = 0.0
    escalated: bool = False


class Flatten:
    """Owned by the engine thread. A task's size is fixed when it begins, from a confirmed look."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tasks: dict[tuple[int, PositionKey], Task] = {}
        self._next_round = 0.0

    def begin(self, account_id: int, key: PositionKey, drift: int, cause: str) -> bool:
        """Trade the drift away (signed units); False when a task for it is under way.

        What the looks said until now is spent: only new ones can ask for more.
        """
        if drift == 0 or self.is_busy(account_id, key):
            return False
        self._core.accounts[account_id].drift_looks.pop(key, None)
        self._tasks[account_id, key] = Task(
            account_id=account_id,
            key=key,
            side=Side.SELL if drift > 0 else Side.BUY,
            quantity=abs(drift),
            cause=cause,
            number=self._core.next_id("flatten"),
        )
        self._core.event(
            "flatten",
            f"{self._core.account_name(account_id)}: {abs(drift)} of {key.instrument.symbol} are "
            f"being flattened ({cause})",
            level="warning",
            account_id=account_id,
        )
        self._next_round = 0.0
        return True

    def is_busy(self, account_id: int, key: PositionKey) -> bool:
        """What is traded there already would be traded twice."""
        return (account_id, key) in self._tasks or self._core.book.is_traded(account_id, key)

    def has_task(self, account_id: int) -> bool:
        return any(task.account_id == account_id for task in self._tasks.values())

    def round(self) -> None:
        """Send what is due; called on every round of the engine."""
        now = self._core.clock.monotonic()
        if not self._tasks or now < self._next_round:
            return
        self._next_round = now + EVERY_S
        for order in self._core.orders.take_rejected(None):
            self._on_rejected(order, now)
        for name, task in list(self._tasks.items()):
            rest = task.quantity - self._filled(task) - self._in_flight(task)
            if rest <= 0 and not self._in_flight(task):
                del self._tasks[name]
                self._core.want_look(task.account_id, positions=True)
            elif rest > 0 and now >= task.retry_at and self._may_send(task):
                self._send(task, rest)

    def _may_send(self, task: Task) -> bool:
        account = self._core.accounts[task.account_id]
        market = task.key.instrument.exchange
        open_now = self._core.calendar.is_open(market, self._core.clock.now())
        return open_now and account.semi_auto_since is None

    def _orders(self, task: Task) -> list[Order]:
        prefix = f"A{task.account_id}-FLATTEN-{task.number}"
        return [
            o
            for o in self._core.book.orders.values()
            if o.intent.purpose is OrderPurpose.FLATTEN and o.id.startswith(f"{prefix}-")
        ]

    def _filled(self, task: Task) -> int:
        return sum(o.filled_quantity for o in self._orders(task))

    def _in_flight(self, task: Task) -> int:
        return sum(o.open_quantity for o in self._orders(task))

    def _send(self, task: Task, quantity: int) -> None:
        task.attempts += 1
        lot, limit = _lot_and_limit(task.key)
        done = len(self._orders(task))
        for slice_no, size in enumerate(slices(quantity, lot, limit), start=done + 1):
            self._core.orders.submit(
                OrderIntent(
                    client_order_id=f"A{task.account_id}-FLATTEN-{task.number}-s{slice_no}",
                    account_id=task.account_id,
                    execution_id=None,
                    leg_id=None,
                    exit_plan_id=None,
                    purpose=OrderPurpose.FLATTEN,
                    attempt=task.number,
                    slice_no=slice_no,
                    instrument=task.key.instrument,
                    product=task.key.product,
                    side=task.side,
                    quantity=size,
                    reference_price=self._core.market.mark(task.key.instrument),
                    cause=task.cause,
                )
            )

    def _on_rejected(self, order: Order, now: float) -> None:
        task = next(
            (t for t in self._tasks.values() if order in self._orders(t)),
            None,
        )
        if task is None:
            return
        task.refusals += 1
        done = task.refusals > len(RETRY_DELAYS_S)
        delay = ESCALATED_RETRY_S if done else RETRY_DELAYS_S[task.refusals - 1]
        task.retry_at = now + delay
        self._core.event(
            "flatten",
            f"{self._core.account_name(task.account_id)}: flattening "
            f'{task.key.instrument.symbol} was refused: "{order.reason}". Again in {delay:.0f} s',
            level="critical",
            account_id=task.account_id,
        )


def _lot_and_limit(key: PositionKey) -> tuple[int, int]:
    """Lot and freeze quantity of the symbol's underlying; (1, 0) where it is not known."""
    parsed = parse_symbol(key.instrument.symbol)
    underlying = UNDERLYINGS.get(parsed.underlying) if parsed else None
    return (underlying.lot_size, underlying.freeze_quantity) if underlying else (1, 0)
