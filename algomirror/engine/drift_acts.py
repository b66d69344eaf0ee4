"""What a person does about drift: ignore it, adopt it, take it over, flatten it."""

import logging
from typing import assert_never

from algomirror.domain.books import PositionKey
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.money import is_price
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import Side
from algomirror.engine import messages as m
from algomirror.engine.accounts import AccountState
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.flatten import Flatten
from algomirror.engine.start import Start

log = logging.getLogger(__name__)

DriftAct = m.IgnoreDrift | m.AdoptOutside | m.TakeOver | m.FlattenDrift


class DriftActs:
    """Owned by the engine thread. Each act is refused when the books do not show what it claims."""

    def __init__(self, core: Core, drift: DriftDesk, flatten: Flatten, start: Start) -> None:
        self._core = core
        self._drift = drift
        self._flatten = flatten
        self._start = start

    def on_message(self, message: DriftAct) -> None:
        match message:
            case m.IgnoreDrift():
                self._ignore(message)
            case m.AdoptOutside():
                self._adopt(message)
            case m.TakeOver():
                self._take_over(message)
            case m.FlattenDrift():
                self._flatten_drift(message)
            case _:
                assert_never(message)

    def _refuse(self, text: str, account_id: int | None = None) -> None:
        self._core.event("refused", text, level="warning", account_id=account_id)

    def _sure(self, account: AccountState, key: PositionKey) -> int:
        """What an act may rest on: no order of ours, nor one about to be sent, can change it."""
        return 0 if self._flatten.is_busy(account.id, key) else self._drift.sure(account, key)

    def _ignore(self, message: m.IgnoreDrift) -> None:
        account = self._core.accounts.get(message.account_id)
        key = _key(message)
        value = account.drift.get(key, 0) if account is not None else 0
        if account is None or value == 0:
            self._refuse(f"There is no difference on {message.symbol} any more.")
            return
        self._drift.note(account, key, ignored=value)
        account.drift_alarmed.pop(key, None)
        self._core.event(
            "drift_ignored",
            f"{message.by} ignores {value:+d} on {message.symbol} in {account.profile.name} until "
            "it changes",
            account_id=account.id,
        )

    def _adopt(self, message: m.AdoptOutside) -> None:
        """Fills of source external: the position becomes what the broker shows."""
        execution = self._core.book.executions.get(message.execution_id)
        position = execution.positions.get(message.leg_id) if execution else None
        if execution is None or position is None or position.quantity == 0:
            self._refuse("That position is not open: nothing was adopted.")
            return
        account = self._core.accounts[execution.account_id]
        side = Side.BUY if position.quantity < 0 else Side.SELL
        key = PositionKey(position.instrument, position.product)
        shown = side.sign * self._sure(account, key)
        most = min(abs(position.quantity), max(shown, 0))
        if not 0 < message.quantity <= most or not is_price(message.price):
            self._refuse(
                f"Not adopted: two looks show {max(shown, 0)} of {position.instrument.symbol} "
                f"closed and nothing on its way there, we hold {abs(position.quantity)}.",
                account.id,
            )
            return
        if execution.in_flight(message.leg_id, side):
            self._refuse("Not adopted: an exit of it is under way. Wait for it.", account.id)
            return
        number = execution.legs[message.leg_id].leg.leg_number
        count = 1 + sum("-OUTSIDE-" in order_id for order_id in execution.orders)
        self._core.orders.book_outside(
            OrderIntent(
                client_order_id=f"E{execution.id}-L{number}-OUTSIDE-{count}-s1",
                account_id=account.id,
                execution_id=execution.id,
                leg_id=message.leg_id,
                exit_plan_id=None,
                purpose=OrderPurpose.EXIT,
                attempt=0,
                slice_no=count,
                instrument=position.instrument,
                product=position.product,
                side=side,
                quantity=message.quantity,
                cause=f"closed outside, adopted by {message.by}",
            ),
            message.price,
            message.by,
        )
        self._settled(account.id, key, -side.sign * message.quantity)
        for part in execution.execution.attention.split(" · "):
            if part.startswith("closed outside?") and position.instrument.symbol in part:
                self._core.settle_attention(execution, part)
        self._core.event(
            "adopted",
            f"{message.by} adopts {message.quantity} of {position.instrument.symbol} in "
            f"{account.profile.name} as closed outside at {message.price}",
            run_id=execution.execution.run_id,
            account_id=account.id,
        )

    def _settled(self, account_id: int, key: PositionKey, change: int) -> None:
        """Our book moved without the broker's: the drift is smaller from now on."""
        account = self._core.accounts[account_id]
        left = account.drift.get(key, 0) + change
        if left:
            account.drift[key] = left
        else:
            account.drift.pop(key, None)
            account.drift_alarmed.pop(key, None)
        account.drift_looks.pop(key, None)
        self._core.want_look(account_id, positions=True)

    def _take_over(self, message: m.TakeOver) -> None:
        planned = message.plan.legs[0]
        account_id = message.plan.accounts[0].account_id
        account = self._core.accounts.get(account_id)
        key = PositionKey(planned.contract.instrument, message.plan.strategy.product)
        drift = self._sure(account, key) if account is not None else 0
        shown = planned.leg.side.sign * drift
        is_whole = 0 < planned.leg.side.sign * message.quantity <= shown
        if account is None or not is_whole or not is_price(message.price):
            self._refuse(
                f"Not taken over: two looks show {drift:+d} of {planned.contract.symbol} beyond "
                f"our runs and nothing on its way there, asked for {message.quantity:+d}.",
                account_id,
            )
            return
        execution = self._start.take_over(message)
        self._core.orders.book_outside(
            OrderIntent(
                client_order_id=f"E{execution.id}-L{planned.leg.leg_number}-OUTSIDE-1-s1",
                account_id=account_id,
                execution_id=execution.id,
                leg_id=planned.leg.id,
                exit_plan_id=None,
                purpose=OrderPurpose.ENTRY,
                attempt=0,
                slice_no=1,
                instrument=planned.contract.instrument,
                product=message.plan.strategy.product,
                side=planned.leg.side,
                quantity=abs(message.quantity),
                cause=f"taken over by {message.by}",
            ),
            message.price,
            message.by,
        )
        self._settled(account_id, key, -message.quantity)

    def _flatten_drift(self, message: m.FlattenDrift) -> None:
        account = self._core.accounts.get(message.account_id)
        key = _key(message)
        if account is not None and not self._drift.is_believable(account, key):
            self._refuse(
                f"Not flattened: the position book contradicts today's trades on {message.symbol}.",
                account.id,
            )
            return
        drift = self._drift.sure(account, key) if account is not None else 0
        if account is None or drift == 0:
            self._refuse(
                f"Not flattened: the difference on {message.symbol} is not confirmed by two looks "
                "yet.",
                message.account_id,
            )
            return
        cause = f"flattened by {message.by}"
        if not self._flatten.begin(account.id, key, drift, cause):
            self._refuse(f"An order on {message.symbol} is under way already.", account.id)


def _key(message: m.IgnoreDrift | m.FlattenDrift) -> PositionKey:
    instrument = Instrument(message.symbol, Exchange(message.exchange))
    return PositionKey(instrument, Product(message.product))
