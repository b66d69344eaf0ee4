"""Entry orders: their style and slices, and what replaces one that was cancelled on the way."""

from dataclasses import replace

from algomirror.domain.books import PositionKey
from algomirror.domain.chase import sl_limit
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.run import ExecutionState
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import PlannedLeg
from algomirror.engine.book import ExecutionBook
from algomirror.engine.chase import Chase
from algomirror.engine.chase import Style
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk


class EntryOrders:
    """Owned by the engine thread."""

    def __init__(self, core: Core, chase: Chase, drift: DriftDesk) -> None:
        self._core = core
        self._chase = chase
        self._drift = drift

    def order(self, execution: ExecutionBook, planned: PlannedLeg, quantity: int) -> None:
        contract, leg = planned.contract, planned.leg
        key = (leg.id, OrderPurpose.ENTRY)
        self._note_drift(execution, leg.id)
        for size in slices(quantity, contract.lot_size, contract.order_limit):
            number = execution.slices.get(key, 0) + 1
            execution.slices[key] = number
            self._submit(execution, leg.id, attempt=1, slice_no=number, quantity=size,
                         style=self._style(execution, planned),
                         cause=f"run {execution.execution.run_id}")  # fmt: skip

    def _note_drift(self, execution: ExecutionBook, leg_id: int) -> None:
        """What others hold there before our first entry is never taken for a close of ours."""
        position = execution.positions[leg_id]
        if position.entry_quantity or any(execution.leg_orders(leg_id, OrderPurpose.ENTRY)):
            return
        key = PositionKey(position.instrument, position.product)
        drift = self._drift.baseline(self._core.accounts[execution.account_id], key)
        if drift != position.drift_at_entry:
            execution.positions[leg_id] = replace(position, drift_at_entry=drift)
            self._core.stage(execution.positions[leg_id])

    def _style(self, execution: ExecutionBook, planned: PlannedLeg) -> Style:
        """As the leg says; chased by choice, or where the account refuses market orders."""
        leg, mark = planned.leg, self._chase.mark(planned)
        if leg.price_type is PriceType.MARKET and self._chase.entries_chase(execution):
            return self._chase.entry_style(execution, leg.id, leg.side)
        is_stop = leg.price_type is PriceType.SL_M and leg.trigger_price is not None
        if is_stop and leg.trigger_price and self._chase.refuses_market(execution):
            limit = sl_limit(leg.side, leg.trigger_price, planned.contract.tick_size)
            return Style(PriceType.SL, limit, mark, leg.trigger_price)
        return Style(leg.price_type, leg.limit_price, mark, leg.trigger_price)

    def _submit(
        self,
        execution: ExecutionBook,
        leg_id: int,
        *,
        attempt: int,
        slice_no: int,
        quantity: int,
        style: Style,
        cause: str,
    ) -> None:
        planned = execution.legs[leg_id]
        number = planned.leg.leg_number
        self._core.orders.submit(
            OrderIntent(
                client_order_id=f"E{execution.id}-L{number}-ENTRY-{attempt}-s{slice_no}",
                account_id=execution.account_id,
                execution_id=execution.id,
                leg_id=leg_id,
                exit_plan_id=None,
                purpose=OrderPurpose.ENTRY,
                attempt=attempt,
                slice_no=slice_no,
                instrument=planned.contract.instrument,
                product=self._core.book.run_of(execution.id).run.plan.strategy.product,
                side=planned.leg.side,
                quantity=quantity,
                price_type=style.price_type,
                limit_price=style.limit,
                trigger_price=style.trigger,
                reference_price=style.reference,
                cause=cause,
            )
        )

    # --- replacing --------------------------------------------------------------------
    def replace_cancelled(self, execution: ExecutionBook) -> None:
        """Cancelled, proven, and meant to go on: the unfilled rest only, at market or a step on."""
        tracks = self._core.accounts[execution.account_id].tracks
        for order in list(execution.entry_orders()):
            track = tracks.get(order.id)
            if track is None or not track.after_cancel or not order.is_done:
                continue
            rest = self._proven_rest(execution, order)
            if rest is None:
                continue
            track.after_cancel = False
            if rest > 0 and self._may_go_on(execution):
                self._replace(execution, order, rest, to_market=track.to_market)

    def _may_go_on(self, execution: ExecutionBook) -> bool:
        is_in = execution.state in (ExecutionState.ENTERING, ExecutionState.ENTERED)
        return is_in and not execution.whole_exit and self._core.is_active(execution.account_id)

    def _replace(
        self, execution: ExecutionBook, order: Order, rest: int, *, to_market: bool
    ) -> None:
        leg_id, side = order.intent.leg_id or 0, order.intent.side
        style = Style(PriceType.MARKET, None, order.intent.reference_price)
        if not to_market or self._chase.refuses_market(execution):
            style = self._chase.entry_style(execution, leg_id, side)
        contract = execution.legs[leg_id].contract
        used = [o.intent.attempt for o in execution.leg_orders(leg_id, OrderPurpose.ENTRY)]
        attempt = max(used) + 1
        for number, size in enumerate(
            slices(rest, contract.lot_size, contract.order_limit), start=1
        ):
            word = "rest to market" if style.price_type is PriceType.MARKET else "chased"
            self._submit(execution, leg_id, attempt=attempt, slice_no=number, quantity=size,
                         style=style, cause=f"{order.id} cancelled, {word}")  # fmt: skip

    def _proven_rest(self, execution: ExecutionBook, order: Order) -> int | None:
        """The rest by trade book and by position book, the smaller; None while a look is due."""
        rest = order.intent.quantity - order.filled_quantity
        if order.status is not OrderStatus.CANCELLED or rest == 0:
            return 0
        account, key = self._core.accounts[execution.account_id], PositionKey(
            order.intent.instrument, order.intent.product
        )  # fmt: skip
        looked = account.positions_look_at
        if looked is None or looked < account.last_event_at.get(key, 0.0):
            self._core.want_look(execution.account_id, delay=0.1, positions=True)
            self._core.wake_in(execution.id, 0.3)
            return None
        before = self._core.track(order).drift_before
        if before is None:
            before = execution.positions[order.intent.leg_id or 0].drift_at_entry
        unseen = order.intent.side.sign * (account.drift.get(key, 0) - before)
        return max(rest - max(unseen, 0), 0)
