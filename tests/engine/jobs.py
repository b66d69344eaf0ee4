"""Requests for tests of what sends them."""

from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.engine.limbs import PRIORITY_CANCEL
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import PRIORITY_EXIT
from algomirror.engine.limbs import PRIORITY_MODIFY
from algomirror.engine.limbs import Act
from algomirror.engine.limbs import Job

ACTS: dict[int, Act] = {
    PRIORITY_EXIT: "place",
    PRIORITY_CANCEL: "cancel",
    PRIORITY_MODIFY: "modify",
    PRIORITY_ENTRY: "place",
}


def job(priority: int, segment: Exchange = Exchange.NFO, number: int = 0) -> Job:
    """An entry or exit, or a cancel or modify of one."""
    is_entry = priority == PRIORITY_ENTRY
    return Job(
        act=ACTS[priority],
        intent=OrderIntent(
            client_order_id=f"E1-L1-{'ENTRY' if is_entry else 'EXIT'}-1-s{number}",
            account_id=1,
            execution_id=1,
            leg_id=1,
            exit_plan_id=None,
            purpose=OrderPurpose.ENTRY if is_entry else OrderPurpose.EXIT,
            attempt=1,
            slice_no=number,
            instrument=Instrument("X", segment),
            product=Product.NRML,
            side=Side.BUY,
            quantity=65,
        ),
        tag="t",
        priority=priority,
        broker_order_id=None if ACTS[priority] == "place" else f"B{number}",
    )
