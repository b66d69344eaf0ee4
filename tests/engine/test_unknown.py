"""Outcomes nobody knows: found, proven absent, or left to a person; never guessed, never resent."""

from datetime import datetime
from decimal import Decimal

import pytest

from algomirror.clock import IST
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import RunState
from algomirror.domain.strategy import ExitOrderMode
from algomirror.engine import messages as m
from algomirror.paper.books import PaperTrade
from algomirror.paper.exchange import Profile
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
from tests.engine.hands import set_profile
from tests.engine.hands import strike

PROFILES: list[Profile] = ["analyze", "live"]
LOST = FaultRule(kind="drop_reply", endpoint="placeorder")


def ids_of(world: World, run_id: int) -> set[str | None]:
    execution = only(world.engine.core.book.runs[run_id])
    return {o.broker_order_id for o in execution.orders.values()}


@pytest.mark.parametrize("profile", PROFILES)
def test_with_every_reply_lost_the_book_is_right_within_ten_seconds(profile: Profile) -> None:
    """Entry and exit: each wave's orders are found within 10 s, none is doubled."""
    world = World(profile=profile)
    strike(world, LOST)
    world.start(short_iron_fly())
    waits: dict[str, float] = {}

    def watch() -> None:
        now = world.clock.monotonic()
        for order in world.engine.core.book.orders.values():
            if order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
                waits.setdefault(order.id, now)
            elif order.id in waits and waits[order.id] > 0:
                waits[order.id] = waits[order.id] - now  # negative: it took that long

    world.after_event = watch
    world.run_until(lambda: world.run().run.state is RunState.OPEN)
    world.exit(world.run())
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)

    names = [job.tag for job in world.limbs[1].sent if job.act == "place"]
    assert len(names) == len(set(names)) == 8
    assert len(waits) == 8
    assert max(-w for w in waits.values()) <= 10.0
    assert world.net_at_exchange(1) == {}
    assert world.exchange_cash() == world.run().run.realised


@pytest.mark.parametrize("profile", PROFILES)
def test_a_hanging_reply_is_settled_within_ten_seconds_of_the_deadline(profile: Profile) -> None:
    """It reached the broker late: found in the books after the send deadline, never doubled."""
    world = World(profile=profile)
    run = world.open(one_leg())
    strike(world, FaultRule(kind="hang", seconds=1.0))
    world.exit(run)
    begun = world.clock.monotonic()

    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.clock.monotonic() - begun <= 10.0 + 10.0 + 3.0
    assert len(exits(world)) == 1


@pytest.mark.acceptance(109)
@pytest.mark.parametrize("restarts", [False, True])
def test_a_foreign_order_from_before_the_send_is_never_adopted(restarts: bool) -> None:
    """Equal in symbol, side, quantity and product; our slices unknown; books without tags."""
    world = World(profile="live")
    world.papers[1].books.cash = Decimal(10_000_000_000)
    run = world.open(one_leg(), sets=54)
    size = 27 * 65
    foreign = by_hand(world, run.run.plan.legs[0].contract.symbol, "BUY", size)
    world.run_for(8.0)
    strike(world, LOST)

    world.exit(run)
    world.run_for(0.4)
    if restarts:
        world.restart()
    world.run_for(40.0)

    assert foreign not in ids_of(world, run.id)
    ours = {o.orderid for o in world.papers[1].books.orders.values() if o.orderid != foreign}
    assert {i for i in ids_of(world, run.id) if i} <= ours


@pytest.mark.acceptance(123)
def test_a_foreign_order_seen_before_a_crash_is_not_adopted_after_it() -> None:
    """What stood in the book before the send is remembered through the restart."""
    world = World(profile="live")
    run = world.open(one_leg())
    foreign = by_hand(world, run.run.plan.legs[0].contract.symbol, "BUY", 65)
    world.run_for(8.0)
    strike(world, FaultRule(kind="hang", count=1, seconds=100_000.0))
    world.run_for(1.0)
    world.engine.post(m.RequestKill(by="me"))
    world.run_for(0.5)

    world.restart()
    world.run_for(60.0)

    assert foreign not in ids_of(world, run.id)


@pytest.mark.acceptance(117)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_over_exit_is_flattened_once_and_alarmed(profile: Profile) -> None:
    """A cancelled exit had filled after all, seen when its replacement had filled too."""
    world = World(profile=profile)
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    contract = run.run.plan.legs[0].contract
    price(world, contract.instrument, "100.00")
    world.run_for(3.0)
    price(world, contract.instrument, "105.00")  # the engine still believes 100
    world.exit(run)
    world.run_until(lambda: len(exits(world)) >= 2)
    orders = world.papers[1].books.orders.values()
    first = next(o for o in orders if o.request.action == "BUY")
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert first.status == "cancelled"

    late_fill(world, first.orderid)
    world.run_for(60.0)

    assert world.net_at_exchange(1) == {}
    flattened = [j for j in exits(world) if j.intent.side is Side.SELL]
    assert [j.intent.quantity for j in flattened] == [65]
    assert any("late fill" in e.text for e in world.engine.view.rows("event"))  # type: ignore[union-attr]
    assert run.run.state is RunState.CLOSED


def late_fill(world: World, orderid: str) -> None:
    """The broker finds a fill of an order that it had called cancelled."""
    books = world.papers[1].books
    order = books.orders[orderid]
    quantity = order.request.quantity - order.filled
    order.filled, order.value = order.request.quantity, order.value + quantity * Decimal(99)
    books.trades.append(
        PaperTrade(
            tradeid="LATE", orderid=orderid, symbol=order.request.symbol,
            exchange=order.request.exchange, product=order.request.product, action="BUY",
            quantity=quantity, price=Decimal(99), at=world.clock.now(),
            strategy=order.request.strategy,
        )
    )  # fmt: skip
    books.position(order.request).trade(quantity, Decimal(99))
    books.remember_positions(world.clock.now())


@pytest.mark.acceptance(121)
def test_a_dead_key_on_another_host_is_not_asked_a_hundred_times_a_night() -> None:
    """One probe each five minutes from 08:00, none at night; OpenAlgo bans after 100."""
    world = World(start=datetime(2026, 11, 25, 17, 0, tzinfo=IST), tick_s=30.0)
    world.engine.core.market.hold("canary", [])
    set_profile(world, is_loopback=False)
    world.exchange.accounts["another key"] = world.exchange.accounts.pop("key-1")
    counted = count_calls(world)

    world.run_for(24 * 3600.0)

    assert world.engine.core.accounts[1].connection == "auth_error"
    assert sum(counted.values()) < 100


def count_calls(world: World) -> dict[str, int]:
    """Calls that need a live session, by endpoint."""
    counted: dict[str, int] = {}
    handle = world.exchange.handle

    def counting(endpoint: str, body: object, now: datetime) -> object:
        counted[endpoint] = counted.get(endpoint, 0) + 1
        return handle(endpoint, body, now)

    world.exchange.handle = counting  # type: ignore[method-assign,assignment]
    return counted


@pytest.mark.acceptance(36)
def test_one_hanging_account_of_fifty_delays_nobody() -> None:
    """49 are acknowledged at once and the skew is shown."""
    world = World(accounts=50)
    strike(world, FaultRule(kind="hang", seconds=30.0), account_id=7)
    world.start(one_leg())
    world.run_for(5.0)

    run = world.run()
    states = {e.account_id: e.state for e in run.executions.values()}
    assert [i for i, s in states.items() if s is not ExecutionState.ENTERED] == [7]
    acked = [o.acked_at for e in run.executions.values() for o in e.entry_orders() if o.acked_at]
    assert len(acked) == 49
    row = world.engine.view.get("run", str(run.id))
    assert row is not None
    assert row.skew_ms is not None  # type: ignore[union-attr]


def test_a_person_settles_what_no_book_settles() -> None:
    """It was rejected in the Action Center: the exit goes on with a new attempt."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="semi_auto", count=1, part=0.0))
    world.exit(run)
    world.run_for(20.0)
    (order,) = [o for o in only(run).orders.values() if o.intent.purpose is OrderPurpose.EXIT]
    world.papers[1].pending.clear()

    world.engine.post(m.SettleOrder(client_order_id=order.id, by="me", filled_quantity=0))
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits(world)) == 2
    assert world.net_at_exchange(1) == {}


def test_nothing_else_is_sent_while_orders_wait_for_approval() -> None:
    """Another run's entry and exit on that account wait until OpenAlgo is in auto mode again."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.start(one_leg(Side.BUY, id=2, name="other"), token="b")
    world.run_until(lambda: world.run().run.state is RunState.OPEN)
    other = world.run()
    world.papers[1].order_mode = "semi_auto"
    world.exit(run)
    world.run_for(10.0)
    before = len(exits(world))

    world.exit(other)
    world.run_for(30.0)
    assert len(exits(world)) == before == 1
    assert "semi_auto" in event_kinds(world)
    world.papers[1].order_mode = "auto"
    world.run_until(lambda: other.run.state is RunState.CLOSED)

    assert entries(world)[0].intent.execution_id == 1
    assert only(run).state is ExecutionState.EXITING
    pending = list(world.papers[1].pending)
    world.papers[1].approve(pending[0], world.clock.now())
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(107)
def test_an_order_that_waits_for_approval_is_never_called_absent_after_a_restart() -> None:
    """The process died meanwhile: still nothing is sent again, and the late approval counts."""
    world = World(profile="live")
    run = world.open(one_leg())
    strike(world, FaultRule(kind="semi_auto", count=1, part=0.0))
    world.exit(run)
    world.run_for(10.0)

    world.restart()
    world.run_for(600.0)
    assert len(exits(world)) == 0
    (order,) = [o for o in only(world.run()).orders.values() if o.intent.purpose == "EXIT"]
    assert order.status is OrderStatus.UNKNOWN
    world.papers[1].approve(1, world.clock.now())
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}


def test_a_push_that_overtakes_an_answer_handled_late_does_not_make_our_order_foreign() -> None:
    """The order left before its id was pushed, however long its lost answer lay in the inbox."""
    world = World(profile="live")
    world.open(one_leg())
    world.push_updates()
    strike(world, LOST)
    limb, posted = world.limbs[1], world.engine.post
    late: list[m.Message] = []
    limb._post = lambda message: (late if isinstance(message, m.SendOutcome) else []).append(
        message
    )
    world.exit(world.run())
    world.run_until(lambda: bool(late))
    lost = late[0]
    assert isinstance(lost, m.SendOutcome)
    world.run_for(0.5)

    limb._post = posted
    posted(lost)
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}
    assert "order_found" in event_kinds(world)


def test_one_look_told_twice_is_not_a_second_look() -> None:
    """A first "rejected" stays unproven, also when wall clock and monotonic clock drift apart."""
    world = World(profile="live")
    world.open(one_leg())
    strike(world, FaultRule(kind="reject_late", seconds=0.3))
    world.exit(world.run())
    limb = world.limbs[1]
    world.run_until(
        lambda: any(r.raw_status == "rejected" for k in limb.looks for r in k.orders or ())
    )
    sent = exits(world)[0].intent.client_order_id

    world.clock.advance(3.0000003)
    world.engine.post(limb.looks[-1])
    world.engine.step()

    assert world.engine.core.book.orders[sent].status is OrderStatus.ACCEPTED
