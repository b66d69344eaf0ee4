"""Positions in contracts that have expired: a person confirms their settlement, once."""

import logging
from decimal import Decimal

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import OptionType
from algomirror.domain.money import ZERO
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.position import Position
from algomirror.engine.book import FINAL_EXECUTION
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core
from algomirror.engine.messages import ConfirmSettlement

log = logging.getLogger(__name__)

EVERY_S = 30.0
EXPIRED = "has expired, settlement to confirm"
SETTLEMENT = "settlement"


class Expiry:
    """Owned by the engine thread. Nothing is sent in a contract past its expiry (6.6)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._next_round = 0.0

    def round(self) -> None:
        """Ask for what is open in an expired contract; what is asked already is not repeated."""
        now = self._core.clock.monotonic()
        if now < self._next_round:
            return
        self._next_round = now + EVERY_S
        for execution in self._core.book.executions.values():
            if execution.state not in FINAL_EXECUTION:
                for leg_id, position in execution.positions.items():
                    self._ask(execution, leg_id, position)

    def _ask(self, execution: ExecutionBook, leg_id: int, position: Position) -> None:
        contract = execution.legs[leg_id].contract
        if position.quantity == 0 or not self._core.is_expired(contract):
            return
        text = f"{contract.symbol} {EXPIRED}"
        if text not in execution.execution.attention:
            price = self.proposed(contract)
            at = "" if price is None else f" at {price}"
            self._core.attention(execution, f"{text}{at}")

    def proposed(self, contract: Contract) -> Decimal | None:
        """Intrinsic value at the last index price, rupees; None while that is not known."""
        underlying = UNDERLYINGS.get(contract.underlying)
        spot = self._core.market.mark(underlying.index) if underlying else None
        if spot is None:
            return None
        if contract.strike is None or contract.option_type is None:
            return spot
        is_call = contract.option_type is OptionType.CE
        return max(spot - contract.strike if is_call else contract.strike - spot, ZERO)

    def confirm(self, message: ConfirmSettlement) -> None:
        """A fill of source settlement closes the whole position; a second word finds it closed."""
        execution = self._core.book.executions.get(message.execution_id)
        position = execution.positions.get(message.leg_id) if execution else None
        if execution is None or position is None or position.quantity == 0:
            self._refuse("That position is closed already: nothing was settled.")
            return
        contract = execution.legs[message.leg_id].contract
        if not self._core.is_expired(contract) or message.price < 0:
            self._refuse(f"{contract.symbol} has not expired, or its price is below 0.")
            return
        side = (
            position.side.opposite
            if position.quantity * position.side.sign > 0
            else (position.side)
        )
        number = execution.legs[message.leg_id].leg.leg_number
        self._core.orders.book_outside(
            OrderIntent(
                client_order_id=f"E{execution.id}-L{number}-SETTLEMENT-1-s1",
                account_id=execution.account_id,
                execution_id=execution.id,
                leg_id=message.leg_id,
                exit_plan_id=None,
                purpose=OrderPurpose.EXIT,
                attempt=0,
                slice_no=1,
                instrument=position.instrument,
                product=position.product,
                side=side,
                quantity=abs(position.quantity),
                cause=f"settlement confirmed by {message.by}",
            ),
            message.price,
            message.by,
            source=SETTLEMENT,
        )
        for part in execution.execution.attention.split(" · "):
            if part.startswith(contract.symbol):
                self._core.settle_attention(execution, part)

    def _refuse(self, text: str) -> None:
        self._core.event("refused", text, level="warning")
