"""Lost answers, refusals, hangs and restarts: nothing is sent twice, no position is forgotten."""

from decimal import Decimal

import pytest

from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import ExitReason
from algomirror.domain.run import RunState
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly

PROFILES: list[Profile] = ["analyze", "live"]


def strike(world: World, *rules: FaultRule, account_id: int = 1) -> None:
    world.papers[account_id].faults = FaultPlan(rules=list(rules))


def exits_sent(world: World, account_id: int = 1) -> list[str]:
    return [
        job.intent.client_order_id
        for job in world.limbs[account_id].sent
        if job.act == "place" and job.intent.purpose is OrderPurpose.EXIT
    ]


@pytest.mark.acceptance(5)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_exit_whose_answer_is_lost_is_found_and_not_sent_twice(profile: Profile) -> None:
    """The order reached the broker: it is adopted from the books."""
    world = World(profile=profile)
    run = world.open(short_iron_fly())
    strike(world, FaultRule(kind="drop_reply", endpoint="placeorder"))

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits_sent(world)) == 4
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(6)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_exit_that_never_arrived_is_sent_once_more_after_five_looks(profile: Profile) -> None:
    """Five complete looks over twenty seconds, then attempt 2."""
    world = World(profile=profile)
    run = world.open(short_iron_fly())
    strike(world, FaultRule(kind="hang", count=1, seconds=100_000.0))

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits_sent(world)) == 5
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(8)
def test_five_refused_exits_escalate_and_go_on() -> None:
    """After the fifth refusal the execution shouts and is tried each minute."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    world.papers[1].refusal_text = "RMS: circuit limit"

    world.exit(run)
    world.run_for(40.0)
    execution = next(iter(run.executions.values()))
    assert "ESCALATED" in execution.execution.attention
    world.papers[1].refusal_text = ""
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(12)
def test_a_hanging_account_does_not_delay_the_other() -> None:
    """B is flat in the time it would need alone."""
    world = World(accounts=2)
    run = world.open(short_iron_fly())
    strike(world, FaultRule(kind="delay", seconds=9.0), account_id=1)

    world.exit(run)
    world.run_for(6.0)

    states = {e.account_id: e.state for e in run.executions.values()}
    assert states[2] is ExecutionState.EXITED
    assert world.net_at_exchange(2) == {}


@pytest.mark.acceptance(13)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_restart_in_the_middle_of_an_exit_closes_exactly_the_rest(profile: Profile) -> None:
    """Half filled, killed, restarted: what is left is closed, once."""
    world = World(profile=profile)
    run = world.open(short_iron_fly(), sets=2)
    strike(world, FaultRule(kind="partial_fill", seconds=15.0))

    world.exit(run)
    world.run_for(3.0)
    world.restart()
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}
    assert world.exchange_cash() == world.run().run.realised


@pytest.mark.acceptance(14)
def test_a_crash_between_saving_and_sending_resends_nothing_blindly() -> None:
    """The saved order is looked up in the books before anything else is sent on its leg."""
    world = World()
    run = world.open(short_iron_fly())
    for limb in world.limbs.values():
        limb.send = lambda job: None  # type: ignore[method-assign]
    world.exit(run)

    world.restart()
    world.run_for(10.0)
    assert exits_sent(world) == []
    world.run_until(lambda: world.run().run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}
    assert all("EXIT-2" in name for name in exits_sent(world)[:2])


@pytest.mark.acceptance(17)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_entry_fill_after_the_exit_began_is_closed_too(profile: Profile) -> None:
    """The exit grows by what fills late."""
    world = World(profile=profile)
    strike(world, FaultRule(kind="partial_fill", seconds=6.0))
    world.start(short_iron_fly(), sets=2)
    world.run_for(3.0)

    world.exit(world.run())
    world.run_until(lambda: world.run().is_final)

    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(21)
def test_a_position_whose_exit_was_refused_still_counts() -> None:
    """P&L goes on with the mark of what is open."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    world.papers[1].refusal_text = "RMS: no"

    world.exit(run)
    world.run_for(5.0)
    before = run.pnl
    world.set_index(world.market.paths["NIFTY"].price * 1.01)
    world.run_for(3.0)

    assert run.pnl != before


@pytest.mark.acceptance(25)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_unknown_entry_is_never_sent_again(profile: Profile) -> None:
    """Every entry's answer is lost: each is found, none is repeated."""
    world = World(profile=profile)
    strike(world, FaultRule(kind="drop_reply", endpoint="placeorder"))

    run = world.open(short_iron_fly())

    names = [j.intent.client_order_id for j in world.limbs[1].sent]
    assert len(names) == len(set(names)) == 4
    assert run.run.state is RunState.OPEN


@pytest.mark.acceptance(27)
def test_a_hedge_that_does_not_fill_leaves_that_account_alone() -> None:
    """abort: working orders are cancelled and what filled is closed, in that account only."""
    world = World(accounts=2)
    strike(world, FaultRule(kind="partial_fill", count=2, seconds=500.0), account_id=1)

    world.start(short_iron_fly(), sets=3)
    world.run_for(60.0)

    states = {e.account_id: e for e in world.run().executions.values()}
    assert states[1].execution.exit_reason is ExitReason.HEDGE_TIMEOUT
    assert world.net_at_exchange(1) == {}
    assert states[2].state is ExecutionState.ENTERED


@pytest.mark.acceptance(26)
def test_shorts_are_released_in_step_with_their_hedges() -> None:
    """Hedge one of three lots filled: at most one lot is sold."""
    world = World()
    strike(world, FaultRule(kind="partial_fill", count=2, seconds=20.0))

    world.start(short_iron_fly(), sets=3)
    world.run_for(8.0)

    sold = sum(j.intent.quantity for j in world.limbs[1].sent if j.intent.side == "SELL")
    assert sold == 2 * 65
    world.run_for(30.0)
    assert sorted(world.net_at_exchange(1).values()) == [-195, -195, 195, 195]


@pytest.mark.acceptance(28)
def test_a_refused_short_is_a_visible_state_with_a_remedy() -> None:
    """CE filled, PE refused: the unbalanced policy acts and says so."""
    world = World()
    strike(world, FaultRule(kind="reject_late", count=1, probability=1.0, seconds=0.3))
    world.papers[1].faults.rules[0].endpoint = "placeorder"

    world.start(short_iron_fly())
    world.run_for(60.0)

    kinds = {e.kind for e in world.engine.view.rows("event")}  # type: ignore[union-attr]
    assert world.run().is_final
    assert world.net_at_exchange(1) == {}
    assert "entry" in kinds


@pytest.mark.acceptance(35)
def test_a_rate_limit_sends_the_same_order_again_and_a_refusal_does_not() -> None:
    """429 of OpenAlgo's own limiter: same client id in the next window, once."""
    world = World()
    strike(world, FaultRule(kind="http_429", count=1))

    run = world.open(short_iron_fly())

    names = [j.intent.client_order_id for j in world.limbs[1].sent]
    assert run.run.state is RunState.OPEN
    assert len(names) == 5
    assert len(set(names)) == 4


@pytest.mark.acceptance(37)
def test_a_failed_account_is_skipped_with_the_reason() -> None:
    """The others trade."""
    world = World(accounts=2)
    world.papers[2].session_alive = False
    world.run_for(50.0)

    run = world.open(short_iron_fly())

    states = {e.account_id: e for e in run.executions.values()}
    assert states[2].state is ExecutionState.SKIPPED
    assert "login" in states[2].execution.skip_reason
    assert states[1].state is ExecutionState.ENTERED


@pytest.mark.acceptance(40)
def test_a_new_run_starts_its_limits_at_zero() -> None:
    """A losing run does not trigger the next one."""
    world = World()
    first = world.open(short_iron_fly(max_loss=Decimal(1500)))
    world.set_index(world.market.paths["NIFTY"].price * 1.03)
    world.run_until(lambda: first.run.state is RunState.CLOSED)

    world.start(short_iron_fly(max_loss=Decimal(1500)), token="second")
    world.run_for(20.0)

    assert world.run().run.number == 2
    assert world.run().run.state is RunState.OPEN


@pytest.mark.acceptance(53)
def test_a_zero_price_fires_nothing() -> None:
    """The price is refused and the last good one ages."""
    world = World()
    run = world.open(short_iron_fly(max_loss=Decimal(500)))
    leg = run.run.plan.legs[2].contract
    world.market.fix_price(leg.symbol, leg.exchange, Decimal(0))

    world.run_for(30.0)

    assert run.run.max_loss_triggered_at is None
    assert world.engine.core.market.mark(leg.instrument) not in (None, Decimal(0))


@pytest.mark.acceptance(63)
def test_two_strategies_on_one_symbol_keep_their_own_quantities() -> None:
    """When one exits only its own quantity is bought."""
    world = World()
    first = world.open(short_iron_fly())
    world.start(short_iron_fly(id=2, name="second"), token="second")
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    world.exit(first)
    world.run_until(lambda: first.run.state is RunState.CLOSED)

    assert sorted(world.net_at_exchange(1).values()) == [-65, -65, 65, 65]


@pytest.mark.acceptance(66)
def test_a_manual_extra_position_is_not_touched_and_drift_is_shown() -> None:
    """Only our quantity is sent."""
    world = World()
    run = world.open(short_iron_fly())
    leg = run.run.plan.legs[3].contract
    body = {
        "apikey": "key-1", "strategy": "by hand", "symbol": leg.symbol, "exchange": "NFO",
        "action": "SELL", "quantity": 65, "product": "NRML", "pricetype": "MARKET",
    }  # fmt: skip
    world.exchange.handle("placeorder", body, world.clock.now())
    world.run_for(20.0)

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {leg.symbol: -65}
    assert any(e.kind == "drift" for e in world.engine.view.rows("event"))  # type: ignore[union-attr]


@pytest.mark.acceptance(107)
def test_a_semi_auto_exit_is_not_sent_again_and_counts_when_approved() -> None:
    """Ten minutes without a row, then a person releases it."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    strike(world, FaultRule(kind="semi_auto", part=0.0))

    world.exit(run)
    world.run_for(600.0)
    assert len(exits_sent(world)) == 2
    strike(world)
    for number in list(world.papers[1].pending):
        world.papers[1].approve(number, world.clock.now())
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(108)
def test_a_market_order_booked_as_a_limit_is_adopted() -> None:
    """Price, type and time prove nothing."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    strike(
        world,
        FaultRule(kind="market_as_limit"),
        FaultRule(kind="drop_reply", endpoint="placeorder"),
    )

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits_sent(world)) == 4


@pytest.mark.acceptance(110)
def test_an_empty_order_book_is_a_failed_look() -> None:
    """It says success and holds nothing: an unknown order is not called absent by it."""
    world = World()
    run = world.open(short_iron_fly())
    strike(
        world,
        FaultRule(kind="drop_reply", endpoint="placeorder"),
        FaultRule(kind="orderbook_empty"),
    )

    world.exit(run)
    world.run_for(60.0)
    unknown = [o for o in world.engine.core.book.orders.values()
               if o.status is OrderStatus.UNKNOWN]  # fmt: skip
    assert len(unknown) == 2
    strike(world)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert len(exits_sent(world)) == 4


@pytest.mark.acceptance(115)
def test_an_unknown_entry_slice_does_not_hold_back_the_exit_of_the_filled() -> None:
    """What is proven leaves at once."""
    world = World()
    world.papers[1].books.cash = Decimal(10_000_000_000)
    strike(world, FaultRule(kind="hang", count=1, seconds=100_000.0))
    world.start(short_iron_fly(hedge_timeout_s=5), sets=60)
    world.run_for(17.0)

    assert world.run().executions
    world.run_for(60.0)
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(119)
def test_a_hanging_book_does_not_delay_an_exit() -> None:
    """Reads and orders have separate workers."""
    world = World()
    run = world.open(short_iron_fly())
    strike(world, FaultRule(kind="delay", endpoint="orderbook", seconds=3.0))
    before = len(world.limbs[1].sent)

    world.exit(run)
    world.run_for(0.5)

    assert len(world.limbs[1].sent) == before + 2


@pytest.mark.acceptance(120)
def test_a_sandbox_answer_to_a_live_exit_is_no_exit() -> None:
    """The position stays open, guarded and alarmed."""
    world = World(profile="live")
    run = world.open(short_iron_fly())
    world.papers[1].analyze = True

    world.exit(run)
    world.run_for(3.0)

    execution = next(iter(run.executions.values()))
    assert "sandbox" in execution.execution.attention
    assert not execution.is_flat


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_an_exit_waits_for_an_account_that_is_connected_anew(seconds: float) -> None:
    """Its workers are away for a moment: the same order goes once they are back, once."""
    world = World()
    run = world.open(short_iron_fly())
    workers = world.limbs.pop(1)

    world.exit(run)
    world.run_for(seconds)
    world.limbs[1] = workers
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    names = exits_sent(world)
    assert len(names) == len(set(names)) == 4
    assert world.net_at_exchange(1) == {}
    execution = next(iter(run.executions.values()))
    assert ("not connected" in execution.execution.attention) is (seconds == 5.0)
