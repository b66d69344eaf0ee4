"""An order under reports that repeat, overtake and contradict each other."""

from datetime import UTC
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import DONE
from algomirror.domain.order import Fill
from algomirror.domain.order import Order
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.position import Position

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
CALL = Instrument("NIFTY01DEC2625000CE", Exchange.NFO)
S = OrderStatus


def order(quantity: int = 195) -> Order:
    intent = OrderIntent(
        client_order_id="E1-L1-EXIT-1-s1",
        account_id=1,
        execution_id=1,
        leg_id=1,
        exit_plan_id=1,
        purpose=OrderPurpose.EXIT,
        attempt=1,
        slice_no=1,
        instrument=CALL,
        product=Product.NRML,
        side=Side.BUY,
        quantity=quantity,
    )
    return Order(intent=intent, status=S.SUBMITTED, session_day=NOW.date(), submitted_at=NOW)


def report(status: OrderStatus, filled: int | None = None, value: int | None = None) -> OrderReport:
    return OrderReport(
        status=status,
        source="order_book",
        at=NOW,
        broker_order_id="77",
        filled_quantity=filled,
        filled_value=None if value is None else Decimal(value),
    )


def apply_all(start: Order, reports: list[OrderReport]) -> tuple[Order, list[Fill]]:
    fills = []
    for one in reports:
        start, fill = start.apply(one)
        if fill is not None:
            fills.append(fill)
    return start, fills


@st.composite
def growing(draw: st.DrawFn) -> list[OrderReport]:
    """The reports of a real life: fills grow at a price each, some final word at the end."""
    steps = draw(st.lists(st.sampled_from([0, 65, 130, 195]), min_size=1, max_size=5))
    filled, reports = 0, [report(S.ACCEPTED, 0)]
    for step in sorted(steps):
        filled = step
        status = S.FILLED if step == 195 else S.PARTIALLY_FILLED if step else S.ACCEPTED
        reports.append(report(status, filled, filled * 100))
    last = draw(st.sampled_from([None, S.CANCELLED, S.REJECTED]))
    if last is not None and filled < 195:
        reports.append(report(last, filled, filled * 100))
    return reports


@pytest.mark.acceptance(31)
@given(growing(), st.randoms(use_true_random=False))
def test_shuffled_and_repeated_reports_book_the_final_total_once(
    reports: list[OrderReport], draw: object
) -> None:
    """Whatever order they come in and however often, fills sum to the trade book's total."""
    noisy = reports * 3
    draw.shuffle(noisy)  # type: ignore[attr-defined]

    end, fills = apply_all(order(), noisy)

    total = max(r.filled_quantity or 0 for r in reports)
    assert sum(f.quantity for f in fills) == total == end.filled_quantity
    assert sum(f.value for f in fills) == total * 100


@given(growing())
def test_a_repeated_report_changes_nothing(reports: list[OrderReport]) -> None:
    """The same object comes back, and no fill."""
    end, _ = apply_all(order(), reports)

    for one in reports:
        again, fill = end.apply(one)
        if one.filled_quantity == end.filled_quantity and one.status is end.status:
            assert (again, fill) == (end, None)
        assert fill is None or fill.quantity == 0


@given(st.lists(st.sampled_from(list(S)), max_size=8))
def test_a_filled_quantity_never_shrinks(words: list[OrderStatus]) -> None:
    """Not even when a later report says less."""
    end, _ = apply_all(order(), [report(S.PARTIALLY_FILLED, 130, 13000)])

    end, _ = apply_all(end, [report(word, 65, 6500) for word in words])

    assert end.filled_quantity >= 130


@pytest.mark.acceptance(31)
def test_a_late_complete_wins_over_an_earlier_rejected() -> None:
    """The verdict was wrong: its fill counts, once."""
    end, fills = apply_all(
        order(), [report(S.REJECTED, 0), report(S.FILLED, 195, 19500), report(S.FILLED, 195, 19500)]
    )

    assert end.status is S.FILLED
    assert [f.quantity for f in fills] == [195]


def test_a_late_part_fill_of_a_cancelled_order_counts() -> None:
    """It stays cancelled and keeps what it filled."""
    end, fills = apply_all(order(), [report(S.CANCELLED, 0), report(S.CANCELLED, 65, 6500)])

    assert end.status is S.CANCELLED
    assert sum(f.quantity for f in fills) == 65
    assert end.status in DONE


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Side)), st.integers(1, 500), st.integers(5, 50_000)),
        max_size=20,
    )
)
def test_profit_and_loss_when_flat_is_the_cash_flow(fills: list[tuple[Side, int, int]]) -> None:
    """Whatever was traded: P&L at any mark equals cash once the quantity is zero."""
    position = Position(
        id=1, execution_id=1, leg_id=1, account_id=1, instrument=CALL, product=Product.NRML,
        side=Side.SELL,
    )  # fmt: skip
    cash, net = Decimal(0), 0
    for side, quantity, paise in fills:
        value = quantity * Decimal(paise) / 100
        position = position.apply(side, quantity, value)
        cash -= side.sign * value
        net += side.sign * quantity
    if net:
        side = Side.SELL if net > 0 else Side.BUY
        position = position.apply(side, abs(net), abs(net) * Decimal(7))
        cash -= side.sign * abs(net) * Decimal(7)

    assert position.is_flat
    assert position.pnl(Decimal("123.45")) == position.pnl(Decimal(1)) == cash
