"""Kills the engine at every journal boundary of a story and compares with the twin that lived."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from algomirror.domain.run import RunState
from algomirror.domain.run import RunTrigger
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import UnbalancedPolicy
from algomirror.engine import messages as m
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.simulate.crash_lives import Crossing
from algomirror.simulate.crash_lives import Ended
from algomirror.simulate.crash_lives import Host
from algomirror.simulate.crash_lives import Remote
from algomirror.simulate.crash_lives import forked
from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.trading import TradingStore

AT_ONCE = 2
"""Stories told side by side: each is a process of its own with a database of its own."""
SETTLED_S = 3.0
PATIENCE_S = 0.005
"""Real time that a life waits for a locked database; market time stands still meanwhile."""
Verdict = Literal["equal", "explained"]


def _open(world: World, strategy: Strategy, sets: int) -> None:
    world.open(strategy, sets=sets)
    world.run_for(SETTLED_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something worth being killed in. `act` is what a person or the market does: it is done
    again after a restart that does not know of it, and must change nothing if it does."""

    name: str
    act: Callable[[World, Remote, Plan], None]
    is_over: Callable[[World], bool]
    before: Callable[[World, Strategy, int], None] | None = _open
    """What has happened when it begins; None: a first start on an empty database."""
    is_locked: bool = False
    """Another process locks the database while it happens (product.md 15.2)."""
    may_lose_entries: bool = False
    sets: int = 1

    def play(self, world: World, remote: Remote, plan: Plan) -> None:
        """One life: act, go on to the end, let the last facts be saved."""
        if self.is_locked:
            remote.lock()
        self.act(world, remote, plan)
        world.run_until(lambda: bool(world.engine.core.book.runs) and self.is_over(world),
                        at_most_s=300.0)  # fmt: skip
        remote.unlock()
        world.run_for(SETTLED_S)


def _enter(world: World, remote: Remote, plan: Plan) -> None:
    if world.engine.core.book.runs:
        return
    fresh = replace(plan, made_at=world.clock.now())
    start = m.StartRun(plan=fresh, trigger=RunTrigger.MANUAL, by="trader", token="once")  # noqa: S106
    world.engine.post(start)
    world.step()


def _leave(world: World, remote: Remote, plan: Plan) -> None:
    if world.run().run.state in (RunState.ENTERING, RunState.OPEN):
        world.exit(world.run())


def _lose(world: World, remote: Remote, plan: Plan) -> None:
    spot = dict(plan.spots)["NIFTY"]
    remote.set_index("NIFTY", float(spot) * 1.03)


def _kill_switch(world: World, remote: Remote, plan: Plan) -> None:
    if world.run().run.state is RunState.OPEN:
        world.engine.post(m.RequestKill(by="trader"))
        world.step()


def _is_entered(world: World) -> bool:
    return world.run().is_final or world.run().run.state is RunState.OPEN


def _is_left(world: World) -> bool:
    return world.run().is_final


def _half_filled(world: World, strategy: Strategy, sets: int) -> None:
    """Hedges that fill to their half and rest."""
    half = FaultRule(kind="partial_fill", endpoint="placeorder", count=2, seconds=500.0)
    for paper in world.papers.values():
        paper.faults = FaultPlan(rules=[half])
    world.start(strategy, sets=sets)
    world.run_for(SETTLED_S)


STORIES = (
    Story(name="entry", act=_enter, is_over=_is_entered, before=None, may_lose_entries=True),
    Story(name="exit while entries rest", act=_leave, is_over=_is_left, before=_half_filled,
          sets=2),
    Story(name="exit by max loss", act=_lose, is_over=_is_left),
    Story(name="exit by a person", act=_leave, is_over=_is_left),
    Story(name="exit in equal slices", act=_leave, is_over=_is_left, sets=54),
    Story(name="exit by the kill switch", act=_kill_switch, is_over=_is_left),
    Story(name="exit while the database is locked", act=_leave, is_over=_is_left, is_locked=True),
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was enumerated and how it came out."""

    story: str
    profile: Profile
    crossings: list[Crossing] = field(default_factory=list)
    kills: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return (
            f"{self.story}, {self.profile}: {len(self.crossings)} boundaries, {self.kills} kills, "
            f"{self.verdicts['equal']} equal, {self.verdicts['explained']} explained, "
            f"{len(self.broken)} broken"
        )


class Enumeration:
    """One story on one profile, told once undisturbed and once for every boundary.

    `is_eager`: the exchange has a request before the engine goes on, else only after the round.
    """

    def __init__(
        self, story: Story, profile: Profile, folder: Path, *, is_eager: bool = False
    ) -> None:
        self.story = story
        self.tally = Tally(story.name, profile)
        self._folder = folder
        self._base = folder / "base.db"
        self._first = folder / "empty.db" if story.before is None else self._base
        self._world = self._opened(profile)
        self._world.is_eager = is_eager

    def _opened(self, profile: Profile) -> World:
        """A warmed-up world whose database file is at rest: what every telling starts from."""
        url = f"sqlite:///{self._base}"
        migrate(url)
        if self.story.before is None:
            shutil.copy(self._base, self._first)
        self._engine = open_database(url, patience_s=PATIENCE_S)
        store = TradingStore(self._engine)
        world = World(profile=profile, journal=store, tick_s=2.0)
        for paper in world.papers.values():
            paper.books.cash *= self.story.sets
        strategy = short_iron_fly(
            max_loss=Decimal(1500) * self.story.sets, unbalanced_policy=UnbalancedPolicy.EXIT_ALL
        )
        self._plan = world.plan(strategy, sets=self.story.sets)
        if self.story.before is not None:
            self.story.before(world, strategy, self.story.sets)
        store.load(world.clock.now().date())
        store.close()
        return world

    def twin(self) -> Ended:
        """The story undisturbed; its crossings are the boundaries."""
        return next(iter(self._told([()])))[1]

    def run(self, *, at: Callable[[Crossing], bool] | None = None, twice: bool = False) -> Tally:
        """Killed at every boundary (that `at` picks); with `twice` the next life dies as well, at
        the end of its first save."""
        twin, tally = self.twin(), self.tally
        if twin.books is None:
            tally.broken.append(f"the twin did not end: {twin.failure}")
            return tally
        tally.crossings = twin.crossings[0]
        tally.broken += [f"twin: {text}" for text in _problems(twin)]
        again = (1,) if twice else ()
        wanted = [i for i, c in enumerate(tally.crossings) if at is None or at(c)]
        for kills, ended in self._told([(index, *again) for index in wanted]):
            self._judge(kills, ended, twin)
        return tally

    def _told(self, stories: list[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], Ended]]:
        """Some at once, each in processes of its own."""
        running: list[tuple[tuple[int, ...], Connection, int]] = []
        waiting = list(reversed(stories))
        while running or waiting:
            while waiting and len(running) < AT_ONCE:
                kills = waiting.pop()
                running.append((kills, *forked(lambda link, k=kills: self._tell(link, k))))  # type: ignore[misc]
            kills, link, child = running.pop(0)
            act, ended = link.recv()
            os.waitpid(child, 0)
            link.close()
            yield kills, ended if act == "ended" else Ended(failure=ended)

    def _tell(self, link: Connection, kills: tuple[int, ...]) -> None:
        database = self._folder / f"{'-'.join(map(str, kills)) or 'twin'}.db"
        shutil.copy(self._first, database)
        host = Host(
            self._world, self._engine, database, lambda w, r: self.story.play(w, r, self._plan)
        )
        link.send(("ended", host.tell(kills)))

    # --- judging --------------------------------------------------------------------------
    def _judge(self, kills: tuple[int, ...], ended: Ended, twin: Ended) -> None:
        tally = self.tally
        tally.kills += ended.kills
        label = tally.crossings[kills[0]].label
        where = f"{self.story.name}, {tally.profile}, boundary {kills} ({label})"
        problems = _problems(ended)
        died_at = ended.crossings[0][-1] if ended.crossings and ended.crossings[0] else None
        if died_at != tally.crossings[kills[0]]:
            problems.append(f"died at {died_at}: the story is not the same twice")
        verdict = _verdict(ended, twin, self.story)
        if verdict is None:
            problems.append(f"ended otherwise: {_differences(ended, twin)}")
        else:
            tally.verdicts[verdict] += 1
        tally.broken += [f"{where}: {text}" for text in problems]


def _problems(ended: Ended) -> list[str]:
    """What must be true however it ended."""
    books = ended.books
    if books is None:
        return [f"did not end: {ended.failure}"]
    found = [f"the exchange took {tag} {n} times" for tag, n in ended.tags.items() if n > 1]
    held = {symbol: n for symbol, n in books.positions.items() if n}
    if held != ended.net:
        found.append(f"we hold {held}, the exchange says {ended.net}")
    if books.cash != ended.cash:
        found.append(f"our cash {books.cash}, at the exchange {ended.cash}")
    if not held and books.realised != books.cash:
        found.append(f"flat, and P&L {books.realised} is not the cash {books.cash}")
    if books.doubled_rows:
        found.append(f"{books.doubled_rows} rows stand twice")
    if books.errors:
        found.append(f"{books.errors} messages could not be handled")
    return found


def _verdict(ended: Ended, twin: Ended, story: Story) -> Verdict | None:
    """Equal to the twin; or the one allowed difference: an entry that never reached the exchange
    is not tried again (product.md 4.2), its execution ends flat, and says why."""
    books, other = ended.books, twin.books
    if books is None or other is None:
        return None
    if not _differences(ended, twin):
        return "equal"
    lost = {f"a1b2-{order_id}" for order_id in books.lost}
    is_explained = (
        story.may_lose_entries
        and bool(lost)
        and not lost & ended.tags.keys()
        and not ended.net
        and (bool(books.execution_reason) or "not found" in books.said)
        and books.run in (RunState.CLOSED, RunState.FAILED)
    )
    return "explained" if is_explained else None


def _differences(ended: Ended, twin: Ended) -> dict[str, tuple[object, object]]:
    """Orders at the exchange and states of ours that are not the twin's."""
    books, other = ended.books, twin.books
    if books is None or other is None:
        return {"books": (books, other)}
    pairs: dict[str, tuple[object, object]] = {
        "orders": (ended.orders, twin.orders),
        "run": (books.run, other.run),
        "run reason": (books.run_reason, other.run_reason),
        "execution": (books.execution, other.execution),
        "execution reason": (books.execution_reason, other.execution_reason),
        "positions": (books.positions, other.positions),
        "kills not ended": (books.open_kills, other.open_kills),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
