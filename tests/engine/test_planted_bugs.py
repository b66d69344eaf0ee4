"""The simulator can fail: each planted bug of a class that loses money is caught within few days.

Monkeypatching is the point here: the engine is broken on purpose and put back by pytest.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from algomirror.domain.books import PositionKey
from algomirror.domain.order import OrderReport
from algomirror.domain.order import OrderStatus
from algomirror.domain.sizing import slices
from algomirror.engine import exit_rest
from algomirror.engine.drift import DriftDesk
from algomirror.engine.exit_rest import ExitRest
from algomirror.engine.outcomes import Outcomes
from algomirror.engine.reconcile import Reconcile
from algomirror.engine.unknown import UnknownResolver
from algomirror.paper.faults import FaultRule
from algomirror.simulate import invariants as i
from algomirror.simulate.day import Recipe
from algomirror.simulate.day import run_day

Patch = Callable[[pytest.MonkeyPatch], None]
AT_MOST_DAYS = 40
LOST = FaultRule(kind="drop_reply", endpoint="placeorder", probability=0.5)


def resend_on_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer came: send it again."""
    unknown = Outcomes._unknown

    def again(self: Outcomes, order: Any, outcome: Any) -> None:
        unknown(self, order, outcome)
        self._core.orders.resend(order)

    monkeypatch.setattr(Outcomes, "_unknown", again)


def ack_as_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker took it, so it is filled."""
    accepted = Outcomes._accepted

    def filled(self: Outcomes, order: Any, outcome: Any) -> None:
        accepted(self, order, outcome)
        self._core.orders.report(
            order.id,
            OrderReport(
                status=OrderStatus.FILLED,
                source="send",
                at=self._core.clock.now(),
                filled_quantity=order.intent.quantity,
                average_price=order.intent.reference_price,
            ),
        )

    monkeypatch.setattr(Outcomes, "_accepted", filled)


def missing_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole slices only: what remains below the freeze quantity is forgotten."""

    def whole(quantity: int, lot_size: int, freeze_quantity: int) -> list[int]:
        sizes = slices(quantity, lot_size, freeze_quantity)
        return [size for size in sizes if size == sizes[0]] if len(sizes) > 1 else sizes[:0]

    monkeypatch.setattr(exit_rest, "slices", whole)


def exit_by_net_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's net is what we close."""
    proven = ExitRest.quantity

    def by_net(self: ExitRest, execution: Any, plan: Any, side: Any) -> int:
        position = execution.positions[plan.leg_id]
        account = self._core.accounts[execution.account_id]
        book = account.positions.get(PositionKey(position.instrument, position.product))
        if book is None or proven(self, execution, plan, side) == 0:
            return 0
        return max(-side.sign * book.quantity, 0)

    monkeypatch.setattr(ExitRest, "quantity", by_net)


def double_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others closed is left out by each exit on that symbol."""
    monkeypatch.setattr(DriftDesk, "_claimed", lambda self, account, key, side: 0)


def drift_cut_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part that was claimed is taken off once more when the order is made."""
    proven = ExitRest.quantity

    def cut_again(self: ExitRest, execution: Any, plan: Any, side: Any) -> int:
        quantity = proven(self, execution, plan, side)
        return max(quantity - execution.positions[plan.leg_id].closed_outside, 0)

    monkeypatch.setattr(ExitRest, "quantity", cut_again)


def empty_book_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A book without our orders says success, so they are not there."""
    monkeypatch.setattr(Reconcile, "_is_complete", lambda self, *arguments: True)
    monkeypatch.setattr(UnknownResolver, "_is_absent", lambda self, *arguments: True)


def semi_auto_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queued for approval is taken for lost, and lost for never arrived."""
    unknown = Outcomes._unknown

    def plain(self: Outcomes, order: Any, outcome: Any) -> None:
        unknown(self, order, replace(outcome, semi_auto=None))

    monkeypatch.setattr(Outcomes, "_unknown", plain)


def foreign_order_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any order of that shape is ours, also one that stood there before the send."""
    monkeypatch.setattr(UnknownResolver, "_is_new_since", lambda self, account, row, order: True)


BUGS: list[tuple[Patch, Recipe, set[str]]] = [
    (resend_on_timeout, Recipe(rules=(LOST,)), {i.SENT_ONCE}),
    (
        ack_as_fill,
        Recipe(rules=(FaultRule(kind="reject_late", probability=0.3, seconds=2.0),)),
        {i.EXPLAINED_BY_FILLS, i.EXITED_IS_FLAT, i.PNL_IS_CASH, i.EXIT_WITHIN_PROVEN},
    ),
    (missing_slice, Recipe(rules=(), small_freeze=1.0), {i.NOTHING_LEFT_BEHIND, i.ENDS}),
    (
        exit_by_net_position,
        Recipe(rules=(), second_run=1.0, by_hand=0.0),
        {i.EXIT_WITHIN_PROVEN},
    ),
    (
        double_claim,
        Recipe(rules=(), second_run=1.0, by_hand=1.0, chase=0.0, restart=0.0, kill=1.0),
        {i.CLAIMED_ONCE},
    ),
    (
        drift_cut_taken_twice,
        Recipe(rules=(), by_hand=1.0, chase=0.0, restart=0.0),
        {i.NOTHING_LEFT_BEHIND},
    ),
    (
        empty_book_believed,
        Recipe(
            rules=(
                LOST,
                FaultRule(kind="orderbook_empty", probability=0.9),
                FaultRule(kind="partial_fill", probability=0.5, seconds=60.0),
            )
        ),
        {i.EXIT_WITHIN_PROVEN, i.EXITED_IS_FLAT, i.EXPLAINED_BY_FILLS},
    ),
    (
        semi_auto_resent,
        Recipe(rules=(FaultRule(kind="semi_auto", probability=0.3, seconds=60.0, part=1.0),)),
        {i.EXIT_WITHIN_PROVEN, i.EXITED_IS_FLAT, i.EXPLAINED_BY_FILLS},
    ),
    (
        foreign_order_adopted,
        Recipe(rules=(LOST,), second_run=1.0, equal_by_hand=1.0, chase=0.0),
        {i.NOBODY_ELSES},
    ),
]


@pytest.mark.parametrize(("plant", "recipe", "names"), BUGS, ids=[b[0].__name__ for b in BUGS])
def test_a_planted_bug_is_caught(
    plant: Patch, recipe: Recipe, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an invariant that names it; the same days are clean without it."""
    plant(monkeypatch)
    seed = caught = -1
    for seed in range(AT_MOST_DAYS):
        broken = run_day(seed, recipe).broken
        if any(text.startswith(name) for text in broken for name in names):
            caught = seed
            break
    print(f"{plant.__name__} caught by seed {caught}")
    monkeypatch.undo()

    assert caught >= 0
    assert run_day(seed, recipe).broken == []
