"""The database cannot be written: exits leave with a synced fallback journal, entries wait."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy import text

from algomirror.clock import FakeClock
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.run import ExecutionState
from algomirror.domain.run import RunState
from algomirror.domain.run import TradingState
from algomirror.domain.strategy import RemainderPolicy
from algomirror.engine import messages as m
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import SystemRow
from algomirror.paper.exchange import Profile
from algomirror.simulate.world import START
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.db import ENGINE_PATIENCE_S
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.fallback import Fallback
from algomirror.store.trading import TradingStore

PROFILES: list[Profile] = ["analyze", "live"]


class Locked:
    """A world on a database file that another process can lock."""

    def __init__(
        self,
        folder: Path,
        profile: Profile = "analyze",
        accounts: int = 1,
        patience_s: float = 0.01,
    ) -> None:
        self.patience_s = patience_s
        self.url = f"sqlite:///{folder / 'a.db'}"
        self.file = folder / "fallback.jsonl"
        migrate(self.url)
        self._other: Connection | None = None
        self.world = World(journal=self.store(), profile=profile, accounts=accounts)

    def store(self) -> TradingStore:
        clock = FakeClock(START)
        self.opened = TradingStore(
            open_database(self.url, patience_s=self.patience_s), fallback=Fallback(self.file, clock)
        )
        return self.opened

    def lock(self) -> None:
        self._other = open_database(self.url).connect()
        self._other.exec_driver_sql("BEGIN EXCLUSIVE")

    def unlock(self) -> None:
        if self._other is not None:
            self._other.exec_driver_sql("ROLLBACK")
            self._other.close()
            self._other = None

    def die_and_restart(self) -> None:
        self.opened.close()
        self.world.journal = self.store()
        self.world.restart()

    def placed(self, purpose: OrderPurpose) -> list[str]:
        return [
            job.intent.client_order_id
            for job in self.world.limbs[1].sent
            if job.act == "place" and job.intent.purpose is purpose
        ]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with open_database(self.url).connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def events(self, kind: str) -> list[EventRow]:
        found = self.world.engine.view.rows("event")
        return [e for e in found if isinstance(e, EventRow) and e.kind == kind]

    def system(self) -> SystemRow:
        row = self.world.engine.view.get("system", "system")
        assert isinstance(row, SystemRow)
        return row

    def database_equals_book(self) -> None:
        """Every row is what the engine holds; appended rows stand once each."""
        found, book = self.opened.load(self.world.clock.now().date()), self.world.engine.core.book
        assert {r.id: r for r in found.runs} == {i: r.run for i, r in book.runs.items()}
        executions = {i: e.execution for i, e in book.executions.items()}
        assert {e.id: e for e in found.executions} == executions
        positions = {p.id: p for e in book.executions.values() for p in e.positions.values()}
        assert {p.id: p for p in found.positions} == positions
        assert {o.id: o for o in found.orders} == book.orders
        fills = Decimal(0)
        for fill in found.fills:
            fills += book.orders[fill.client_order_id].intent.side.sign * fill.value
        assert -fills == sum((p.cash for p in positions.values()), Decimal(0))
        doubled = "SELECT client_order_id, at, to_status, source, text FROM order_events"
        assert self.rows(f"{doubled} GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1") == []


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    found = Locked(tmp_path)
    yield found
    found.unlock()
    found.opened.close()


@pytest.mark.acceptance(95)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_exit_is_sent_while_the_database_is_locked_and_recorded_later(
    tmp_path: Path, profile: Profile
) -> None:
    """Ten seconds of BEGIN EXCLUSIVE: four exits, each once; afterwards every row is there."""
    locked = Locked(tmp_path, profile)
    world = locked.world
    run = world.open(short_iron_fly())
    locked.lock()

    world.exit(run)
    world.run_for(10.0)
    assert run.run.state is RunState.CLOSED
    assert world.net_at_exchange(1) == {}
    assert locked.system().is_on_fallback
    assert "Exits are saved in the fallback journal" in world.engine.core.journal_error
    locked.unlock()
    world.run_for(2.5)

    assert len(locked.placed(OrderPurpose.EXIT)) == len(set(locked.placed(OrderPurpose.EXIT))) == 4
    assert not locked.system().is_on_fallback
    assert world.engine.core.journal_error == ""
    assert not locked.file.exists()
    assert [e.level for e in locked.events("fallback")] == ["critical", "warning"]
    world.run_for(2.0)
    locked.database_equals_book()
    locked.opened.close()


@pytest.mark.acceptance(95)
def test_an_entry_waits_for_the_database_and_leaves_when_it_is_back(locked: Locked) -> None:
    """Hedges are not sent in ten locked seconds; then the run enters as planned, once."""
    world = locked.world
    locked.lock()

    world.start(short_iron_fly())
    world.run_for(10.0)
    assert world.limbs[1].sent == []
    locked.unlock()
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    entries = locked.placed(OrderPurpose.ENTRY)
    assert len(entries) == len(set(entries)) == 4
    world.run_for(2.0)
    locked.database_equals_book()


@pytest.mark.acceptance(95)
def test_an_entry_half_sent_goes_on_after_the_lock(locked: Locked) -> None:
    """Hedges filled, then the lock: the shorts wait, nothing is cancelled or trimmed."""
    world = locked.world
    world.start(short_iron_fly())
    world.run_until(lambda: len(world.limbs[1].sent) == 2)
    locked.lock()

    world.run_for(10.0)
    assert len(world.limbs[1].sent) == 2
    locked.unlock()
    world.run_until(lambda: world.run().run.state is RunState.OPEN)

    assert sorted(world.net_at_exchange(1).values()) == [-65, -65, 65, 65]


@pytest.mark.parametrize("is_locked", [False, True])
def test_the_rest_of_hedges_goes_to_market(locked: Locked, is_locked: bool) -> None:
    """A cancelled hedge whose rest is still to be placed is not a refused one; while the database
    is locked the rest waits, it is not dropped.
    """
    world = locked.world
    fly = short_iron_fly(
        entry_timeout_s=4, entry_timeout_policy=RemainderPolicy.MARKET, hedge_timeout_s=120
    )
    legs = tuple(
        replace(leg, price_type=PriceType.LIMIT, limit_price=Decimal("0.05"))
        if leg.side is Side.BUY
        else leg
        for leg in fly.legs
    )
    world.start(replace(fly, legs=legs))
    world.run_for(3.0)
    if is_locked:
        locked.lock()

    world.run_for(8.0)
    assert (len(locked.placed(OrderPurpose.ENTRY)) == 2) is is_locked
    locked.unlock()
    world.run_for(10.0)

    assert locked.placed(OrderPurpose.ENTRY)[2:4] == ["E1-L1-ENTRY-2-s1", "E1-L2-ENTRY-2-s1"]
    assert sorted(world.net_at_exchange(1).values()) == [65, 65]
    locked.database_equals_book()


@pytest.mark.acceptance(95)
def test_an_exit_loses_no_more_than_the_engines_patience(tmp_path: Path) -> None:
    """A quarter of a second for the first try, then the file; not once for every commit."""
    locked = Locked(tmp_path, patience_s=ENGINE_PATIENCE_S)
    run = locked.world.open(short_iron_fly())
    locked.lock()

    begun = time.monotonic()
    locked.world.exit(run)
    took = time.monotonic() - begun
    locked.world.run_for(0.2)

    assert len(locked.placed(OrderPurpose.EXIT)) == 2
    assert ENGINE_PATIENCE_S <= took < ENGINE_PATIENCE_S + 0.5
    locked.unlock()
    locked.opened.close()


def test_a_new_run_is_refused_while_the_database_is_locked(locked: Locked) -> None:
    """Once the lock is known, a press of Execute says why not."""
    world = locked.world
    locked.lock()
    world.engine.core.event("test", "something to save")
    world.run_for(1.0)

    world.start(short_iron_fly())
    world.run_for(1.0)

    assert world.engine.core.book.runs == {}
    assert "Entries wait" in locked.events("run_refused")[0].text


def test_an_entry_that_waits_is_taken_back_by_an_exit(locked: Locked) -> None:
    """It never leaves, not when the database is back either."""
    world = locked.world
    run = world.open(short_iron_fly())
    world.start(short_iron_fly(id=2, name="second"), token="second")
    locked.lock()
    world.run_for(3.0)
    second = world.run()

    world.exit(second)
    world.run_for(3.0)
    locked.unlock()
    world.run_for(20.0)

    assert second.is_final
    assert all(o.status is OrderStatus.CANCELLED for o in world.engine.core.book.orders.values()
               if o.intent.execution_id in second.executions)  # fmt: skip
    assert len(locked.placed(OrderPurpose.ENTRY)) == 4
    assert run.run.state is RunState.OPEN


@pytest.mark.parametrize("how", ["late", "reducing"])
def test_an_entry_does_not_leave_on_an_old_plan_or_into_a_stopped_fleet(
    locked: Locked, how: str
) -> None:
    """Locked for more than 30 s, or the fleet set to REDUCING meanwhile: taken back."""
    world = locked.world
    world.start(short_iron_fly(hedge_timeout_s=300))
    locked.lock()
    world.run_for(5.0)
    if how == "reducing":
        world.engine.post(
            m.SetTradingState(account_id=None, state=TradingState.REDUCING, reason="x", by="t")
        )
    world.run_for(40.0 if how == "late" else 2.0)

    locked.unlock()
    world.run_for(10.0)

    assert world.limbs[1].sent == []
    assert world.run().is_final
    assert world.net_at_exchange(1) == {}


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.5, 1.0, 2.0])
def test_a_crash_on_the_fallback_journal_loses_and_doubles_nothing(
    locked: Locked, seconds: float
) -> None:
    """Killed while exits are under way, restarted on the file: flat, each order sent once."""
    world = locked.world
    run = world.open(short_iron_fly())
    locked.lock()
    world.exit(run)
    world.run_for(seconds)
    sent = locked.placed(OrderPurpose.EXIT)
    assert locked.file.exists()

    locked.unlock()
    locked.die_and_restart()
    world.run_until(lambda: world.run().is_final)

    sent += locked.placed(OrderPurpose.EXIT)
    assert len(sent) == len(set(sent))
    assert world.net_at_exchange(1) == {}
    assert world.exchange_cash() == world.run().run.realised
    assert not locked.file.exists()
    world.run_for(2.0)
    locked.database_equals_book()


def test_a_crash_while_locked_holds_back_the_start_of_nothing_else(locked: Locked) -> None:
    """Locked, crashed, restarted, locked again: the second outage has a file of its own."""
    world = locked.world
    world.open(short_iron_fly())
    locked.lock()
    world.engine.core.event("test", "first outage")
    world.run_for(1.0)
    locked.unlock()
    locked.die_and_restart()
    world.run_for(2.0)
    locked.lock()

    world.exit(world.run())
    world.run_for(10.0)
    locked.unlock()
    world.run_for(3.0)

    assert world.net_at_exchange(1) == {}
    assert len(locked.rows("SELECT DISTINCT substr(batch, 1, 16) FROM fallback_merges")) == 2
    assert len(locked.rows("SELECT id FROM timeline_events WHERE text = 'first outage'")) == 1
    locked.database_equals_book()


def test_when_the_fallback_cannot_be_written_either_nothing_is_sent(locked: Locked) -> None:
    """Loudly; and it goes on as soon as one of the two can be written."""
    world = locked.world
    run = world.open(short_iron_fly())
    before = len(world.limbs[1].sent)
    locked.file.mkdir()
    locked.lock()

    world.exit(run)
    world.run_for(3.0)
    assert len(world.limbs[1].sent) == before
    assert "Nothing is sent" in world.engine.core.journal_error
    locked.file.rmdir()
    world.run_for(5.0)

    assert world.net_at_exchange(1) == {}
    assert locked.system().is_on_fallback


def test_the_database_is_tried_once_a_second_while_locked(locked: Locked) -> None:
    """Each try may block for the engine's patience, so not every commit tries."""
    world = locked.world
    run = world.open(short_iron_fly())
    tries: list[float] = []
    commit = locked.opened.commit

    def counted(facts: object) -> None:
        tries.append(world.clock.monotonic())
        commit(facts)  # type: ignore[arg-type]

    locked.opened.commit = counted  # type: ignore[method-assign]
    locked.lock()
    world.exit(run)
    world.run_for(10.0)

    gaps = [b - a for a, b in pairwise(tries)]
    assert 8 <= len(tries) <= 11
    assert min(gaps) > 0.999


def test_one_account_with_a_waiting_entry_does_not_hold_back_an_exit(tmp_path: Path) -> None:
    """Two accounts exit in the same locked time; both are flat within it."""
    locked = Locked(tmp_path, accounts=2)
    world = locked.world
    run = world.open(short_iron_fly(max_loss=Decimal(500)))
    locked.lock()

    world.set_index(world.market.paths["NIFTY"].price * 1.03)
    world.run_for(9.0)
    assert {e.state for e in run.executions.values()} == {ExecutionState.EXITED}
    locked.unlock()
    world.run_for(4.0)

    assert world.net_at_exchange(1) == world.net_at_exchange(2) == {}
    assert run.run.max_loss_triggered_at is not None
    assert world.clock.now() - run.run.max_loss_triggered_at < timedelta(seconds=15)
    locked.database_equals_book()
    locked.opened.close()
