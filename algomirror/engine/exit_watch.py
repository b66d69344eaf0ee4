"""An exit that waits in silence says what for: books that cannot be read, orders nobody fills."""

from datetime import timedelta

from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import OrderPurpose
from algomirror.domain.run import ExecutionState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

BLIND_AFTER_S = 45.0
SLOW_AFTER = timedelta(seconds=30)
BLIND = "the exit is not proven: the account's books could not be read for 45 s"
UNFILLED = "an exit order is at the broker for 30 s and not filled: cancel it to have it made anew"
UNCANCELLED = "an entry order still works although its cancel was asked for"


class ExitWatch:
    """Owned by the engine thread. A sentence goes when what it says is over."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def mind(self, execution: ExecutionBook) -> None:
        leaves = bool(execution.plans) or execution.state is ExecutionState.EXITING
        self._say(execution, BLIND, when=leaves and self._is_blind(execution))
        self._say(execution, UNFILLED, when=leaves and self._has_slow(execution, OrderPurpose.EXIT))
        entries = execution.whole_exit and self._has_slow(execution, OrderPurpose.ENTRY)
        self._say(execution, UNCANCELLED, when=leaves and entries)

    def _say(self, execution: ExecutionBook, text: str, *, when: bool) -> None:
        if when:
            self._core.attention(execution, text)
        elif execution.execution.attention:
            self._core.settle_attention(execution, text)

    def _is_blind(self, execution: ExecutionBook) -> bool:
        """No complete look for so long, and the exit has waited as long for one."""
        account, now = self._core.accounts[execution.account_id], self._core.clock.monotonic()
        looked = account.complete_look_at
        if execution.leaves_from is None:
            execution.leaves_from = now
        since = execution.leaves_from if looked is None else max(execution.leaves_from, looked)
        return now - since >= BLIND_AFTER_S

    def _has_slow(self, execution: ExecutionBook, purpose: OrderPurpose) -> bool:
        now = self._core.clock.now()
        return any(
            order.status in IN_FLIGHT
            and order.acked_at is not None
            and (order.intent.leg_id, purpose) not in execution.chases
            and now - order.acked_at >= SLOW_AFTER
            for order in execution.orders.values()
            if order.intent.purpose is purpose
        )
