"""The day's requests of an account, as the journal knows them after a restart."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from algomirror.domain.order import OrderStatus
from algomirror.domain.order import PriceType
from algomirror.domain.run import RunState
from algomirror.engine import messages as m
from algomirror.simulate.world import START
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.order_counts import requests_of_day
from algomirror.store.trading import TradingStore


def test_the_journal_counts_every_request_of_the_day(tmp_path: Path) -> None:
    """Orders in, orders out and a cancel, of this account and this day only."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    migrate(url)
    engine = open_database(url)
    world = World(accounts=2, journal=TradingStore(engine))
    run = world.open(short_iron_fly())
    world.exit(run, account_id=1)
    world.run_for(20.0)
    fly = short_iron_fly()
    rests = replace(fly.legs[0], price_type=PriceType.LIMIT, limit_price=Decimal("0.05"))
    world.start(replace(fly, id=2, legs=(rests,), entry_timeout_s=600), token="rests")
    world.run_for(5.0)
    orders = world.engine.core.book.orders.values()
    resting = next(
        o for o in orders if o.status is OrderStatus.ACCEPTED and o.intent.account_id == 1
    )
    world.engine.post(m.CancelOrder(client_order_id=resting.id, by="trader"))
    world.run_for(5.0)
    day = START.date()

    sent = {i: len(limb.sent) for i, limb in world.limbs.items()}
    assert world.limbs[1].sent[-1].act == "cancel"
    assert {i: requests_of_day(engine, i, day) for i in sent} == sent
    assert requests_of_day(engine, 1, day + timedelta(days=1)) == 0
    assert run.run.state is not RunState.CLOSED
    engine.dispose()
