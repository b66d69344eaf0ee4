"""Pacing of a whole account: forty entries, an exit among them; real order threads."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest

from algomirror.clock import SystemClock
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.run import RunState
from algomirror.domain.run import TradingMode
from algomirror.domain.strategy import Strategy
from algomirror.engine import messages as m
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import PRIORITY_EXIT
from algomirror.engine.limbs import Job
from algomirror.engine.pace import Limits
from algomirror.engine.ports import Accepted
from algomirror.engine.ports import Broker
from algomirror.engine.ports import NotSent
from algomirror.engine.ports import Outcome
from algomirror.engine.sender import MAX_ORDER_THREADS
from algomirror.engine.sender import ThreadedLimbs
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from tests.engine.jobs import job


# --- the engine, on a fake clock --------------------------------------------------------------
def all_bought(**changes: object) -> Strategy:
    """Four BUY legs: nothing waits for a hedge."""
    fly = short_iron_fly()
    legs = tuple(replace(leg, side=Side.BUY) for leg in fly.legs)
    return replace(fly, id=2, name="bought", legs=legs, **changes)  # type: ignore[arg-type]


def rich_world() -> World:
    world = World()
    world.papers[1].books.cash = Decimal(10_000_000_000)
    return world


@pytest.mark.acceptance(34)
def test_an_exit_leaves_next_however_many_entries_are_queued() -> None:
    """40 entries are queued; the exit's orders are the next to leave, ten a second at most."""
    world = rich_world()
    held = world.open(short_iron_fly())
    limb = world.limbs[1]
    world.start(all_bought(), sets=270, token="forty")
    world.run_until(lambda: len(limb.sent) > 4)
    waiting = len(limb.sent)

    world.exit(held)
    world.run_until(lambda: held.run.state is RunState.CLOSED)
    world.run_for(10.0)

    purposes = [j.intent.purpose for j in limb.sent]
    assert purposes.count(OrderPurpose.ENTRY) == 44
    assert waiting < 4 + 10
    assert purposes[waiting : waiting + 2] == [OrderPurpose.EXIT] * 2
    assert max(Counter(at.replace(microsecond=0) for at in limb.sent_at).values()) <= 10
    assert world.papers[1].books.positions


def test_the_day_budget_stops_entries_and_lets_all_that_is_open_out() -> None:
    """What is left covers the exit; the entries that do not leave say why."""
    world = rich_world()
    profile = replace(world.profile(1), max_orders_per_day=30)
    world.limbs[1].set_limits(Limits(per_day=30))
    world.engine.post(m.AccountAdded(profile=profile))
    world.start(all_bought(entry_timeout_s=20), sets=270)
    run = world.run()
    world.run_until(lambda: run.run.state is not RunState.ENTERING, at_most_s=60.0)

    orders = list(world.engine.core.book.orders.values())
    refused = [o for o in orders if o.status is OrderStatus.REJECTED]
    assert {o.reason for o in refused} == {
        "not sent: the day's order budget of 30 is kept for exits"
    }
    sent = len(world.limbs[1].sent)
    assert sent < 30

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}
    assert len(world.limbs[1].sent) <= 30


# --- real threads -----------------------------------------------------------------------------
@dataclass
class SlowBroker:
    """Notes when each order came; entries may hang until they are let go."""

    hold_entries: bool = False
    takes_s: float = 0.0
    seen: list[tuple[float, OrderIntent]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def place(self, intent: OrderIntent, *, tag: str) -> Outcome:
        self.seen.append((time.time(), intent))
        if self.hold_entries and intent.purpose is OrderPurpose.ENTRY:
            self.go.wait(10.0)
        time.sleep(self.takes_s)
        return Accepted(broker_order_id=intent.client_order_id, mode=TradingMode.LIVE)


class Desk:
    """Real order threads over a fake broker."""

    def __init__(self, broker: SlowBroker, limits: Limits | None = None, *, today: int = 0) -> None:
        self.broker = broker
        self.outcomes: list[m.SendOutcome] = []
        self.limbs = ThreadedLimbs(
            1,
            cast(Broker, broker),
            SystemClock(),
            post=lambda message: self.outcomes.append(cast(m.SendOutcome, message)),
            put_quote=lambda quote: None,
            limits=limits or Limits(),
            noted_today=today,
        )

    def send(self, priority: int, count: int) -> list[Job]:
        jobs = [job(priority, number=n) for n in range(count)]
        for one in jobs:
            self.limbs.send(one)
        return jobs

    def until(self, condition: Callable[[], bool], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not reached in {seconds} s"
            time.sleep(0.002)


def exits_of(broker: SlowBroker) -> list[int]:
    """Places in the order of arrival that exits have."""
    return [n for n, (_, i) in enumerate(broker.seen) if i.purpose is OrderPurpose.EXIT]


@pytest.mark.acceptance(34)
def test_with_real_threads_an_exit_leaves_next_and_ten_a_second_at_most() -> None:
    """40 entries queued, two exits after the first second's share: they are next."""
    broker = SlowBroker(takes_s=0.01)
    desk = Desk(broker)
    desk.send(PRIORITY_ENTRY, 40)
    desk.until(lambda: len(broker.seen) >= 8)
    time.sleep(0.05)
    before = len(broker.seen)

    asked = time.time()
    desk.send(PRIORITY_EXIT, 2)
    desk.until(lambda: len(desk.outcomes) == 42)
    desk.limbs.stop()

    assert exits_of(broker) == [before, before + 1]
    assert broker.seen[before + 1][0] - asked < 0.5
    assert max(Counter(int(at) for at, _ in broker.seen).values()) <= 10


def test_entries_that_hang_leave_a_thread_to_the_exit() -> None:
    """However many entries wait for answers, an exit does not wait for one of them."""
    broker = SlowBroker(hold_entries=True)
    desk = Desk(broker)
    desk.send(PRIORITY_ENTRY, 6)
    desk.until(lambda: len(broker.seen) == MAX_ORDER_THREADS - 1)

    desk.send(PRIORITY_EXIT, 1)
    desk.until(lambda: len(desk.outcomes) == 1)
    broker.go.set()
    desk.until(lambda: len(desk.outcomes) == 7)
    desk.limbs.stop()

    assert exits_of(broker) == [MAX_ORDER_THREADS - 1]


def test_two_orders_that_come_together_do_not_wait_for_each_other() -> None:
    """Both legs leave at once although one thread was woken for both."""
    broker = SlowBroker(takes_s=0.3)
    desk = Desk(broker)
    time.sleep(0.05)
    for _ in range(3):
        desk.send(PRIORITY_EXIT, 2)
        desk.until(lambda: len(desk.outcomes) % 2 == 0 and len(desk.outcomes) > 0)
        time.sleep(0.05)
        first, second = (at for at, _ in broker.seen[-2:])
        assert second - first < 0.25
    desk.limbs.stop()


def test_what_has_not_left_when_the_worker_stops_is_answered() -> None:
    """An edited account gets a new worker: its queued orders are not lost, nor sent twice."""
    broker = SlowBroker()
    desk = Desk(broker, Limits(per_second=1))
    desk.send(PRIORITY_EXIT, 3)
    desk.until(lambda: len(broker.seen) == 1)
    desk.limbs.stop()
    desk.send(PRIORITY_EXIT, 1)
    desk.until(lambda: len(desk.outcomes) == 4)

    unsent = [o for o in desk.outcomes if isinstance(o.outcome, NotSent)]
    assert len(broker.seen) + len(unsent) == 4


def test_a_spent_day_budget_is_answered_and_an_exit_still_leaves() -> None:
    """What the journal counted before a restart counts."""
    broker = SlowBroker()
    desk = Desk(broker, Limits(per_day=200), today=199)
    desk.limbs.set_exit_reserve(4)
    desk.send(PRIORITY_ENTRY, 1)
    desk.send(PRIORITY_EXIT, 2)
    desk.until(lambda: len(desk.outcomes) == 3)
    desk.limbs.stop()

    reasons = [o.outcome.reason for o in desk.outcomes if isinstance(o.outcome, NotSent)]
    assert reasons == ["the day's order budget of 200 is kept for exits"]
    assert len(exits_of(broker)) == 2
