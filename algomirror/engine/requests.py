"""What a person asks of a run, an execution or an order; refused with a sentence, or done."""

import logging
from decimal import Decimal
from typing import assert_never

from algomirror.domain.money import is_on_tick
from algomirror.domain.money import is_price
from algomirror.domain.order import WORKING
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.engine import messages as m
from algomirror.engine.balance import complete_sets
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.exit import Exits
from algomirror.engine.lifecycle import Lifecycle
from algomirror.engine.orders import STATED

log = logging.getLogger(__name__)

Request = (
    m.RequestExit
    | m.CancelOrder
    | m.ModifyOrder
    | m.ConvertToMarket
    | m.SettleOrder
    | m.ReleaseLongs
    | m.TrimExecution
    | m.Acknowledge
)


class Requests:
    """Owned by the engine thread."""

    def __init__(self, core: Core, lifecycle: Lifecycle, exits: Exits) -> None:
        self._core = core
        self._lifecycle = lifecycle
        self._exits = exits

    def on_message(self, message: Request) -> None:
        match message:
            case m.RequestExit():
                self._exit(message)
            case m.CancelOrder():
                self._cancel(message)
            case m.ModifyOrder():
                self._modify(message)
            case m.ConvertToMarket():
                self._convert(message)
            case m.SettleOrder():
                self._settle(message)
            case m.ReleaseLongs():
                self._release_longs(message)
            case m.TrimExecution():
                self._trim(message)
            case m.Acknowledge():
                self._acknowledge(message)
            case _:
                assert_never(message)

    def refuse(self, text: str, *, run_id: int | None = None) -> None:
        """Nothing was done; the sentence stands in the timeline."""
        self._core.event("refused", text, level="warning", run_id=run_id)

    # --- runs and executions --------------------------------------------------------------
    def _exit(self, message: m.RequestExit) -> None:
        run = self._core.book.runs.get(message.run_id)
        if run is None:
            log.warning("exit asked for run %s which is not live", message.run_id)
            self.refuse(f"Run {message.run_id} is not live: nothing to exit.")
            return
        if why := self._why_no_exit(run, message):
            self.refuse(why, run_id=run.id)
            return
        self._lifecycle.exit_run(
            run,
            reason=message.reason,
            by=message.by,
            account_id=message.account_id,
            leg_id=message.leg_id,
        )

    def _why_no_exit(self, run: RunBook, message: m.RequestExit) -> str:
        """A request that would do nothing is not taken in silence."""
        wanted = [
            e
            for e in run.executions.values()
            if message.account_id in (None, e.account_id) and e.state not in FINAL_EXECUTION
        ]
        if not wanted:
            return f"Run {run.run.number} has nothing open there: nothing to exit."
        leg_id = message.leg_id
        if leg_id is not None and not any(self._exits.has_something(e, leg_id) for e in wanted):
            return f"Leg {leg_id} of run {run.run.number} holds nothing: exit the whole account."
        return ""

    def _release_longs(self, message: m.ReleaseLongs) -> None:
        execution = self._core.book.executions.get(message.execution_id)
        if execution is None or not execution.plans:
            self.refuse("Nothing is being exited there: no longs are held back.")
            return
        execution.longs_released = True
        self._core.event(
            "longs_released",
            f"{message.by} lets the longs of {self._core.account_name(execution.account_id)} go "
            "before its shorts are proven flat",
            level="critical",
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )
        self._core.touch(execution)

    def _trim(self, message: m.TrimExecution) -> None:
        execution = self._core.book.executions.get(message.execution_id)
        if execution is None or execution.whole_exit or execution.is_flat:
            self.refuse("Nothing is open there: nothing to trim.")
            return
        sets = complete_sets(execution)
        if execution.has_in_flight or execution.plans:
            self.refuse("Orders are under way there: trim when they have ended.")
            return
        self._exits.trim(execution, sets, cause=f"trim by {message.by}")
        self._core.change(execution, attention="")

    def _acknowledge(self, message: m.Acknowledge) -> None:
        execution = self._core.book.executions.get(message.execution_id)
        if execution is not None and execution.execution.attention:
            self._core.change(execution, attention="")
            self._core.event(
                "acknowledged",
                f"{message.by} has seen: {self._core.account_name(execution.account_id)}",
                run_id=execution.execution.run_id,
                account_id=execution.account_id,
            )

    # --- orders ---------------------------------------------------------------------------
    def _cancel(self, message: m.CancelOrder) -> None:
        order = self._core.book.orders.get(message.client_order_id)
        if order is None or order.is_done:
            self.refuse(f"{message.client_order_id} is over: nothing to cancel.")
            return
        self._core.track(order).after_cancel = False
        self._core.orders.cancel(order)

    def _modify(self, message: m.ModifyOrder) -> None:
        order = self._resting_entry(message.client_order_id)
        if order is None:
            return
        why = self._why_bad_price(order, message.limit_price, message.trigger_price)
        if why:
            self.refuse(f"{order.id}: {why}")
            return
        self._core.orders.modify(
            order,
            limit=message.limit_price,
            trigger=message.trigger_price,
            why=f"prices changed by {message.by}",
        )

    def _convert(self, message: m.ConvertToMarket) -> None:
        """Cancel, proven, then the unfilled rest at market; a fill that wins the race counts."""
        order = self._resting_entry(message.client_order_id)
        if order is None:
            return
        track = self._core.track(order)
        track.after_cancel = track.to_market = True
        self._core.orders.cancel(order)

    def _resting_entry(self, client_order_id: str) -> Order | None:
        order = self._core.book.orders.get(client_order_id)
        if order is None or order.status not in WORKING:
            self.refuse(f"{client_order_id} does not rest at the broker: nothing was changed.")
            return None
        if order.intent.purpose is not OrderPurpose.ENTRY:
            self.refuse(f"{client_order_id} is an exit: its engine prices it.")
            return None
        return order

    def _why_bad_price(self, order: Order, limit: Decimal | None, trigger: Decimal | None) -> str:
        """A sentence for prices that cannot be; empty when they can."""
        kind, execution = order.intent.price_type, self._core.execution_of(order)
        tick = execution.legs[order.intent.leg_id or 0].contract.tick_size if execution else None
        for name, price in (("limit", limit), ("trigger", trigger)):
            if price is not None and not is_price(price):
                return f"the {name} price must be above 0"
            if price is not None and tick and not is_on_tick(price, tick):
                return f"the {name} price {price} is not on the tick of {tick}"
        if limit is not None and kind not in (PriceType.LIMIT, PriceType.SL):
            return f"a {kind} order has no limit price"
        if trigger is not None and kind not in (PriceType.SL, PriceType.SL_M):
            return f"a {kind} order has no trigger price"
        if limit is None and trigger is None:
            return "no price was given"
        new_limit = limit if limit is not None else order.intent.limit_price
        new_trigger = trigger if trigger is not None else order.intent.trigger_price
        if kind is PriceType.SL and new_limit is not None and new_trigger is not None:
            buys = order.intent.side is Side.BUY
            if (new_limit < new_trigger) if buys else (new_limit > new_trigger):
                return "the limit lies on the wrong side of the trigger"
        return ""

    def _settle(self, message: m.SettleOrder) -> None:
        """A person's word ends an order that no book settles."""
        order = self._core.book.orders.get(message.client_order_id)
        why = self._why_not_settled(order, message)
        if order is None or why:
            self.refuse(f"{message.client_order_id}: {why}")
            return
        filled = message.filled_quantity
        whole = filled == order.intent.quantity
        value = None
        if filled > order.filled_quantity and message.price is not None:
            value = order.filled_value + message.price * (filled - order.filled_quantity)
        status = OrderStatus.FILLED if whole else OrderStatus.CANCELLED
        if filled == 0:
            status = OrderStatus.REJECTED
        self._core.orders.report(
            order.id,
            OrderReport(
                status=status,
                source="user",
                at=self._core.clock.now(),
                filled_quantity=filled,
                filled_value=value,
                reason=f"{message.by}{STATED}{filled} of {order.intent.quantity} filled",
            ),
        )
        account = self._core.accounts[order.intent.account_id]
        account.provisional[order.id] = self._core.clock.monotonic()

    def _why_not_settled(self, order: Order | None, message: m.SettleOrder) -> str:
        if order is None:
            return "no such order"
        filled = message.filled_quantity
        if order.is_done:
            return f"it is {order.status} already"
        if order.status is OrderStatus.SUBMITTED:
            return "its answer is on its way"
        track = self._core.track(order)
        is_old = order.session_day < self._core.broker_day(self._core.clock.now())
        if order.broker_order_id is not None and not is_old and not track.is_missing:
            return "the broker's order book settles it"
        if not order.filled_quantity <= filled <= order.intent.quantity:
            return f"between {order.filled_quantity} and {order.intent.quantity} units"
        if filled > order.filled_quantity and not is_price(message.price):
            return "a fill needs its price"
        return ""
