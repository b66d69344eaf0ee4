"""The engine's journal: what was committed comes back as it was; a lost lease saves no order."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.clock import FakeClock
from algomirror.domain.strategy import Plan
from algomirror.simulate.world import START
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.codec import from_json
from algomirror.store.codec import to_json
from algomirror.store.columns import Instant
from algomirror.store.columns import Rupees
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.lease import Lease
from algomirror.store.trading import TradingStore


def test_a_day_comes_back_as_it_was() -> None:
    """Runs, executions, positions, orders and fills survive a reload unchanged."""
    world = World(accounts=2)
    run = world.open(short_iron_fly(max_loss=Decimal("1500.50")))
    store = world.journal
    assert isinstance(store, TradingStore)

    found = store.load(world.clock.now().date())

    core = world.engine.core
    assert found.runs == (run.run,)
    assert sorted(o.id for o in found.orders) == sorted(core.book.orders)
    assert all(core.book.orders[o.id] == o for o in found.orders)
    ours = [p for e in run.executions.values() for p in e.positions.values()]
    assert sorted(found.positions, key=lambda p: p.id) == sorted(ours, key=lambda p: p.id)
    assert len(found.fills) == 8


def test_a_frozen_plan_survives_its_text_form() -> None:
    """Amounts, dates, instruments and enums come back equal."""
    plan = World().plan(short_iron_fly(max_loss=Decimal("0.05")))

    assert from_json(Plan, to_json(plan)) == plan


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False))
def test_rupees_are_stored_exactly(amount: Decimal) -> None:
    """Ten-thousandths come back to the last digit."""
    column = Rupees()

    stored = column.process_bind_param(amount, None)  # type: ignore[arg-type]

    assert column.process_result_value(stored, None) == amount  # type: ignore[arg-type]


def test_a_float_is_no_rupees() -> None:
    """It is refused at the door."""
    with pytest.raises(TypeError):
        Rupees().process_bind_param(1.5, None)  # type: ignore[arg-type]


def test_a_naive_time_is_refused() -> None:
    """It is refused at the door."""
    with pytest.raises(ValueError, match="naive"):
        Instant().process_bind_param(START.replace(tzinfo=None), None)  # type: ignore[arg-type]


def test_an_owner_that_lost_the_lease_saves_no_order(tmp_path: Path) -> None:
    """Another epoch in the table: the transaction is refused."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    engine = open_database(url)
    epoch = Lease(tmp_path).record(engine, FakeClock(START))
    world = World(journal=TradingStore(engine, epoch=epoch))
    Lease(tmp_path).record(engine, FakeClock(START))

    world.start(short_iron_fly())
    world.run_for(5.0)

    assert world.engine.core.journal_error.startswith("another process owns trading")
    assert world.limbs[1].sent == []
    assert world.net_at_exchange(1) == {}
    engine.dispose()


def test_a_locked_database_holds_back_what_it_could_not_save(tmp_path: Path) -> None:
    """Nothing is sent without its row; when the lock is gone it goes on."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    store = TradingStore(open_database(url, patience_s=0.05))
    world = World(journal=store)
    other = open_database(url).connect()
    other.exec_driver_sql("BEGIN IMMEDIATE")

    world.start(short_iron_fly())
    world.run_for(3.0)
    assert world.limbs[1].sent == []
    assert world.engine.core.journal_error != ""
    other.exec_driver_sql("ROLLBACK")
    world.run_for(5.0)

    assert world.engine.core.journal_error == ""
    other.close()


def test_loading_an_empty_database_starts_at_one() -> None:
    """First run, first execution."""
    found = TradingStore.in_memory().load(date(2026, 11, 23))

    assert found.runs == ()
    assert set(found.next_ids.values()) == {1}
