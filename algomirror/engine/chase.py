"""Orders that follow the market: which price an order gets, when it steps, how it escalates."""

import logging
from dataclasses import dataclass
from dataclasses import replace
from decimal import Decimal

from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import Escalation
from algomirror.domain.chase import MarketOrders
from algomirror.domain.chase import cost_pct
from algomirror.domain.chase import limit_of_step
from algomirror.domain.chase import wide_limit
from algomirror.domain.order import WORKING
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.run import ExitPlan
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import PlannedLeg
from algomirror.engine.book import ChaseState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

log = logging.getLogger(__name__)

ESCALATION_WAIT_S = 3.0
"""How long an escalation is given before the next one."""
REST_S = 60.0
"""How long a limit rests after the alarm before the chase begins anew."""


@dataclass(frozen=True, slots=True)
class Style:
    """How an order goes out. Prices in rupees; `reference` is what its cost is counted against."""

    price_type: PriceType
    limit: Decimal | None
    reference: Decimal | None
    trigger: Decimal | None = None


class Chase:
    """Owned by the engine thread. State by (leg, purpose) lives in the ExecutionBook."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._terms = core.chase_terms

    # --- which style ----------------------------------------------------------------------
    def exit_style(self, execution: ExecutionBook, leg_id: int, side: Side) -> Style:
        """Market, unless the strategy chases, the account refuses it, or a band was named."""
        planned = execution.legs[leg_id]
        band = execution.band_prices.get(leg_id)
        if band is not None:
            return Style(PriceType.LIMIT, band, self.mark(planned))
        if self._exits_chase(execution, leg_id):
            return self._next_style(execution, leg_id, OrderPurpose.EXIT, side)
        return Style(PriceType.MARKET, None, self.mark(planned))

    def entry_style(self, execution: ExecutionBook, leg_id: int, side: Side) -> Style:
        """The style of a chased entry (first order or the rest of a cancelled one)."""
        return self._next_style(execution, leg_id, OrderPurpose.ENTRY, side)

    def entries_chase(self, execution: ExecutionBook) -> bool:
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        return strategy.entry_order_mode is EntryOrderMode.CHASE or self.refuses_market(execution)

    def _exits_chase(self, execution: ExecutionBook, leg_id: int) -> bool:
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        return (
            strategy.exit_order_mode is ExitOrderMode.CHASE
            or self.refuses_market(execution)
            or leg_id in execution.must_chase
        )

    def refuses_market(self, execution: ExecutionBook) -> bool:
        profile = self._core.accounts[execution.account_id].profile
        return profile.market_orders is MarketOrders.REFUSED

    def mark(self, planned: PlannedLeg) -> Decimal | None:
        """The last admitted price whatever its age, else the plan's."""
        found = self._core.market.mark(planned.contract.instrument)
        return found if found is not None else planned.last_price

    # --- the price of the next order ------------------------------------------------------
    def _next_style(
        self, execution: ExecutionBook, leg_id: int, purpose: OrderPurpose, side: Side
    ) -> Style:
        contract = execution.legs[leg_id].contract
        state = self._state(execution, leg_id, purpose, side)
        if state is None:
            log.warning("no price at all for %s: market order", contract.symbol)
            return Style(PriceType.MARKET, None, None)
        escalation = state.escalation
        if escalation is Escalation.MARKET:
            return Style(PriceType.MARKET, None, state.reference)
        if escalation is not None:
            wide = wide_limit(self._terms, side, reference=state.reference, tick=contract.tick_size)
            return Style(PriceType.LIMIT, wide, state.reference)
        limit = self._limit(execution.legs[leg_id], side, state)
        return Style(PriceType.LIMIT, limit, state.reference)

    def _limit(self, planned: PlannedLeg, side: Side, state: ChaseState) -> Decimal:
        """The step from the first touch, or the first step from today's touch if that is worse."""
        contract = planned.contract
        common = {"reference": state.reference, "tick": contract.tick_size}
        stepped = limit_of_step(self._terms, side, touch=state.touch, step=state.step, **common)
        touch = self._touch(planned, side)
        if touch is None:
            return stepped
        fresh = limit_of_step(self._terms, side, touch=touch, step=0, **common)
        return max(stepped, fresh) if side is Side.BUY else min(stepped, fresh)

    def _touch(self, planned: PlannedLeg, side: Side) -> Decimal | None:
        """The best opposite price, else the last one whatever its age."""
        quote = self._core.market.last.get(planned.contract.instrument)
        if quote is None:
            return planned.last_price
        best = quote.ask if side is Side.BUY else quote.bid
        return best if best is not None and best > 0 else quote.ltp

    def _state(
        self, execution: ExecutionBook, leg_id: int, purpose: OrderPurpose, side: Side
    ) -> ChaseState | None:
        """The chase that goes on, or a new one from the mark of now; None without any price."""
        key = (leg_id, purpose)
        known = execution.chases.get(key)
        if known is not None:
            return known
        planned = execution.legs[leg_id]
        contract = planned.contract
        touch, reference = self._touch(planned, side), self.mark(planned)
        if touch is None or reference is None:
            return None
        if not self._core.market.is_fresh(contract.instrument):
            self._say(execution, f"chase of {contract.symbol} from an old price {reference}")
        now = self._core.clock.monotonic()
        begun = self._begun_before_restart(execution, leg_id, purpose)
        if begun is not None:
            reference, now = begun[0], now - begun[1]
        state = ChaseState(reference=reference, touch=touch, begun_at=now, stepped_at=now)
        execution.chases[key] = state
        return state

    def _begun_before_restart(
        self, execution: ExecutionBook, leg_id: int, purpose: OrderPurpose
    ) -> tuple[Decimal, float] | None:
        """(reference, seconds since its first order) of a chase that an earlier life began."""
        plan = execution.plans.get(leg_id)
        orders = [
            o
            for o in execution.leg_orders(leg_id, purpose)
            if o.intent.reference_price is not None
            and o.intent.price_type is PriceType.LIMIT
            and (purpose is OrderPurpose.ENTRY or (plan and o.intent.exit_plan_id == plan.id))
        ]
        first = min(orders, key=lambda o: o.submitted_at, default=None)
        if first is None or first.intent.reference_price is None:
            return None
        elapsed = (self._core.clock.now() - first.submitted_at).total_seconds()
        return first.intent.reference_price, max(elapsed, 0.0)

    # --- stepping -------------------------------------------------------------------------
    def mind(self, execution: ExecutionBook) -> None:
        """Steps and escalations that are due; called while an exit or entry goes on."""
        self._take_up(execution)
        for (leg_id, purpose), state in list(execution.chases.items()):
            working = [
                o
                for o in execution.leg_orders(leg_id, purpose)
                if o.status in WORKING and o.intent.price_type is PriceType.LIMIT
            ]
            if working:
                self._mind_leg(execution, leg_id, state, working)

    def _take_up(self, execution: ExecutionBook) -> None:
        """A limit exit that works with nobody minding it (after a restart) is chased on."""
        for leg_id in execution.plans:
            if (leg_id, OrderPurpose.EXIT) in execution.chases or leg_id in execution.band_prices:
                continue
            for order in execution.leg_orders(leg_id, OrderPurpose.EXIT):
                if order.status in WORKING and order.intent.price_type is PriceType.LIMIT:
                    self._state(execution, leg_id, OrderPurpose.EXIT, order.intent.side)
                    break

    def _mind_leg(
        self, execution: ExecutionBook, leg_id: int, state: ChaseState, working: list[Order]
    ) -> None:
        now = self._core.clock.monotonic()
        pause = self._terms.interval_s if state.escalation is None else ESCALATION_WAIT_S
        due = state.stepped_at + pause
        if now < due:
            self._core.wake_in(execution.id, due - now + 0.01)
            return
        if any(self._core.track(o).cancel_wanted for o in working):
            for order in working:
                self._core.orders.cancel(order)  # asks again when its answer is long in
            return
        if state.escalation is Escalation.REST_AND_ALARM and not self._begins_anew(
            leg_id, state, execution, now
        ):
            return
        if not self._advance(execution, leg_id, state, now):
            return
        state.stepped_at = now
        if state.escalation is Escalation.REST_AND_ALARM:
            return
        for order in working:
            self._step(execution, leg_id, state, order)

    def _advance(
        self, execution: ExecutionBook, leg_id: int, state: ChaseState, now: float
    ) -> bool:
        """One step further, or past the deadline the next escalation; False when none is left."""
        if state.escalation is None and now - state.begun_at < self._terms.deadline_s:
            state.step += 1
            return True
        ladder = [e for e in self._terms.escalation if self._is_possible(execution, leg_id, e)]
        passed = ladder.index(state.escalation) + 1 if state.escalation in ladder else 0
        if passed >= len(ladder):
            return False
        state.escalation = ladder[passed]
        symbol = execution.legs[leg_id].contract.symbol
        text = f"chase of {symbol} not filled in {self._terms.deadline_s:.0f} s: {state.escalation}"
        if state.escalation is Escalation.REST_AND_ALARM:
            self._core.attention(execution, f"{text}, its limit order rests")
        else:
            self._say(execution, text)
        return True

    def _begins_anew(
        self, leg_id: int, state: ChaseState, execution: ExecutionBook, now: float
    ) -> bool:
        """An exit never rests for good: each minute the chase starts again from today's price."""
        if now - state.stepped_at < REST_S:
            return False
        mark = self.mark(execution.legs[leg_id])
        state.reference = mark if mark is not None else state.reference
        state.touch, state.begun_at, state.step = state.reference, now, -1
        state.escalation = None
        return True

    def _is_possible(self, execution: ExecutionBook, leg_id: int, escalation: Escalation) -> bool:
        if escalation is not Escalation.MARKET:
            return True
        return not self.refuses_market(execution) and leg_id not in execution.must_chase

    def _step(self, execution: ExecutionBook, leg_id: int, state: ChaseState, order: Order) -> None:
        """By modify only while nothing has filled and the account's broker means whole orders."""
        profile = self._core.accounts[execution.account_id].profile
        track = self._core.track(order)
        may_modify = (
            profile.chase_by is ChaseBy.MODIFY
            and order.filled_quantity == 0
            and state.escalation is not Escalation.MARKET
            and not track.modify_failed
        )
        if not may_modify:
            track.after_cancel = order.intent.purpose is OrderPurpose.ENTRY
            self._core.orders.cancel(order)
            return
        style = self._next_style(execution, leg_id, order.intent.purpose, order.intent.side)
        if style.limit is not None and style.limit != order.intent.limit_price:
            why = f"chase step {state.step}: {order.intent.limit_price} to {style.limit}"
            self._core.orders.modify(order, limit=style.limit, trigger=None, why=why)

    # --- what it cost ---------------------------------------------------------------------
    def is_replacing(self, execution: ExecutionBook, leg_id: int) -> bool:
        """A cancelled order of the leg is not proven over: nothing replaces it yet."""
        return any(
            self._core.track(order).cancel_wanted and not order.is_done
            for order in execution.leg_orders(leg_id, OrderPurpose.EXIT)
        )

    def noted_cost(self, execution: ExecutionBook, plan: ExitPlan) -> ExitPlan:
        """The plan with a sentence on how far beyond its reference its fills lie."""
        execution.chases.pop((plan.leg_id, OrderPurpose.EXIT), None)
        orders = [
            o
            for o in execution.leg_orders(plan.leg_id, OrderPurpose.EXIT)
            if o.intent.exit_plan_id == plan.id and o.filled_quantity and not o.price_pending
        ]
        first = next((o for o in orders if o.intent.reference_price), None)
        if first is None or first.intent.reference_price is None:
            return plan
        quantity = sum(o.filled_quantity for o in orders)
        average = sum((o.filled_value for o in orders), Decimal(0)) / quantity
        cost = cost_pct(first.intent.side, reference=first.intent.reference_price, average=average)
        word = "beyond" if cost > 0 else "better than"
        note = f"filled {abs(cost):.1f} % {word} reference {first.intent.reference_price}"
        chased = any(o.intent.price_type is PriceType.LIMIT for o in orders)
        if chased or cost > self._terms.ceiling_pct:
            budget = "over budget, " if cost > self._terms.ceiling_pct else ""
            self._say(execution, f"exit of {first.intent.instrument.symbol}: {budget}{note}")
        return replace(plan, notes=note)

    def _say(self, execution: ExecutionBook, text: str) -> None:
        self._core.event(
            "chase",
            f"{self._core.account_name(execution.account_id)}: {text}",
            level="warning",
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )
