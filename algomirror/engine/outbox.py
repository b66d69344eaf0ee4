"""Facts first, then the requests they explain: what is staged is made durable, then acts."""

import logging
from collections.abc import Callable
from collections.abc import Sequence
from typing import Literal
from typing import NamedTuple

from algomirror.clock import Clock
from algomirror.engine.ports import Fact
from algomirror.engine.ports import Journal
from algomirror.engine.ports import JournalUnavailable

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = 1.0
"""While on the fallback journal: each try may block for the engine's patience."""

Effect = Callable[[], None]
Boundary = Callable[[str, Sequence[Fact]], None]
Say = Callable[[Literal["warning", "critical"], str], None]


class _Step(NamedTuple):
    effect: Effect
    entry_id: str
    """Client id of the entry order that this sends; empty for everything that never waits."""


class Outbox:
    """Owned by the engine thread.

    Invariant: an effect (a request to a broker) runs only after the facts staged with it are
    durable: in the database or, when that cannot be written, in the synced fallback journal.
    On the fallback journal exits leave and entries wait for the database; when neither can be
    written, facts and effects wait together, in order.
    """

    def __init__(self, journal: Journal, clock: Clock, say: Say) -> None:
        self.error = ""
        self.is_on_fallback = False
        self.boundary: Boundary = no_boundary
        """Called at every crossing: a crash test ends the process there."""
        self._journal = journal
        self._clock = clock
        self._say = say
        self._is_stopped = False
        self._facts: list[Fact] = []
        self._steps: list[_Step] = []
        self._waiting: list[_Step] = []
        self._next_try = 0.0

    @property
    def has_staged(self) -> bool:
        """Something is to be done: facts, effects, or the database is due to be tried again."""
        due = self.is_on_fallback and self._is_try_due
        return bool(self._facts or self._steps) or due

    def stage(self, *facts: Fact) -> None:
        self._facts.extend(facts)

    def then(self, effect: Effect, *, entry_id: str = "") -> None:
        """Run after the staged facts are durable; one with an entry's id waits for the database."""
        self._steps.append(_Step(effect, entry_id))

    def take_back(self, entry_id: str) -> bool:
        """Forget the sending of an entry that has not left; False when nothing of it waits."""
        before = len(self._steps) + len(self._waiting)
        self._steps = [s for s in self._steps if s.entry_id != entry_id]
        self._waiting = [s for s in self._waiting if s.entry_id != entry_id]
        return len(self._steps) + len(self._waiting) < before

    def stop(self, why: str) -> None:
        """For good: what is staged is dropped, and with it every order not yet sent."""
        self.error = why
        self._is_stopped, self.is_on_fallback = True, False
        self._facts, self._steps, self._waiting = [], [], []

    def commit(self) -> None:
        """Make all staged facts durable, in one piece; only then run their effects."""
        if self._is_stopped:
            self._facts, self._steps = [], []
            return
        facts = self._facts
        if self._save():
            self._act(facts)

    # --- making durable -------------------------------------------------------------------
    def _save(self) -> bool:
        """Whether everything staged is durable now."""
        if not self.is_on_fallback:
            return not self._facts or self._save_to_database() or self._fall_back()
        if self._is_try_due and self._save_to_database():
            return True
        return not self._facts or self._fall_back()

    @property
    def _is_try_due(self) -> bool:
        return self._clock.monotonic() >= self._next_try

    def _save_to_database(self) -> bool:
        facts = self._facts
        self.boundary("before commit", facts)
        try:
            self._journal.commit(facts)
        except JournalUnavailable as unavailable:
            self._next_try = self._clock.monotonic() + TRY_AGAIN_AFTER_S
            if not self.error:
                log.error("the database cannot be written: %s", unavailable)
                self.error = _sentence(unavailable)
            return False
        self.boundary("after commit", facts)
        self._facts, self.error = [], ""
        if self.is_on_fallback:
            self._end_fallback()
        return True

    def _fall_back(self) -> bool:
        facts = self._facts
        self.boundary("before fallback", facts)
        try:
            self._journal.fall_back(facts)
        except JournalUnavailable as unavailable:
            text = f"{_sentence(unavailable)} Nothing is sent."
            if text != self.error:
                log.error("neither database nor fallback journal can be written: %s", unavailable)
            self.error = text
            return False
        self.boundary("after fallback", facts)
        self._facts = []
        if not self.is_on_fallback:
            self._begin_fallback()
        return True

    def _begin_fallback(self) -> None:
        self.is_on_fallback = True
        text = (
            "The database cannot be written. Exits are saved in the fallback journal and sent; "
            "entries wait."
        )
        log.error("on the fallback journal: %s", self.error)
        self._say("critical", text)
        self.error = f"{text} ({self.error})" if self.error else text

    def _end_fallback(self) -> None:
        self.is_on_fallback = False
        log.warning("the database can be written again, the fallback journal is merged")
        self._say("warning", "The database can be written again; the fallback journal is merged.")
        self._steps += self._waiting
        self._waiting = []

    # --- acting ---------------------------------------------------------------------------
    def _act(self, facts: Sequence[Fact]) -> None:
        """Each effect once; one that raises does not take the others with it."""
        steps, self._steps = self._steps, []
        try:
            while steps:
                step = steps.pop(0)
                if step.entry_id and self.is_on_fallback:
                    self._waiting.append(step)
                    continue
                step.effect()
                self.boundary("after effect", facts)
        finally:
            self._steps[:0] = steps


def _sentence(unavailable: JournalUnavailable) -> str:
    return str(unavailable) or "The database cannot be written."


def no_boundary(kind: str, facts: Sequence[Fact]) -> None:
    """Nobody watches."""
