"""Attacks on the order core: what once lost an exit, sent it twice or took what is not ours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from decimal import Decimal

import pytest

from algomirror.clock import IST
from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import OptionType
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.quote import Quote
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import RunState
from algomirror.domain.run import TradingState
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import UnbalancedPolicy
from algomirror.engine import messages as m
from algomirror.engine.book import RunBook
from algomirror.engine.exit_watch import BLIND
from algomirror.engine.exit_watch import UNFILLED
from algomirror.engine.ports import Unknown
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from tests.engine.hands import by_hand
from tests.engine.hands import entries
from tests.engine.hands import event_kinds
from tests.engine.hands import exits
from tests.engine.hands import one_leg
from tests.engine.hands import only
from tests.engine.hands import price
from tests.engine.hands import strike


def symbol(world: World) -> str:
    return world.run().run.plan.legs[0].contract.symbol


def far_limit(world: World) -> None:
    """A chased exit whose limit is never reached while the price is nailed far above it."""
    instrument = world.run().run.plan.legs[0].contract.instrument
    state = {"rupees": Decimal(100)}

    def rise() -> None:
        state["rupees"] += Decimal("0.50")
        price(world, instrument, str(state["rupees"]))

    price(world, instrument, "100.00")
    world.run_for(3.0)
    world.after_event = rise


def rests(run: RunBook) -> bool:
    """Some order of it is at the broker unfilled."""
    return any(o.status is OrderStatus.ACCEPTED for o in only(run).orders.values())


# --- one that raises does not take the others with it ------------------------------------------
def test_an_execution_that_raises_does_not_keep_others_from_their_exit() -> None:
    """It says so and is tried again; the other account's exit goes on."""
    world = World(accounts=2)
    run = world.open(one_leg())
    first, second = run.executions.values()
    broken = world.engine._lifecycle._exits._rest

    def fails(execution: object, *rest: object) -> int:
        if execution is first:
            raise RuntimeError("poison")
        return whole(execution, *rest)

    whole: Callable[..., int] = broken.quantity
    broken.quantity = fails  # type: ignore[method-assign]
    world.exit(run)
    world.run_until(lambda: second.state is ExecutionState.EXITED)

    assert "could not go on" in first.execution.attention
    broken.quantity = whole  # type: ignore[method-assign]
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert world.net_at_exchange(1) == {}


def test_a_desk_that_raises_does_not_stop_the_engine() -> None:
    """A round of one desk fails: the others, and the exits, go on; said once a minute."""
    world = World()
    run = world.open(one_leg())

    def fails() -> None:
        raise RuntimeError("poison")

    world.engine._kills.round = fails  # type: ignore[method-assign]
    world.engine._risk.evaluate = lambda run: fails()  # type: ignore[method-assign]
    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert 1 <= event_kinds(world).count("engine_error") <= 3


def test_semi_auto_while_an_account_has_no_workers_does_not_stop_the_engine() -> None:
    """The account is being connected anew: its probe waits, nothing raises."""
    world = World()
    world.open(one_leg())
    world.engine.core.accounts[1].semi_auto_since = 0.0
    world.limbs.pop(1)

    world.run_for(5.0)

    assert "engine_error" not in event_kinds(world)


# --- accounts that go ---------------------------------------------------------------------------
def test_a_rule_fires_although_the_account_of_a_failed_execution_is_gone() -> None:
    """The failed one is left out, the open one is exited."""
    world = World(accounts=2)
    world.papers[1].refusal_text = "RMS: no"
    world.papers[1].analyze = False
    world.papers[2].analyze = False
    world.run_for(60.0)
    run = world.open(one_leg(max_loss=Decimal(1000)))
    failed, held = run.executions.values()
    assert failed.state is ExecutionState.FAILED
    world.engine.post(m.AccountRemoved(account_id=1))
    world.run_for(1.0)
    assert 1 not in world.engine.core.accounts

    price(world, run.run.plan.legs[0].contract.instrument, "900.00")
    world.run_until(lambda: held.state is ExecutionState.EXITED)

    assert world.net_at_exchange(2) == {}


def test_an_account_with_an_order_at_the_broker_is_not_forgotten() -> None:
    """Removed while its only order is unknown: kept, and said."""
    world = World(profile="live")
    strike(world, FaultRule(kind="drop_reply", endpoint="placeorder"))
    world.start(one_leg())
    world.run_until(lambda: bool(world.engine.core.book.unresolved(1)))

    world.engine.post(m.AccountRemoved(account_id=1))
    world.run_for(0.1)

    assert 1 in world.engine.core.accounts
    assert "account" in event_kinds(world)


def test_a_restart_without_an_account_of_an_open_position_says_so_and_exits_the_others() -> None:
    """Its key cannot be read: a stand-in keeps the exit, which goes on when it is back."""
    world = World(accounts=2)
    run = world.open(one_leg())
    world.exit(run, account_id=99)
    paper = world.papers.pop(1)
    world.restart()
    run = world.run()
    world.run_for(2.0)
    world.exit(run)
    world.run_for(60.0)
    lost, other = run.executions.values()
    assert other.state is ExecutionState.EXITED
    assert lost.state is ExecutionState.EXITING
    assert BLIND in lost.execution.attention

    world.papers[1] = paper
    world.restart()
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)
    assert world.net_at_exchange(1) == {}


def test_a_kill_of_an_unknown_account_is_refused_not_called_flat() -> None:
    """Nothing of it is known: nothing is said to be flat."""
    world = World()
    world.open(one_leg())

    world.engine.post(m.RequestKill(by="x", account_id=99))
    world.run_for(2.0)

    assert "flat" not in event_kinds(world)
    assert "refused" in event_kinds(world)


# --- exits that were forgotten ------------------------------------------------------------------
def test_a_chase_whose_limit_rests_at_a_restart_is_stepped_on() -> None:
    """Nobody minds a resting limit after a restart unless the chase is taken up again."""
    world = World()
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    far_limit(world)
    world.exit(run)
    world.run_until(lambda: rests(run))
    world.restart()

    world.run_until(lambda: world.run().run.state is RunState.CLOSED, at_most_s=240.0)

    assert world.net_at_exchange(1) == {}


def test_a_cancel_of_an_entry_that_was_lost_is_asked_again() -> None:
    """The exit does not wait for ever behind a resting entry."""
    world = World(profile="live")
    world.start(one_leg(kind=PriceType.LIMIT, limit=Decimal(5000)))
    world.run_until(lambda: bool(only(world.run()).working_entries()))
    strike(world, FaultRule(kind="http_500_after_accept", endpoint="cancelorder"))
    real = world.papers[1].cancel
    lost = {"left": 1}

    def cancel(*args: object, **kwargs: object) -> object:
        if lost["left"]:
            lost["left"] -= 1
            return None
        return real(*args, **kwargs)  # type: ignore[arg-type]

    world.papers[1].cancel = cancel  # type: ignore[method-assign,assignment]
    world.exit(world.run())
    world.run_for(2.0)
    strike(world)

    world.run_until(lambda: world.run().is_final, at_most_s=60.0)


def test_a_leg_exit_waits_for_an_entry_whose_outcome_is_unknown() -> None:
    """The entry fills after the exit was asked for: the plan is still there for it."""
    world = World(profile="live")
    world.open(short_iron_fly())
    execution = only(world.run())
    orders = world.engine.core.orders
    template = next(o for o in execution.entry_orders() if o.intent.leg_id == 3)
    intent = replace(template.intent, client_order_id="E1-L3-ENTRY-9-s1", attempt=9)
    strike(world, FaultRule(kind="hang", seconds=10_000.0, endpoint="placeorder"))
    orders.submit(intent)
    world.run_until(lambda: bool(world.engine.core.book.unresolved(1)))
    world.papers[1]._late.clear()
    strike(world)
    world.engine.post(m.RequestExit(run_id=1, by="me", leg_id=3))
    world.run_for(8.0)
    assert execution.positions[3].quantity == 0
    assert 3 in execution.plans

    by_hand(world, template.intent.instrument.symbol, "SELL", 65)
    world.run_until(lambda: len([j for j in exits(world) if j.intent.leg_id == 3]) == 2)
    world.run_until(lambda: 3 not in execution.plans)

    assert execution.state is ExecutionState.ENTERED
    assert execution.positions[3].quantity == 0


def test_a_late_fill_on_a_leg_without_plan_is_left_with_the_rest() -> None:
    """The whole execution is being exited: a leg that gets a position late has a plan too."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    execution = only(run)
    world.papers[1].refusal_text = "RMS: something"
    world.exit(run)
    world.run_for(1.0)
    plan = execution.plans[3]
    world.engine._lifecycle._exits._end._close_plan(execution, plan)
    world.papers[1].refusal_text = ""

    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=240.0)

    assert plan.leg_id == 3
    assert world.net_at_exchange(1) == {}


def test_an_exit_of_a_leg_is_not_entered_again() -> None:
    """While entry goes on, a leg that a person left is not ordered a second time."""
    world = World(profile="live")
    strike(world, FaultRule(kind="partial_fill", seconds=25.0))
    world.start(short_iron_fly(hedge_timeout_s=120, entry_timeout_s=300), sets=2)
    execution = only(world.run())
    world.run_until(lambda: execution.positions[3].quantity == -65, at_most_s=60.0)
    world.engine.post(m.RequestExit(run_id=1, by="me", leg_id=3))
    world.run_for(1.0)
    before = len([j for j in entries(world) if j.intent.leg_id == 3])

    world.run_for(120.0)

    assert len([j for j in entries(world) if j.intent.leg_id == 3]) == before
    assert execution.positions[3].quantity == 0


def test_an_exit_that_works_unfilled_says_so() -> None:
    """A market order that its broker made a limit of rests: a person is told."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="partial_fill", seconds=50.0))
    world.exit(run)
    world.run_for(35.0)
    assert UNFILLED in only(run).execution.attention

    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert only(run).execution.attention == ""


def test_an_exit_whose_books_cannot_be_read_says_so() -> None:
    """The reader is dead for minutes: flagged, and the flag goes when books come back."""
    world = World(profile="live")
    run = world.open(one_leg())
    look = world.limbs[1].look
    world.limbs[1].look = lambda **kwargs: None  # type: ignore[method-assign]
    world.exit(run)
    world.run_for(120.0)
    assert BLIND in only(run).execution.attention
    assert len(exits(world)) == 1

    world.limbs[1].look = look  # type: ignore[method-assign]
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert only(run).execution.attention == ""


# --- sent twice ---------------------------------------------------------------------------------
def refuted_exit(world: World) -> str:
    """An exit whose answer was lost before it arrived, called not found; its client id."""
    strike(world, FaultRule(kind="hang", seconds=10_000.0, endpoint="placeorder"))
    world.exit(world.run())
    world.run_until(lambda: len(exits(world)) == 1)
    world.papers[1]._late.clear()
    world.run_until(
        lambda: any(o.status is OrderStatus.REJECTED for o in only(world.run()).orders.values()),
        at_most_s=60.0,
    )
    return exits(world)[0].intent.client_order_id


def test_an_exit_thought_lost_that_turns_up_takes_its_replacement_back() -> None:
    """Both would fill: what exceeds the position is cancelled at once, and it is said."""
    world = World(profile="live")
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    far_limit(world)
    first = refuted_exit(world)
    strike(world)
    world.run_until(lambda: rests(run))

    core = world.engine.core
    core.orders.report(
        first,
        OrderReport(
            status=OrderStatus.ACCEPTED, source="reconcile", at=world.clock.now(),
            broker_order_id="late-1",
        ),
    )  # fmt: skip
    world.step()

    world.run_for(0.2)
    asked = [j.intent.attempt for j in world.limbs[1].sent if j.act == "cancel"]
    assert 2 in asked


def test_a_refuted_exit_is_watched_for_after_a_restart() -> None:
    """It turns up after all: adopted, not taken for an order of others."""
    world = World(profile="live")
    run = world.open(one_leg())
    name = refuted_exit(world)
    world.papers[1].refusal_text = "RMS: something"
    strike(world)
    world.restart()
    world.run_for(1.0)
    world.papers[1].refusal_text = ""

    assert name in world.engine.core.accounts[1].provisional
    by_hand(world, symbol(world), "BUY", 65)
    world.papers[1].refusal_text = "RMS: something"
    world.run_until(lambda: world.run().run.state is RunState.CLOSED, at_most_s=60.0)
    assert world.engine.core.book.orders[name].status is OrderStatus.FILLED
    assert run.id == world.run().id


def test_an_order_on_its_way_cannot_be_settled_by_hand() -> None:
    """Its answer would come after a replacement: the person is told to wait."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="delay", seconds=4.0, endpoint="placeorder"))
    world.exit(run)
    world.run_until(lambda: len(exits(world)) == 1)
    name = exits(world)[0].intent.client_order_id

    world.engine.post(m.SettleOrder(client_order_id=name, by="me", filled_quantity=0))
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits(world)) == 1
    assert "refused" in event_kinds(world)


def closed_by_hand(world: World) -> None:
    """A person bought the short back at the broker, and two looks agree on it."""
    by_hand(world, symbol(world), "BUY", 65)
    key = PositionKey(*_key(world))
    account = world.engine.core.accounts[1]
    world.run_until(lambda: bool((look := account.drift_looks.get(key)) and look.is_confirmed))


def _key(world: World) -> tuple[object, object]:
    position = only(world.run()).positions[1]
    return position.instrument, position.product


def adopt(world: World, quantity: int = 65, rupees: str = "100") -> m.AdoptOutside:
    return m.AdoptOutside(
        execution_id=1, leg_id=1, quantity=quantity, price=Decimal(rupees), by="me"
    )


def flatten(world: World) -> m.FlattenDrift:
    return m.FlattenDrift(
        account_id=1, symbol=symbol(world), exchange="NFO", product="NRML", by="me"
    )


@pytest.mark.parametrize("first", ["adopt", "flatten"])
def test_a_difference_is_adopted_or_flattened_never_both(first: str) -> None:
    """Two pages answer the same question: the second answer is refused."""
    world = World(profile="live")
    world.open(one_leg())
    closed_by_hand(world)
    acts = [adopt(world), flatten(world)]
    for act in acts if first == "adopt" else acts[::-1]:
        world.engine.post(act)
    world.run_for(30.0)

    ours = only(world.run()).positions[1].quantity
    assert world.net_at_exchange(1).get(symbol(world), 0) == ours


def test_nothing_is_adopted_on_one_look() -> None:
    """A position book that is behind shows a close that never was."""
    world = World(profile="live")
    strike(world, FaultRule(kind="positionbook_lag", seconds=6.0))
    world.open(one_leg())
    world.engine.core.accounts[1].drift[PositionKey(*_key(world))] = 65  # type: ignore[arg-type]

    world.engine.post(adopt(world))
    world.run_for(10.0)

    assert only(world.run()).positions[1].quantity == -65


@pytest.mark.parametrize("quantity", [0, -65, 6500])
def test_hostile_quantities_are_refused(quantity: int) -> None:
    """Zero, negative, beyond what is held."""
    world = World(profile="live")
    world.open(one_leg())
    closed_by_hand(world)

    world.engine.post(adopt(world, quantity))
    world.run_for(1.0)

    assert only(world.run()).positions[1].quantity == -65


@pytest.mark.parametrize("rupees", ["0", "-1", "NaN", "Infinity"])
def test_prices_that_are_none_are_refused(rupees: str) -> None:
    """A price that is no number would poison every sum."""
    world = World(profile="live")
    world.open(one_leg())
    closed_by_hand(world)

    world.engine.post(adopt(world, 65, rupees))
    world.run_for(1.0)

    assert only(world.run()).positions[1].quantity == -65
    assert "engine_error" not in event_kinds(world)


def test_an_exit_held_back_for_long_is_sized_anew() -> None:
    """Semi-auto for an hour, closed by hand meanwhile: the unsent order is withdrawn."""
    world = World(profile="live")
    run = world.open(one_leg())
    core = world.engine.core
    world.papers[1].session_alive = True
    world.limbs[1].transport.is_dead = True
    world.exit(run)
    world.run_for(1.0)
    core.accounts[1].semi_auto_since = world.clock.monotonic()
    world.papers[1].order_mode = "semi_auto"
    world.run_for(60.0)
    world.papers[1].order_mode = "auto"
    by_hand(world, symbol(world), "BUY", 65)
    world.papers[1].order_mode = "semi_auto"
    world.run_for(60.0)
    world.limbs[1].transport.is_dead = False
    world.papers[1].order_mode = "auto"
    world.run_for(60.0)

    assert world.net_at_exchange(1) == {}
    assert "closed outside?" in only(run).execution.attention


def test_an_entry_held_back_for_long_is_not_sent() -> None:
    """An hour later its plan is no longer true."""
    world = World(profile="live")
    world.limbs[1].transport.is_dead = True
    world.start(one_leg())
    world.run_until(lambda: bool(entries(world)))
    world.engine.core.accounts[1].semi_auto_since = world.clock.monotonic()
    world.papers[1].order_mode = "semi_auto"
    world.run_for(120.0)
    world.limbs[1].transport.is_dead = False
    world.papers[1].order_mode = "auto"
    world.run_for(60.0)

    assert world.net_at_exchange(1) == {}


# --- restarts -----------------------------------------------------------------------------------
def test_an_entry_does_not_go_on_hours_after_a_restart() -> None:
    """The hedges were filled when the process died: two hours later no short is sold."""
    world = World(profile="live")
    world.start(short_iron_fly())
    world.run_until(lambda: len(world.net_at_exchange(1)) == 2)
    assert len(entries(world)) == 2
    world.clock.advance(7200.0)
    world.restart()
    world.run_for(60.0)

    assert all(q > 0 for q in world.net_at_exchange(1).values())


def test_a_position_book_that_is_behind_at_a_restart_closes_nothing() -> None:
    """When something of ours last happened is known after a restart too."""
    world = World(profile="live")
    run = world.open(one_leg())
    key = PositionKey(run.run.plan.legs[0].contract.instrument, only(run).positions[1].product)
    before = world.engine.core.accounts[1].last_event_at[key]

    world.restart()

    account = world.engine.core.accounts[1]
    assert account.last_event_at[key] == pytest.approx(before, abs=1.0)
    assert only(world.run()).last_order_event == pytest.approx(before, abs=1.0)


def test_orders_unresolved_at_a_start_keep_entries_out() -> None:
    """REDUCING until a person lifts it; the order's own fence is as ever."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="hang", seconds=10_000.0, endpoint="placeorder"))
    world.exit(run)
    world.run_until(lambda: len(exits(world)) == 1)
    world.restart()
    world.run_for(3.0)

    assert world.engine.core.accounts[1].trading_state is TradingState.REDUCING


def test_five_refused_exits_keep_entries_out_of_the_account() -> None:
    """ESCALATED: the account becomes REDUCING, and stays what a person made of it otherwise."""
    world = World(profile="live", accounts=2)
    run = world.open(one_leg())
    world.papers[1].refusal_text = "RMS: something"
    world.exit(run, account_id=1)
    world.run_for(60.0)

    accounts = world.engine.core.accounts
    assert accounts[1].trading_state is TradingState.REDUCING
    assert accounts[2].trading_state is TradingState.ACTIVE
    assert "ESCALATED" in next(iter(run.executions.values())).execution.attention


# --- clocks and days ----------------------------------------------------------------------------
def test_a_clock_that_is_set_back_puts_no_look_into_the_future() -> None:
    """Looks after it count as ever."""
    world = World(profile="live")
    run = world.open(one_leg())
    account = world.engine.core.accounts[1]
    now = world.clock.now()
    world.engine.post(
        m.BooksRead(
            account_id=1, begun_at=now + timedelta(seconds=60), ended_at=now, error="",
            orders=_rows(world), trades=(), positions=(),
        )
    )  # fmt: skip
    world.step()

    assert account.complete_look_at is not None
    assert account.complete_look_at <= world.clock.monotonic()
    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=30.0)


def _rows(world: World) -> tuple[object, ...]:
    return tuple(world.limbs[1].broker.order_book())


@pytest.mark.parametrize("step", [-60.0, 3600.0])
def test_a_clock_that_is_set_during_a_send_moves_no_send(step: float) -> None:
    """What was seen before a send stays seen before it."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="delay", seconds=4.0, endpoint="placeorder"))
    world.exit(run)
    world.run_until(lambda: len(exits(world)) == 1)
    track = world.engine.core.accounts[1].tracks[exits(world)[0].intent.client_order_id]
    submitted, now = track.sent_at, world.clock.now()
    world.engine.post(
        m.SendOutcome(
            client_order_id=exits(world)[0].intent.client_order_id, act="place",
            outcome=Unknown(reason="x"), sent_at=now, ended_at=now + timedelta(seconds=step),
        )
    )  # fmt: skip
    world.step()

    assert submitted <= track.sent_at <= world.clock.monotonic()


def test_prices_are_believed_again_after_the_clock_was_set_back() -> None:
    """Rules would be blind until the clock has caught up."""
    world = World()
    run = world.open(one_leg())
    instrument = run.run.plan.legs[0].contract.instrument
    market = world.engine.core.market
    ahead = world.clock.now() + timedelta(hours=1)
    market.admit(Quote(instrument, Decimal(100), ahead, "feed:1"))

    world.run_for(10.0)

    assert market.is_fresh(instrument)


def next_day(world: World) -> None:
    """03:00 passes while the process runs; the broker's books are empty and ids start again."""
    books = world.papers[1].books
    books.orders.clear()
    books.trades.clear()
    world.clock.advance(
        (datetime(2026, 11, 25, 9, 16, tzinfo=IST) - world.clock.now()).total_seconds()
    )
    world.run_for(5.0)


def test_ids_that_a_broker_gives_again_the_next_day_are_new_orders() -> None:
    """Yesterday's entry and today's exit have one id: the exit is accepted and filled."""
    world = World(profile="live")
    run = world.open(one_leg())
    name = next(iter(only(run).orders.values())).broker_order_id
    assert name is not None
    next_day(world)
    world.papers[1]._order_id = lambda now: name  # type: ignore[method-assign]

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=60.0)

    assert len(exits(world)) == 1
    assert world.net_at_exchange(1) == {}


def test_ids_seen_yesterday_do_not_hide_an_order_of_today() -> None:
    """Another's order had that id yesterday; today's unknown exit is found by it."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.engine.core.accounts[1].seen["again-1"] = world.clock.monotonic()
    next_day(world)
    world.papers[1]._order_id = lambda now: "again-1"  # type: ignore[method-assign]
    strike(world, FaultRule(kind="drop_reply", endpoint="placeorder", count=1))

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=60.0)

    assert len(exits(world)) == 1


def test_acts_and_trades_of_yesterday_explain_nothing_today() -> None:
    """The start of the day is measured with the trade book of that day."""
    world = World(profile="live")
    run = world.open(one_leg())
    by_hand(world, symbol(world), "BUY", 130)
    world.run_for(60.0)
    account = world.engine.core.accounts[1]
    key = PositionKey(run.run.plan.legs[0].contract.instrument, only(run).positions[1].product)
    assert account.foreign_net[key] == 130

    next_day(world)
    world.run_for(90.0)

    assert world.engine._reconcile._drift.explained(account, key) == 130
    assert account.notes[key].at_start == 130


# --- contradictions -----------------------------------------------------------------------------
def test_an_exit_called_rejected_that_has_trades_is_not_stuck() -> None:
    """Some brokers say so of a part fill: the trades are booked, the rest is sent again."""
    world = World(profile="live")
    run = world.open(one_leg(), sets=2)
    strike(world, FaultRule(kind="partial_fill", seconds=300.0))
    world.exit(run)
    world.run_until(lambda: only(run).positions[1].quantity == -65)
    strike(world)
    order = list(world.papers[1].books.orders.values())[-1]
    order.status, order.reject_reason = "rejected", "RMS"

    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=90.0)

    assert [j.intent.quantity for j in exits(world)] == [130, 65]
    assert world.net_at_exchange(1) == {}


def test_a_resting_entry_that_a_person_converts_after_the_entry_time_goes_to_market() -> None:
    """The execution is open by then: the rest is not forgotten."""
    world = World(profile="live")
    strategy = one_leg(entry_timeout_s=5, entry_timeout_policy=RemainderPolicy.KEEP,
                       unbalanced_policy=UnbalancedPolicy.KEEP_AND_ALERT)  # fmt: skip
    limit = replace(
        strategy.legs[0], id=2, leg_number=2, price_type=PriceType.LIMIT, limit_price=Decimal(5000),
        option_type=OptionType.PE,
    )  # fmt: skip
    world.start(replace(strategy, legs=(*strategy.legs, limit)))
    execution = only(world.run())
    world.run_until(lambda: bool(execution.working_entries()))
    world.run_for(10.0)
    (order,) = execution.working_entries()
    assert execution.state is ExecutionState.ENTERED

    world.engine.post(m.ConvertToMarket(client_order_id=order.id, by="me"))
    world.run_for(20.0)

    assert execution.positions[2].quantity == -65
