"""A position: signed quantity and cash, moved only by fills."""

from dataclasses import dataclass
from dataclasses import replace
from decimal import Decimal

from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.money import ZERO
from algomirror.domain.order import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Per execution and leg, the sum of our own fills; never read from the broker.

    `side` is the leg's entry side; `quantity` is signed units; `cash` = -sum(signed quantity x
    price), so P&L at a mark is `cash + quantity x mark`, exact and without averages.
    """

    id: int
    execution_id: int
    leg_id: int
    account_id: int
    instrument: Instrument
    product: Product
    side: Side
    quantity: int = 0
    cash: Decimal = ZERO
    entry_quantity: int = 0
    entry_value: Decimal = ZERO
    exit_quantity: int = 0
    exit_value: Decimal = ZERO
    closed_outside: int = 0
    """Unsigned units that an exit left out because someone closed them at the broker by hand;
    claimed once an account, not a fill: `quantity` still holds them until a person confirms."""
    drift_at_entry: int = 0
    """The account's drift there when the leg's first entry was ordered, signed units: what others
    held before us was not closed outside later."""

    def apply(self, side: Side, quantity: int, value: Decimal) -> "Position":
        """After a fill of unsigned `quantity` worth `value` on `side`."""
        signed = side.sign * quantity
        changed = replace(self, quantity=self.quantity + signed, cash=self.cash - side.sign * value)
        if side is self.side:
            return replace(
                changed,
                entry_quantity=self.entry_quantity + quantity,
                entry_value=self.entry_value + value,
            )
        return replace(
            changed, exit_quantity=self.exit_quantity + quantity, exit_value=self.exit_value + value
        )

    def pnl(self, mark: Decimal) -> Decimal:
        return self.cash + self.quantity * mark

    @property
    def entry_average(self) -> Decimal | None:
        return self.entry_value / self.entry_quantity if self.entry_quantity else None

    @property
    def exit_average(self) -> Decimal | None:
        return self.exit_value / self.exit_quantity if self.exit_quantity else None

    @property
    def realised(self) -> Decimal:
        """Closed quantity x (exit average - entry average) x side (product.md 7.1); for display."""
        closed = min(self.entry_quantity, self.exit_quantity)
        if closed == 0 or self.entry_average is None or self.exit_average is None:
            return ZERO
        return closed * (self.exit_average - self.entry_average) * self.side.sign

    @property
    def is_flat(self) -> bool:
        return self.quantity == 0
