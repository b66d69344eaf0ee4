"""Entering: from a plan to filled legs, hedges first, per account and never more than planned."""

import logging
from datetime import timedelta

from algomirror.domain.hedges import hedges_of
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.risk.events import RiskEventType
from algomirror.domain.risk.rules import rules_of
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitReason
from algomirror.domain.run import Run
from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.domain.run import TradingMode
from algomirror.domain.run import TradingState
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import HedgePolicy
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import UnbalancedPolicy
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.exit import Exits
from algomirror.engine.messages import StartRun

log = logging.getLogger(__name__)

PLAN_VALID_S = 30
"""A plan older than this is refused (product.md 4.1)."""
READY_WITHIN_S = 6.0
"""How long a pending execution waits for a fresh mode and a complete look."""


class Entry:
    """Owned by the engine thread."""

    def __init__(self, core: Core, exits: Exits) -> None:
        self._core = core
        self._exits = exits
        self._tokens: dict[str, int] = {}
        self._numbers: dict[int, int] = {}

    def recover(self, numbers: dict[int, int]) -> None:
        self._numbers = dict(numbers)

    # --- press of Execute -----------------------------------------------------------------
    def start(self, message: StartRun) -> None:
        """A new run of a plan, or a sentence in the timeline why not. A token is used once."""
        if message.token in self._tokens:
            log.info("start token seen before, run %s stands", self._tokens[message.token])
            return
        refusal = self._why_refused(message.plan)
        if refusal is not None:
            self._core.event("run_refused", f"Not sent: {refusal}", level="warning")
            return
        run = self._new_run(message.plan, message.trigger, message.by)
        run.token = message.token
        self._tokens[message.token] = run.id
        for planned in message.plan.accounts:
            self._new_execution(run, planned.account_id)
        self._core.event(
            "run_started",
            f"Run {run.run.number} of {message.plan.strategy.name} sent by {message.by}",
            detail=_spot_text(message.plan),
            run_id=run.id,
        )

    def _why_refused(self, plan: Plan) -> str | None:
        now = self._core.clock.now()
        if plan.refusal:
            return plan.refusal
        if now - plan.made_at > timedelta(seconds=PLAN_VALID_S):
            return "Plan is older than 30 s. Refreshed: please look again."
        if self._core.fleet_state is not TradingState.ACTIVE:
            return f"Fleet is {self._core.fleet_state}: {self._core.fleet_reason}. Entries blocked."
        open_runs = (r for r in self._core.book.runs.values() if not r.is_final)
        if any(r.run.strategy_id == plan.strategy.id for r in open_runs):
            return f"{plan.strategy.name} already has an open run."
        if all(a.skip or a.sets == 0 for a in plan.accounts):
            return "No account is left to trade."
        return None

    def _new_run(self, plan: Plan, trigger: RunTrigger, by: str) -> RunBook:
        number = self._numbers.get(plan.strategy.id, 0) + 1
        self._numbers[plan.strategy.id] = number
        run = RunBook(
            run=Run(
                id=self._core.next_id("run"),
                strategy_id=plan.strategy.id,
                number=number,
                trigger=trigger,
                state=RunState.ENTERING,
                plan=plan,
                session_day=plan.session_day,
                started_at=self._core.clock.now(),
                started_by=by,
            ),
            rules=rules_of(plan.strategy),
        )
        self._core.book.add_run(run)
        self._core.stage(run.run)
        return run

    def _new_execution(self, run: RunBook, account_id: int) -> None:
        planned = next(a for a in run.run.plan.accounts if a.account_id == account_id)
        skip = planned.skip or self._why_skipped(account_id)
        execution = ExecutionBook(
            execution=Execution(
                id=self._core.next_id("execution"),
                run_id=run.id,
                strategy_id=run.run.strategy_id,
                account_id=account_id,
                state=ExecutionState.SKIPPED if skip else ExecutionState.PENDING,
                mode=TradingMode(planned.mode),
                planned_sets=planned.sets,
                skip_reason=skip or "",
            ),
            legs={p.leg.id: p for p in run.run.plan.legs},
            lots=dict(planned.lots),
            begun_at=self._core.clock.monotonic(),
        )
        self._core.book.add_execution(run, execution)
        self._core.stage(execution.execution)
        for leg_id in execution.legs:
            self._core.new_position(execution, leg_id)
        self._core.touch(execution)
        if skip:
            self._say(execution, f"skipped: {skip}", level="warning")
            return
        self._core.limbs[account_id].ping()
        self._core.want_look(account_id, positions=True)

    def _why_skipped(self, account_id: int) -> str | None:
        account = self._core.accounts.get(account_id)
        if account is None or account_id not in self._core.limbs:
            return "the account is not connected"
        if not account.profile.is_active:
            return "the account is inactive"
        if account.connection in ("failed", "auth_error"):
            return f"the account is {account.connection}: {account.connection_text}"
        if account.trading_state is not TradingState.ACTIVE:
            return f"the account is {account.trading_state}"
        return None

    # --- while entering -------------------------------------------------------------------
    def advance(self, execution: ExecutionBook) -> None:
        if execution.state is ExecutionState.PENDING:
            self._begin_when_ready(execution)
        elif execution.state is ExecutionState.ENTERING:
            self._continue(execution)

    def _begin_when_ready(self, execution: ExecutionBook) -> None:
        """First orders leave after a fresh mode and a look that began after the press."""
        account = self._core.accounts[execution.account_id]
        now = self._core.clock.monotonic()
        looked = account.complete_look_at is not None
        looked = looked and (account.complete_look_at or 0.0) >= execution.begun_at
        asked = account.mode_at is not None and account.mode_at >= execution.begun_at
        if looked and asked and account.is_mode_fresh(now):
            if account.mode is not execution.execution.mode:
                self._skip(execution, f"OpenAlgo is now in {account.mode} mode, not as planned")
                return
            self._core.change(execution, state=ExecutionState.ENTERING)
            execution.hedges_from = now
            self._continue(execution)
            return
        if now - execution.begun_at > READY_WITHIN_S:
            why = "its books could not be read" if asked else "its mode is unknown"
            self._skip(execution, why if not account.books_error else account.books_error)
            return
        if not looked and account.look_in_flight is None:
            self._core.want_look(execution.account_id)
        self._core.wake_in(execution.id, 0.25)

    def _skip(self, execution: ExecutionBook, why: str) -> None:
        self._core.change(execution, state=ExecutionState.SKIPPED, skip_reason=why)
        self._say(execution, f"skipped: {why}", level="warning")

    def _continue(self, execution: ExecutionBook) -> None:
        if not self._core.entries_allowed(execution.account_id):
            self._cancel_working(execution)
        else:
            self._order_what_is_released(execution)
        if self._hedges_failed(execution):
            return
        self._mind_the_remainder(execution)
        if self._is_settled(execution):
            self._complete(execution)
        else:
            self._core.wake_in(execution.id, 0.5)

    def _order_what_is_released(self, execution: ExecutionBook) -> None:
        """BUY legs at once; SELL legs as far as their hedges are filled."""
        if execution.remainder_done:
            return
        for leg_id, planned in execution.legs.items():
            released = self._released(execution, planned)
            missing = released - execution.ordered_entry(leg_id)
            if missing <= 0 or self._is_spent(execution, leg_id):
                continue
            self._order(execution, planned, missing)

    def _is_spent(self, execution: ExecutionBook, leg_id: int) -> bool:
        """No second try by itself: after a rejected, cancelled or unknown order the leg waits."""
        return any(
            order.status in (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.UNKNOWN)
            for order in execution.leg_orders(leg_id, OrderPurpose.ENTRY)
        )

    def _released(self, execution: ExecutionBook, planned: PlannedLeg) -> int:
        target = execution.target_quantity(planned.leg.id)
        if planned.leg.side is Side.BUY:
            return target
        legs = tuple(p.leg for p in execution.legs.values())
        hedges = [h for h in hedges_of(planned.leg, legs) if execution.target_quantity(h.id)]
        if execution.hedges_given_up:
            return target
        if not hedges:
            buys = [p.leg.id for p in execution.legs.values() if p.leg.side is Side.BUY]
            ready = all(self._is_leg_done(execution, leg_id) for leg_id in buys)
            return target if ready else 0
        lot = planned.contract.lot_size
        lots = target // lot
        released = min(
            lots * execution.entered_quantity(h.id) // execution.target_quantity(h.id)
            for h in hedges
        )
        return released * lot

    def _is_leg_done(self, execution: ExecutionBook, leg_id: int) -> bool:
        orders = list(execution.leg_orders(leg_id, OrderPurpose.ENTRY))
        return bool(orders) and all(order.is_done for order in orders)

    def _order(self, execution: ExecutionBook, planned: PlannedLeg, quantity: int) -> None:
        contract, leg = planned.contract, planned.leg
        key = (leg.id, OrderPurpose.ENTRY)
        for size in slices(quantity, contract.lot_size, contract.freeze_quantity):
            number = execution.slices.get(key, 0) + 1
            execution.slices[key] = number
            self._core.submit(
                OrderIntent(
                    client_order_id=f"E{execution.id}-L{leg.leg_number}-ENTRY-1-s{number}",
                    account_id=execution.account_id,
                    execution_id=execution.id,
                    leg_id=leg.id,
                    exit_plan_id=None,
                    purpose=OrderPurpose.ENTRY,
                    attempt=1,
                    slice_no=number,
                    instrument=contract.instrument,
                    product=self._core.book.run_of(execution.id).run.plan.strategy.product,
                    side=leg.side,
                    quantity=size,
                    price_type=leg.price_type,
                    limit_price=leg.limit_price,
                    trigger_price=leg.trigger_price,
                    cause=f"run {execution.execution.run_id}",
                )
            )

    # --- when hedges or the clock say no --------------------------------------------------
    def _hedges_failed(self, execution: ExecutionBook) -> bool:
        """Past the deadline, or certain never to fill: abort this account, or go on without."""
        if execution.hedges_given_up or execution.hedges_from is None:
            return False
        waiting = self._waiting_hedges(execution)
        if not waiting:
            return False
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        elapsed = self._core.clock.monotonic() - execution.hedges_from
        hopeless = any(self._is_hopeless(execution, leg_id) for leg_id in waiting)
        if elapsed < strategy.hedge_timeout_s and not hopeless:
            self._core.wake_in(execution.id, strategy.hedge_timeout_s - elapsed + 0.01)
            return False
        why = "hedge refused" if hopeless else f"hedge not filled in {strategy.hedge_timeout_s} s"
        if strategy.hedge_timeout_policy is HedgePolicy.CONTINUE:
            execution.hedges_given_up = True
            self._core.risk_event(
                RiskEventType.HEDGE_TIMEOUT,
                reason=None,
                notes=f"{why}: shorts released without it",
                action=RiskAction.ALERT_ONLY,
                execution=execution,
            )
            self._say(execution, f"{why}, shorts released without it", level="warning")
            self._core.touch(execution)
            return False
        event = self._core.risk_event(
            RiskEventType.HEDGE_TIMEOUT,
            reason=ExitReason.HEDGE_TIMEOUT,
            notes=f"{why}: this account is left",
            execution=execution,
        )
        self._exits.begin(
            execution, reason=ExitReason.HEDGE_TIMEOUT, cause=f"risk event {event.id}"
        )
        self._say(execution, f"{why}: entry stopped, filled legs are closed", level="critical")
        return True

    def _waiting_hedges(self, execution: ExecutionBook) -> list[int]:
        """Hedges that are not filled while a SELL leg still waits for them."""
        legs = tuple(p.leg for p in execution.legs.values())
        waiting: dict[int, None] = {}
        for planned in execution.legs.values():
            target = execution.target_quantity(planned.leg.id)
            if planned.leg.side is Side.BUY or execution.ordered_entry(planned.leg.id) >= target:
                continue
            for hedge in hedges_of(planned.leg, legs):
                if execution.entered_quantity(hedge.id) < execution.target_quantity(hedge.id):
                    waiting[hedge.id] = None
        return list(waiting)

    def _is_hopeless(self, execution: ExecutionBook, leg_id: int) -> bool:
        orders = list(execution.leg_orders(leg_id, OrderPurpose.ENTRY))
        return bool(orders) and not any(order.status in IN_FLIGHT for order in orders)

    def _mind_the_remainder(self, execution: ExecutionBook) -> None:
        """After entry_timeout_s the policy for what has not filled (product.md 4.2)."""
        if execution.remainder_done or execution.hedges_from is None:
            return
        strategy = self._core.book.run_of(execution.id).run.plan.strategy
        elapsed = self._core.clock.monotonic() - execution.hedges_from
        if elapsed < strategy.entry_timeout_s:
            return
        execution.remainder_done = True
        working = execution.working_entries()
        if not working:
            return
        self._say(
            execution,
            f"{len(working)} entry orders not filled in {strategy.entry_timeout_s} s: "
            f"{strategy.entry_timeout_policy}",
            level="warning",
        )
        if strategy.entry_timeout_policy is RemainderPolicy.KEEP:
            return
        as_market = strategy.entry_timeout_policy is not RemainderPolicy.CANCEL
        for order in working:
            self._core.track(order).after_cancel = as_market
            self._core.cancel(order)

    def _cancel_working(self, execution: ExecutionBook) -> None:
        execution.remainder_done = True
        for order in execution.working_entries():
            self._core.cancel(order)

    def replace_cancelled(self, execution: ExecutionBook) -> None:
        """Cancelled, proven, and meant to go on as a market order: the unfilled rest only."""
        for order in list(execution.entry_orders()):
            track = self._core.accounts[execution.account_id].tracks.get(order.id)
            if track is None or not track.after_cancel or not order.is_done:
                continue
            track.after_cancel = False
            rest = order.intent.quantity - order.filled_quantity
            if order.status is not OrderStatus.CANCELLED or rest == 0:
                continue
            if execution.state is not ExecutionState.ENTERING:
                continue
            attempt = order.intent.attempt + 1
            intent = order.intent
            leg_number = execution.legs[intent.leg_id or 0].leg.leg_number
            self._core.submit(
                OrderIntent(
                    client_order_id=f"E{execution.id}-L{leg_number}-ENTRY-{attempt}"
                    f"-s{intent.slice_no}",
                    account_id=intent.account_id,
                    execution_id=execution.id,
                    leg_id=intent.leg_id,
                    exit_plan_id=None,
                    purpose=OrderPurpose.ENTRY,
                    attempt=attempt,
                    slice_no=intent.slice_no,
                    instrument=intent.instrument,
                    product=intent.product,
                    side=intent.side,
                    quantity=rest,
                    price_type=PriceType.MARKET,
                    cause=f"{order.id} cancelled, rest to market",
                )
            )

    # --- the end of entering --------------------------------------------------------------
    def _is_settled(self, execution: ExecutionBook) -> bool:
        policy = self._core.book.run_of(execution.id).run.plan.strategy.entry_timeout_policy
        orders = list(execution.entry_orders())
        if not orders:
            return execution.remainder_done
        keeps = execution.remainder_done and policy is RemainderPolicy.KEEP
        if any(
            not o.is_done and not (keeps and o.status is not OrderStatus.UNKNOWN) for o in orders
        ):
            return False
        tracks = self._core.accounts[execution.account_id].tracks
        if any((t := tracks.get(o.id)) is not None and t.after_cancel for o in orders):
            return False
        if execution.remainder_done:
            return True
        return all(
            execution.ordered_entry(leg_id) >= self._released(execution, planned)
            or self._is_spent(execution, leg_id)
            for leg_id, planned in execution.legs.items()
        )

    def _complete(self, execution: ExecutionBook) -> None:
        if not execution.ever_filled:
            reasons = sorted({o.reason for o in execution.entry_orders() if o.reason})
            self._core.change(
                execution,
                state=ExecutionState.FAILED,
                exit_time=self._core.clock.now(),
                skip_reason="; ".join(reasons) or "nothing filled",
            )
            self._say(execution, f"nothing filled: {'; '.join(reasons)}", level="critical")
            return
        self._core.change(
            execution, state=ExecutionState.ENTERED, entry_time=self._core.clock.now()
        )
        orders = [o for o in execution.entry_orders() if o.status is OrderStatus.FILLED]
        self._say(execution, f"entry complete, {len(orders)} orders filled")
        self._check_balance(execution)

    def _check_balance(self, execution: ExecutionBook) -> None:
        """Unequal sets over the legs are a visible state with a remedy (product.md 4.2, 4)."""
        sets = {
            leg_id: execution.entered_quantity(leg_id)
            // (planned.contract.lot_size * planned.weight)
            for leg_id, planned in execution.legs.items()
            if execution.target_quantity(leg_id)
        }
        whole = all(
            execution.entered_quantity(leg_id)
            == sets[leg_id]
            * execution.legs[leg_id].contract.lot_size
            * execution.legs[leg_id].weight
            for leg_id in sets
        )
        if len(set(sets.values())) <= 1 and whole:
            return
        policy = self._unbalanced_policy(execution)
        text = "unbalanced entry: " + ", ".join(
            f"{execution.legs[leg_id].contract.symbol} {execution.entered_quantity(leg_id)}"
            f" of {execution.target_quantity(leg_id)}"
            for leg_id in sets
        )
        event = self._core.risk_event(
            RiskEventType.UNBALANCED,
            reason=None if policy is UnbalancedPolicy.KEEP_AND_ALERT else ExitReason.UNBALANCED,
            notes=f"{text}: {policy}",
            action=RiskAction.ALERT_ONLY
            if policy is UnbalancedPolicy.KEEP_AND_ALERT
            else RiskAction.CLOSE_ALL,
            execution=execution,
        )
        cause = f"risk event {event.id}"
        if policy is UnbalancedPolicy.EXIT_ALL:
            self._say(execution, f"{text}: leaving", level="critical")
            self._exits.begin(execution, reason=ExitReason.UNBALANCED, cause=cause)
        elif policy is UnbalancedPolicy.TRIM:
            self._exits.trim(execution, min(sets.values()), cause=cause)
        else:
            self._core.attention(execution, text)

    def _unbalanced_policy(self, execution: ExecutionBook) -> UnbalancedPolicy:
        policy = self._core.book.run_of(execution.id).run.plan.strategy.unbalanced_policy
        if policy is not None:
            return policy
        legs = tuple(p.leg for p in execution.legs.values())
        for planned in execution.legs.values():
            if planned.leg.side is Side.BUY or not execution.entered_quantity(planned.leg.id):
                continue
            for hedge in hedges_of(planned.leg, legs):
                if execution.entered_quantity(hedge.id) < execution.entered_quantity(
                    planned.leg.id
                ):
                    return UnbalancedPolicy.EXIT_ALL
        return UnbalancedPolicy.KEEP_AND_ALERT

    def _say(self, execution: ExecutionBook, text: str, *, level: str = "info") -> None:
        self._core.event(
            "entry",
            f"{self._core.account_name(execution.account_id)}: {text}",
            level=level,  # type: ignore[arg-type]
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )


def _spot_text(plan: Plan) -> str:
    spots = " · ".join(f"{name} {spot:,.2f}" for name, spot in plan.spots)
    return f"Plan of {plan.made_at:%H:%M:%S} · {spots}"
