"""The journal of a simulated day: the real one, which also tells the invariants what was saved."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from algomirror.domain.order import Order
from algomirror.engine.ports import Fact
from algomirror.engine.ports import Recovered
from algomirror.engine.ports import TimelineEvent

_EMPTY: dict[date, Recovered] = {}
"""What a database without any fact gives back: the same each time, so it is read once a day."""


class WatchedJournal:
    """Remembers which order rows it has committed, and what the engine could not handle."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.committed: set[str] = set()
        self.errors: list[str] = []
        self._is_empty = True

    def commit(self, facts: Sequence[Fact]) -> None:
        self.inner.commit(facts)
        self._note(facts)

    def fall_back(self, facts: Sequence[Fact]) -> None:
        self.inner.fall_back(facts)
        self._note(facts)

    def _note(self, facts: Sequence[Fact]) -> None:
        self._is_empty = False
        for fact in facts:
            if isinstance(fact, Order):
                self.committed.add(fact.id)
            elif isinstance(fact, TimelineEvent) and fact.kind == "engine_error":
                self.errors.append(fact.text)

    def load(self, session_day: date) -> Recovered:
        if self._is_empty and session_day in _EMPTY:
            return _EMPTY[session_day]
        found: Recovered = self.inner.load(session_day)
        if self._is_empty:
            _EMPTY[session_day] = found
        return found
