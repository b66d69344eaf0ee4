"""A position of others becomes a one-leg plan under a strategy's stops."""

from dataclasses import replace
from datetime import date
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.clock import IST
from algomirror.clock import FakeClock
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.errors import Refused
from algomirror.services.planning import NoPlan
from algomirror.services.takeover import Takeover
from algomirror.services.takeover import beyond_ours
from algomirror.services.takeover import closed_outside

CE = "NIFTY01DEC2625100CE"
CONTRACT = Contract(
    instrument=Instrument(CE, Exchange.NFO), underlying="NIFTY", expiry=date(2026, 12, 1),
    strike=Decimal(25_100), option_type=OptionType.CE, lot_size=65, tick_size=Decimal("0.05"),
    freeze_quantity=1800,
)  # fmt: skip
LEG = Leg(id=77, leg_number=1, underlying="BANKNIFTY", side=Side.BUY, option_type=OptionType.PE)
GUARD = Strategy(
    id=7, name="Guard", legs=(LEG, replace(LEG, id=78, leg_number=2)), account_ids=(1, 2, 3),
    custom_lots=((1, 4),), max_loss=Decimal(1500), product=Product.MIS,
)  # fmt: skip


class OneContract:
    """A broker that lists CE and refuses all else."""

    def contract(self, instrument: Instrument) -> Contract:
        if instrument != CONTRACT.instrument:
            raise Refused("Symbol not found")
        return CONTRACT


@pytest.fixture
def takeover() -> Takeover:
    view = LiveView()
    view.put(
        AccountRow(key="3", id=3, name="Rao HUF", broker_name="angel", colour="pink",
                   is_primary=False, backup_rank=1, is_active=True, mode="live")
    )  # fmt: skip
    brokers: dict[int, Any] = {3: OneContract()}
    archived = replace(GUARD, id=8, archived_at=datetime(2026, 11, 1, tzinfo=IST))
    return Takeover(
        clock=FakeClock(datetime(2026, 11, 24, 11, 42, tzinfo=IST)),
        strategy_of={7: GUARD, 8: archived}.get,
        broker_of=brokers.get,
        view=view,
    )


def planned(takeover: Takeover, **changes: Any) -> Any:
    asked = {"symbol": CE, "exchange": "NFO", "product": "NRML", "quantity": -130, **changes}
    strategy_id = asked.pop("strategy_id", 7)
    account_id = asked.pop("account_id", 3)
    return takeover.plan(strategy_id, account_id, **asked)


def test_the_plan_has_one_leg_one_account_and_the_stops_of_the_strategy(takeover: Takeover) -> None:
    """The strategy keeps its name and its rules, not its legs, accounts and product."""
    plan = planned(takeover)

    (leg,) = plan.legs
    (account,) = plan.accounts
    assert (plan.strategy.id, plan.strategy.name, plan.strategy.max_loss) == (7, "Guard", 1500)
    assert plan.strategy.legs == (leg.leg,)
    assert (plan.strategy.account_ids, plan.strategy.custom_lots) == ((3,), ())
    assert plan.strategy.product is Product.NRML
    assert (leg.leg.side, leg.leg.lots, leg.contract, leg.weight) == (Side.SELL, 2, CONTRACT, 1)
    assert (account.account_name, account.mode, account.sets) == ("Rao HUF", "live", 2)
    assert account.lots_of(leg.leg.id) == 2
    assert plan.refusal is None
    assert not plan.expiry_day


def test_a_long_is_bought(takeover: Takeover) -> None:
    """The sign is the side."""
    assert planned(takeover, quantity=65).legs[0].leg.side is Side.BUY


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": -100}, "100 units are no whole number of lots of 65."),
        ({"quantity": 0}, "nothing to take over"),
        ({"symbol": "NIFTY29DEC26FUT"}, "is no option"),
        ({"symbol": "RELIANCE"}, "is no option"),
        ({"symbol": "NIFTY01DEC2625200CE"}, '"Symbol not found"'),
        ({"strategy_id": 9}, "no longer there"),
        ({"strategy_id": 8}, "no longer there"),
        ({"account_id": 2}, "This account is no longer there."),
    ],
)
def test_what_cannot_be_taken_over_gets_a_sentence(
    takeover: Takeover, changes: dict[str, Any], words: str
) -> None:
    """And no plan."""
    with pytest.raises(NoPlan, match=words):
        planned(takeover, **changes)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_a_difference_is_what_was_closed_and_what_came_on_top(ours: int, broker: int) -> None:
    """Adopting the one and taking over the other leaves no difference, within what there is."""
    drift = broker - ours

    gone, more = closed_outside(ours, drift), beyond_ours(ours, drift)

    adopted = ours - (gone if ours > 0 else -gone)
    assert adopted + more == broker
    assert 0 <= gone <= abs(ours)
    assert gone + abs(more) == abs(drift)
