"""The kill switch: everything in its scope is left, and it ends only when the books agree."""

from decimal import Decimal
from pathlib import Path

import pytest

from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.domain.run import ExitReason
from algomirror.domain.run import RunState
from algomirror.domain.run import TradingState
from algomirror.engine import messages as m
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.engine import TradingEngine
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.kill_file import KillFile
from tests.engine.hands import by_hand
from tests.engine.hands import entries
from tests.engine.hands import event_kinds
from tests.engine.hands import one_leg
from tests.engine.hands import sent
from tests.engine.hands import strike

PROFILES: list[Profile] = ["analyze", "live"]


def kill_rows(world: World) -> dict[int, KillRow]:
    rows = world.engine.view.rows("kill")
    return {row.account_id: row for row in rows if isinstance(row, KillRow)}


def with_file(world: World, folder: Path) -> TradingEngine:
    """The engine looks for a KILL file in the folder, as a started program does."""
    world.engine._kills._file = KillFile(folder)
    return world.engine


@pytest.mark.parametrize("profile", PROFILES)
def test_everything_is_left_and_counted_down_to_flat(profile: Profile) -> None:
    """Two runs on three accounts: rows count down, the end is said, entries are blocked."""
    world = World(accounts=3, profile=profile)
    world.open(short_iron_fly())
    world.start(one_leg(id=2, name="other"), token="b")
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    world.engine.post(m.RequestKill(by="me"))
    world.run_for(0.5)
    assert not any(row.is_flat for row in kill_rows(world).values())
    world.run_until(lambda: all(row.is_flat for row in kill_rows(world).values()))
    world.run_for(1.0)

    assert [world.net_at_exchange(i) for i in (1, 2, 3)] == [{}, {}, {}]
    assert world.engine.core.fleet_state is TradingState.REDUCING
    assert "flat" in event_kinds(world)
    assert world.engine.core.kills_open == 0
    reasons = {r.run.exit_reason for r in world.engine.core.book.runs.values()}
    assert reasons == {ExitReason.KILL_SWITCH}


@pytest.mark.acceptance(22)
def test_an_unreachable_account_stays_red_and_named_while_others_become_flat() -> None:
    """And it is flattened when it can be reached again; only then the kill ends."""
    world = World(accounts=3)
    world.open(short_iron_fly())
    world.limbs[2].transport.is_dead = True
    world.limbs[2].reads.is_dead = True

    world.engine.post(m.RequestKill(by="me"))
    world.run_for(60.0)

    rows = kill_rows(world)
    assert [rows[i].is_flat for i in (1, 2, 3)] == [True, False, True]
    assert rows[2].positions_left == 4
    assert "Nothing answers" in rows[2].text or "not sent" in rows[2].text
    assert world.engine.core.kills_open == 1
    world.limbs[2].transport.is_dead = False
    world.limbs[2].reads.is_dead = False
    world.run_until(lambda: world.engine.core.kills_open == 0)
    assert world.net_at_exchange(2) == {}


def test_one_account_is_left_and_the_others_go_on() -> None:
    """Scope account: it alone is REDUCING and flat."""
    world = World(accounts=2)
    run = world.open(short_iron_fly())

    world.engine.post(m.RequestKill(by="me", account_id=1))
    world.run_until(lambda: world.engine.core.kills_open == 1)
    world.run_until(lambda: world.engine.core.kills_open == 0)

    assert world.net_at_exchange(1) == {}
    assert len(world.net_at_exchange(2)) == 4
    assert not run.is_final
    assert world.engine.core.fleet_state is TradingState.ACTIVE
    assert world.engine.core.accounts[1].trading_state is TradingState.REDUCING


def test_one_strategy_is_left_and_cannot_start_meanwhile() -> None:
    """Scope strategy: its runs on all accounts; no state changes, no new run of it."""
    world = World(accounts=2)
    other = world.open(one_leg(id=2, name="other"))
    world.start(short_iron_fly(), token="b")
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    world.engine.post(m.RequestKill(by="me", strategy_id=1))
    world.run_for(0.3)
    world.start(short_iron_fly(), token="again")
    world.run_until(lambda: world.engine.core.kills_open == 0)

    assert not other.is_final
    assert len(world.engine.core.book.runs) == 2
    assert world.engine.core.fleet_state is TradingState.ACTIVE
    assert all(len(world.net_at_exchange(i)) == 1 for i in (1, 2))


@pytest.mark.parametrize("profile", PROFILES)
def test_with_the_option_positions_of_others_are_closed_too(profile: Profile) -> None:
    """Shorts before longs, each in full, once; ends with net zero."""
    world = World(profile=profile)
    run = world.open(one_leg())
    symbols = [leg.contract.symbol for leg in world.plan(short_iron_fly()).legs]
    by_hand(world, symbols[0], "BUY", 130)
    by_hand(world, symbols[3], "SELL", 195)
    strike(world, FaultRule(kind="positionbook_lag", probability=0.5, seconds=4.0))

    world.engine.post(m.RequestKill(by="me", with_foreign=True))
    world.run_until(lambda: run.is_final)
    world.run_until(lambda: world.engine.core.kills_open == 0)

    left = sent(world, OrderPurpose.FLATTEN)
    assert [(j.intent.side, j.intent.quantity) for j in left] == [
        (Side.BUY, 195),
        (Side.SELL, 130),
    ]
    assert world.net_at_exchange(1) == {}


def test_without_the_option_positions_of_others_stay() -> None:
    """Books agree when what AlgoMirror opened is flat."""
    world = World()
    world.open(one_leg())
    symbol = world.plan(short_iron_fly()).legs[0].contract.symbol
    by_hand(world, symbol, "BUY", 130)

    world.engine.post(m.RequestKill(by="me"))
    world.run_until(lambda: world.engine.core.kills_open == 1)
    world.run_until(lambda: world.engine.core.kills_open == 0)

    assert world.net_at_exchange(1) == {symbol: 130}


def test_a_kill_goes_on_after_a_restart() -> None:
    """The process dies in the middle; the same kill ends FLAT."""
    world = World(accounts=2)
    world.open(short_iron_fly())
    strike(world, FaultRule(kind="partial_fill", seconds=8.0))
    world.engine.post(m.RequestKill(by="me"))
    world.run_for(2.0)

    world.restart()
    assert world.engine.core.kills_open == 1
    world.run_until(lambda: world.engine.core.kills_open == 0)

    assert world.net_at_exchange(1) == world.net_at_exchange(2) == {}
    assert world.engine.core.fleet_state is TradingState.REDUCING


def test_an_entry_that_waits_is_stopped_by_the_kill() -> None:
    """Nothing enters after the kill was pulled."""
    world = World()
    strike(world, FaultRule(kind="partial_fill", seconds=30.0))
    world.start(short_iron_fly(), sets=3)
    world.run_for(4.0)
    before = len(entries(world))

    world.engine.post(m.RequestKill(by="me"))
    world.run_for(0.5)
    world.run_until(lambda: world.engine.core.kills_open == 0)

    assert len(entries(world)) == before
    assert world.net_at_exchange(1) == {}


@pytest.mark.acceptance(22)
@pytest.mark.parametrize("text", ["", "not json", '{"by": "night shift"}'])
def test_a_kill_file_does_what_the_button_does(text: str, tmp_path: Path) -> None:
    """Also an empty or unreadable one; its status counts down and it is put aside when FLAT."""
    world = World(accounts=2)
    world.open(short_iron_fly())
    with_file(world, tmp_path)
    (tmp_path / "KILL").write_text(text)

    world.run_until(lambda: not (tmp_path / "KILL").exists())

    assert world.net_at_exchange(1) == world.net_at_exchange(2) == {}
    status = (tmp_path / "KILL.status").read_text()
    assert status.splitlines()[-1].startswith("FLAT")
    assert "Account 2: flat" in status
    assert len(list(tmp_path.glob("KILL.done-*"))) == 1
    assert world.engine.core.fleet_state is TradingState.REDUCING


def test_a_kill_file_survives_a_restart_as_one_kill(tmp_path: Path) -> None:
    """It lies there at start: the kill that it began goes on, no second one begins."""
    world = World()
    world.open(short_iron_fly())
    with_file(world, tmp_path)
    (tmp_path / "KILL").write_text("")
    world.run_until(lambda: world.engine.core.kills_open == 1)

    world.restart()
    with_file(world, tmp_path)
    world.run_for(1.5)
    assert world.engine.core.kills_open == 1
    world.run_until(lambda: not (tmp_path / "KILL").exists())

    assert world.net_at_exchange(1) == {}


def test_a_kill_file_that_names_nobody_is_refused_in_its_status(tmp_path: Path) -> None:
    """Nothing is sent; the sentence stands where the command reads it."""
    world = World()
    world.open(short_iron_fly())
    with_file(world, tmp_path)
    (tmp_path / "KILL").write_text('{"by": "me", "account": "Nobody"}')

    world.run_until(lambda: not (tmp_path / "KILL").exists())

    assert "Nobody" in (tmp_path / "KILL.status").read_text()
    assert len(world.net_at_exchange(1)) == 4
    assert "refused" in event_kinds(world)


def test_the_profit_and_loss_of_a_kill_is_the_cash_flow() -> None:
    """To the paisa, when flat."""
    world = World(accounts=2)
    run = world.open(short_iron_fly())
    world.run_for(30.0)

    world.engine.post(m.RequestKill(by="me"))
    world.run_until(lambda: run.is_final)

    assert run.run.realised == world.exchange_cash()
    assert run.run.realised != Decimal(0)
