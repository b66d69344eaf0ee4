"""The main job on the engine: enter with hedges first, watch, leave on max loss, books agree."""

from decimal import Decimal

import pytest

from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.run import ExitReason
from algomirror.domain.run import RunState
from algomirror.paper.exchange import Profile
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly

PROFILES: list[Profile] = ["analyze", "live"]


@pytest.mark.parametrize("profile", PROFILES)
def test_all_legs_of_all_accounts_fill(profile: Profile) -> None:
    """A run opens with the planned quantity on every account."""
    world = World(accounts=3, profile=profile)

    run = world.open(short_iron_fly())

    assert run.run.state == RunState.OPEN
    for account_id in world.papers:
        assert sorted([65, 65, -65, -65]) == sorted(world.net_at_exchange(account_id).values())


@pytest.mark.parametrize("profile", PROFILES)
def test_hedges_are_bought_before_shorts_are_sold(profile: Profile) -> None:
    """No SELL entry leaves before the BUY legs of its account are filled."""
    world = World(profile=profile)

    world.open(short_iron_fly())

    sides = [job.intent.side for job in world.limbs[1].sent]
    assert sides == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]


@pytest.mark.acceptance(1)
@pytest.mark.parametrize("profile", PROFILES)
def test_max_loss_closes_every_leg_once(profile: Profile) -> None:
    """One opposite order set for each account, however many ticks follow."""
    world = World(accounts=3, profile=profile)
    run = world.open(short_iron_fly(max_loss=Decimal(1500)))

    world.set_index(25800.0)
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    world.run_for(30.0)

    assert run.run.exit_reason == ExitReason.MAX_LOSS
    for account_id, limb in world.limbs.items():
        exits = [j for j in limb.sent if j.intent.purpose is OrderPurpose.EXIT]
        assert len(exits) == 4
        assert world.net_at_exchange(account_id) == {}


@pytest.mark.acceptance(11)
@pytest.mark.parametrize("profile", PROFILES)
def test_no_long_is_sold_before_the_shorts_are_flat(profile: Profile) -> None:
    """Exit orders of shorts leave first; longs only after the shorts are proven flat."""
    world = World(profile=profile)
    run = world.open(short_iron_fly())

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    exits = [j.intent.side for j in world.limbs[1].sent if j.intent.purpose is OrderPurpose.EXIT]
    assert exits == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]


@pytest.mark.parametrize("profile", PROFILES)
def test_profit_and_loss_equals_the_exchange_to_the_paisa(profile: Profile) -> None:
    """When flat, our P&L is the exchange's cash flow."""
    world = World(accounts=3, profile=profile)
    run = world.open(short_iron_fly())

    world.run_for(60.0)
    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.exchange_cash() == run.pnl
    assert world.exchange_cash() == run.run.realised


@pytest.mark.acceptance(24)
def test_a_double_click_is_one_run() -> None:
    """The same token starts one run."""
    world = World()
    world.start(short_iron_fly(), token="same")
    world.start(short_iron_fly(), token="same")

    world.run_for(5.0)

    assert len(world.engine.core.book.runs) == 1


@pytest.mark.acceptance(3)
def test_a_second_exit_joins_the_first() -> None:
    """Two browsers and a rule make one exit; later requests are told."""
    world = World()
    run = world.open(short_iron_fly(max_loss=Decimal(1500)))

    world.set_index(25800.0)
    world.exit(run)
    world.exit(run)
    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    kinds = [row.kind for row in world.engine.view.rows("event")]
    exits = [j for j in world.limbs[1].sent if j.intent.purpose is OrderPurpose.EXIT]
    assert len(exits) == 4
    assert kinds.count("already_exiting") >= 2


@pytest.mark.acceptance(9)
def test_a_large_exit_is_sliced_by_the_freeze_quantity() -> None:
    """60 lots of NIFTY leave as 1755, 1755 and 390."""
    world = World()
    for paper in world.papers.values():
        paper.books.cash = Decimal(10_000_000_000)
    run = world.open(short_iron_fly(), sets=60)

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    shorts = [
        j.intent.quantity
        for j in world.limbs[1].sent
        if j.intent.purpose is OrderPurpose.EXIT and j.intent.leg_id == 3
    ]
    assert shorts == [1755, 1755, 390]
