"""Orders that turn up late: what could fill beyond the position is taken back first."""

from algomirror.domain.order import WORKING
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.run import TradingState
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

SWEEP_AGAIN_S = 1.0


class ExitLate:
    """Owned by the engine thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def mind(self, execution: ExecutionBook) -> None:
        """Working orders that nothing is left for are cancelled (product.md 5.5 and 6.3, 7)."""
        unwanted = [o for leg_id in execution.positions for o in self._excess(execution, leg_id)]
        if execution.state in FINAL_EXECUTION:
            unwanted += execution.working_entries()
        for order in unwanted:
            self._core.orders.cancel(order)
        if unwanted:
            self._core.wake_in(execution.id, SWEEP_AGAIN_S)

    def _excess(self, execution: ExecutionBook, leg_id: int) -> list[Order]:
        """The newest working exits of a leg beyond what it holds: one was thought lost."""
        held = execution.positions[leg_id].quantity
        found = []
        for side in Side:
            beyond = execution.in_flight(leg_id, side) - max(-side.sign * held, 0)
            if beyond <= 0:
                continue
            working = [
                o
                for o in execution.leg_orders(leg_id, OrderPurpose.EXIT, OrderPurpose.HEDGE_UNWIND)
                if o.intent.side is side and o.status in WORKING
            ]
            working.sort(key=lambda o: (o.intent.attempt, o.intent.slice_no), reverse=True)
            for order in working:
                if beyond > 0:
                    beyond -= order.open_quantity
                    found.append(order)
        return found

    def leave_halted(self, execution: ExecutionBook) -> None:
        """A late fill must be closed: in HALTED the state goes back to REDUCING for it."""
        core, account_id = self._core, execution.account_id
        why = "a late fill is being closed"
        if core.accounts[account_id].trading_state is TradingState.HALTED:
            core.set_trading_state(account_id, TradingState.REDUCING, reason=why, by="engine")
        if core.fleet_state is TradingState.HALTED:
            core.set_trading_state(None, TradingState.REDUCING, reason=why, by="engine")
