"""`algomirror simulate`: many seeded days on several processes, and the ledger of what happened."""

import argparse
import gc
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from functools import partial

from algomirror.simulate.day import KINDS
from algomirror.simulate.day import Ledger
from algomirror.simulate.day import Recipe
from algomirror.simulate.day import run_day
from algomirror.simulate.invariants import NAMES

Say = Callable[[str], None]
CHUNK = 10
MOST_JOBS = 8
EXIT_BROKEN = 1
EXIT_USAGE = 2


@dataclass(slots=True)
class Sum:
    """All ledgers added up; independent of how many processes made them."""

    seeds: int = 0
    events: int = 0
    ticks: int = 0
    orders: int = 0
    hand_trades: int = 0
    restarts: int = 0
    kills: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, ledger: Ledger) -> None:
        self.seeds += 1
        self.events += ledger.events
        self.ticks += ledger.ticks
        self.orders += ledger.orders
        self.hand_trades += ledger.hand_trades
        self.restarts += ledger.restarts
        self.kills += ledger.kills
        self.checks.update(ledger.checks)
        self.injected.update(ledger.injected)
        self.states.update(ledger.states)
        self.broken.extend((ledger.seed, text) for text in ledger.broken)


def simulate(arguments: list[str], say: Say) -> int:
    """Run the days and print the ledger; 1 when an invariant broke, 2 for a wrong argument."""
    given = _parser().parse_args(arguments)
    kinds = _kinds(given.faults)
    if isinstance(kinds, str):
        say(kinds)
        return EXIT_USAGE
    begun = time.monotonic()
    total = Sum()
    for ledger in _ledgers(range(given.first, given.first + given.seeds), kinds, given.jobs):
        total.add(ledger)
    _print(total, time.monotonic() - begun, given, say)
    return EXIT_BROKEN if total.broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="algomirror simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many days")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--day", choices=("short",), default="short", help="20 market minutes")
    parser.add_argument("--faults", default="all", help="all, none, or kinds with commas between")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, MOST_JOBS))
    return parser


def _kinds(text: str) -> tuple[str, ...] | str:
    """The fault kinds asked for, or a sentence that names the known ones."""
    if text == "all":
        return KINDS
    if text == "none":
        return ()
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        return f"no fault is called {', '.join(unknown)}. Known: {', '.join(KINDS)}"
    return wanted


def _ledgers(seeds: range, kinds: tuple[str, ...], jobs: int) -> Iterator[Ledger]:
    """In the order of the seeds, whatever process made them."""
    work = partial(_one, recipe=Recipe(kinds=kinds))
    if jobs <= 1 or len(seeds) < CHUNK:
        yield from map(work, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=_begin_process) as pool:
        yield from pool.imap(work, seeds, chunksize=CHUNK)


def _begin_process() -> None:
    """What is imported stays for good: the collector looks at days only, when one tells it to."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _one(seed: int, recipe: Recipe) -> Ledger:
    """A day leaves half a megabyte of cycles; they are collected each few days."""
    ledger = run_day(seed, recipe)
    if seed % CHUNK == 0:
        gc.collect()
    return ledger


def _print(total: Sum, took_s: float, given: argparse.Namespace, say: Say) -> None:
    rate = total.seeds / took_s if took_s else 0.0
    say(
        f"seeds {total.seeds}  events {total.events}  ticks {total.ticks}  orders {total.orders}  "
        f"hand trades {total.hand_trades}  restarts {total.restarts}  kills {total.kills}"
    )
    say(f"executions ended: {_counts(total.states)}")
    say(f"faults injected: {sum(total.injected.values())}: {_counts(total.injected)}")
    say(f"invariants checked: {sum(total.checks.values())}")
    for name in NAMES:
        say(f"  {total.checks[name]:>10}  {name}")
    for seed, text in total.broken:
        say(f"BROKEN seed {seed}: {text}")
        again = f"--faults {given.faults} --day {given.day} --first {seed} --seeds 1"
        say(f"  again: algomirror simulate {again}")
    say(
        f"{len(total.broken)} breaches in {took_s:.1f} s, {rate:.1f} days/s, {given.jobs} processes"
    )


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items())) or "none"
