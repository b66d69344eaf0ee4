"""One order from its row to its end: resting, repriced, converted, chased, refused, late."""

from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from decimal import Decimal

import pytest

from algomirror.clock import IST
from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Product
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import RunState
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import RemainderPolicy
from algomirror.engine import messages as m
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from tests.engine.hands import entries
from tests.engine.hands import event_kinds
from tests.engine.hands import exits
from tests.engine.hands import one_leg
from tests.engine.hands import only
from tests.engine.hands import price
from tests.engine.hands import set_profile
from tests.engine.hands import strike

PROFILES: list[Profile] = ["analyze", "live"]


def resting(world: World, *, away: str = "0.50", sets: int = 1, **changes: object) -> str:
    """A BUY limit below the market that does not fill; its client id."""
    plan = world.plan(one_leg(Side.BUY))
    mark = plan.legs[0].last_price or Decimal(100)
    limit = (mark * Decimal(away)).quantize(Decimal("0.05"))
    limit -= limit % Decimal("0.05")
    world.start(one_leg(Side.BUY, PriceType.LIMIT, limit=limit, **changes), sets=sets)
    world.run_for(4.0)
    (order,) = only(world.run()).orders.values()
    return order.id


# --- resting entries --------------------------------------------------------------------------
@pytest.mark.parametrize("profile", PROFILES)
def test_a_resting_entry_takes_another_price(profile: Profile) -> None:
    """Modified above the market it fills, once, as one order."""
    world = World(profile=profile)
    name = resting(world)

    world.engine.post(m.ModifyOrder(client_order_id=name, by="me", limit_price=Decimal(900)))
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    order = world.engine.core.book.orders[name]
    assert order.status is OrderStatus.FILLED
    assert order.intent.limit_price == Decimal(900)
    assert len(entries(world)) == 1


@pytest.mark.acceptance(33)
@pytest.mark.parametrize("bad", ["0", "-5", "100.03"])
def test_a_bad_price_changes_nothing(bad: str) -> None:
    """Zero, negative or off tick: a sentence, and the order rests as it was."""
    world = World()
    name = resting(world)
    before = world.engine.core.book.orders[name].intent

    world.engine.post(m.ModifyOrder(client_order_id=name, by="me", limit_price=Decimal(bad)))
    world.run_for(3.0)

    assert world.engine.core.book.orders[name].intent == before
    assert all(job.act != "modify" for job in world.limbs[1].sent)
    assert "refused" in event_kinds(world)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("lost", [False, True])
def test_convert_sends_the_rest_at_market_after_the_cancel_is_proven(
    profile: Profile, lost: bool
) -> None:
    """Cancel first, also when its answer is lost; then one market order for the unfilled rest."""
    world = World(profile=profile)
    name = resting(world)
    if lost:
        strike(world, FaultRule(kind="drop_reply", endpoint="cancelorder"))

    world.engine.post(m.ConvertToMarket(client_order_id=name, by="me"))
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    acts = [(job.act, job.intent.price_type) for job in world.limbs[1].sent]
    assert acts == [
        ("place", PriceType.LIMIT),
        ("cancel", PriceType.LIMIT),
        ("place", PriceType.MARKET),
    ]
    assert world.net_at_exchange(1) == {only(world.run()).positions[1].instrument.symbol: 65}


@pytest.mark.acceptance(32)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_fill_that_wins_the_race_against_the_cancel_is_honoured(profile: Profile) -> None:
    """The cancel finds the order filled: nothing is sent after it."""
    world = World(profile=profile)
    name = resting(world)
    contract = world.run().run.plan.legs[0].contract
    price(world, contract.instrument, "10.00")
    world.exchange.step(world.clock.now() + timedelta(seconds=1))

    world.engine.post(m.ConvertToMarket(client_order_id=name, by="me"))
    world.run_for(20.0)

    assert len(entries(world)) == 1
    assert world.net_at_exchange(1) == {contract.symbol: 65}


@pytest.mark.acceptance(16)
def test_resting_entries_are_cancelled_when_the_run_exits() -> None:
    """None can reopen a position afterwards."""
    world = World()
    resting(world, entry_timeout_policy=RemainderPolicy.KEEP)
    run = world.run()

    world.exit(run)
    world.run_until(lambda: run.is_final)
    price(world, run.run.plan.legs[0].contract.instrument, "1.00")
    world.run_for(20.0)

    assert world.net_at_exchange(1) == {}
    assert [o.status for o in world.papers[1].books.orders.values()] == ["cancelled"]


def test_a_fleet_that_reduces_takes_resting_entries_back() -> None:
    """REDUCING cancels what has not filled, also of an entry that was kept."""
    world = World()
    resting(world, entry_timeout_policy=RemainderPolicy.KEEP, entry_timeout_s=5)
    world.run_for(10.0)

    world.engine.post(m.SetTradingState(account_id=None, state="REDUCING", reason="x", by="me"))  # type: ignore[arg-type]
    world.run_for(10.0)

    assert [o.status for o in world.papers[1].books.orders.values()] == ["cancelled"]


def test_a_stop_entry_waits_for_its_trigger() -> None:
    """SL-M: nothing fills before the trigger is met."""
    world = World()
    mark = world.plan(one_leg()).legs[0].last_price or Decimal(100)
    trigger = (mark + 20) - (mark + 20) % Decimal("0.05")
    world.start(one_leg(Side.BUY, PriceType.SL_M, trigger=trigger))
    world.run_for(10.0)
    assert world.net_at_exchange(1) == {}

    price(world, world.run().run.plan.legs[0].contract.instrument, str(trigger + 5))
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    assert list(world.net_at_exchange(1).values()) == [65]


def test_a_stop_entry_becomes_a_limit_stop_where_market_orders_are_refused() -> None:
    """SL-M is sent as SL with a limit 3 % beyond its trigger."""
    world = World()
    set_profile(world, market_orders=MarketOrders.REFUSED)
    world.start(one_leg(Side.BUY, PriceType.SL_M, trigger=Decimal("400.00")))
    world.run_for(10.0)

    (job,) = entries(world)
    assert (job.intent.price_type, job.intent.limit_price) == (PriceType.SL, Decimal("412.00"))


@pytest.mark.acceptance(29)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_stop_on_a_partly_filled_entry_closes_what_filled(profile: Profile) -> None:
    """65 of 195 filled: 65 are exited and the remainder is cancelled."""
    world = World(profile=profile)
    strike(world, FaultRule(kind="partial_fill", count=1, seconds=600.0))
    world.start(one_leg(max_loss=Decimal(300)), sets=3)
    world.run_for(6.0)

    world.set_index(world.market.paths["NIFTY"].price * 1.03)
    world.run_until(lambda: world.run().is_final)

    assert [j.intent.quantity for j in exits(world)] == [65]
    assert world.net_at_exchange(1) == {}
    assert world.exchange_cash() == world.run().pnl


@pytest.mark.acceptance(15)
def test_an_exit_uses_the_product_of_its_entry() -> None:
    """The strategy was edited to MIS meanwhile: the run's frozen plan says NRML."""
    world = World()
    run = world.open(short_iron_fly(product=Product.NRML))

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert {j.intent.product for j in exits(world)} == {Product.NRML}


# --- prices of fills --------------------------------------------------------------------------
@pytest.mark.acceptance(30)
def test_a_fill_without_a_price_is_blind_until_the_trade_book_knows() -> None:
    """Complete with average 0: quantity counts, rules wait, then the trade book's price is used."""
    world = World(profile="live")
    hidden = world.papers[1].books
    world.start(one_leg(max_loss=Decimal(1)))
    world.run_for(0.3)
    trades, hidden.trades = hidden.trades, []
    world.run_for(5.0)
    run, kept = world.run(), list(hidden.trades)
    hidden.trades = trades + kept
    assert run.run.max_loss_triggered_at is None

    world.run_for(10.0)

    order = next(iter(only(run).orders.values()))
    assert order.average_price == (trades + kept)[0].price


# --- refusals ---------------------------------------------------------------------------------
@pytest.mark.acceptance(7)
def test_an_exit_refused_at_the_circuit_is_tried_at_the_band() -> None:
    """The position is open and guarded; the next attempt is a limit at the edge that was named."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.papers[1].refusal_text = (
        "RMS: price is outside the daily range, lower circuit limit 1.50, upper circuit limit "
        "990.25"
    )
    world.exit(run)
    world.run_for(0.5)
    world.papers[1].refusal_text = ""
    assert only(run).positions[1].quantity == -65

    world.run_until(lambda: run.run.state is RunState.CLOSED)

    second = exits(world)[1].intent
    assert (second.price_type, second.limit_price) == (PriceType.LIMIT, Decimal("990.25"))
    assert "exit_rejected" in event_kinds(world)


@pytest.mark.acceptance(10)
def test_only_the_refused_slice_is_sent_again() -> None:
    """Slice 2 of 3 is rejected late, the others fill: its quantity alone is retried."""
    world = World(profile="live")
    world.papers[1].books.cash = Decimal(10_000_000_000)
    run = world.open(one_leg(), sets=60)
    world.run_for(5.0)
    strike(world, FaultRule(kind="reject_late", count=0))
    world.exit(run)
    rules = world.papers[1].faults.rules
    world.run_until(lambda: len(exits(world)) >= 1)
    rules[0].count = 1
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    sizes = [(j.intent.attempt, j.intent.quantity) for j in exits(world)]
    refused = [o for o in only(run).orders.values() if o.status is OrderStatus.REJECTED]
    again = [q for attempt, q in sizes if attempt > 1]
    assert again == [o.intent.quantity for o in refused]
    assert world.net_at_exchange(1) == {}


def test_an_exit_refused_for_freeze_is_cut_in_half() -> None:
    """A broker with a smaller freeze quantity than the list says."""
    world = World(profile="live")
    world.papers[1].books.cash = Decimal(10_000_000_000)
    run = world.open(one_leg(), sets=20)
    world.papers[1].refusal_text = "Order quantity exceeds the freeze quantity"
    world.exit(run)
    world.run_for(0.5)
    world.papers[1].refusal_text = ""
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert [j.intent.quantity for j in exits(world)] == [1300, 650, 650]


def test_an_exit_refused_for_login_waits_for_the_login() -> None:
    """It is tried at the next successful ping, not each minute in vain."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.papers[1].session_alive = False
    world.exit(run)
    world.run_for(180.0)
    tries = len(exits(world))

    world.papers[1].session_alive = True
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert tries <= 3
    assert world.net_at_exchange(1) == {}


# --- mode -------------------------------------------------------------------------------------
@pytest.mark.acceptance(38)
def test_exits_are_parked_while_openalgo_is_in_the_sandbox() -> None:
    """A critical alert, nothing sent, and sent by itself after switching back."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.papers[1].analyze = True
    world.run_for(60.0)
    before = len(exits(world))

    world.exit(run)
    world.run_for(20.0)
    assert len(exits(world)) == before
    assert "switched to paper" in only(run).execution.attention
    world.papers[1].analyze = False
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert only(run).execution.attention == ""
    assert world.net_at_exchange(1) == {}


# --- chase ------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", PROFILES)
def test_a_chased_exit_is_a_limit_near_the_touch(profile: Profile) -> None:
    """In a calm market the first limit fills, and its cost is noted."""
    world = World(profile=profile)
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    first = exits(world)[0].intent
    assert first.price_type is PriceType.LIMIT
    assert first.reference_price is not None
    assert first.limit_price is not None
    assert first.limit_price <= first.reference_price * Decimal("1.03") + 2
    assert world.net_at_exchange(1) == {}


def runaway(world: World, start: str = "100.00") -> None:
    """From now on the call rises by 2 % each second, so that no chase limit is reached."""
    instrument = world.run().run.plan.legs[0].contract.instrument
    state = {"price": Decimal(start)}
    before = world.after_event

    def rise() -> None:
        state["price"] += Decimal("0.50")
        price(world, instrument, str(state["price"]))
        before()

    world.after_event = rise


@pytest.mark.acceptance(19)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_chase_that_never_fills_escalates_in_order(profile: Profile) -> None:
    """Steps, then a wide limit, then market; the cost is in the plan's notes."""
    world = World(profile=profile)
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    instrument = run.run.plan.legs[0].contract.instrument
    price(world, instrument, "100.00")
    world.run_for(3.0)
    runaway(world)

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=240.0)

    kinds = [j.intent.price_type for j in exits(world)]
    limits = [j.intent.limit_price for j in exits(world) if j.intent.limit_price]
    texts = [e.text for e in world.engine.view.rows("event") if e.kind == "chase"]  # type: ignore[union-attr]
    assert limits == sorted(limits)
    assert kinds[0] is PriceType.LIMIT
    assert any("wide_limit" in t for t in texts)
    assert kinds[-1] is PriceType.MARKET or limits[-1] >= Decimal(109)
    assert world.net_at_exchange(1) == {}
    assert any("beyond reference" in note for note in plan_notes(world))


def plan_notes(world: World) -> list[str]:
    """Notes of all exit plans as they were saved."""
    engine = world.journal._engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT notes FROM exit_plans").all()
    return [row[0] for row in rows]


@pytest.mark.acceptance(20)
def test_an_account_that_refuses_market_orders_is_left_by_chase() -> None:
    """Also where the strategy says market; the escalation skips the market order."""
    world = World(profile="live")
    run = world.open(one_leg())
    set_profile(world, market_orders=MarketOrders.REFUSED)

    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert {j.intent.price_type for j in exits(world)} == {PriceType.LIMIT}


def test_a_refusal_of_market_orders_is_learned_from() -> None:
    """The broker says so: the next attempt chases."""
    world = World(profile="live")
    run = world.open(one_leg())
    world.papers[1].refusal_text = "Market orders are not allowed for this segment."
    world.exit(run)
    world.run_for(0.5)
    world.papers[1].refusal_text = ""
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    assert [j.intent.price_type for j in exits(world)] == [PriceType.MARKET, PriceType.LIMIT]


def test_a_step_by_modify_keeps_one_order() -> None:
    """Where the broker's modify means the whole order and nothing has filled."""
    world = World(profile="live")
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    set_profile(world, chase_by=ChaseBy.MODIFY)
    instrument = run.run.plan.legs[0].contract.instrument
    price(world, instrument, "100.00")
    world.run_for(3.0)
    world.exit(run)
    price(world, instrument, "101.00")
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    acts = [job.act for job in world.limbs[1].sent if job.intent.purpose == "EXIT"]
    assert acts[0] == "place"
    assert "cancel" not in acts
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(116)
def test_a_chase_never_buys_more_than_the_position() -> None:
    """Half fills between two steps on a broker that reports no filled quantity."""
    world = World(profile="live")
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE), sets=2)
    strike(world, FaultRule(kind="partial_fill", seconds=6.0))
    instrument = run.run.plan.legs[0].contract.instrument
    price(world, instrument, "100.00")
    world.run_for(3.0)
    world.exit(run)
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    bought = sum(t.quantity for t in world.papers[1].books.trades if t.action == "BUY")
    assert bought == 130
    assert world.net_at_exchange(1) == {}


def test_a_chase_goes_on_after_a_restart() -> None:
    """Its reference and deadline are those of the first order."""
    world = World()
    run = world.open(one_leg(exit_order_mode=ExitOrderMode.CHASE))
    instrument = run.run.plan.legs[0].contract.instrument
    price(world, instrument, "100.00")
    world.run_for(3.0)
    runaway(world)
    world.exit(run)
    world.run_for(4.0)

    world.restart()
    world.run_until(lambda: world.run().run.state is RunState.CLOSED, at_most_s=240.0)

    references = {o.intent.reference_price for o in only(world.run()).orders.values()}
    assert len([r for r in references if r is not None]) <= 2  # of entry and exit
    assert world.net_at_exchange(1) == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_chased_entry_fills_and_is_never_doubled(profile: Profile) -> None:
    """Entry style chase: limits near the touch, the rest stepped, the planned quantity held."""
    world = World(profile=profile)

    run = world.open(short_iron_fly(entry_order_mode=EntryOrderMode.CHASE))

    assert {j.intent.price_type for j in entries(world)} == {PriceType.LIMIT}
    assert run.run.state is RunState.OPEN
    assert sorted(world.net_at_exchange(1).values()) == [-65, -65, 65, 65]


@pytest.mark.parametrize("profile", PROFILES)
def test_an_unfilled_remainder_can_be_chased(profile: Profile) -> None:
    """The resting limit is cancelled and the rest follows the market."""
    world = World(profile=profile)
    resting(world, entry_timeout_policy=RemainderPolicy.CHASE, entry_timeout_s=6)

    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    assert list(world.net_at_exchange(1).values()) == [65]
    assert len(entries(world)) >= 2


# --- the market closes ------------------------------------------------------------------------
CLOSING = datetime(2026, 11, 23, 15, 38, tzinfo=IST)


@pytest.mark.acceptance(23)
def test_an_exit_asked_for_after_the_close_is_sent_at_the_next_open() -> None:
    """Queued, shown, and the first thing that leaves; the holiday between is skipped."""
    world = World(start=CLOSING)
    run = world.open(one_leg())
    world.run_for(180.0)

    world.exit(run)
    world.run_for(60.0)
    plan = only(run).plans[1]
    assert exits(world) == []
    assert plan.not_before == datetime(2026, 11, 25, 9, 15, tzinfo=IST)
    assert "Wed 25 Nov 09:15" in only(run).execution.attention
    skip_to(world, datetime(2026, 11, 25, 9, 14, 50, tzinfo=IST))
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=300.0)

    assert len(exits(world)) == 1
    assert world.net_at_exchange(1) == {}


def skip_to(world: World, at: datetime) -> None:
    """A night in one step, the broker's books as they are."""
    world.clock.advance((at - world.clock.now()).total_seconds())
    world.step()


def test_an_exit_that_the_close_interrupts_goes_on_at_the_next_open() -> None:
    """Refused until the close: the position stays, named, and is left first thing."""
    world = World(profile="live", start=CLOSING)
    run = world.open(one_leg())
    world.papers[1].refusal_text = "RMS: something"
    world.exit(run)
    world.run_for(240.0)
    assert "closed" in only(run).execution.attention
    world.papers[1].refusal_text = ""
    tries = len(exits(world))
    world.run_for(120.0)
    assert len(exits(world)) == tries

    skip_to(world, datetime(2026, 11, 25, 9, 15, 1, tzinfo=IST))
    world.run_until(lambda: run.run.state is RunState.CLOSED, at_most_s=300.0)

    assert world.net_at_exchange(1) == {}


def test_a_plan_of_a_closed_market_is_not_sent() -> None:
    """The engine itself refuses an entry outside the session."""
    world = World(start=datetime(2026, 11, 23, 16, 0, tzinfo=IST))

    world.start(one_leg())
    world.run_for(5.0)

    assert world.engine.core.book.runs == {}
    assert entries(world) == []


def overnight(world: World) -> None:
    """The broker's order and trade books start empty; net positions stay."""
    books = world.papers[1].books
    books.orders.clear()
    books.trades.clear()
    skip_to(world, datetime(2026, 11, 25, 9, 16, tzinfo=IST))


@pytest.mark.acceptance(118)
@pytest.mark.parametrize("filled", [0, 65])
def test_an_order_left_working_overnight_is_judged_by_the_position_book(filled: int) -> None:
    """As if unfilled: ended with the day, the exit goes on. Else a person confirms the fill."""
    world = World(profile="live", start=CLOSING)
    run = world.open(one_leg())
    strike(world, FaultRule(kind="hang", seconds=100_000.0))
    world.exit(run)
    world.run_for(15.0)
    strike(world)
    order = next(o for o in only(run).orders.values() if o.intent.purpose == "EXIT")
    assert order.status is OrderStatus.UNKNOWN
    world.papers[1]._late.clear()
    if filled:
        position = next(iter(world.papers[1].books.positions.values()))
        position.quantity = 0

    overnight(world)
    world.restart()
    world.run_for(90.0)

    execution = only(world.run())
    order = execution.orders[order.id]
    if not filled:
        assert (order.status, order.reason) == (OrderStatus.CANCELLED, "ended with the day")
        assert world.net_at_exchange(1) == {}
        return
    assert order.status is OrderStatus.UNKNOWN
    assert "65 of 65 had filled" in execution.execution.attention
    assert exits(world) == []
    world.engine.post(
        m.SettleOrder(client_order_id=order.id, by="me", filled_quantity=65, price=Decimal(99))
    )
    world.run_until(lambda: execution.state is ExecutionState.EXITED)
    assert exits(world) == []


@pytest.mark.acceptance(69)
def test_an_expired_position_is_settled_once_by_a_person() -> None:
    """Proposed at its intrinsic value, never sent, confirmed once; then the run is closed."""
    world = World()
    run = world.open(one_leg())
    planned = run.run.plan.legs[0]
    day = world.clock.now().date() - timedelta(days=3)
    strike_price = Decimal(24000)
    contract = replace(planned.contract, expiry=day, strike=strike_price)
    only(run).legs[1] = replace(planned, contract=contract)
    world.market.set_drift("NIFTY", 0.0)
    price(world, UNDERLYINGS["NIFTY"].index, "25111.50")
    world.run_for(40.0)
    assert "settlement to confirm at 1111.50" in only(run).execution.attention
    world.papers[1].books.positions.clear()  # the exchange settled it

    world.exit(run)
    world.run_for(20.0)
    assert exits(world) == []
    for _ in range(2):
        world.engine.post(
            m.ConfirmSettlement(execution_id=only(run).id, leg_id=1, price=Decimal(950), by="me")
        )
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    position = only(run).positions[1]
    assert (position.exit_quantity, position.exit_average) == (65, Decimal(950))
    assert only(run).execution.attention == ""
    assert "refused" in event_kinds(world)


def test_what_has_not_expired_is_not_settled() -> None:
    """A sentence, and the position stays."""
    world = World()
    run = world.open(one_leg())

    world.engine.post(
        m.ConfirmSettlement(execution_id=only(run).id, leg_id=1, price=Decimal(5), by="me")
    )
    world.run_for(2.0)

    assert only(run).positions[1].quantity == -65
    assert "refused" in event_kinds(world)
