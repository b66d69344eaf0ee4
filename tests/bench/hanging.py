"""One account hangs for 30 s: does the tick-to-order time of the other 49 change?

50 accounts on the real order and reader threads over fake brokers that fill at once. Blocks of
run-wide breaches alternate in one run: all healthy, then account 1 silent for 30 s (orders time
out after 10 s, reads after 5 s). `python -m tests.bench.hanging`.
"""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

from algomirror.clock import SystemClock
from algomirror.domain.books import BookOrder
from algomirror.domain.books import BookPosition
from algomirror.domain.books import BookTrade
from algomirror.domain.books import Funds
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.order import OrderIntent
from algomirror.domain.order import OrderStatus
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.engine.book import RunBook
from algomirror.engine.pace import Limits
from algomirror.engine.ports import Accepted
from algomirror.engine.ports import Broker
from algomirror.engine.ports import Outcome
from algomirror.engine.ports import Unknown
from algomirror.engine.sender import ThreadedLimbs
from algomirror.errors import BadAnswer
from tests.bench.latency import ACCOUNTS
from tests.bench.latency import PRICE
from tests.bench.latency import Bench
from tests.bench.latency import percentile
from tests.bench.latency import ticker

HANG_S = 30.0
ORDER_DEADLINE_S, READ_DEADLINE_S = 10.0, 5.0
BREACHES = 10
"""In each block, three seconds apart."""
CYCLES = 2
TICKS_PER_SECOND = 2000
SICK = 1


class HangingBroker:
    """Fills at once at the same price; while `hangs` is set every call ends at its deadline."""

    def __init__(self, account_id: int) -> None:
        self.hangs = threading.Event()
        self.handed: dict[int, list[float]] = defaultdict(list)
        """By execution id: when each order was handed to the transport."""
        self.net: dict[tuple[Instrument, Product], int] = defaultdict(int)
        self._orders: list[BookOrder] = []
        self._account_id = account_id

    def place(self, intent: OrderIntent, *, tag: str) -> Outcome:
        self.handed[intent.execution_id or 0].append(time.perf_counter())
        if self._is_silent(ORDER_DEADLINE_S):
            return Unknown(reason="no answer in 10 s")
        number = f"B{self._account_id}-{len(self._orders)}"
        self.net[intent.instrument, intent.product] += intent.side.sign * intent.quantity
        self._orders.append(
            BookOrder(broker_order_id=number, instrument=intent.instrument, side=intent.side,
                      quantity=intent.quantity, product=intent.product, price_type="MARKET",
                      price=Decimal(0), trigger_price=Decimal(0), status=OrderStatus.FILLED,
                      raw_status="complete", filled_quantity=intent.quantity,
                      average_price=PRICE, reason="", tag=tag, raw_time="")
        )  # fmt: skip
        return Accepted(broker_order_id=number, mode=TradingMode.LIVE)

    def cancel(self, broker_order_id: str, *, tag: str) -> Outcome:
        return Unknown(reason="nothing rests here")

    def order_book(self) -> list[BookOrder]:
        self._read()
        return list(self._orders)

    def trade_book(self) -> list[BookTrade]:
        self._read()
        return [
            BookTrade(broker_order_id=o.broker_order_id, instrument=o.instrument, side=o.side,
                      quantity=o.quantity, price=PRICE, product=o.product,
                      trade_id=o.broker_order_id, raw_time="")
            for o in list(self._orders)
        ]  # fmt: skip

    def position_book(self) -> list[BookPosition]:
        self._read()
        return [
            BookPosition(instrument=i, product=p, quantity=n, average_price=None, ltp=None,
                         pnl=None)
            for (i, p), n in list(self.net.items())
        ]  # fmt: skip

    def funds(self) -> Funds:
        self._read()
        zero = Decimal(0)
        return Funds(cash=Decimal(10_000_000), collateral=zero, debits=zero, m2m_realised=zero,
                     m2m_unrealised=zero, read_at=SystemClock().now())  # fmt: skip

    def mode(self) -> TradingMode:
        self._read()
        return TradingMode.LIVE

    def is_semi_auto(self) -> bool | None:
        return False

    def ping(self) -> str:
        self._read()
        return "bench"

    def quotes(self, instruments: Sequence[Instrument]) -> dict[Instrument, Quote]:
        self._read()
        return {}

    def _read(self) -> None:
        if self._is_silent(READ_DEADLINE_S):
            raise BadAnswer("no answer in 5 s")

    def _is_silent(self, deadline_s: float) -> bool:
        if not self.hangs.is_set():
            return False
        time.sleep(deadline_s)
        return True


class Fleet:
    """The bench with real threads for every account, and a run for every breach."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, is_empty=True)
        self.brokers = {i: HangingBroker(i) for i in self.bench.limbs}
        for account_id, broker in self.brokers.items():
            self.bench.limbs[account_id] = ThreadedLimbs(
                account_id,
                cast(Broker, broker),
                self.bench.clock,
                post=self.bench.engine.post,
                put_quote=self.bench.engine.put_quote,
                limits=Limits(),
            )
        self.runs = [
            self.bench.run(f"B{n}", list(self.brokers), Decimal(1000))
            for n in range(2 * CYCLES * BREACHES)
        ]
        self.bench.singles = self.runs
        self.bench.engine.core.commit()
        for execution in self.bench.engine.core.book.executions.values():
            for position in execution.positions.values():
                net = self.brokers[execution.account_id].net
                net[position.instrument, position.product] += position.quantity

    def block(self, runs: Sequence[RunBook]) -> list[tuple[RunBook, float]]:
        found = []
        for run in runs:
            found.append((run, self.bench.fall(run.run.plan.legs[2].contract.instrument)))
            time.sleep(HANG_S / BREACHES)
        return found

    def times(self, breaches: list[tuple[RunBook, float]]) -> list[float]:
        """Tick to the first order of each healthy account, seconds."""
        found = []
        for run, put in breaches:
            for execution in run.executions.values():
                handed = self.brokers[execution.account_id].handed.get(execution.id)
                if execution.account_id != SICK:
                    found.append((handed[0] if handed else float("inf")) - put)
        return found


def measure() -> tuple[list[float], list[float], int]:
    """Times of the 49 with all healthy, and with one hanging; orders that account got out."""
    healthy: list[tuple[RunBook, float]] = []
    hanging: list[tuple[RunBook, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        engine, stop = fleet.bench.engine, threading.Event()
        engine._thread = threading.Thread(target=engine._run, daemon=True)
        engine._thread.start()
        threading.Thread(target=ticker, args=(fleet.bench, stop, [0], TICKS_PER_SECOND),
                         daemon=True).start()  # fmt: skip
        time.sleep(6.0)
        left = list(fleet.runs)
        for _ in range(CYCLES):
            healthy += fleet.block([left.pop(0) for _ in range(BREACHES)])
            fleet.brokers[SICK].hangs.set()
            hanging += fleet.block([left.pop(0) for _ in range(BREACHES)])
            fleet.brokers[SICK].hangs.clear()
            time.sleep(ORDER_DEADLINE_S)
        stop.set()
        engine.stop()
        for limb in fleet.bench.limbs.values():
            limb.stop()
    sick = sum(len(fleet.brokers[SICK].handed.get(e.id, ()))
               for run, _ in hanging for e in run.executions.values())  # fmt: skip
    return fleet.times(healthy), fleet.times(hanging), sick


def report() -> None:
    healthy, hanging, sick = measure()
    print(f"{ACCOUNTS} accounts on their own threads, {TICKS_PER_SECOND:,} ticks/s, run-wide "
          f"breaches; tick -> first order handed to transport, the other {ACCOUNTS - 1}:"
          )  # fmt: skip
    for name, found in (("all healthy", healthy), ("account 1 hangs 30 s", hanging)):
        lost = sum(t == float("inf") for t in found)
        print(f"  {name:22} p50 {percentile(found, 0.5) * 1e3:7.1f} ms   "
              f"p99 {percentile(found, 0.99) * 1e3:7.1f} ms   ({len(found)} exits, {lost} not "
              "sent)")  # fmt: skip
    ratios = [percentile(hanging, q) / percentile(healthy, q) for q in (0.5, 0.99)]
    print(f"  ratio hanging / healthy  p50 {ratios[0]:.2f}   p99 {ratios[1]:.2f}   "
          f"(the sick account got {sick} orders out)")  # fmt: skip


if __name__ == "__main__":
    sys.setswitchinterval(0.0001)
    report()
