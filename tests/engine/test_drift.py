"""Trades by others: shown, never adopted silently, claimed once by an exit, settled by a person."""

from decimal import Decimal

import pytest

from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.engine import messages as m
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.book import RunBook
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from tests.engine.hands import by_hand
from tests.engine.hands import event_kinds
from tests.engine.hands import exits
from tests.engine.hands import one_leg
from tests.engine.hands import only
from tests.engine.hands import sent
from tests.engine.hands import strike

PROFILES: list[Profile] = ["analyze", "live"]


def symbol_of(run: RunBook, leg: int = 0) -> str:
    return run.run.plan.legs[leg].contract.symbol


def drift_rows(world: World) -> list[DriftRow]:
    return [row for row in world.engine.view.rows("drift") if isinstance(row, DriftRow)]


def second(world: World, **changes: object) -> RunBook:
    """Another strategy on the same symbol."""
    world.start(one_leg(id=2, name="second", **changes), token="second")  # type: ignore[arg-type]
    world.run_until(lambda: world.run().run.state is RunState.OPEN)
    return world.run()


@pytest.mark.acceptance(64)
@pytest.mark.parametrize("profile", PROFILES)
def test_opposite_positions_of_two_strategies_each_exit_in_full(profile: Profile) -> None:
    """They net to zero at the broker; drift is 0 and each sends its whole quantity."""
    world = World(profile=profile)
    short = world.open(one_leg())
    world.start(one_leg(Side.BUY, id=2, name="long"), token="long")
    world.run_until(lambda: world.run().run.state is RunState.OPEN)
    long = world.run()
    world.run_for(20.0)
    assert world.net_at_exchange(1) == {}
    assert world.engine.core.accounts[1].drift == {}

    world.exit(short)
    world.exit(long)
    world.run_until(lambda: short.is_final and long.is_final)

    assert sorted((j.intent.side, j.intent.quantity) for j in exits(world)) == [
        ("BUY", 65),
        ("SELL", 65),
    ]


@pytest.mark.acceptance(65)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_manual_close_is_not_closed_again(profile: Profile) -> None:
    """Our stop opens no new position and asks for adoption; adopted, the run is closed."""
    world = World(profile=profile)
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "BUY", 65)
    world.run_for(30.0)

    world.exit(run)
    world.run_for(30.0)

    execution = only(run)
    assert exits(world) == []
    assert world.net_at_exchange(1) == {}
    assert "closed outside?" in execution.execution.attention
    assert execution.state is ExecutionState.EXITING

    world.engine.post(
        m.AdoptOutside(
            execution_id=execution.id, leg_id=1, quantity=65, price=Decimal("101.25"), by="me"
        )
    )
    world.run_until(lambda: run.run.state is RunState.CLOSED)
    assert execution.positions[1].exit_average == Decimal("101.25")
    assert exits(world) == []


@pytest.mark.acceptance(67)
def test_drift_that_nobody_acts_on_changes_nothing() -> None:
    """An hour later our book is what it was, and the difference is shown with its price."""
    world = World()
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "BUY", 65)
    before = only(run).positions[1]

    world.run_for(3600.0)

    (row,) = drift_rows(world)
    assert only(run).positions[1] == before
    assert (row.drift, row.ours, row.broker_net) == (65, -65, 0)
    assert row.confirmed
    assert row.explained
    assert row.average is not None
    assert row.holders[0][3] == -65


@pytest.mark.acceptance(68)
def test_a_square_off_by_the_broker_is_proposed_with_its_price() -> None:
    """MIS: the broker closes at its time; we show it as closed outside at the broker's price."""
    world = World()
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "BUY", 65)
    world.run_for(20.0)

    (row,) = drift_rows(world)
    trade = world.papers[1].books.trades[-1]
    assert row.average == round(trade.price, 2)
    assert "drift" in event_kinds(world)


@pytest.mark.acceptance(111)
def test_a_position_book_that_is_behind_does_not_cut_an_exit() -> None:
    """A fill 2 s old, a position book 4 s behind: the exit is sent in full."""
    world = World()
    strike(world, FaultRule(kind="positionbook_lag", seconds=4.0))
    run = world.open(one_leg(max_loss=Decimal(1)))
    world.run_for(2.0)

    world.set_index(world.market.paths["NIFTY"].price * 1.02)
    world.run_until(lambda: exits(world) != [])

    assert [j.intent.quantity for j in exits(world)] == [65]
    assert only(run).positions[1].closed_outside == 0


@pytest.mark.acceptance(112)
@pytest.mark.parametrize("profile", PROFILES)
def test_what_was_bought_back_by_hand_is_claimed_once(profile: Profile) -> None:
    """Two strategies of 65 each, 65 bought back by hand: both exit, 65 are sent in all."""
    world = World(profile=profile)
    first = world.open(one_leg())
    other = second(world)
    by_hand(world, symbol_of(first), "BUY", 65)
    world.run_for(30.0)

    world.exit(first)
    world.exit(other)
    world.run_for(60.0)

    assert sum(j.intent.quantity for j in exits(world)) == 65
    assert world.net_at_exchange(1) == {}
    asked = [only(r).execution.attention for r in (first, other)]
    assert sum("closed outside?" in text for text in asked) == 1


def test_a_claim_survives_a_restart() -> None:
    """What one exit left out is not there for another after the process died."""
    world = World()
    first = world.open(one_leg())
    other = second(world)
    by_hand(world, symbol_of(first), "BUY", 65)
    world.run_for(30.0)
    world.exit(first)
    world.run_for(5.0)

    world.restart()
    world.run_for(30.0)
    world.exit(world.engine.core.book.runs[other.id])
    world.run_for(60.0)

    assert sum(j.intent.quantity for j in exits(world)) == 65
    assert world.net_at_exchange(1) == {}


def test_a_claim_is_given_back_when_the_close_was_undone() -> None:
    """Sold again by hand: confirmed looks show no drift, and the exit goes on."""
    world = World()
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "BUY", 65)
    world.run_for(30.0)
    world.exit(run)
    world.run_for(10.0)
    assert exits(world) == []

    by_hand(world, symbol_of(run), "SELL", 65)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert [j.intent.quantity for j in exits(world)] == [65]
    assert world.net_at_exchange(1) == {}


def test_what_others_held_before_us_is_no_close_of_ours() -> None:
    """A long bought by hand before our short entered: the short is bought back in full."""
    world = World()
    plan = world.plan(one_leg())
    by_hand(world, plan.legs[0].contract.symbol, "BUY", 65)
    world.run_for(5.0)
    world.engine.post(m.StartRun(plan=plan, trigger=RunTrigger.MANUAL, by="me", token="a"))
    world.run_for(30.0)
    run = world.run()

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert [j.intent.quantity for j in exits(world)] == [65]
    assert world.net_at_exchange(1) == {symbol_of(run): 65}


@pytest.mark.acceptance(113)
@pytest.mark.parametrize(("side", "quantity"), [(Side.SELL, [65]), (Side.BUY, [])])
def test_drift_that_no_trade_explains_cuts_longs_only(side: Side, quantity: list[int]) -> None:
    """Buying back twice costs a premium, an uncovered short has no floor."""
    world = World()
    run = world.open(one_leg(side))
    world.run_for(10.0)
    closing = "BUY" if side is Side.SELL else "SELL"
    by_hand(world, symbol_of(run), closing, 65)
    paper = world.papers[1].books
    paper.trades = [t for t in paper.trades if t.strategy != "by hand"]
    world.run_for(30.0)

    world.exit(run)
    world.run_for(15.0)

    assert [j.intent.quantity for j in exits(world)] == quantity
    alarmed = "no trade of others explains it" in only(run).execution.attention
    assert alarmed is (side is Side.BUY)


@pytest.mark.acceptance(114)
def test_two_strategies_stop_out_together_with_equal_orders() -> None:
    """One symbol, one quantity, the same second: both orders leave."""
    world = World()
    first = world.open(one_leg(max_loss=Decimal(700)))
    other = second(world, max_loss=Decimal(700))

    world.set_index(world.market.paths["NIFTY"].price * 1.02)
    world.run_until(lambda: first.is_final and other.is_final)

    assert [j.intent.quantity for j in exits(world)] == [65, 65]
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(122)
def test_an_unsent_exit_is_withdrawn_when_the_position_is_closed_meanwhile() -> None:
    """OpenAlgo refuses connections for a minute; by hand it is closed; nothing is sent then."""
    world = World()
    run = world.open(one_leg())
    world.limbs[1].transport.is_dead = True
    world.limbs[1].reads.is_dead = True

    world.exit(run)
    world.run_for(20.0)
    by_hand(world, symbol_of(run), "BUY", 65)
    world.run_for(40.0)
    world.limbs[1].transport.is_dead = False
    world.limbs[1].reads.is_dead = False
    world.run_for(120.0)

    assert world.net_at_exchange(1) == {}
    assert "closed outside?" in only(run).execution.attention


def test_ignored_drift_is_quiet_until_it_changes() -> None:
    """Ignore silences this value only."""
    world = World()
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "SELL", 65)
    world.run_for(20.0)
    (row,) = drift_rows(world)

    world.engine.post(
        m.IgnoreDrift(
            account_id=1, symbol=row.symbol, exchange=row.exchange, product=row.product, by="me"
        )
    )
    world.run_for(20.0)
    assert drift_rows(world)[0].ignored
    assert world.engine.core.accounts[1].drift_alarmed == {}
    by_hand(world, symbol_of(run), "SELL", 65)
    world.run_for(20.0)

    assert not drift_rows(world)[0].ignored
    assert len(world.engine.core.accounts[1].drift_alarmed) == 1


def test_a_foreign_position_is_taken_over_into_a_strategy() -> None:
    """It becomes a run of its own whose stop closes it."""
    world = World()
    strategy = one_leg(id=9, name="rescue", max_loss=Decimal(700))
    plan = world.plan(strategy)
    symbol = plan.legs[0].contract.symbol
    by_hand(world, symbol, "SELL", 65)
    world.run_for(40.0)
    (row,) = drift_rows(world)

    world.engine.post(m.TakeOver(plan=plan, quantity=-65, price=row.average or Decimal(1), by="me"))
    world.run_for(15.0)
    run = world.run()
    assert run.run.state is RunState.OPEN
    assert world.engine.core.accounts[1].drift == {}
    world.set_index(world.market.paths["NIFTY"].price * 1.02)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert world.net_at_exchange(1) == {}
    assert drift_rows(world) == []


def test_more_than_the_broker_shows_is_not_taken_over() -> None:
    """A sentence says what the books show; nothing is created."""
    world = World()
    plan = world.plan(one_leg(id=9, name="rescue"))

    world.engine.post(m.TakeOver(plan=plan, quantity=-65, price=Decimal(100), by="me"))
    world.run_for(5.0)

    assert world.engine.core.book.runs == {}
    assert "refused" in event_kinds(world)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_difference_is_flattened_by_one_explicit_order(profile: Profile) -> None:
    """Never more than the difference, though the position book lags; our run is untouched."""
    world = World(profile=profile)
    run = world.open(one_leg())
    by_hand(world, symbol_of(run), "SELL", 130)
    world.run_for(20.0)
    (row,) = drift_rows(world)
    strike(world, FaultRule(kind="positionbook_lag", seconds=6.0))

    world.engine.post(
        m.FlattenDrift(
            account_id=1, symbol=row.symbol, exchange=row.exchange, product=row.product, by="me"
        )
    )
    world.run_for(60.0)

    assert [j.intent.quantity for j in sent(world, OrderPurpose.FLATTEN)] == [130]
    assert world.net_at_exchange(1) == {symbol_of(run): -65}
    assert drift_rows(world) == []
    assert only(run).positions[1].quantity == -65


def test_unconfirmed_drift_is_not_flattened() -> None:
    """One look is no proof."""
    world = World()
    run = world.open(one_leg())

    world.engine.post(
        m.FlattenDrift(account_id=1, symbol=symbol_of(run), exchange="NFO", product="NRML", by="me")
    )
    world.run_for(5.0)

    assert sent(world, OrderPurpose.FLATTEN) == []
    assert "refused" in event_kinds(world)


@pytest.mark.acceptance(70)
def test_fills_lost_in_a_disconnect_are_completed_from_the_trade_book() -> None:
    """Half of an entry fills while nothing can be read; the next look books it."""
    world = World(profile="live")
    strike(world, FaultRule(kind="partial_fill", seconds=15.0))
    world.start(short_iron_fly(), sets=2)
    world.run_for(3.0)
    world.limbs[1].reads.is_dead = True
    world.run_for(14.0)
    world.limbs[1].reads.is_dead = False

    world.run_for(25.0)

    held = {p.instrument.symbol: p.quantity for p in only(world.run()).positions.values()}
    assert {s: q for s, q in held.items() if q} == world.net_at_exchange(1)
