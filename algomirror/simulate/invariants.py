"""What must be true after every event of a simulated day, each by its name."""

import random
from collections import Counter
from collections import defaultdict
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from algomirror.domain.money import ZERO
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import Order
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderReport
from algomirror.domain.order import Side
from algomirror.domain.run import Execution
from algomirror.domain.run import ExecutionState
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.unknown import shape_of
from algomirror.paper.exchange import PaperAccount
from algomirror.simulate.journal import WatchedJournal
from algomirror.simulate.world import World

EXIT_WITHIN_PROVEN = "sent exit quantity within proven less in flight"
REPEAT_CHANGES_NOTHING = "a repeated or reordered report changes nothing"
EXITED_IS_FLAT = "exited means the exchange's fills sum to zero"
ROW_BEFORE_SEND = "every order row exists before the exchange sees it"
PNL_IS_CASH = "P&L equals cash flow when flat"
SENT_ONCE = "no client order id is taken twice by the exchange"
EXPLAINED_BY_FILLS = "every position is explained by the exchange's fills"
NOBODY_ELSES = "no order of others is adopted"
CLAIMED_ONCE = "exits leave out no more than others closed"
NOTHING_LEFT_BEHIND = "an exit sends all that nobody else closed"
NOTHING_RAISES = "the engine handles every message"
ENDS = "every run ends, or says what it waits for"
NAMES = (EXIT_WITHIN_PROVEN, REPEAT_CHANGES_NOTHING, EXITED_IS_FLAT, ROW_BEFORE_SEND, PNL_IS_CASH,
         SENT_ONCE, EXPLAINED_BY_FILLS, NOBODY_ELSES, CLAIMED_ONCE, NOTHING_LEFT_BEHIND,
         NOTHING_RAISES, ENDS)  # fmt: skip

REPORTS_KEPT = 40
REPEAT_PROBABILITY = 0.04
REPEAT_LOOK_PROBABILITY = 0.02


@dataclass(slots=True)
class Traded:
    """What the exchange traded of one order of ours: signed units, cash in rupees."""

    symbol: str
    tag: str
    net: int = 0
    cash: Decimal = ZERO


class Tally:
    """One account's trades at the exchange by order, read as they come."""

    def __init__(self, paper: PaperAccount, mark: str) -> None:
        self._paper = paper
        self._prefix = f"{mark}-"
        self._trades = 0
        self._orders = 0
        self.taken: Counter[str] = Counter()
        """How often the exchange took each client id."""
        self.tag_of: dict[str, str] = {}
        self._ours: dict[str, Traded] = {}
        self._others: dict[str, int] = defaultdict(int)
        self._most: dict[tuple[str, int], int] = defaultdict(int)

    def read(self) -> None:
        books = self._paper.books
        if len(books.orders) != self._orders:
            for orderid, order in list(books.orders.items())[self._orders :]:
                self.tag_of[orderid] = order.request.strategy
                if order.request.strategy.startswith(self._prefix):
                    self.taken[order.request.strategy.removeprefix(self._prefix)] += 1
            self._orders = len(books.orders)
        for trade in books.trades[self._trades :]:
            signed = trade.quantity if trade.action == "BUY" else -trade.quantity
            if trade.strategy.startswith(self._prefix):
                tag = trade.strategy.removeprefix(self._prefix)
                one = self._ours.setdefault(trade.orderid, Traded(trade.symbol, tag))
                one.net += signed
                one.cash -= signed * trade.price
            else:
                self._others[trade.symbol] += signed
                for sign in (1, -1):
                    key = (trade.symbol, sign)
                    self._most[key] = max(self._most[key], sign * self._others[trade.symbol])
        self._trades = len(books.trades)

    def most_closed(self, symbol: str, sign: int) -> int:
        """The most that others ever had traded on that side, net."""
        return self._most[symbol, sign]

    def of(self, execution: ExecutionBook, owners: dict[str, str]) -> list[Traded]:
        """Orders that the book gives this execution, or that carry its name and have no owner.

        Equal orders whose answers were lost together may have changed names between them.
        """
        found = []
        for orderid, one in self._ours.items():
            owner = owners.get(orderid, one.tag)
            if owner.startswith(f"E{execution.id}-"):
                found.append(one)
        return found


class Invariants:
    """Checks a world; `broken` holds sentences that begin with the invariant's name."""

    def __init__(self, world: World, seed: int, journal: WatchedJournal) -> None:
        self.checks: Counter[str] = Counter()
        self.broken: list[str] = []
        self._world = world
        self._journal = journal
        self._random = random.Random(f"repeat-{seed}")
        self._tallies = {i: Tally(p, world.engine.core.mark) for i, p in world.papers.items()}
        self._reports: deque[tuple[str, OrderReport]] = deque(maxlen=REPORTS_KEPT)
        self._changed: dict[str, None] = {}
        self._states: dict[int, Execution] = {}
        self.attach()

    def attach(self) -> None:
        """To the engine of now: again after each restart."""
        world = self._world
        self._states = {}
        for limb in world.limbs.values():
            limb.transport.before = self._at_the_door
        orders = world.engine.core.orders
        apply: Callable[[str, OrderReport], Order] = orders.report

        def noted(order_id: str, report: OrderReport) -> Order:
            self._reports.append((order_id, report))
            return apply(order_id, report)

        orders.report = noted  # type: ignore[method-assign]
        put = orders._put

        def changed(order: Order, before: str, source: str, text: str) -> None:
            self._changed[order.id] = None
            put(order, before, source, text)

        orders._put = changed  # type: ignore[method-assign]
        self._changed.update(dict.fromkeys(world.engine.core.book.orders))

    # --- as things happen -----------------------------------------------------------------
    def _at_the_door(self, endpoint: str, body: dict[str, Any]) -> None:
        """The exchange is about to see a request."""
        if endpoint != "placeorder":
            return
        self.checks[ROW_BEFORE_SEND] += 1
        name = str(body["strategy"]).split("-", 1)[1]
        if name not in self._journal.committed:
            self.fail(ROW_BEFORE_SEND, f"{name} was sent before it was saved")

    def after_event(self) -> None:
        """Cheap: only what changed since the last event is looked at."""
        core = self._world.engine.core
        if self._changed:
            changed = [core.book.orders[order_id] for order_id in self._changed]
            self._changed.clear()
            for order in changed:
                self._nobody_elses(order)
            for tally in self._tallies.values():
                tally.read()
            self._sent_once()
            for execution_id in {o.intent.execution_id for o in changed} - {None}:
                self._exits_within_proven(core.book.executions[execution_id or 0])
            self._claimed_once()
        for execution in core.book.executions.values():
            if self._states.get(execution.id) is not execution.execution:
                self._states[execution.id] = execution.execution
                self._exited_is_flat(execution)
                self._pnl_is_cash(core.book.run_of(execution.id))
        if self._reports and self._random.random() < REPEAT_PROBABILITY:
            self._repeat()
        if self._random.random() < REPEAT_LOOK_PROBABILITY:
            self._repeat_look()

    def _exits_within_proven(self, execution: ExecutionBook) -> None:
        self.checks[EXIT_WITHIN_PROVEN] += 1
        for leg_id, position in execution.positions.items():
            waiting = sum(
                order.open_quantity
                for order in execution.leg_orders(leg_id, OrderPurpose.EXIT)
                if order.status in IN_FLIGHT and order.intent.side is not position.side
            )
            held = max(position.quantity * position.side.sign, 0)
            if waiting > held:
                self.fail(
                    EXIT_WITHIN_PROVEN,
                    f"execution {execution.id} leg {leg_id}: {waiting} in flight, {held} held",
                )

    def _claimed_once(self) -> None:
        """Per account and symbol, with what a person confirmed: never more than hands traded."""
        left_out: dict[tuple[int, str, int], int] = defaultdict(int)
        for execution in self._world.engine.core.book.executions.values():
            for position in execution.positions.values():
                closing = -1 if position.quantity > 0 else 1
                if position.closed_outside:
                    key = (execution.account_id, position.instrument.symbol, closing)
                    left_out[key] += position.closed_outside
            for order in execution.orders.values():
                if "-OUTSIDE-" in order.id:
                    side = order.intent.side.sign
                    key = (execution.account_id, order.intent.instrument.symbol, side)
                    left_out[key] += order.filled_quantity
        for (account_id, symbol, closing), quantity in left_out.items():
            self.checks[CLAIMED_ONCE] += 1
            most = self._tallies[account_id].most_closed(symbol, closing)
            if quantity > most:
                self.fail(CLAIMED_ONCE, f"{quantity} of {symbol} left out, others closed {most}")

    def nothing_left_behind(self) -> None:
        """After a quiet minute an exit has sent everything but what waits for a person."""
        core = self._world.engine.core
        for execution in core.book.executions.values():
            account = core.accounts[execution.account_id]
            if not execution.whole_exit or account.semi_auto_since is not None:
                continue
            has_short = any(p.quantity < 0 for p in execution.positions.values())
            has_short = has_short or any(
                o.is_in_flight and o.intent.side is Side.SELL for o in execution.entry_orders()
            )
            for leg_id, position in execution.positions.items():
                if position.quantity == 0 or (position.quantity > 0 and has_short):
                    continue
                self.checks[NOTHING_LEFT_BEHIND] += 1
                side = Side.BUY if position.quantity < 0 else Side.SELL
                rest = abs(position.quantity) - position.closed_outside
                rest -= execution.in_flight(leg_id, side)
                if rest > 0:
                    self.fail(
                        NOTHING_LEFT_BEHIND,
                        f"execution {execution.id} leg {leg_id}: {rest} are not on their way",
                    )

    def _repeat(self) -> None:
        """An old report once more, out of order: nothing is filled by it, nothing shrinks."""
        self.checks[REPEAT_CHANGES_NOTHING] += 1
        order_id, report = self._random.choice(self._reports)
        order = self._world.engine.core.book.orders.get(order_id)
        if order is None:
            return
        after, fill = order.apply(report)
        gained = fill.quantity if fill is not None else 0
        if gained or after.filled_quantity != order.filled_quantity:
            self.fail(REPEAT_CHANGES_NOTHING, f"{order_id} gained {gained} by an old report")

    def _repeat_look(self) -> None:
        """A look that was told before, once more and late: no order and no position moves."""
        world = self._world
        limb = self._random.choice(list(world.limbs.values()))
        if not limb.looks:
            return
        self.checks[REPEAT_CHANGES_NOTHING] += 1
        before = self._proven()
        world.engine.post(self._random.choice(limb.looks))
        world.engine.step()
        moved = [name for name, value in self._proven().items() if before.get(name) != value]
        if moved:
            self.fail(REPEAT_CHANGES_NOTHING, f"an old look moved {', '.join(moved)}")

    def _proven(self) -> dict[str, object]:
        """By name, what is known of every order, and every position."""
        book = self._world.engine.core.book
        found: dict[str, object] = {
            o.id: (o.status, o.filled_quantity, o.filled_value) for o in book.orders.values()
        }
        for execution in book.executions.values():
            for leg_id, position in execution.positions.items():
                found[f"E{execution.id} leg {leg_id}"] = (position.quantity, position.cash)
        return found

    def _sent_once(self) -> None:
        self.checks[SENT_ONCE] += 1
        for tally in self._tallies.values():
            for name, times in tally.taken.items():
                if times > 1:
                    self.fail(SENT_ONCE, f"{name} was taken {times} times")

    def _nobody_elses(self, order: Order) -> None:
        if order.broker_order_id is None:
            return
        tally = self._tallies[order.intent.account_id]
        tally.read()
        self.checks[NOBODY_ELSES] += 1
        tag = tally.tag_of.get(order.broker_order_id)
        if tag is not None and not tag.endswith(f"-{order.id}") and not self._is_twin(tag, order):
            self.fail(NOBODY_ELSES, f"{order.id} took the order of {tag!r}")

    def _is_twin(self, tag: str, order: Order) -> bool:
        """Equal slices of ours whose answers were lost together cannot be told apart."""
        other = self._world.engine.core.book.orders.get(tag.split("-", 1)[-1])
        if other is None:
            return False
        return shape_of(order) == shape_of(other)

    def _traded(self, execution: ExecutionBook) -> list[Traded]:
        owners = self._world.engine.core.book.broker_ids[execution.account_id]
        return self._tallies[execution.account_id].of(execution, owners)

    def _net_of(self, execution: ExecutionBook) -> dict[str, int]:
        net: dict[str, int] = defaultdict(int)
        for one in self._traded(execution):
            net[one.symbol] += one.net
        return net

    # --- when something has ended ---------------------------------------------------------
    def _external(self, execution: ExecutionBook, symbol: str) -> int:
        """Units that a person confirmed as closed or opened outside."""
        return sum(
            order.intent.side.sign * order.filled_quantity
            for order in execution.orders.values()
            if "-OUTSIDE-" in order.id and order.intent.instrument.symbol == symbol
        )

    def _exited_is_flat(self, execution: ExecutionBook) -> None:
        if execution.state is not ExecutionState.EXITED:
            return
        self.checks[EXITED_IS_FLAT] += 1
        for symbol, quantity in self._net_of(execution).items():
            left = quantity + self._external(execution, symbol)
            if left:
                self.fail(EXITED_IS_FLAT, f"execution {execution.id} left {left:+d} {symbol}")

    def _pnl_is_cash(self, run: RunBook) -> None:
        """Settled executions only: what the exchange paid and took for their orders."""
        if not run.is_final or any(not e.is_flat for e in run.executions.values()):
            return
        self.checks[PNL_IS_CASH] += 1
        cash = ZERO
        for execution in run.executions.values():
            cash += sum((one.cash for one in self._traded(execution)), ZERO)
            cash += sum(
                (
                    -o.intent.side.sign * o.filled_value
                    for o in execution.orders.values()
                    if "-OUTSIDE-" in o.id
                ),
                ZERO,
            )
        if cash != run.cash:
            self.fail(PNL_IS_CASH, f"run {run.id}: P&L {run.cash}, cash at the exchange {cash}")

    # --- at the end of the day ------------------------------------------------------------
    def at_end(self) -> None:
        """Everything settled: positions, and what did not end says why."""
        self.checks[NOTHING_RAISES] += 1
        for text in self._journal.errors:
            self.fail(NOTHING_RAISES, text)
        for tally in self._tallies.values():
            tally.read()
        for execution in self._world.engine.core.book.executions.values():
            self._explained_by_fills(execution)
            self._ends(execution)

    def _explained_by_fills(self, execution: ExecutionBook) -> None:
        self.checks[EXPLAINED_BY_FILLS] += 1
        net = self._net_of(execution)
        for position in execution.positions.values():
            symbol = position.instrument.symbol
            expected = net.get(symbol, 0) + self._external(execution, symbol)
            if expected != position.quantity:
                self.fail(
                    EXPLAINED_BY_FILLS,
                    f"execution {execution.id} {symbol}: we hold {position.quantity}, fills say "
                    f"{expected}",
                )

    def _ends(self, execution: ExecutionBook) -> None:
        self.checks[ENDS] += 1
        final = (ExecutionState.EXITED, ExecutionState.FAILED, ExecutionState.SKIPPED)
        if execution.state not in final and not execution.execution.attention:
            waiting = [o.id for o in execution.orders.values() if o.is_in_flight]
            self.fail(
                ENDS, f"execution {execution.id} is {execution.state}, says nothing, {waiting}"
            )

    def fail(self, name: str, text: str) -> None:
        sentence = f"{name}: {text}"
        if len(self.broken) < 10 and sentence not in self.broken:
            self.broken.append(sentence)
