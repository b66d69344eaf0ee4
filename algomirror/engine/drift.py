"""Broker net against the sum of our positions: what is proven about the difference, and claims."""

import logging
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from algomirror.domain.books import BookTrade
from algomirror.domain.books import PositionKey
from algomirror.domain.money import ZERO
from algomirror.domain.order import Side
from algomirror.domain.position import Position
from algomirror.engine.accounts import AccountState
from algomirror.engine.accounts import DriftLook
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core
from algomirror.engine.ports import DriftNote

log = logging.getLogger(__name__)

QUIET_S = 5.0
"""A look tells of drift only when it began this long after our last order event there."""
CONFIRM_S = 2.0
ALARM_QUIET_S = 2.0


class DriftDesk:
    """Owned by the engine thread. Shows drift, never corrects it: that is a person's act.

    What someone else closed at the broker is left out of an exit once (product.md 6.3, step 5).
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    # --- what a look says -----------------------------------------------------------------
    def read_trades(self, account: AccountState, trades: tuple[BookTrade, ...]) -> None:
        """Signed sums and average prices of trades that are not ours, per symbol and product."""
        book, today = self._core.book, self._core.broker_day(self._core.clock.now())
        net: dict[PositionKey, int] = defaultdict(int)
        quantity: dict[PositionKey, int] = defaultdict(int)
        value: dict[PositionKey, Decimal] = defaultdict(lambda: ZERO)
        for trade in trades:
            ours = book.owner(account.id, trade.broker_order_id, today)
            if ours is not None or self._may_be_ours(account, trade):
                continue
            for key in self._keys_of(account, trade):
                net[key] += trade.side.sign * trade.quantity
                quantity[key] += trade.quantity
                value[key] += trade.quantity * trade.price
        account.has_todays_trades = True
        account.foreign_net = dict(net)
        account.foreign_price = {k: value[k] / quantity[k] for k in quantity if quantity[k]}

    def _may_be_ours(self, account: AccountState, trade: BookTrade) -> bool:
        """An order of ours without an answer could be behind it: not a stranger's yet."""
        return any(
            order.broker_order_id is None
            and order.intent.instrument == trade.instrument
            and order.intent.side is trade.side
            and trade.broker_order_id not in account.seen
            for client_id in self._core.book.live_orders[account.id]
            if (order := self._core.book.orders[client_id])
        )

    def _keys_of(self, account: AccountState, trade: BookTrade) -> list[PositionKey]:
        """A trade book without products speaks of every product we know of the symbol."""
        if trade.product is not None:
            return [PositionKey(trade.instrument, trade.product)]
        known = set(account.positions) | set(self._core.book.our_net(account.id))
        return [key for key in known if key.instrument == trade.instrument]

    def measure(self, account: AccountState, begun: float) -> None:
        """Drift per symbol and product after a complete look with a position book."""
        ours = self._core.book.our_net(account.id)
        drift: dict[PositionKey, int] = {}
        for key in ours.keys() | account.positions.keys():
            book = account.positions.get(key)
            difference = (book.quantity if book else 0) - ours.get(key, 0)
            if difference:
                drift[key] = difference
        stable = {k: v for k, v in drift.items() if account.drift.get(k) == v}
        account.drift = drift
        account.positions_look_at = begun
        self._confirm(account, drift, begun)
        self._note_the_start(account)
        self._release_claims(account)
        self._alarm(account, {k: v for k, v in stable.items() if k in ours}, ours, begun)

    def _confirm(self, account: AccountState, drift: dict[PositionKey, int], begun: float) -> None:
        working = {
            PositionKey(order.intent.instrument, order.intent.product)
            for client_id in self._core.book.live_orders[account.id]
            if (order := self._core.book.orders[client_id])
        }
        for key in drift.keys() | account.drift_looks.keys() | self._claimed_keys(account):
            value, known = drift.get(key, 0), account.drift_looks.get(key)
            if key in working or begun < account.last_event_at.get(key, -QUIET_S) + QUIET_S:
                continue
            if known is None or known.value != value:
                account.drift_looks[key] = DriftLook(
                    value=value, first_at=begun, since=self._core.clock.now()
                )
                self._core.want_look(account.id, delay=CONFIRM_S + 0.05, positions=True)
            elif begun - known.first_at >= CONFIRM_S:
                known.is_confirmed = True

    def _claimed_keys(self, account: AccountState) -> set[PositionKey]:
        return {
            PositionKey(position.instrument, position.product)
            for execution in self._core.book.account_executions(account.id)
            for position in execution.positions.values()
            if position.closed_outside
        }

    def _note_the_start(self, account: AccountState) -> None:
        """The first confirmed look of a session day is what later drift is measured from."""
        day = self._core.broker_day(self._core.clock.now())
        if account.day_noted == day or not account.has_todays_trades:
            return
        if any(not look.is_confirmed for look in account.drift_looks.values()):
            return
        account.day_noted = day
        for key in account.drift_looks.keys() | account.foreign_net.keys():
            look = account.drift_looks.get(key)
            made_today = account.foreign_net.get(key, 0) + account.expected_drift.get(key, 0)
            self.note(account, key, at_start=(look.value if look else 0) - made_today)
        marker = DriftNote(
            account_id=account.id, session_day=day, symbol="", exchange="", product=""
        )
        self._core.stage(marker)

    def note(self, account: AccountState, key: PositionKey, **fields: int | None) -> None:
        day = self._core.broker_day(self._core.clock.now())
        known = account.notes.get(key)
        if known is None or known.session_day != day:
            known = DriftNote(
                account_id=account.id,
                session_day=day,
                symbol=key.instrument.symbol,
                exchange=str(key.instrument.exchange),
                product=str(key.product),
                ignored=known.ignored if known else None,
            )
        account.notes[key] = replace(known, **fields)  # type: ignore[arg-type]
        self._core.stage(account.notes[key])

    # --- what it means for an exit --------------------------------------------------------
    def explained(self, account: AccountState, key: PositionKey) -> int:
        """Signed drift that the start of the day, trades of others and acts of ours account for."""
        day = self._core.broker_day(self._core.clock.now())
        note = account.notes.get(key)
        at_start = note.at_start if note is not None and note.session_day == day else 0
        return at_start + account.foreign_net.get(key, 0) + account.expected_drift.get(key, 0)

    def baseline(self, account: AccountState, key: PositionKey) -> int:
        """What others hold there now: by their trades, which are never behind as positions are;
        before the start of the day was noted, by the last look.
        """
        if account.day_noted == self._core.broker_day(self._core.clock.now()):
            return self.explained(account, key)
        return account.fresh_drift(key) or 0

    def is_believable(self, account: AccountState, key: PositionKey) -> bool:
        """Where we flattened today already, the position book must fit today's trades: one that is
        behind would have it done twice.
        """
        if key not in account.expected_drift:
            return True
        return account.drift.get(key, 0) == self.explained(account, key)

    def sure(self, account: AccountState, key: PositionKey) -> int:
        """Signed drift that two looks agree on, while no order of ours there is on its way."""
        look = account.drift_looks.get(key)
        if look is None or not look.is_confirmed or self._core.book.is_traded(account.id, key):
            return 0
        return look.value if account.drift.get(key, 0) == look.value else 0

    def claim(self, execution: ExecutionBook, leg_id: int, side: Side, wanted: int) -> int:
        """Units of `wanted` that an exit leaves out because they are closed already.

        What is claimed here is no longer there for the next execution on that symbol.
        """
        account = self._core.accounts[execution.account_id]
        position = execution.positions[leg_id]
        key = PositionKey(position.instrument, position.product)
        look = account.drift_looks.get(key)
        if look is None or not look.is_confirmed:
            return 0
        shown = side.sign * (look.value - position.drift_at_entry)
        proven = side.sign * (self.explained(account, key) - position.drift_at_entry)
        is_proven = proven >= shown
        free = (min(shown, proven) if side is Side.BUY else shown) - self._claimed(
            account, key, side
        )
        taken = max(min(free, wanted), 0)
        if taken:
            self._take(execution, leg_id, position, taken, is_proven=is_proven)
        return taken

    def _claimed(self, account: AccountState, key: PositionKey, side: Side) -> int:
        """Units of that side that exits have left out already, over all executions there."""
        return sum(
            position.closed_outside
            for _, _, position in self._holders(account, key)
            if position.quantity * side.sign < 0
        )

    def _holders(
        self, account: AccountState, key: PositionKey
    ) -> list[tuple[ExecutionBook, int, Position]]:
        return [
            (execution, leg_id, position)
            for execution in self._core.book.account_executions(account.id)
            for leg_id, position in execution.positions.items()
            if (position.instrument, position.product) == key
        ]

    def _take(
        self,
        execution: ExecutionBook,
        leg_id: int,
        position: Position,
        taken: int,
        *,
        is_proven: bool,
    ) -> None:
        changed = replace(position, closed_outside=position.closed_outside + taken)
        execution.positions[leg_id] = changed
        self._core.stage(changed)
        symbol = position.instrument.symbol
        why = "" if is_proven else ", though no trade of others explains it"
        self._core.attention(
            execution,
            f"closed outside? {taken} of {symbol} left out of the exit: the broker shows them "
            f"closed already{why}. Adopt them on Positions, or flatten the difference",
            kind="drift",
        )

    def _release_claims(self, account: AccountState) -> None:
        """A claim stands only as long as confirmed looks still show what it was taken on."""
        for key, look in list(account.drift_looks.items()):
            if look.is_confirmed:
                self._release_key(account, key, look.value)
                if look.value == 0:
                    del account.drift_looks[key]

    def _release_key(self, account: AccountState, key: PositionKey, value: int) -> None:
        for side in (Side.BUY, Side.SELL):
            holders = [
                (e, leg, p)
                for e, leg, p in self._holders(account, key)
                if p.closed_outside and p.quantity * side.sign < 0
            ]
            if not holders:
                continue
            allowed = max(0, *(side.sign * (value - p.drift_at_entry) for _, _, p in holders))
            excess = sum(p.closed_outside for _, _, p in holders) - allowed
            for execution, leg_id, position in reversed(holders):
                back = min(max(excess, 0), position.closed_outside)
                if back:
                    excess -= back
                    self._give_back(execution, leg_id, position, back)

    def _give_back(
        self, execution: ExecutionBook, leg_id: int, position: Position, back: int
    ) -> None:
        changed = replace(position, closed_outside=position.closed_outside - back)
        execution.positions[leg_id] = changed
        self._core.stage(changed)
        self._core.event(
            "drift",
            f"{self._core.account_name(execution.account_id)}: {back} of "
            f"{position.instrument.symbol} are not closed outside after all: their exit goes on",
            level="warning",
            run_id=execution.execution.run_id,
            account_id=execution.account_id,
        )
        self._core.touch(execution)

    # --- telling people -------------------------------------------------------------------
    def is_ignored(self, account: AccountState, key: PositionKey, value: int) -> bool:
        note = account.notes.get(key)
        return note is not None and note.ignored == value

    def _alarm(
        self,
        account: AccountState,
        stable: dict[PositionKey, int],
        ours: dict[PositionKey, int],
        begun: float,
    ) -> None:
        quiet = begun >= account.last_order_event + ALARM_QUIET_S
        for key, difference in stable.items():
            if self.is_ignored(account, key, difference):
                account.drift_alarmed.pop(key, None)
            elif quiet and account.drift_alarmed.get(key) != difference:
                account.drift_alarmed[key] = difference
                mine = ours.get(key, 0)
                self._core.event(
                    "drift",
                    f"Broker shows {mine + difference}, our runs sum to {mine} on "
                    f"{key.instrument.symbol} in {account.profile.name}",
                    level="critical",
                    account_id=account.id,
                )
        for key in list(account.drift_alarmed):
            if key not in account.drift:
                del account.drift_alarmed[key]
