"""A restart in the middle of a large exit: every account comes back and closes exactly the rest."""

import pytest

from algomirror.domain.order import OrderPurpose
from algomirror.domain.run import RunState
from algomirror.paper.exchange import Profile
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly


@pytest.mark.acceptance(13)
@pytest.mark.parametrize("profile", ["analyze", "live"])
def test_ten_accounts_killed_in_their_exit_are_reconciled_and_flat(profile: Profile) -> None:
    """Each account is armed again after its books were read, and no position is closed twice."""
    world = World(accounts=10, profile=profile)
    run = world.open(short_iron_fly())
    world.exit(run)
    world.run_until(lambda: sum(len(limb.sent) for limb in world.limbs.values()) >= 50)
    before = {i: limb.sent for i, limb in world.limbs.items()}

    world.restart()
    accounts = world.engine.core.accounts
    assert not any(a.is_reconciled for a in accounts.values())
    world.run_until(lambda: all(a.is_reconciled for a in accounts.values()), at_most_s=3.0)
    run = world.run()
    world.run_until(lambda: run.run.state is RunState.CLOSED)

    for account_id, paper in world.papers.items():
        assert world.net_at_exchange(account_id) == {}
        traded: dict[str, int] = {}
        for order in paper.books.orders.values():
            traded[order.request.symbol] = traded.get(order.request.symbol, 0) + order.filled
        assert set(traded.values()) == {130}
        sent = [*before[account_id], *world.limbs[account_id].sent]
        exits = [j.intent for j in sent if j.intent.purpose is OrderPurpose.EXIT]
        assert len({i.client_order_id for i in exits}) == len(exits)
