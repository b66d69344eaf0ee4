"""The person of a simulated day: trades by hand at the broker, and answers what needs one."""

import random
from decimal import Decimal

from algomirror.broker.wire import parse_order
from algomirror.domain.order import OrderStatus
from algomirror.domain.order import Side
from algomirror.domain.position import Position
from algomirror.engine import messages as m
from algomirror.engine.book import ExecutionBook
from algomirror.paper.answers_books import order_row
from algomirror.paper.books import PaperOrder
from algomirror.paper.books import Refusal
from algomirror.paper.books import Request
from algomirror.simulate.world import World

HAND = "by hand"


class Trader:
    """Draws from its own seed, so that a day is the same each time."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = random.Random(f"hand-{seed}")
        self.trades = 0

    # --- at the broker --------------------------------------------------------------------
    def trade_by_hand(self) -> None:
        """Buy back part of a short, or open something on a symbol that a run holds."""
        held = [
            (execution.account_id, position)
            for execution in self._world.engine.core.book.executions.values()
            for position in execution.positions.values()
            if position.quantity and not self._is_unresolved(execution.account_id)
        ]
        if not held:
            return
        account_id, position = self._random.choice(held)
        closes = self._random.random() < 0.6
        side = Side.BUY if (position.quantity < 0) is closes else Side.SELL
        self._place(account_id, position, side, self._size(position, closes=closes))

    def trade_like_an_entry(self, sets: int) -> None:
        """The same symbol, side, quantity and product as a short entry of so many sets."""
        for execution in self._world.engine.core.book.executions.values():
            for position in execution.positions.values():
                if position.side is Side.SELL and position.quantity:
                    self._place(execution.account_id, position, Side.SELL, sets * 65)
                    return

    def log_in(self) -> None:
        """A broker session that died is begun anew at OpenAlgo."""
        for paper in self._world.papers.values():
            paper.session_alive = True

    def _size(self, position: Position, *, closes: bool) -> int:
        """Whole lots; an extra position is of a size that no order of ours has."""
        lot = 65
        lots = abs(position.quantity) // lot
        return lot * (self._random.randint(1, max(lots, 1)) if closes else 7)

    def _place(self, account_id: int, position: Position, side: Side, quantity: int) -> None:
        placed = self._world.papers[account_id].trade_by_hand(
            Request(
                symbol=position.instrument.symbol,
                exchange=str(position.instrument.exchange),
                action=str(side),
                quantity=quantity,
                product=str(position.product),
                strategy=HAND,
            ),
            self._world.clock.now(),
        )
        if not isinstance(placed, Refusal):
            self.trades += 1
            self._push(account_id, placed)

    def _is_unresolved(self, account_id: int) -> bool:
        """While an answer of ours is missing, an equal order of others could be taken for it."""
        book = self._world.engine.core.book
        waiting = (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
        return any(book.orders[i].status in waiting for i in book.live_orders[account_id])

    def _push(self, account_id: int, order: PaperOrder) -> None:
        """OpenAlgo's order stream tells of orders of others at once, so they are known before."""
        row = order_row(self._world.papers[account_id], order)
        report = parse_order(row)
        if report is not None:
            self._world.engine.post(m.OrderHint(account_id=account_id, report=report))

    # --- on the pages ---------------------------------------------------------------------
    def answer(self) -> None:
        """What a person does about what waits: approve or reject, adopt what was closed outside."""
        for paper in self._world.papers.values():
            for number in list(paper.pending):
                if self._random.random() < 0.5:
                    paper.approve(number, self._world.clock.now())
                else:
                    del paper.pending[number]
            paper.order_mode = "auto"
        for execution in self._world.engine.core.book.executions.values():
            self._settle(execution)
            self._adopt(execution)

    def _settle(self, execution: ExecutionBook) -> None:
        """Orders that wait for approval and are no longer pending were rejected there."""
        account = self._world.engine.core.accounts[execution.account_id]
        for order in list(execution.orders.values()):
            track = account.tracks.get(order.id)
            waits = order.status is OrderStatus.UNKNOWN and track is not None and track.semi_auto
            if waits and not self._is_at_exchange(execution.account_id, order.id):
                self._world.engine.post(
                    m.SettleOrder(client_order_id=order.id, by="trader", filled_quantity=0)
                )

    def _is_at_exchange(self, account_id: int, client_order_id: str) -> bool:
        orders = self._world.papers[account_id].books.orders.values()
        return any(o.request.strategy.endswith(f"-{client_order_id}") for o in orders)

    def _adopt(self, execution: ExecutionBook) -> None:
        """Only what an exit left out: the rest of a drift is the trader's own position."""
        for leg_id, position in execution.positions.items():
            if position.closed_outside:
                self._world.engine.post(
                    m.AdoptOutside(
                        execution_id=execution.id,
                        leg_id=leg_id,
                        quantity=position.closed_outside,
                        price=self._price(position),
                        by="trader",
                    )
                )

    def _price(self, position: Position) -> Decimal:
        account = self._world.engine.core.accounts[position.account_id]
        for key, price in account.foreign_price.items():
            if key.instrument == position.instrument:
                return round(price, 2)
        mark = self._world.prices(position.instrument.symbol, str(position.instrument.exchange))
        return mark or Decimal(1)
